package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// Bounds of the records of displays.
const (
	MaxDisplays     = 256 // as many as the page is served to at a time
	MaxDisplayLinks = 8
)

// ErrFull means that there are as many records as may be.
var ErrFull = errors.New("no room for another record")

// A DisplayHash is the SHA-256 digest of a display's key or of the token of a link.
// Both are random and have 128 bits, so that no slower function is needed.
type DisplayHash [sha256.Size]byte

// A Display is a browser on another machine that may show the page.
type Display struct {
	ID      string      `json:"id"`
	Name    string      `json:"name,omitempty"`
	Key     DisplayHash `json:"key"`
	Address string      `json:"address,omitempty"` // where it was last seen
	// LastSeen is written at most once an hour.
	LastSeen time.Time `json:"last_seen"`
}

// A DisplayLink lets one browser in.
type DisplayLink struct {
	Token     DisplayHash `json:"token"`
	ExpiresAt time.Time   `json:"expires_at"`
}

// Displays holds the browsers on other machines that may show the page, and the links
// that let further ones in. Their keys and tokens are stored as hashes.
type Displays struct{ s *Store }

// All returns all displays.
func (d *Displays) All() ([]Display, error) { return allUnder[Display](d.s.db, prefixDisplay) }

// Links returns all links, expired ones too.
func (d *Displays) Links() ([]DisplayLink, error) {
	return allUnder[DisplayLink](d.s.db, prefixDisplayLink)
}

// Add stores a display. The error is ErrFull if there are MaxDisplays.
func (d *Displays) Add(display Display) error {
	return d.s.db.update(func(tx *txn) error { return tx.addDisplay(display) })
}

func (tx *txn) addDisplay(display Display) error {
	if len(tx.keysUnder(prefixDisplay)) >= MaxDisplays {
		return fmt.Errorf("display: %w", ErrFull)
	}
	return tx.put(bucketMeta, displayKey(display.ID), display)
}

// Update changes a display. The error is ErrNotFound if there is none with that ID.
func (d *Displays) Update(id string, change func(*Display)) error {
	return d.s.db.update(func(tx *txn) error {
		display, err := get[Display](tx, bucketMeta, displayKey(id))
		if display == nil && err == nil {
			err = fmt.Errorf("display %s: %w", id, ErrNotFound)
		}
		if err != nil {
			return err
		}
		change(display)
		return tx.put(bucketMeta, displayKey(id), display)
	})
}

// Save stores the displays of a list that have not been removed.
func (d *Displays) Save(list []Display) error {
	return d.s.db.update(func(tx *txn) error {
		for _, display := range list {
			if tx.meta().Get(displayKey(display.ID)) == nil {
				continue
			}
			if err := tx.put(bucketMeta, displayKey(display.ID), display); err != nil {
				return err
			}
		}
		return nil
	})
}

// Remove deletes a display. The error is ErrNotFound if there is none with that ID.
func (d *Displays) Remove(id string) error {
	return d.s.db.update(func(tx *txn) error {
		if tx.meta().Get(displayKey(id)) == nil {
			return fmt.Errorf("display %s: %w", id, ErrNotFound)
		}
		return tx.meta().Delete(displayKey(id))
	})
}

// AddLink stores a link and deletes those that have expired at now and, if there are
// MaxDisplayLinks, the one that expires first.
func (d *Displays) AddLink(link DisplayLink, now time.Time) error {
	return d.s.db.update(func(tx *txn) error {
		var first []byte // of those that are left
		var firstEnd time.Time
		n := 0
		for _, key := range tx.keysUnder(prefixDisplayLink) {
			l, err := get[DisplayLink](tx, bucketMeta, key)
			switch {
			case err != nil || !now.Before(l.ExpiresAt):
				if err := tx.meta().Delete(key); err != nil {
					return err
				}
				continue
			case first == nil || l.ExpiresAt.Before(firstEnd):
				first, firstEnd = key, l.ExpiresAt
			}
			n++
		}
		if n >= MaxDisplayLinks {
			if err := tx.meta().Delete(first); err != nil {
				return err
			}
		}
		return tx.put(bucketMeta, linkKey(link.Token), link)
	})
}

// UseLink deletes a link and stores the display that it lets in, in one transaction.
// The error is ErrNotFound if there is no such link, and ErrFull.
func (d *Displays) UseLink(token DisplayHash, display Display) error {
	return d.s.db.update(func(tx *txn) error {
		if tx.meta().Get(linkKey(token)) == nil {
			return fmt.Errorf("link: %w", ErrNotFound)
		}
		if err := tx.meta().Delete(linkKey(token)); err != nil {
			return err
		}
		return tx.addDisplay(display)
	})
}

// Keys of these records begin with a prefix. They are in the meta bucket, because
// databases of earlier versions have no bucket for them.
var (
	prefixDisplay     = []byte("display/")
	prefixDisplayLink = []byte("display-link/")
)

func displayKey(id string) []byte { return append(bytes.Clone(prefixDisplay), id...) }

func linkKey(token DisplayHash) []byte {
	return fmt.Appendf(bytes.Clone(prefixDisplayLink), "%x", token[:])
}

// keysUnder returns the keys of the meta bucket that begin with a prefix.
func (tx *txn) keysUnder(prefix []byte) (keys [][]byte) {
	c := tx.meta().Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	return keys
}

// allUnder returns the records of the meta bucket whose keys begin with a prefix.
// Damaged ones are left out until they are repaired.
func allUnder[T any](db *database, prefix []byte) ([]T, error) {
	return view(db, func(tx *txn) (list []T, err error) {
		for _, key := range tx.keysUnder(prefix) {
			if v, err := get[T](tx, bucketMeta, key); err == nil {
				list = append(list, *v)
			}
		}
		return list, nil
	})
}
