package store

import (
	"bytes"
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
	"slices"

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

// grants returns every grant. One that is sealed with a key that is not at hand
// is Locked and has nothing but its ID.
func (s *Store) grants(tx *bbolt.Tx) ([]Grant, error) {
	var list []Grant
	err := tx.Bucket(bucketGrants).ForEach(func(k, _ []byte) error {
		g, err := getSealed[Grant](s.sealer, tx, bucketGrants, k)
		if errors.Is(err, errSealed) {
			g, err = &Grant{ID: string(k), Dead: true, Locked: true}, nil
		}
		if err == nil {
			list = append(list, *g)
		}
		return err
	})
	return list, err
}

// keyFile reads the key beside the database, nil if there is none.
func (s *Store) keyFile() ([]byte, error) {
	data, err := os.ReadFile(s.disk.path(keyFileName))
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
func (s *Store) makeKeyFile() ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key)
	f, name, err := s.disk.createTemp("." + keyFileName + "-")
	if err != nil {
		return nil, fmt.Errorf("make the state key: %w", err)
	}
	_, err = f.Write(key)
	if err == nil {
		err = s.disk.sync(f, name)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.disk.rename(name, keyFileName)
	}
	if err != nil {
		return nil, fmt.Errorf("make the state key: %w", errors.Join(err, s.disk.remove(name)))
	}
	return key, s.disk.syncDir("")
}

// unlock finds the key that the database is sealed with: the one given from
// outside, or the file beside the database, which is made where neither is.
func (s *Store) unlock(given []byte) error {
	file, err := s.keyFile()
	if err != nil {
		return err
	}
	secret := given
	if secret == nil {
		secret = file
	}
	if given == nil && file != nil && len(file) < keySize {
		// A disk has torn it. Whatever was sealed with it can't be opened; the box
		// must come up all the same, and say so.
		if err := s.keyAside(); err != nil {
			return err
		}
		secret = nil
	}
	if secret == nil {
		err := s.insist(func() (err error) {
			secret, err = s.makeKeyFile()
			return err
		})
		if err != nil {
			return err
		}
	}
	if s.sealer, err = newSealer(secret); err != nil {
		return err
	}
	if given != nil && len(file) >= keySize {
		if s.older, err = newSealer(file); err != nil {
			return err
		}
	}
	return nil
}

// keyAside gives a damaged key file a dated name.
func (s *Store) keyAside() error {
	name, err := s.dated(keyFileName + ".damaged-")
	if err == nil {
		err = errors.Join(s.disk.rename(keyFileName, name), s.disk.syncDir(""))
		s.keyTo = s.disk.path(name)
	}
	if err != nil {
		return fmt.Errorf("move the damaged state key aside: %w", err)
	}
	return nil
}

// reseal brings what the older key opens under the key in force, and then
// removes that key's file. What neither opens stays as it is: the right key may
// come back.
func (s *Store) reseal() error {
	err := s.update(s.resealAll)
	lost, lerr := view(s, s.hasLocked)
	s.keyLost.Store(lost)
	if err := errors.Join(err, lerr); err != nil || s.older == nil {
		return err
	}
	return errors.Join(s.disk.remove(keyFileName), s.disk.syncDir(""))
}

func (s *Store) resealAll(tx *bbolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	plain := schemaOf(tx) < 2 // records were not sealed then
	changed := plain
	for _, at := range sealedPlaces(tx) {
		data := tx.Bucket(at.bucket).Get(at.key)
		if data == nil {
			continue
		}
		if !plain {
			if _, err := s.sealer.open(at.bucket, at.key, data); err == nil || s.older == nil {
				continue
			}
			opened, err := s.older.open(at.bucket, at.key, data)
			if err != nil {
				continue
			}
			data = opened
		}
		err := s.sealer.put(tx, at.bucket, at.key, json.RawMessage(bytes.Clone(data)))
		if err := errors.Join(err, meta.Put(keyScrub, []byte{1})); err != nil {
			return err
		}
		changed = true
	}
	strays, err := s.retireStrays(tx)
	if err != nil {
		return err
	}
	if !changed && strays == 0 {
		return errUnchanged
	}
	return putSchema(meta)
}

func (s *Store) hasLocked(tx *bbolt.Tx) (bool, error) {
	grants, err := s.grants(tx)
	return slices.ContainsFunc(grants, func(g Grant) bool { return g.Locked }), err
}

// isPlain reports whether records are still to be sealed for the first time:
// nothing can be read before.
func (s *Store) isPlain() bool {
	have, err := view(s, func(tx *bbolt.Tx) (int, error) { return schemaOf(tx), nil })
	return err != nil || have < 2
}

// retireStrays takes out of force what somebody has paired over while its key
// was away, and returns how many those are.
func (s *Store) retireStrays(tx *bbolt.Tx) (n int, err error) {
	over, err := get[[]string](tx, bucketMeta, keyPairedOver)
	if err != nil || over == nil {
		return 0, err
	}
	grants, err := s.grants(tx)
	if err != nil {
		return 0, err
	}
	for _, g := range grants {
		if !g.InForce() || !slices.Contains(*over, g.ID) {
			continue
		}
		n++
		if err := s.leave(tx, g.ID, "superseded", retire(false)); err != nil {
			return n, err
		}
	}
	return n, nil
}

// pairOver notes which grants can't be opened while somebody pairs: the box has
// asked for that because of them.
func (s *Store) pairOver(tx *bbolt.Tx) error {
	grants, err := s.grants(tx)
	if err != nil {
		return err
	}
	var locked []string
	for _, g := range grants {
		if g.Locked {
			locked = append(locked, g.ID)
		}
	}
	if locked == nil {
		return nil
	}
	return put(tx, bucketMeta, keyPairedOver, locked)
}

type sealedPlace struct{ bucket, key []byte }

func sealedPlaces(tx *bbolt.Tx) []sealedPlace {
	places := []sealedPlace{{bucketMeta, keyPairing}, {bucketMeta, keyIdentity}, {bucketMeta, keyStandIn}, {bucketMeta, keyDisplay}}
	_ = tx.Bucket(bucketGrants).ForEach(func(k, _ []byte) error {
		places = append(places, sealedPlace{bucketGrants, bytes.Clone(k)})
		return nil
	})
	return places
}

// KeyMoved returns where a damaged key file was moved, "" for nowhere.
func (s *Store) KeyMoved() string { return s.keyTo }

// KeyLost reports whether there are tokens that no key at hand opens: unless
// their key comes back the box has to be paired again.
func (s *Store) KeyLost() bool { return s.keyLost.Load() }
