package store

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxCollections bounds the named collections.
	MaxCollections = 50
	// MaxCollectionName bounds a collection's name in characters.
	MaxCollectionName = 40
	// DefaultCollection stands for the photos of picks without a collection where ""
	// means all photos.
	DefaultCollection = "default"
)

// Errors of collections.
var (
	ErrCollectionName  = errors.New("this is no name for a collection")
	ErrCollectionTaken = errors.New("another collection has the name")
)

// A Collection is a named part of the photos. Photos of picks without a collection are
// in the default one, which has neither record nor name.
type Collection struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// A Membership says where a photo is in a collection.
type Membership struct {
	Collection string `json:"collection,omitempty"` // ID; "" for the default one
	Pick       string `json:"pick"`                 // request ID
	Index      int    `json:"index,omitempty"`      // position in that pick
}

// Collections holds the named collections. Which photos they have is in the records of
// the photos.
type Collections struct{ s *Store }

// prefixCollection begins the keys of the records, which are in the meta bucket as those
// of displays are. Earlier versions don't read them, and show all photos.
var prefixCollection = []byte("collection/")

func collectionKey(id string) []byte { return append(bytes.Clone(prefixCollection), id...) }

// CleanCollectionName returns a name as it is stored. The error is ErrCollectionName if
// it has not 1 to MaxCollectionName characters, or some that would disturb a line of
// text.
func CleanCollectionName(name string) (string, error) {
	name = strings.TrimSpace(name)
	n := utf8.RuneCountInString(name)
	if n < 1 || n > MaxCollectionName || !utf8.ValidString(name) || strings.ContainsFunc(name, disturbs) || strings.EqualFold(name, DefaultCollection) {
		return "", ErrCollectionName
	}
	return name, nil
}

// disturbs reports whether a character breaks a line or changes the direction of the
// text after it.
func disturbs(r rune) bool {
	return unicode.IsControl(r) || r >= '\u2028' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// All returns the named collections, sorted by name.
func (c *Collections) All() ([]Collection, error) { return view(c.s.db, (*txn).collections) }

// collections returns the named collections, sorted by name. Damaged records are left
// out until they are repaired.
func (tx *txn) collections() (list []Collection, err error) {
	for _, key := range tx.keysUnder(prefixCollection) {
		if c, err := get[Collection](tx, bucketMeta, key); err == nil {
			list = append(list, *c)
		}
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID)) < 0
	})
	return list, nil
}

// find returns the ID of the collection with an ID or name, "" for the default one. The
// error is ErrNotFound.
func (tx *txn) find(name string) (id string, err error) {
	name = strings.TrimSpace(name)
	if name == "" || strings.EqualFold(name, DefaultCollection) {
		return "", nil
	}
	list, err := tx.collections()
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(list, func(c Collection) bool { return c.ID == name })
	if i < 0 {
		i = slices.IndexFunc(list, func(c Collection) bool { return strings.EqualFold(c.Name, name) })
	}
	if i < 0 {
		return "", fmt.Errorf("collection: %w", ErrNotFound) // the name is a person's
	}
	return list[i].ID, nil
}

// Ensure returns the ID of the collection with an ID or name, "" for the default one. A
// name that is new is stored. Errors are ErrCollectionName and ErrFull.
func (c *Collections) Ensure(name string) (id string, err error) {
	err = c.s.db.update(func(tx *txn) error {
		if id, err = tx.find(name); !errors.Is(err, ErrNotFound) {
			return cmp.Or(err, errUnchanged)
		}
		clean, err := tx.newName(name)
		if err != nil {
			return err
		}
		id = strings.ToLower(rand.Text()[:10])
		return tx.put(bucketMeta, collectionKey(id), Collection{id, clean})
	})
	return id, err
}

// Check returns the error that Ensure would return, and stores nothing.
func (c *Collections) Check(name string) error {
	_, err := view(c.s.db, func(tx *txn) (id string, err error) {
		if id, err = tx.find(name); errors.Is(err, ErrNotFound) {
			return tx.newName(name)
		}
		return id, err
	})
	return err
}

