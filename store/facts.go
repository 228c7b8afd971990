package store

// Facts is what the box decides its next step by: a consistent snapshot, read in
// one transaction.
type Facts struct {
	Grant    *Grant   // the current grant, see Grants.Current; nil if the box is not paired
	Grants   []Grant  // all of them, see Grants.All
	Pairing  *Pairing // in progress; nil if there is none
	Refusals []Refusal
	Picks    []Pick // oldest first
	Library  Library
	// Collections are the named ones, see Collections.All.
	Collections []Collection
	Warning     string // see Pairings.Warning
	// Version grows after each write. Facts that the writer reads after its write
	// have a larger one than all that were read before it.
	Version int64
}

// Facts reads the facts in one read transaction.
func (s *Store) Facts() (Facts, error) {
	p, version := s.Photos, s.db.writes.Load()
	p.totalsMu.Lock()
	count := p.count
	if p.totals != nil { // the lock is needed to count, see Photos.count
		library := *p.totals
		count = func(*txn) (Library, error) { return library, nil }
		p.totalsMu.Unlock()
	} else {
		defer p.totalsMu.Unlock()
	}
	f, err := view(s.db, func(tx *txn) (Facts, error) { return tx.facts(count) })
	f.Version = version
	return f, err
}

func (tx *txn) facts(count func(tx *txn) (Library, error)) (f Facts, err error) {
	if f.Grant, err = tx.currentGrant(); err != nil {
		return Facts{}, err
	}
	if f.Grants, err = tx.grants(); err != nil {
		return Facts{}, err
	}
	if f.Pairing, err = tx.pairing(); err != nil {
		return Facts{}, err
	}
	if f.Refusals, err = tx.refusals(); err != nil {
		return Facts{}, err
	}
	if f.Picks, err = tx.picks(); err != nil {
		return Facts{}, err
	}
	if f.Library, err = count(tx); err != nil {
		return Facts{}, err
	}
	if f.Collections, err = tx.collections(); err != nil {
		return Facts{}, err
	}
	f.Warning, err = tx.warning()
	return f, err
}
