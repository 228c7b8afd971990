package tokenfile

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

func identity(t testing.TB) (secret, recipient string) {
	t.Helper()
	secret, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if recipient, err = Recipient(secret); err != nil {
		t.Fatal(err)
	}
	return secret, recipient
}

func token() *File {
	return &File{ClientID: "c", ClientSecret: "s3cr3t", RefreshToken: "1//s3cr3t", Scope: "a b"}
}

func TestSealedForABox(t *testing.T) {
	mine, to := identity(t)
	another, _ := identity(t)
	data, err := token().SealFor(to + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("s3cr3t")) || !Sealed(data) || NeedsPassphrase(data) {
		t.Errorf("sealed as\n%s", data)
	}
	f, err := Open(data, mine)
	if err != nil || f.RefreshToken != "1//s3cr3t" || f.ClientSecret != "s3cr3t" || f.Scope != "a b" {
		t.Errorf("%v", err)
	}
	if _, err := Open(data, another); !errors.Is(err, ErrWrongIdentity) {
		t.Errorf("another box: %v", err)
	}
	for cut := 0; cut < len(data); cut += 17 {
		if _, err := Open(data[:cut], mine); err == nil && cut < len(bytes.TrimSpace(data)) {
			t.Fatalf("cut at %d of %d: opened", cut, len(data))
		}
	}
	if _, err := token().SealFor("ssh-ed25519 AAAA"); err == nil {
		t.Error("sealed for something that is no box")
	}
}

func TestSealedWithAPassphrase(t *testing.T) {
	data, err := token().SealWithPassphrase("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !NeedsPassphrase(data) {
		t.Error("no passphrase wanted")
	}
	secret, _ := identity(t)
	if _, err := Open(data, secret); !errors.Is(err, ErrNeedsPassphrase) {
		t.Errorf("by a box: %v", err)
	}
	if f, err := OpenWithPassphrase(data, "correct horse"); err != nil || f.RefreshToken != "1//s3cr3t" {
		t.Errorf("%v", err)
	}
	if _, err := OpenWithPassphrase(data, "battery staple"); !errors.Is(err, ErrWrongPassphrase) {
		t.Errorf("another passphrase: %v", err)
	}
}

func TestParse(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"client_id":"c","refresh_token":"r"}`:                                              true,
		`{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r"}`: true,
		`{"type":"service_account","client_id":"c","refresh_token":"r"}`:                     false,
		`{"client_id":"c"}`:               false,
		`{"installed":{"client_id":"c"}}`: false,
		``:                                false,
		`[1]`:                             false,
	} {
		if _, err := Parse([]byte(text)); (err == nil) != ok || err != nil && !errors.Is(err, ErrNotTokenFile) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v %s", token(), token(), *token(), *token()); bytes.Contains([]byte(s), []byte("s3cr3t")) {
		t.Errorf("printed: %s", s)
	}
}

func FuzzOpen(f *testing.F) {
	secret, to := identity(f)
	sealed, err := token().SealFor(to)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte(`{"client_id":"c","refresh_token":"r"}`))
	f.Add([]byte(header + "-> scrypt AAAA 18\n"))
	f.Add([]byte("-----BEGIN AGE ENCRYPTED FILE-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		NeedsPassphrase(data)
		for _, open := range []func() (*File, error){
			func() (*File, error) { return Parse(data) },
			func() (*File, error) { return Open(data, secret) },
		} {
			if file, err := open(); err == nil && (file.ClientID == "" || file.RefreshToken == "") {
				t.Error("a token file without a token")
			}
		}
	})
}
