package device

import (
	"errors"
	"sync"

	"pickerd/store"
)

var (
	errNoRoom   = errors.New("there is no room for it within store.max_bytes")
	errDiskFull = errors.New("the disk is full but for what must stay free")
)

// lacksRoom reports whether a budget has refused.
func lacksRoom(err error) bool { return errors.Is(err, errNoRoom) || errors.Is(err, errDiskFull) }

// A budget hands out the room for photos: within store.max_bytes, and without
// the last twentieth of the disk.
type budget struct {
	room    func() (int64, error) // that the disk has left for photos
	most    int64                 // of all photos on the disk; 0 for no limit
	own     int64                 // of the pick's photos; 0 for no limit
	replace bool                  // they are to take the place of all others

	mu    sync.Mutex
	taken int64 // by photos, and claims
	mine  int64 // of that by the pick
	ahead int64 // claimed, and not written yet
	given bool  // some of what was claimed was given back
}

// swapRoom is what a replacing pick leaves free within a limit: the first photo
// of the next one has to fit beside those that it will replace.
func swapRoom(most int64) int64 { return min(maxPhotoBytes, most/8) }

// newBudget counts what is here already. With replace the pick's photos are to
// take the place of the same person's others.
func newBudget(s *store.Store, pick *store.Pick, most int64, replace bool) (*budget, error) {
	u, err := s.Photos.Usage(pick.RequestID, pick.GrantID)
	if err != nil {
		return nil, &storeError{err}
	}
	b := &budget{room: s.Room, most: most, taken: u.All, mine: u.Mine, replace: replace}
	if replace && most > 0 {
		// What is other people's stays.
		b.most, b.taken = max(most-u.Others, 1), u.All-u.Others
		b.own = b.most - swapRoom(b.most)
	}
	return b, nil
}

// A claim is the room of one download.
type claim struct {
	b              *budget
	total, written int64
}

func (b *budget) claim() *claim { return &claim{b: b} }

// reach makes a claim cover n bytes. Its error is errNoRoom, errDiskFull or a
// *storeError.
func (c *claim) reach(n int64) error {
	b := c.b
	b.mu.Lock()
	defer b.mu.Unlock()
	more := n - c.total
	if more <= 0 {
		return nil
	}
	if b.exceeds(more) {
		return errNoRoom
	}
	room, err := b.room()
	if err != nil {
		return &storeError{err}
	}
	if b.replace && b.mine > 0 {
		room -= swapRoom(room + b.taken - b.ahead)
	}
	if b.ahead+more > room {
		return errDiskFull
	}
	b.take(more)
	c.total = n
	return nil
}

// exceeds reports whether store.max_bytes does not allow more. The first photo of
// a replacing pick may come beside a collection that is larger than it may be by
// now: with that photo it goes.
func (b *budget) exceeds(more int64) bool {
	switch {
	case b.own > 0 && b.mine+more > b.own:
		return true
	case b.replace && b.mine == 0 && b.taken > b.own:
		return false
	}
	return b.most > 0 && b.taken+more > b.most
}

// handOver counts a photo that is here already as the pick's.
func (b *budget) handOver(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mine += n
}

// givenBack reports whether a download has given back what others may lack.
func (b *budget) givenBack() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.given
}

func (b *budget) take(n int64) {
	b.taken += n
	b.mine += n
	b.ahead += n
}

// wrote notes that bytes have arrived on the disk, where Room sees them.
func (c *claim) wrote(n int64) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.written += n
	c.b.ahead -= n
}

// settle ends a claim whose file stays: what was claimed beyond it is given back.
func (c *claim) settle() {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.shrinkLocked()
}

// drop ends a claim whose file goes.
func (c *claim) drop() {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.shrinkLocked()
	c.b.given = c.b.given || c.total > 0
	c.b.taken -= c.written
	c.b.mine -= c.written
}

// shrinkLocked makes a claim what was written.
func (c *claim) shrinkLocked() {
	c.b.take(c.written - c.total)
	c.total = c.written
}

// A roomWriter writes what a claim has room for.
type roomWriter struct {
	part  *store.Part
	claim *claim
}

func (w *roomWriter) Write(b []byte) (int, error) {
	if err := w.claim.reach(w.claim.written + int64(len(b))); err != nil {
		return 0, err
	}
	n, err := w.part.Write(b)
	w.claim.wrote(int64(n))
	return n, err
}
