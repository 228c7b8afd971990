package store

import "time"

// Mark returns the newest time that SaveMark stored, the zero time if there is none.
func (s *Store) Mark() (time.Time, error) {
	return view(s.db, func(tx *txn) (time.Time, error) {
		t, err := get[time.Time](tx, bucketMeta, keyMark)
		if t == nil {
			return time.Time{}, err
		}
		return *t, err
	})
}

// SaveMark stores a time that has certainly been reached. A box without a clock
// measures by it whether a server's time can be right.
func (s *Store) SaveMark(t time.Time) error {
	return s.db.update(func(tx *txn) error { return tx.put(bucketMeta, keyMark, t.UTC()) })
}
