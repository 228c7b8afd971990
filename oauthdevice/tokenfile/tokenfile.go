// Package tokenfile is how a token that was granted on one computer travels to
// a box: a small JSON document, encrypted with age (age-encryption.org) to the
// box's own recipient or with a passphrase. Nothing here touches the network or
// the disk.
package tokenfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// ErrNotTokenFile means that a document is not a token file.
var ErrNotTokenFile = errors.New("this is not a token file")

// ErrWrongIdentity means that a file was sealed for another box, or with
// another passphrase.
var ErrWrongIdentity = errors.New("the token file is sealed for another box")

// ErrNeedsPassphrase means that a file was sealed with a passphrase, which a box
// can't be asked for.
var ErrNeedsPassphrase = errors.New("the token file is sealed with a passphrase")

// ErrWrongPassphrase means that the passphrase is wrong.
var ErrWrongPassphrase = errors.New("the passphrase is wrong")

// A File is a refresh token with the client that it was granted to, which alone
// can use it. Its JSON is that of an "authorized_user" file of Google's tools.
type File struct {
	Type         string `json:"type"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope,omitempty"` // granted, separated by spaces
	Account      string `json:"account,omitempty"`
}

const fileType = "authorized_user"

// maxSize bounds what is read; a real file has less than 2 kB.
const maxSize = 64 << 10

// String keeps the token out of messages.
func (f File) String() string { return "token file" }

// GoString keeps the token out of messages.
func (f File) GoString() string { return f.String() }

// Parse reads a file that is not sealed. Its error is ErrNotTokenFile.
func Parse(data []byte) (*File, error) {
	f := new(File)
	if len(data) > maxSize || json.Unmarshal(data, f) != nil {
		return nil, ErrNotTokenFile // the decoder's own text may quote the file
	}
	switch {
	case f.Type != "" && f.Type != fileType:
		return nil, fmt.Errorf("%w: its type is not %q", ErrNotTokenFile, fileType)
	case f.RefreshToken == "" || f.ClientID == "":
		return nil, fmt.Errorf("%w: it lacks refresh_token or client_id", ErrNotTokenFile)
	}
	return f, nil
}

// NewIdentity returns a new secret for a box, to which files can be sealed.
func NewIdentity() (string, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", err
	}
	return id.String(), nil
}

// Recipient returns the public half of an identity, "age1…".
func Recipient(identity string) (string, error) {
	id, err := age.ParseX25519Identity(identity)
	if err != nil {
		return "", errors.New("the box's identity can't be read") // age's text may quote it
	}
	return id.Recipient().String(), nil
}

// SealFor seals a file for the box with a recipient.
func (f *File) SealFor(recipient string) ([]byte, error) {
	r, err := age.ParseX25519Recipient(strings.TrimSpace(recipient))
	if err != nil {
		return nil, fmt.Errorf("%q is not a box's recipient, which begins with age1: %w", recipient, err)
	}
	return f.seal(r)
}

// SealWithPassphrase seals a file with a passphrase.
func (f *File) SealWithPassphrase(passphrase string) ([]byte, error) {
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	return f.seal(r)
}

func (f *File) seal(r age.Recipient) ([]byte, error) {
	typed := *f
	typed.Type = fileType
	data, err := json.Marshal(typed)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, r)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(data)
	if err := errors.Join(err, w.Close(), a.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

const header = "age-encryption.org/v1\n"

// Sealed reports whether data is sealed at all.
func Sealed(data []byte) bool {
	return bytes.HasPrefix(data, []byte(header)) || armored(data)
}

func armored(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(data), []byte(armor.Header))
}

// NeedsPassphrase reports whether data is sealed with a passphrase.
func NeedsPassphrase(data []byte) bool {
	if !Sealed(data) {
		return false
	}
	start, _ := io.ReadAll(io.LimitReader(raw(data), 200))
	_, stanza, _ := strings.Cut(string(start), "\n")
	return strings.HasPrefix(stanza, "-> scrypt ")
}

func raw(data []byte) io.Reader {
	if armored(data) {
		return armor.NewReader(bytes.NewReader(data))
	}
	return bytes.NewReader(data)
}

// Open opens a file that is sealed for identity. Its errors are ErrNotTokenFile,
// ErrNeedsPassphrase and ErrWrongIdentity.
func Open(data []byte, identity string) (*File, error) {
	if NeedsPassphrase(data) {
		return nil, ErrNeedsPassphrase
	}
	id, err := age.ParseX25519Identity(identity)
	if err != nil {
		return nil, errors.New("the box's identity can't be read")
	}
	return open(data, id, ErrWrongIdentity)
}

// OpenWithPassphrase opens a file that is sealed with a passphrase. Its errors are
// ErrNotTokenFile and ErrWrongPassphrase.
func OpenWithPassphrase(data []byte, passphrase string) (*File, error) {
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrWrongPassphrase
	}
	return open(data, id, ErrWrongPassphrase)
}

func open(data []byte, id age.Identity, mismatch error) (*File, error) {
	if len(data) > maxSize || !Sealed(data) {
		return nil, ErrNotTokenFile
	}
	r, err := age.Decrypt(raw(data), id)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, mismatch
	}
	if err != nil {
		return nil, fmt.Errorf("%w: it is damaged", ErrNotTokenFile)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxSize))
	if err != nil {
		return nil, fmt.Errorf("%w: it is damaged", ErrNotTokenFile)
	}
	return Parse(plain)
}
