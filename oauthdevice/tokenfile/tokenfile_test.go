package tokenfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pickerd/oauthdevice/tokenfile"
)

// mark is part of every secret in these tests.
const mark = "s3cr3t"

func newFile() *tokenfile.File {
	return &tokenfile.File{ClientID: "c", ClientSecret: mark, RefreshToken: "1//" + mark, Scope: "a b"}
}

func newIdentity(t testing.TB) (identity, recipient string) {
	t.Helper()
	identity, err := tokenfile.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if recipient, err = tokenfile.Recipient(identity); err != nil {
		t.Fatal(err)
	}
	return identity, recipient
}

func sealFor(t testing.TB, recipient string) []byte {
	t.Helper()
	data, err := newFile().SealFor(recipient)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRecipient(t *testing.T) {
	identity, recipient := newIdentity(t)
	data := sealFor(t, recipient+"\n")
	if bytes.Contains(data, []byte(mark)) || !tokenfile.Sealed(data) || tokenfile.NeedsPassphrase(data) {
		t.Errorf("sealed as\n%s", data)
	}
	f, err := tokenfile.Open(data, identity)
	if err != nil || f.RefreshToken != "1//"+mark || f.ClientSecret != mark || f.Scope != "a b" {
		t.Errorf("%v", err)
	}
	other, _ := newIdentity(t)
	if _, err := tokenfile.Open(data, other); !errors.Is(err, tokenfile.ErrWrongIdentity) {
		t.Errorf("another box: %v", err)
	}
	for cut := 0; cut < len(data); cut += 17 {
		if _, err := tokenfile.Open(data[:cut], identity); err == nil && cut < len(bytes.TrimSpace(data)) {
			t.Fatalf("cut at %d of %d: opened", cut, len(data))
		}
	}
}

func TestPassphrase(t *testing.T) {
	data, err := newFile().SealWithPassphrase("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !tokenfile.NeedsPassphrase(data) {
		t.Error("NeedsPassphrase is false")
	}
	identity, _ := newIdentity(t)
	if _, err := tokenfile.Open(data, identity); !errors.Is(err, tokenfile.ErrNeedsPassphrase) {
		t.Errorf("opened by a box: %v", err)
	}
	if f, err := tokenfile.OpenWithPassphrase(data, "correct horse"); err != nil || f.RefreshToken != "1//"+mark {
		t.Errorf("%v", err)
	}
	for _, wrong := range []string{"battery staple", ""} {
		if _, err := tokenfile.OpenWithPassphrase(data, wrong); !errors.Is(err, tokenfile.ErrWrongPassphrase) {
			t.Errorf("passphrase %q: %v", wrong, err)
		}
	}
	if _, err := newFile().SealWithPassphrase(""); err == nil {
		t.Error("sealed with an empty passphrase")
	}
}

func TestInvalidKeys(t *testing.T) {
	_, recipient := newIdentity(t)
	data := sealFor(t, recipient)
	// A corrupt identity is still a secret.
	for _, identity := range []string{"", "AGE-SECRET-KEY-" + mark, recipient} {
		_, openErr := tokenfile.Open(data, identity)
		_, recipientErr := tokenfile.Recipient(identity)
		for _, err := range []error{openErr, recipientErr} {
			if err == nil || strings.Contains(err.Error(), mark) || errors.Is(err, tokenfile.ErrNotTokenFile) {
				t.Errorf("identity %q: %v", identity, err)
			}
		}
	}
	for _, recipient := range []string{"", "age1", "ssh-ed25519 AAAA"} {
		if _, err := newFile().SealFor(recipient); err == nil {
			t.Errorf("sealed for %q", recipient)
		}
	}
}

func TestParse(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"client_id":"c","refresh_token":"r"}`:                                              true,
		`{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r"}`: true,
		`{"type":"service_account","client_id":"c","refresh_token":"r"}`:                     false,
		`{"client_id":"c"}`:               false,
		`{"refresh_token":"r"}`:           false,
		`{"installed":{"client_id":"c"}}`: false,
		``:                                false,
		`[1]`:                             false,
		`{"client_id":"c","refresh_token":"` + strings.Repeat("r", 64<<10) + `"}`: false,
	} {
		if _, err := tokenfile.Parse([]byte(text)); (err == nil) != ok || err != nil && !errors.Is(err, tokenfile.ErrNotTokenFile) {
			t.Errorf("%.80s: %v", text, err)
		}
	}
}

func TestFormat(t *testing.T) {
	f := newFile()
	if s := fmt.Sprintf("%v %+v %#v %s", f, f, *f, *f); strings.Contains(s, mark) {
		t.Errorf("printed: %s", s)
	}
}

func FuzzOpen(f *testing.F) {
	identity, recipient := newIdentity(f)
	f.Add(sealFor(f, recipient))
	f.Add([]byte(`{"client_id":"c","refresh_token":"r"}`))
	f.Add([]byte("age-encryption.org/v1\n-> scrypt AAAA 18\n"))
	f.Add([]byte("-----BEGIN AGE ENCRYPTED FILE-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tokenfile.NeedsPassphrase(data)
		for _, open := range []func() (*tokenfile.File, error){
			func() (*tokenfile.File, error) { return tokenfile.Parse(data) },
			func() (*tokenfile.File, error) { return tokenfile.Open(data, identity) },
		} {
			if file, err := open(); err == nil && (file.ClientID == "" || file.RefreshToken == "") {
				t.Error("a token file without a token")
			}
		}
	})
}
