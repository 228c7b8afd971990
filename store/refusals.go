package store

import (
	"errors"
	"slices"

	"go.etcd.io/bbolt"
)

// Refusals returns what servers have said no to.
func (s *Store) Refusals() ([]Refusal, error) {
	return view(s, refusals)
}

func refusals(tx *bbolt.Tx) ([]Refusal, error) {
	list, err := get[[]Refusal](tx, bucketMeta, keyRefusals)
	if list == nil {
		return nil, err
	}
	return *list, err
}

// Refuse remembers a refusal until the configuration changes, and drops the
// pairing under way, which it has ended.
func (s *Store) Refuse(r Refusal) error {
	return s.update(func(tx *bbolt.Tx) error {
		list, err := refusals(tx)
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(o Refusal) bool { return o.Method == r.Method })
		if err := put(tx, bucketMeta, keyRefusals, append(list, r)); err != nil {
			return err
		}
		return tx.Bucket(bucketMeta).Delete(keyPairing)
	})
}

// ForgetRefusals lets some methods be asked for again.
func (s *Store) ForgetRefusals(which func(Refusal) bool) error {
	return s.update(func(tx *bbolt.Tx) error {
		list, err := refusals(tx)
		if err != nil {
			return err
		}
		return put(tx, bucketMeta, keyRefusals, slices.DeleteFunc(list, which))
	})
}

// DisplayKey returns what browsers on other machines have to know. The first call
// puts on disk what make returns. One that no key opens any more is replaced.
func (s *Store) DisplayKey(make func() string) (string, error) {
	known, err := view(s, func(tx *bbolt.Tx) (*string, error) {
		return getSealed[string](s.sealer, tx, bucketMeta, keyDisplay)
	})
	if err == nil && known != nil {
		return *known, nil
	}
	if err != nil && !errors.Is(err, errSealed) {
		return "", err
	}
	key := make()
	return key, s.update(func(tx *bbolt.Tx) error { return s.sealer.put(tx, bucketMeta, keyDisplay, key) })
}

// Identity returns the secret that token files for this box are sealed to. The
// first time it is what make returns.
func (s *Store) Identity(make func() (string, error)) (string, error) {
	known, err := view(s, func(tx *bbolt.Tx) (*string, error) {
		return getSealed[string](s.sealer, tx, bucketMeta, keyIdentity)
	})
	if known != nil {
		return *known, err
	}
	var id string
	err = s.update(func(tx *bbolt.Tx) error {
		known, err := getSealed[string](s.sealer, tx, bucketMeta, keyIdentity)
		if errors.Is(err, errSealed) {
			// Until its key is back another one stands in.
			known, err = getSealed[string](s.sealer, tx, bucketMeta, keyStandIn)
			if known == nil {
				if id, err = make(); err != nil {
					return err
				}
				return s.sealer.put(tx, bucketMeta, keyStandIn, id)
			}
		}
		if err != nil {
			return err
		}
		if known != nil {
			id = *known
			return nil
		}
		if id, err = make(); err != nil {
			return err
		}
		return s.sealer.put(tx, bucketMeta, keyIdentity, id)
	})
	return id, err
}