// newName returns the name of one more collection as it is stored. Errors are
// ErrCollectionName and ErrFull.
func (tx *txn) newName(name string) (string, error) {
	clean, err := CleanCollectionName(name)
	if err == nil && len(tx.keysUnder(prefixCollection)) >= MaxCollections {
		err = fmt.Errorf("collection: %w", ErrFull)
	}
	return clean, err
}

// Rename gives a collection another name. Errors are ErrNotFound, ErrCollectionName and
// ErrCollectionTaken.
func (c *Collections) Rename(id, name string) error {
	clean, err := CleanCollectionName(name)
	if err != nil {
		return err
	}
	return c.s.db.update(func(tx *txn) error {
		list, err := tx.collections()
		if err != nil {
			return err
		}
		found := false
		for _, other := range list {
			switch {
			case other.ID == id:
				found = true
			case strings.EqualFold(other.Name, clean):
				return ErrCollectionTaken
			}
		}
		if !found {
			return fmt.Errorf("collection %s: %w", id, ErrNotFound)
		}
		return errors.Join(tx.markScrub(), tx.put(bucketMeta, collectionKey(id), Collection{id, clean}))
	})
}

// Delete deletes a collection and the photos that are in no other. The record goes
// first: if the power is cut, the next start deletes the files. The error is ErrNotFound.
func (c *Collections) Delete(id string) error {
	return c.s.erase(false, func(tx *txn) error {
		key := collectionKey(id)
		if tx.meta().Get(key) == nil {
			return fmt.Errorf("collection %s: %w", id, ErrNotFound)
		}
		if err := tx.meta().Delete(key); err != nil {
			return err
		}
		return tx.changePhotos(func(p *Photo) bool {
			all := p.memberships()
			left := slices.DeleteFunc(slices.Clone(all), func(m Membership) bool { return m.Collection == id })
			p.place(left)
			return len(left) < len(all)
		})
	})
}

// DeleteEmpty deletes the collections that have neither photos nor a pick or pairing
// under way, except the one whose ID is keep. It reports whether there were any.
func (c *Collections) DeleteEmpty(keep string) (deleted bool, err error) {
	list, err := c.All()
	if err != nil || len(list) == 0 { // most boxes have none
		return false, err
	}
	err = c.s.db.update(func(tx *txn) error {
		before := len(tx.keysUnder(prefixCollection))
		if err := tx.deleteEmpty(keep); err != nil {
			return err
		}
		if deleted = len(tx.keysUnder(prefixCollection)) < before; !deleted {
			return errUnchanged
		}
		return tx.markScrub()
	})
	return deleted && err == nil, err
}

// deleteEmpty is DeleteEmpty in a transaction. The names may be those of a person who
// was forgotten.
func (tx *txn) deleteEmpty(keep string) error {
	used := map[string]bool{keep: true}
	pairing, err := tx.pairing()
	if err != nil {
		return err
	}
	if pairing != nil {
		used[pairing.Collection] = true
	}
	photos, err := all[Photo](tx, bucketPhotos)
	if err != nil {
		return err
	}
	picks, err := all[Pick](tx, bucketPicks)
	if err != nil {
		return err
	}
	for _, p := range photos {
		for _, m := range p.memberships() {
			used[m.Collection] = true
		}
	}
	for _, p := range picks {
		used[p.Collection] = used[p.Collection] || p.Live()
	}
	for _, key := range tx.keysUnder(prefixCollection) {
		if !used[string(key[len(prefixCollection):])] {
			err = errors.Join(err, tx.meta().Delete(key))
		}
	}
	return err
}

// A CollectionSize is a collection with what it has. That of the default one has neither
// ID nor name.
type CollectionSize struct {
	Collection
	Photos int // including hidden ones
	Bytes  int64
}

