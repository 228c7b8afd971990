package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// MinKeySize is the least length of Options.Key in bytes.
const MinKeySize = 32

// ErrShortKey means that Options.Key is shorter than 32 bytes.
var ErrShortKey = fmt.Errorf("the key has fewer than %d bytes", MinKeySize)

// errSealed means that a record was sealed with another key, or altered.
var errSealed = errors.New("the record is sealed with another key")

// A sealer encrypts records with AES-256-GCM. The additional data is the record's
// bucket and key, so that records can't be swapped.
type sealer struct{ aead cipher.AEAD }

// newSealer derives the record key from a secret of at least MinKeySize bytes. The
// secret may have any form, because it can be a systemd credential.
func newSealer(secret []byte) (*sealer, error) {
	if len(secret) < MinKeySize {
		return nil, ErrShortKey
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "pickerd state v2", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead}, nil
}

// additionalData names the place of a record.
func additionalData(bucket, key []byte) []byte {
	return append(append(append([]byte{}, bucket...), '/'), key...)
}

// put stores v as sealed JSON.
func (s *sealer) put(tx *bbolt.Tx, bucket, key []byte, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return tx.Bucket(bucket).Put(key, s.aead.Seal(nil, nil, data, additionalData(bucket, key)))
}

func (s *sealer) open(bucket, key, data []byte) ([]byte, error) {
	plain, err := s.aead.Open(nil, nil, data, additionalData(bucket, key))
	if err != nil {
		return nil, fmt.Errorf("record %s/%s: %w", bucket, key, errSealed)
	}
	return plain, nil
}

func (tx *txn) putSealed(bucket, key []byte, v any) error {
	return tx.sealer.put(tx.Tx, bucket, key, v)
}

// getSealed returns the sealed record under key, nil if there is none.
func getSealed[T any](tx *txn, bucket, key []byte) (*T, error) {
	data := tx.Bucket(bucket).Get(key)
	if data == nil {
		return nil, nil
	}
	plain, err := tx.sealer.open(bucket, key, data)
	if err != nil {
		return nil, err
	}
	return decode[T](bucket, key, plain)
}
