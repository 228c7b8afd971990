package gateway

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// What a value is sealed for. Each use of a secret has a key of its own, and what
// was sealed for one sign-in can't be opened as part of another.
const (
	forAnswer   = "pickerd-gateway answer"
	forContinue = "pickerd-gateway continue"
	forVerifier = "pickerd-gateway verifier"
	forLabel    = "pickerd-gateway label"
	forCodes    = "pickerd-gateway user codes"
)

// The cipher suite that seals to a public key (RFC 9180).
var (
	kem  = hpke.DHKEM(ecdh.X25519())
	kdf  = hpke.HKDFSHA256()
	aead = hpke.AES256GCM()
)

// newSecret returns n random bytes as text for links and forms.
func newSecret(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// isSecret reports whether s has the form of newSecret(n).
func isSecret(s string, n int) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == n
}

// digest is what the store knows of a secret.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// mac returns the digest of a text under a key.
func mac(key []byte, text string) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

func derive(secret, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(secret), nil, purpose, 32)
}

// keyPair derives the key pair of a holder of secret. The public key is stored, so
// that values can be sealed which only the holder can open.
func keyPair(secret, purpose string) (hpke.PrivateKey, error) {
	seed, err := derive(secret, purpose)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return kem.DeriveKeyPair(seed)
}

func publicKey(secret, purpose string) ([]byte, error) {
	k, err := keyPair(secret, purpose)
	if err != nil {
		return nil, err
	}
	return k.PublicKey().Bytes(), nil
}

// sealTo seals plain for the holder of the secret that public was derived from.
// device names the sign-in.
func sealTo(public []byte, purpose, device string, plain []byte) ([]byte, error) {
	k, err := kem.NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("stored key: %w", err)
	}
	return hpke.Seal(k, kdf, aead, []byte(purpose+" "+device), plain)
}

// openAs opens what sealTo has sealed.
func openAs(secret, purpose, device string, sealed []byte) ([]byte, error) {
	k, err := keyPair(secret, purpose)
	if err != nil {
		return nil, err
	}
	plain, err := hpke.Open(k, kdf, aead, []byte(purpose+" "+device), sealed)
	if err != nil {
		return nil, fmt.Errorf("open stored value: %w", err)
	}
	return plain, nil
}

// seal seals plain under a key derived from secret.
func seal(secret, purpose, device string, plain []byte) ([]byte, error) {
	c, err := gcm(secret, purpose)
	if err != nil {
		return nil, err
	}
	return c.Seal(nil, nil, plain, []byte(device)), nil
}

// open opens what seal has sealed.
func open(secret, purpose, device string, sealed []byte) ([]byte, error) {
	c, err := gcm(secret, purpose)
	if err != nil {
		return nil, err
	}
	plain, err := c.Open(nil, nil, sealed, []byte(device))
	if err != nil {
		return nil, fmt.Errorf("open stored value: %w", err)
	}
	return plain, nil
}

func gcm(secret, purpose string) (cipher.AEAD, error) {
	key, err := derive(secret, purpose)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
