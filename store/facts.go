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
	Warning  string // see Pairings.Warning
}

// Facts reads the facts in one read transaction.
func (s *Store) Facts() (Facts, error) {
	p := s.Photos
	p.totalsMu.Lock()
	if p.totals == nil { // the lock is needed to count, see Photos.count
		defer p.totalsMu.Unlock()
		return view(s.db, func(tx *txn) (Facts, error) { return tx.facts(p.count) })
	}
	library := *p.totals
	p.totalsMu.Unlock()
	return view(s.db, func(tx *txn) (Facts, error) {
		return tx.facts(func(*txn) (Library, error) { return library, nil })
	})
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
	f.Warning, err = tx.warning()
	return f, err
}
