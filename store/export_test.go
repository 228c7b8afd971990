package store

import "go.etcd.io/bbolt"

// What the external tests need of the internals.

const (
	DatabaseName  = databaseName
	DamagedPrefix = damagedPrefix
	KeyFileName   = keyFileName
	MediaName     = mediaName
	ReserveName   = reserveName
	ReserveSize   = reserveSize
)

var (
	BucketMeta   = bucketMeta
	BucketGrants = bucketGrants
	BucketPicks  = bucketPicks
	BucketPhotos = bucketPhotos

	KeyGrant   = keyGrant
	KeyPairing = keyPairing
	KeySchema  = keySchema
	KeyScrub   = keyScrub

	EndsWell = endsWell
	IsDamage = isDamage
	OpenFile = openFile
	Statfs   = statfs
)

// NewPicks returns the picks of a database that was opened alone.
func NewPicks(dir string, bolt *bbolt.DB) *Picks {
	return &Picks{&Store{db: &database{disk: &disk{dir: dir}, bolt: bolt}}}
}

// UpdateRaw runs f in a read-write transaction.
func (s *Store) UpdateRaw(f func(tx *bbolt.Tx) error) error {
	return s.db.update(func(tx *txn) error { return f(tx.Tx) })
}

// ViewRaw runs f in a read transaction.
func (s *Store) ViewRaw(f func(tx *bbolt.Tx) error) error {
	_, err := view(s.db, func(tx *txn) (struct{}, error) { return struct{}{}, f(tx.Tx) })
	return err
}

// ReopenReadOnly opens the database as on a read-only disk.
func (s *Store) ReopenReadOnly() (err error) {
	if err := s.db.close(); err != nil {
		return err
	}
	s.db.readOnly = true
	s.db.bolt, err = openFile(s.disk.path(databaseName), true)
	return err
}

// PartNames returns the names of the parts in progress.
func (p *Photos) PartNames() (names []string) {
	p.parts.Range(func(name, _ any) bool {
		names = append(names, name.(string))
		return true
	})
	return names
}

// SpoilPartial replaces the record of an item's part.
func (s *Store) SpoilPartial(id string, data []byte) error {
	return s.UpdateRaw(func(tx *bbolt.Tx) error { return tx.Bucket(bucketPartials).Put([]byte(id), data) })
}
