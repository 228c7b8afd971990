package store

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"pickerd/store/regular"
)

const (
	keyFileName = "state.key"
	// maxKeyFile bounds a key file, as systemd bounds a credential.
	maxKeyFile = 1 << 20
)

// readKeyFile reads the key file. The key is nil if there is none. If what has its
// name can't be read as a key, problem says why.
func (d *disk) readKeyFile() (key []byte, problem string, err error) {
	if is, err := d.exists(keyFileName); !is {
		return nil, "", err
	}
	d.allowReading(keyFileName)
	key, err = regular.ReadFile(d.path(keyFileName), maxKeyFile)
	switch {
	case isUnreadable(err):
		return nil, err.Error(), nil
	case err != nil:
		return nil, "", fmt.Errorf("read the state key: %w", err)
	case len(key) < MinKeySize:
		return nil, "truncated", nil
	}
	return key, "", nil
}

// createKeyFile writes a new key file. It is on disk before it gets its name,
// because a truncated key would cost the pairing.
func (d *disk) createKeyFile() ([]byte, error) {
	key := make([]byte, MinKeySize)
	rand.Read(key)
	f, name, err := d.createTemp("." + keyFileName + "-")
	if err != nil {
		return nil, fmt.Errorf("create the state key: %w", err)
	}
	_, err = f.Write(key)
	if err == nil {
		err = d.sync(f, name)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.rename(name, keyFileName)
	}
	if err != nil {
		return nil, fmt.Errorf("create the state key: %w", errors.Join(err, d.remove(name)))
	}
	return key, d.syncDir("")
}

// loadKey sets the key of the records: the one given, or else the key file, which
// is created if it is missing.
func (s *Store) loadKey(given []byte) error {
	file, problem, err := s.disk.readKeyFile()
	if err != nil {
		return err
	}
	secret := given
	if secret == nil {
		secret = file
	}
	if given != nil && problem != "" {
		s.disk.repaired(keyFileName, problem, "left")
	}
	if given == nil && problem != "" {
		// The records can't be opened any more, but the box must start and report
		// it.
		to, err := s.disk.setAside(keyFileName, problem)
		if err != nil {
			return err
		}
		s.damagedKey = s.disk.path(to)
	}
	if secret == nil {
		err := s.disk.withReserve(func() (err error) {
			secret, err = s.disk.createKeyFile()
			return err
		})
		if err != nil {
			return err
		}
	}
	if s.db.sealer, err = newSealer(secret); err != nil {
		return err
	}
	if given != nil && file != nil {
		if s.oldSealer, err = newSealer(file); err != nil {
			return err
		}
	}
	return nil
}

// reseal seals records of the key file with the key given instead, and then
// removes the key file. Records that neither key opens stay: their key may be
// restored.
func (s *Store) reseal() error {
	err := s.db.update(s.resealAll)
	lost, lerr := view(s.db, (*txn).hasLocked)
	s.keyLost.Store(lost)
	if err := errors.Join(err, lerr); err != nil || s.oldSealer == nil {
		return err
	}
	return errors.Join(s.disk.remove(keyFileName), s.disk.syncDir(""))
}

func (s *Store) resealAll(tx *txn) error {
	unsealed := schemaOf(tx.Tx) < 2
	changed := unsealed
	for _, r := range tx.sealedRecords() {
		data := tx.Bucket(r.bucket).Get(r.key)
		if data == nil {
			continue
		}
		if !unsealed {
			if _, err := tx.sealer.open(r.bucket, r.key, data); err == nil || s.oldSealer == nil {
				continue
			}
			opened, err := s.oldSealer.open(r.bucket, r.key, data)
			if err != nil {
				continue
			}
			data = opened
		}
		err := tx.putSealed(r.bucket, r.key, json.RawMessage(bytes.Clone(data)))
		if err := errors.Join(err, tx.markScrub()); err != nil {
			return err
		}
		changed = true
	}
	retired, err := tx.retirePairedOver()
	if err != nil {
		return err
	}
	if !changed && retired == 0 {
		return errUnchanged
	}
	return putSchema(tx.Tx)
}

type recordKey struct{ bucket, key []byte }

// sealedRecords returns the keys of all records that are sealed. Some may not
// exist.
func (tx *txn) sealedRecords() []recordKey {
	list := []recordKey{{bucketMeta, keyPairing}, {bucketMeta, keyIdentity}, {bucketMeta, keyStandIn}, {bucketMeta, keyDisplay}}
	_ = tx.Bucket(bucketGrants).ForEach(func(k, _ []byte) error {
		list = append(list, recordKey{bucketGrants, bytes.Clone(k)})
		return nil
	})
	return list
}