// Sizes returns the default collection and the named ones with what they have.
func (c *Collections) Sizes() ([]CollectionSize, error) {
	return view(c.s.db, func(tx *txn) ([]CollectionSize, error) {
		named, err := tx.collections()
		if err != nil {
			return nil, err
		}
		shown, _, err := tx.photos()
		list := []CollectionSize{{}}
		for _, n := range named {
			list = append(list, CollectionSize{Collection: n})
		}
		for _, p := range shown {
			for _, m := range p.memberships() {
				i := slices.IndexFunc(list, func(s CollectionSize) bool { return s.ID == m.Collection })
				if i >= 0 {
					list[i].Photos++
					list[i].Bytes += p.Bytes
				}
			}
		}
		return list, err
	})
}

// In returns the photos of the collection with an ID or name, in the order picked; with
// "" those of all. The error is ErrNotFound.
func (p *Photos) In(name string) ([]Photo, error) {
	return view(p.s.db, func(tx *txn) ([]Photo, error) {
		shown, _, err := tx.photos()
		if err != nil || name == "" {
			return shown, err
		}
		id, err := tx.find(name)
		if err != nil {
			return nil, err
		}
		w, err := tx.wall()
		if err != nil {
			return nil, err
		}
		var list []Photo
		for _, photo := range shown {
			all := photo.memberships()
			if i := slices.IndexFunc(all, func(m Membership) bool { return m.Collection == id }); i >= 0 {
				all[0], all[i] = all[i], all[0]
				photo.place(all)
				list = append(list, photo)
			}
		}
		w.sort(list)
		return list, nil
	})
}

// OnWall returns the photos that a slideshow of a collection shows: those of all if it
// does not exist or has none to show.
func (p *Photos) OnWall(name string) ([]Photo, error) {
	list, err := p.In(name)
	if name != "" && (errors.Is(err, ErrNotFound) || err == nil && !slices.ContainsFunc(list, func(p Photo) bool { return !p.Hidden })) {
		return p.In("")
	}
	return list, err
}

// memberships returns where a photo is, the newest pick first. There is none for a photo
// that is to be deleted.
func (p *Photo) memberships() []Membership {
	if p.Pick == "" {
		return nil
	}
	return append([]Membership{{p.Collection, p.Pick, p.Index}}, p.Also...)
}

// place says where a photo is.
func (p *Photo) place(all []Membership) {
	p.Collection, p.Pick, p.Also = "", "", nil
	if len(all) > 0 {
		p.Collection, p.Pick, p.Index = all[0].Collection, all[0].Pick, all[0].Index
		p.Also = slices.Clone(all[1:])
	}
	if len(p.Also) == 0 {
		p.Also = nil
	}
}

// Collections returns the IDs of the collections that have a photo, "" for the default
// one.
func (p *Photo) Collections() (ids []string) {
	for _, m := range p.memberships() {
		ids = append(ids, m.Collection)
	}
	return ids
}

// A wall is what photos are shown by.
type wall struct {
	picks map[string]int  // places of the picks in the collection
	named map[string]bool // IDs of the named collections
}

func (tx *txn) wall() (w wall, err error) {
	picks, err := tx.collection()
	if err != nil {
		return w, err
	}
	w = wall{map[string]int{}, map[string]bool{}}
	for i, pick := range picks {
		w.picks[pick] = i
	}
	for _, key := range tx.keysUnder(prefixCollection) {
		w.named[string(key[len(prefixCollection):])] = true
	}
	return w, nil
}

// settle takes memberships of picks out that are not shown, and puts photos of
// collections whose record was lost into the default one. It reports whether the photo
// is shown.
func (w *wall) settle(p *Photo) bool {
	if len(p.Also) == 0 && (p.Collection == "" || w.named[p.Collection]) { // most are
		_, shown := w.picks[p.Pick]
		return shown
	}
	var list []Membership
	for _, m := range p.memberships() {
		if !w.named[m.Collection] {
			m.Collection = ""
		}
		_, shown := w.picks[m.Pick]
		if shown && !slices.ContainsFunc(list, func(other Membership) bool { return other.Collection == m.Collection }) {
			list = append(list, m)
		}
	}
	if len(list) == 0 {
		return false
	}
	sort.SliceStable(list, func(i, j int) bool { return w.picks[list[i].Pick] > w.picks[list[j].Pick] })
	p.place(list)
	return true
}
