package store

import "errors"

// Secrets holds keys of the box that are created once.
type Secrets struct{ s *Store }

// DisplayKey returns the key that browsers on other machines need. The first call
// stores what generate returns. So does a call when the stored key can't be
// opened.
func (k *Secrets) DisplayKey(generate func() string) (string, error) {
	known, err := view(k.s.db, func(tx *txn) (*string, error) {
		return getSealed[string](tx, bucketMeta, keyDisplay)
	})
	if err == nil && known != nil {
		return *known, nil
	}
	if err != nil && !errors.Is(err, errSealed) {
		return "", err
	}
	key := generate()
	return key, k.s.db.update(func(tx *txn) error { return tx.putSealed(bucketMeta, keyDisplay, key) })
}

// Identity returns the secret key that token files for this box are encrypted to.
// The first call stores what generate returns. While the stored identity can't be
// opened, a second one stands in for it.
func (k *Secrets) Identity(generate func() (string, error)) (string, error) {
	known, err := view(k.s.db, func(tx *txn) (*string, error) {
		return getSealed[string](tx, bucketMeta, keyIdentity)
	})
	if known != nil {
		return *known, err
	}
	var identity string
	err = k.s.db.update(func(tx *txn) error {
		key := keyIdentity
		known, err := getSealed[string](tx, bucketMeta, key)
		if errors.Is(err, errSealed) {
			key = keyStandIn
			if known, err = getSealed[string](tx, bucketMeta, key); known == nil {
				err = nil // a stand-in that can't be opened is replaced
			}
		}
		if err != nil {
			return err
		}
		if known != nil {
			identity = *known
			return nil
		}
		if identity, err = generate(); err != nil {
			return err
		}
		return tx.putSealed(bucketMeta, key, identity)
	})
	return identity, err
}
