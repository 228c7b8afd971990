package oauthdevice_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
)

// A device shows the code, polls until the person has decided, and keeps the
// token. Here oauthtest takes the place of the server and of the person.
func Example() {
	ctx := context.Background()
	server := oauthtest.New(oauthtest.Options{Interval: 10 * time.Millisecond})
	client := &oauthdevice.Client{
		ID:            server.ClientID(),
		Secret:        oauthdevice.Secret(server.ClientSecret()),
		Scopes:        []string{oauthtest.PickerScope},
		DeviceAuthURL: "https://oauth2.example/device/code",
		TokenURL:      "https://oauth2.example/token",
		HTTP:          &http.Client{Transport: oauthtest.InProcess(server)},
	}

	a, err := client.Authorize(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Open", a.VerificationURI)
	fmt.Println("and enter a code of", len(a.UserCode), "characters.")

	interval := 10 * time.Millisecond // a.Interval, with a real server
	for {
		token, err := client.Poll(ctx, a.DeviceCode)
		if err == nil {
			fmt.Println("Signed in, missing scopes:", token.MissingScopes(client.Scopes))
			fmt.Println("Access token:", token.Access)
			return
		}
		e, ok := errors.AsType[*oauthdevice.Error](err)
		switch {
		case ok && e.Code == oauthdevice.AuthorizationPending:
			fmt.Println("Waiting.")
			server.Approve(a.UserCode) // the person does this on a phone
		case ok && e.Code == oauthdevice.SlowDown:
			interval += 5 * time.Second
		default:
			log.Fatal(err)
		}
		time.Sleep(interval)
	}
	// Output:
	// Open https://oauth2.example/device
	// and enter a code of 9 characters.
	// Waiting.
	// Signed in, missing scopes: []
	// Access token: [secret]
}

// A TokenSource refreshes an access token that is about to expire, and saves
// the new one before it is used.
func ExampleTokenSource() {
	ctx := context.Background()
	server := oauthtest.New(oauthtest.Options{RotateRefresh: true})
	client := &oauthdevice.Client{
		ID:            server.ClientID(),
		Secret:        oauthdevice.Secret(server.ClientSecret()),
		Scopes:        []string{oauthtest.PickerScope},
		DeviceAuthURL: "https://oauth2.example/device/code",
		TokenURL:      "https://oauth2.example/token",
		HTTP:          &http.Client{Transport: oauthtest.InProcess(server)},
	}
	a, err := client.Authorize(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	server.Approve(a.UserCode)
	token, err := client.Poll(ctx, a.DeviceCode)
	if err != nil {
		log.Fatal(err)
	}

	token.ExpiresAt = time.Now()         // as after an hour
	ready := func() error { return nil } // can the store be written?
	save := func(t *oauthdevice.Token) error {
		fmt.Println("save: rotated refresh token:", t.Refresh != token.Refresh)
		return nil
	}
	source := oauthdevice.NewTokenSource(client, *token, ready, save)
	access, err := source.Token(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("new access token:", access != string(token.Access))
	// Output:
	// save: rotated refresh token: true
	// new access token: true
}
