package boltstore

import "go.etcd.io/bbolt"

// What the external tests need of the internals.

const (
	MaxSwept      = maxSwept
	SweepInterval = sweepInterval
	RetryDelay    = retryDelay
)

// Stored returns how many keys all buckets have together, without those of meta.
func (s *Store) Stored() (n int) {
	s.bolt.View(func(tx *bbolt.Tx) error {
		for _, name := range buckets[1:] {
			n += tx.Bucket(name).Stats().KeyN
		}
		return nil
	})
	return n
}

// NoSync makes a store for a test that need not survive a crash.
func (s *Store) NoSync() { s.bolt.NoSync = true }

// Verify checks that the buckets belong together.
func (s *Store) Verify() error { return s.bolt.View(verify) }

// Stats returns the size of the database without and with its free pages, and the
// number of transactions.
func (s *Store) Stats() (used, size int64, transactions int) {
	s.bolt.View(func(tx *bbolt.Tx) error {
		size = tx.Size()
		transactions = tx.ID()
		return nil
	})
	st := s.bolt.Stats()
	return size - int64((st.FreePageN+st.PendingPageN)*s.bolt.Info().PageSize), size, transactions
}
