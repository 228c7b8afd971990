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

// A budget hands out the room for photos: within store.max_bytes, and without
// the last twentieth of the disk.
type budget struct {
	room func() (int64, error) // that the disk has left for photos
	most int64                 // of all photos on the disk; 0 for no limit
	own  int64                 // of the pick's photos; 0 for no limit

	mu    sync.Mutex
	taken int64 // by photos, and claims
	mine  int64 // of that by the pick
	ahead int64 // claimed, and not written yet
}

// swapRoom is what a replacing pick leaves free within a limit: the first photo
// of the next one has to fit beside those that it will replace.
func swapRoom(most int64) int64 { return min(maxPhotoBytes, most/8) }

// newBudget counts what is here already. With replace the pick's photos are to
// take the place of all others.
func newBudget(s *store.Store, pick string, most int64, replace bool) (*budget, error) {
	all, mine, err := s.Usage(pick)
	if err != nil {
		return nil, &storeError{err}
	}
	b := &budget{room: s.Room, most: most, taken: all, mine: mine}
	if replace && most > 0 {
		b.own = most - swapRoom(most)
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
	if b.most > 0 && b.taken+more > b.most || b.own > 0 && b.mine+more > b.own {
		return errNoRoom
	}
	room, err := b.room()
	switch {
	case err != nil:
		return &storeError{err}
	case b.ahead+more > room:
		return errDiskFull
	}
	b.take(more)
	c.total = n
	return nil
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

// settle ends a claim whose file stays.
func (c *claim) settle() { c.shrink(c.written) }

// drop ends a claim whose file goes.
func (c *claim) drop() {
	written := c.written
	c.shrink(written)
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.taken -= written
	c.b.mine -= written
}

// shrink gives back what was claimed beyond n.
func (c *claim) shrink(n int64) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.take(n - c.total)
	c.total = n
}

// A roomWriter writes what a claim has room for.
type roomWriter struct {
	part  *store.Part
	claim *claim
}

// step is how much a download that doesn't say its length claims at a time.
const step = 1 << 20

func (w *roomWriter) Write(b []byte) (int, error) {
	if need := w.claim.written + int64(len(b)); need > w.claim.total {
		if err := w.claim.reach(need + step); err != nil {
			if err := w.claim.reach(need); err != nil {
				return 0, err
			}
		}
	}
	n, err := w.part.Write(b)
	w.claim.wrote(int64(n))
	return n, err
}
