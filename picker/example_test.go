package picker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker"
	"pickerd/picker/pickertest"
)

// exampleTokens is a TokenSource; oauthdevice has a real one.
type exampleTokens struct{}

func (exampleTokens) Token(context.Context) (string, error) { return "access token", nil }
func (exampleTokens) Invalidate(string)                     {}

// A program creates a session, waits until the person is done, lists what they
// picked, downloads it, and deletes the session. Here pickertest takes the place
// of Google and of the person.
func Example() {
	ctx := context.Background()
	google := pickertest.New(pickertest.Options{PollInterval: "1s"}, pickertest.PlainPhotos(3)...)
	client := &picker.Client{
		HTTP:    &http.Client{Transport: oauthtest.InProcess(google)},
		Tokens:  exampleTokens{},
		Timeout: 30 * time.Second,
	}

	session, err := client.CreateSession(ctx, "0b2f6f0e-5a65-4b43-9d0f-2d8c0a7f3f11", 100)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Show the QR code of the link, valid:", session.Check() == nil)
	if err := google.Choose(session.ID, "item-1", "item-3"); err != nil { // on a phone
		log.Fatal(err)
	}

	for !session.MediaItemsSet {
		interval, err := session.PollingConfig.Interval()
		if err != nil {
			log.Print(err) // the interval is usable nevertheless
		}
		time.Sleep(interval)
		if session, err = client.GetSession(ctx, session.ID); err != nil {
			log.Fatal(err)
		}
	}

	for item, err := range client.MediaItems(ctx, session.ID) {
		if _, ok := errors.AsType[*picker.ItemError](err); ok {
			continue // only this item is unusable
		}
		if err != nil {
			log.Fatal(err)
		}
		media, err := client.OpenMedia(ctx, item.MediaFile.BaseURL, picker.ImageSuffix(1920, 1080))
		if err != nil {
			log.Fatal(err)
		}
		n, err := io.Copy(io.Discard, media.Body)
		media.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(item.MediaFile.Filename, media.MimeType, "complete:", n == media.Length)
	}

	if err := client.DeleteSession(ctx, session.ID); err != nil {
		log.Fatal(err)
	}
	fmt.Println("Open sessions:", len(google.Open()))
	// Output:
	// Show the QR code of the link, valid: true
	// IMG_1.jpg image/jpeg complete: true
	// IMG_3.jpg image/jpeg complete: true
	// Open sessions: 0
}
