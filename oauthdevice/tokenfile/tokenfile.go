// Package tokenfile carries a token that was granted on one computer to a box.
//
// It owns the format: a small JSON document, sealed with age
// (age-encryption.org) either for the recipient of one box or with a
// passphrase. It uses neither the network nor the disk.
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

var (
	// ErrNotTokenFile means that a document is not a token file or is damaged.
	ErrNotTokenFile = errors.New("not a token file")
	// ErrWrongIdentity means that a file is sealed for another box.
	ErrWrongIdentity = errors.New("the token file is sealed for another box")
	// ErrNeedsPassphrase means that a file is sealed with a passphrase, which
	// a box cannot ask for.
	ErrNeedsPassphrase = errors.New("the token file is sealed with a passphrase")
	// ErrWrongPassphrase means that a file is sealed with another passphrase.
	ErrWrongPassphrase = errors.New("wrong passphrase")

	errDamaged     = fmt.Errorf("%w: damaged", ErrNotTokenFile)
	errBadIdentity = errors.New("invalid identity") // age's own text may quote the identity
)

// A File is a refresh token with the OAuth client that it was granted to, the
// only one that can use it. Its JSON is that of the "authorized_user" files of
// Google's tools.
type File struct {
	Type         string `json:"type"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope,omitempty"` // the granted scopes, separated by spaces
	Account      string `json:"account,omitempty"`
}

const fileType = "authorized_user"

// maxSize bounds a file, sealed or not. A real one has less than 2 kB.
const maxSize = 64 << 10

// String hides the token.
func (f File) String() string { return "token file" }

// GoString hides the token from %#v.
func (f File) GoString() string { return f.String() }

// Parse parses a file that is not sealed. Its errors wrap ErrNotTokenFile.
func Parse(data []byte) (*File, error) {
	f := new(File)
	if len(data) > maxSize || json.Unmarshal(data, f) != nil {
		return nil, ErrNotTokenFile // the decoder's error may quote the file
	}
	switch {
	case f.Type != "" && f.Type != fileType:
		return nil, fmt.Errorf("%w: type is not %q", ErrNotTokenFile, fileType)
	case f.RefreshToken == "" || f.ClientID == "":
		return nil, fmt.Errorf("%w: refresh_token or client_id is missing", ErrNotTokenFile)
	}
	return f, nil
}

// NewIdentity returns a new identity, the secret with which a box opens files.
func NewIdentity() (string, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", err
	}
	return id.String(), nil
}

// Recipient returns the public half of an identity, "age1…", for SealFor.
func Recipient(identity string) (string, error) {
	id, err := age.ParseX25519Identity(identity)
	if err != nil {
		return "", errBadIdentity
	}
	return id.Recipient().String(), nil
}

// SealFor seals a file for the box that has this recipient.
func (f *File) SealFor(recipient string) ([]byte, error) {
	r, err := age.ParseX25519Recipient(strings.TrimSpace(recipient))
	if err != nil {
		return nil, fmt.Errorf("%q is not a box's recipient, which starts with age1: %w", recipient, err)
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

// header starts a sealed file that is not armored.
const header = "age-encryption.org/v1\n"

// Sealed reports whether data is a sealed file.
func Sealed(data []byte) bool {
	return bytes.HasPrefix(data, []byte(header)) || armored(data)
}

func armored(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(data), []byte(armor.Header))
}

// NeedsPassphrase reports whether data is a file sealed with a passphrase.
func NeedsPassphrase(data []byte) bool {
	if !Sealed(data) {
		return false
	}
	start, _ := io.ReadAll(io.LimitReader(dearmor(data), 200))
	_, stanza, _ := strings.Cut(string(start), "\n")
	return strings.HasPrefix(stanza, "-> scrypt ")
}

// dearmor returns a reader of the binary form of a sealed file.
func dearmor(data []byte) io.Reader {
	if armored(data) {
		return armor.NewReader(bytes.NewReader(data))
	}
	return bytes.NewReader(data)
}

// Open opens a file that was sealed for the recipient of identity. Its errors
// wrap ErrNotTokenFile, ErrNeedsPassphrase or ErrWrongIdentity, except that of
// an invalid identity.
func Open(data []byte, identity string) (*File, error) {
	if NeedsPassphrase(data) {
		return nil, ErrNeedsPassphrase
	}
	id, err := age.ParseX25519Identity(identity)
	if err != nil {
		return nil, errBadIdentity
	}
	return open(data, id, ErrWrongIdentity)
}

// OpenWithPassphrase opens a file that was sealed with a passphrase. Its errors
// wrap ErrNotTokenFile or ErrWrongPassphrase.
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
	r, err := age.Decrypt(dearmor(data), id)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, mismatch
	}
	if err != nil {
		return nil, errDamaged
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxSize))
	if err != nil {
		return nil, errDamaged
	}
	return Parse(plain)
}
