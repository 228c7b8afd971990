package store

// PINs counts the PINs that people enter, so that a restart or a power cut gives
// nobody more tries.
type PINs struct{ s *Store }

// Tries returns the number of PINs entered since the last right one.
func (p *PINs) Tries() (int, error) {
	return view(p.s.db, func(tx *txn) (int, error) { return tx.tries() })
}

// Count adds one and returns the number. It must be called before the PIN is compared.
func (p *PINs) Count() (n int, err error) {
	err = p.s.db.update(func(tx *txn) error {
		if n, err = tx.tries(); err != nil {
			return err
		}
		n = min(n, maxTries) + 1
		return tx.put(bucketMeta, keyTries, n)
	})
	return n, err
}

// Reset forgets all tries.
func (p *PINs) Reset() error {
	return p.s.db.update(func(tx *txn) error {
		if tx.meta().Get(keyTries) == nil {
			return errUnchanged
		}
		return tx.meta().Delete(keyTries)
	})
}

// maxTries is where counting ends.
const maxTries = 1000

func (tx *txn) tries() (int, error) {
	n, err := get[int](tx, bucketMeta, keyTries)
	if n == nil {
		return 0, err
	}
	return *n, err
}
