package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

const (
	keyFileName = "state.key"
	keySize     = 32
)

// ErrShortKey means that a key is too short to protect anything.
var ErrShortKey = fmt.Errorf("the key has fewer than %d bytes", keySize)

// A sealer keeps tokens unreadable to whoever has the database alone:
// AES-256-GCM, with the record's place as additional data, so that no record
// can be put in another's place.
type sealer struct{ aead cipher.AEAD }

// newSealer derives the record key from a secret of any length above keySize,
// because people put files of any form into systemd's credentials.
func newSealer(secret []byte) (*sealer, error) {
	if len(secret) < keySize {
		return nil, ErrShortKey
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "pickerd state v2", keySize)
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

func place(bucket, key []byte) []byte {
	return append(append(append([]byte{}, bucket...), '/'), key...)
}

// put stores v as sealed JSON.
func (s *sealer) put(tx *bbolt.Tx, bucket, key []byte, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return tx.Bucket(bucket).Put(key, s.aead.Seal(nil, nil, data, place(bucket, key)))
}

// errSealed means that a record was sealed with another key, or altered.
var errSealed = errors.New("the record is sealed with another key")

func (s *sealer) open(bucket, key, data []byte) ([]byte, error) {
	plain, err := s.aead.Open(nil, nil, data, place(bucket, key))
	if err != nil {
		return nil, fmt.Errorf("record %s/%s: %w", bucket, key, errSealed)
	}
	return plain, nil
}

// getSealed returns the record under key, nil if there is none.
func getSealed[T any](s *sealer, tx *bbolt.Tx, bucket, key []byte) (*T, error) {
	data := tx.Bucket(bucket).Get(key)
	if data == nil {
		return nil, nil
	}
	plain, err := s.open(bucket, key, data)
	if err != nil {
		return nil, err
	}
	return decode[T](bucket, key, plain)
}

// allSealed returns every record of a bucket in the order of its keys.
func allSealed[T any](s *sealer, tx *bbolt.Tx, bucket []byte) ([]T, error) {
	var list []T
	err := tx.Bucket(bucket).ForEach(func(k, _ []byte) error {
		v, err := getSealed[T](s, tx, bucket, k)
		if err == nil {
			list = append(list, *v)
		}
		return err
	})
	return list, err
}

// keyFile reads the key beside the database, nil if there is none.
func keyFile(dir string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(dir, keyFileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the state key: %w", err)
	}
	return data, nil
}

// makeKeyFile writes a new key beside the database. It is whole on disk before
// it has its name: a torn key would cost the pairing.
func makeKeyFile(dir string) ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key)
	tmp, err := os.CreateTemp(dir, "."+keyFileName+"-") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("make the state key: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(key)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return nil, fmt.Errorf("make the state key: %w", err)
	}
	if err := os.Rename(tmp.Name(), filepath.Join(dir, keyFileName)); err != nil {
		return nil, fmt.Errorf("make the state key: %w", err)
	}
	return key, syncDir(dir)
}

// unlock finds the key that the database is sealed with: the one given from
// outside, or the file beside the database, which is made where neither is. A
// file that an outside key has replaced is used once more and removed.
func (s *Store) unlock(given []byte) error {
	file, err := keyFile(s.dir)
	if err != nil {
		return err
	}
	secret := given
	if secret == nil {
		secret = file
	}
	if secret == nil {
		if secret, err = makeKeyFile(s.dir); err != nil {
			return err
		}
	}
	if s.sealer, err = newSealer(secret); err != nil {
		return err
	}
	old := s.sealer
	if given != nil && len(file) >= keySize {
		if old, err = newSealer(file); err != nil {
			return err
		}
	}
	if err := s.reseal(old); err != nil {
		return err
	}
	if given != nil && file != nil {
		return errors.Join(os.Remove(filepath.Join(s.dir, keyFileName)), syncDir(s.dir))
	}
	return nil
}

// reseal brings every sealed record under the key in force. What neither that
// nor the old key opens is lost: a grant stays as one that is dead, so that its
// picks are still accounted for.
func (s *Store) reseal(old *sealer) error {
	return s.update(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		plain := schemaOf(tx) < 2 // records were not sealed then
		for _, at := range sealedPlaces(tx) {
			data := tx.Bucket(at.bucket).Get(at.key)
			if data == nil {
				continue
			}
			if _, err := s.sealer.open(at.bucket, at.key, data); err == nil && !plain {
				continue
			}
			opened, err := data, error(nil)
			if !plain {
				opened, err = old.open(at.bucket, at.key, data)
			}
			if err != nil {
				s.keyLost = true
				if err := s.loseSealed(tx, at); err != nil {
					return err
				}
				continue
			}
			if err := s.sealer.put(tx, at.bucket, at.key, json.RawMessage(opened)); err != nil {
				return err
			}
			if err := meta.Put(keyScrub, []byte{1}); err != nil {
				return err
			}
		}
		return putSchema(meta)
	})
}

type sealedPlace struct{ bucket, key []byte }

func sealedPlaces(tx *bbolt.Tx) []sealedPlace {
	places := []sealedPlace{{bucketMeta, keyPairing}, {bucketMeta, keyIdentity}}
	_ = tx.Bucket(bucketGrants).ForEach(func(k, _ []byte) error {
		places = append(places, sealedPlace{bucketGrants, append([]byte{}, k...)})
		return nil
	})
	return places
}

func (s *Store) loseSealed(tx *bbolt.Tx, at sealedPlace) error {
	if string(at.bucket) != string(bucketGrants) {
		return tx.Bucket(at.bucket).Delete(at.key)
	}
	// The name of the notice that the screen then shows.
	if err := tx.Bucket(bucketMeta).Put(keyWarning, []byte("key_lost")); err != nil {
		return err
	}
	lost := Grant{ID: string(at.key), Dead: true}
	if err := s.sealer.put(tx, at.bucket, at.key, lost); err != nil {
		return err
	}
	return s.leave(tx, lost.ID, "key lost", func(*Grant) {})
}

// KeyLost reports whether tokens were found at Open that no key opens: the box
// has to be paired again.
func (s *Store) KeyLost() bool { return s.keyLost }
