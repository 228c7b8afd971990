package store

// A Library has the totals of the collection.
type Library struct {
	Photos int // including hidden ones
	Hidden int
	Bytes  int64
}

// Sum returns the totals of a list of photos.
func Sum(photos []Photo) Library {
	l := Library{Photos: len(photos)}
	for _, p := range photos {
		l.Bytes += p.Bytes
		if p.Hidden {
			l.Hidden++
		}
	}
	return l
}

// with returns the totals with one more photo. Those of nil are nil.
func (l *Library) with(p Photo) *Library {
	if l == nil {
		return nil
	}
	one := Sum([]Photo{p})
	return &Library{l.Photos + one.Photos, l.Hidden + one.Hidden, l.Bytes + one.Bytes}
}

// Library returns the totals of the collection. They are counted once after each
// change, unless it only added photos.
func (p *Photos) Library() (Library, error) {
	p.totalsMu.Lock()
	defer p.totalsMu.Unlock()
	if p.totals != nil {
		return *p.totals, nil
	}
	return view(p.s.db, p.count)
}

// count returns the totals and remembers them. totalsMu must be held since before
// the transaction began: then forgetTotals, which follows each commit, can't come
// between.
func (p *Photos) count(tx *txn) (Library, error) {
	if p.totals == nil {
		shown, _, err := tx.photos()
		if err != nil {
			return Library{}, err
		}
		p.totals = new(Sum(shown))
	}
	return *p.totals, nil
}

// knownTotals returns the totals for growTotals, nil if they are not known.
func (p *Photos) knownTotals() *Library {
	p.totalsMu.Lock()
	defer p.totalsMu.Unlock()
	return p.totals
}

// growTotals is called after a change of the collection that added more, or, if that is
// nil, something else. Counting the photos after each download would take most of its
// time. The totals were before when the change began; if something else has changed them
// since, they are counted anew.
func (p *Photos) growTotals(before, more *Library) {
	p.totalsMu.Lock()
	defer p.totalsMu.Unlock()
	if before == nil || more == nil || p.totals != before {
		p.totals = nil
		return
	}
	p.totals = &Library{before.Photos + more.Photos, before.Hidden + more.Hidden, before.Bytes + more.Bytes}
}

// forgetTotals is called after each other change of the collection.
func (p *Photos) forgetTotals() {
	p.totalsMu.Lock()
	defer p.totalsMu.Unlock()
	p.totals = nil
}
