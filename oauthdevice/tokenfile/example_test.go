package tokenfile_test

import (
	"errors"
	"fmt"
	"log"

	"pickerd/oauthdevice/tokenfile"
)

// A token is sealed on one computer for the box that has the recipient. No
// other box can open it.
func Example() {
	identity, err := tokenfile.NewIdentity() // made by the box, and kept there
	if err != nil {
		log.Fatal(err)
	}
	recipient, err := tokenfile.Recipient(identity) // shown by the box
	if err != nil {
		log.Fatal(err)
	}

	token := &tokenfile.File{ClientID: "desktop.apps.example", RefreshToken: "1//refresh"}
	sealed, err := token.SealFor(recipient)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("sealed:", tokenfile.Sealed(sealed))

	opened, err := tokenfile.Open(sealed, identity)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("client:", opened.ClientID)
	fmt.Println("printed:", opened)

	other, err := tokenfile.NewIdentity()
	if err != nil {
		log.Fatal(err)
	}
	_, err = tokenfile.Open(sealed, other)
	fmt.Println("wrong box:", errors.Is(err, tokenfile.ErrWrongIdentity))
	// Output:
	// sealed: true
	// client: desktop.apps.example
	// printed: token file
	// wrong box: true
}
