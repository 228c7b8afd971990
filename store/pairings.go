package store

import (
	"errors"
	"slices"
)

// Pairings holds the pairing in progress, the methods that a server refused, and
// the warning shown while the box waits to be paired again.
type Pairings struct{ s *Store }

// Current returns the pairing in progress, nil if there is none.
func (p *Pairings) Current() (*Pairing, error) { return view(p.s.db, (*txn).pairing) }

func (tx *txn) pairing() (*Pairing, error) {
	p, err := getSealed[Pairing](tx, bucketMeta, keyPairing)
	if errors.Is(err, errSealed) {
		return nil, nil // the next one replaces it
	}
	return p, err
}

// Save stores the pairing in progress.
func (p *Pairings) Save(pairing Pairing) error {
	return p.s.db.update(func(tx *txn) error { return tx.putSealed(bucketMeta, keyPairing, pairing) })
}

// Delete deletes the pairing in progress.
func (p *Pairings) Delete() error {
	return p.s.db.update(func(tx *txn) error { return tx.meta().Delete(keyPairing) })
}

// Warning returns the text to show until the box is paired again, "" if there is
// none.
func (p *Pairings) Warning() (string, error) { return view(p.s.db, (*txn).warning) }

func (tx *txn) warning() (string, error) { return string(tx.meta().Get(keyWarning)), nil }

// warn stores the text that Warning returns, unless it is "".
func (tx *txn) warn(text string) error {
	if text == "" {
		return nil
	}
	return tx.meta().Put(keyWarning, []byte(text))
}

// Refusals returns the methods that a server has refused.
func (p *Pairings) Refusals() ([]Refusal, error) { return view(p.s.db, (*txn).refusals) }

func (tx *txn) refusals() ([]Refusal, error) {
	list, err := get[[]Refusal](tx, bucketMeta, keyRefusals)
	if list == nil {
		return nil, err
	}
	return *list, err
}

// Refuse stores a refusal in place of an earlier one for the same method, and
// deletes the pairing in progress.
func (p *Pairings) Refuse(r Refusal) error {
	return p.s.db.update(func(tx *txn) error {
		list, err := tx.refusals()
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(o Refusal) bool { return o.Method == r.Method })
		if err := tx.put(bucketMeta, keyRefusals, append(list, r)); err != nil {
			return err
		}
		return tx.meta().Delete(keyPairing)
	})
}

// DeleteRefusals deletes the refusals that match, so that their methods are tried
// again.
func (p *Pairings) DeleteRefusals(match func(Refusal) bool) error {
	return p.s.db.update(func(tx *txn) error {
		list, err := tx.refusals()
		if err != nil {
			return err
		}
		return tx.put(bucketMeta, keyRefusals, slices.DeleteFunc(list, match))
	})
}
