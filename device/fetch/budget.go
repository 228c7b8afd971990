package fetch

import (
	"sync"

	"pickerd/device"
	"pickerd/store"
)

// A budget hands out the room for photos: within Config.MaxBytes, and without
// the last twentieth of the disk.
type budget struct {
	room    func() (int64, error) // that the disk has left for photos
	max     int64                 // of all photos on the disk; 0 for no limit
	maxOwn  int64                 // of the pick's photos; 0 for no limit
	replace bool                  // they are to replace all others

	mu       sync.Mutex
	taken    int64 // by photos, and claims
	own      int64 // of that by the pick
	ahead    int64 // claimed, and not written yet
	returned bool  // some of what was claimed was returned
}

// swapRoom is what a replacing pick leaves free within a limit: the first photo
// of the next one has to fit beside those that it will replace.
func swapRoom(limit int64) int64 { return min(maxPhotoBytes, limit/8) }

// newBudget counts what is on the disk. Unless they are appended, the pick's photos are
// to replace the same person's others in the same collection.
func newBudget(st *store.Store, s Session, maxBytes int64) (*budget, error) {
	replace := !s.Append
	u, err := st.Photos.Usage(s.RequestID, s.GrantID, s.Collection)
	if err != nil {
		return nil, &device.StoreError{Err: err}
	}
	b := &budget{room: st.Room, max: maxBytes, taken: u.All + u.Parts, own: u.Mine, replace: replace}
	if replace && maxBytes > 0 {
		// Other people's photos stay, and those of other collections.
		b.max, b.taken = max(maxBytes-u.Others, 1), u.All-u.Others+u.Parts
		b.maxOwn = b.max - swapRoom(b.max)
	}
	return b, nil
}

// A claim is the room of one download.
type claim struct {
	b              *budget
	total, written int64
}

func (b *budget) claim() *claim { return &claim{b: b} }

// extend makes a claim cover n bytes. Its error is ErrNoRoom, ErrDiskFull or a
// *device.StoreError.
func (c *claim) extend(n int64) error {
	b := c.b
	b.mu.Lock()
	defer b.mu.Unlock()
	more := n - c.total
	if more <= 0 {
		return nil
	}
	if b.exceedsLocked(more) {
		return ErrNoRoom
	}
	room, err := b.room()
	if err != nil {
		return &device.StoreError{Err: err}
	}
	if b.replace && b.own > 0 {
		room -= swapRoom(room + b.taken - b.ahead)
	}
	if b.ahead+more > room {
		return ErrDiskFull
	}
	b.takeLocked(more)
	c.total = n
	return nil
}

// exceedsLocked reports whether Config.MaxBytes does not allow more. The first
// photo of a replacing pick may come beside a collection that is larger than
// allowed: the collection goes with that photo.
func (b *budget) exceedsLocked(more int64) bool {
	switch {
	case b.maxOwn > 0 && b.own+more > b.maxOwn:
		return true
	case b.replace && b.own == 0 && b.taken > b.maxOwn:
		return false
	}
	return b.max > 0 && b.taken+more > b.max
}

// reassign counts a photo that is on the disk as the pick's.
func (b *budget) reassign(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.own += n
}

// hasReturned reports whether a download has returned room that others may lack.
func (b *budget) hasReturned() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.returned
}

func (b *budget) takeLocked(n int64) {
	b.taken += n
	b.own += n
	b.ahead += n
}

// adopt makes a claim that of a download whose first bytes are on the disk, where they
// are counted already.
func (c *claim) adopt(n int64) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.taken -= n
	c.b.ahead -= n
	c.written = n
}

// keep ends a claim whose file stays, but is not one of the pick's photos yet.
func (c *claim) keep() {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.shrinkLocked()
	c.b.own -= c.written
}

// wrote notes that bytes are on the disk, where Room sees them.
func (c *claim) wrote(n int64) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.written += n
	c.b.ahead -= n
}

// settle ends a claim whose file stays. What was claimed beyond it is returned.
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
	c.b.returned = c.b.returned || c.total > 0
	c.b.taken -= c.written
	c.b.own -= c.written
}

// shrinkLocked reduces a claim to what was written.
func (c *claim) shrinkLocked() {
	c.b.takeLocked(c.written - c.total)
	c.total = c.written
}

// A claimWriter writes what a claim has room for.
type claimWriter struct {
	part  *store.Part
	claim *claim
}

func (w *claimWriter) Write(b []byte) (int, error) {
	if err := w.claim.extend(w.claim.written + int64(len(b))); err != nil {
		return 0, err
	}
	n, err := w.part.Write(b)
	w.claim.wrote(int64(n))
	return n, err
}
