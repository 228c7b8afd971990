package framebuffer

import (
	"os"
	"sync"
	"unsafe"
)

// A Handoff keeps the picture and the console while a program re-executes itself.
// The zero value is ready to use, and a nil Handoff keeps nothing. Only one screen
// may be open with it.
type Handoff struct {
	mu      sync.Mutex
	keep    bool
	card    node     // whose picture is on the screen; nil without DRM
	picture Picture  // of the card
	console *console // nil if nothing was handed off
}

// A HandoffState is what the next program needs besides the files.
type HandoffState struct {
	Card     string  `json:"card,omitempty"`     // path
	Picture  Picture `json:"picture,omitzero"`   // that it shows
	Keyboard int32   `json:"keyboard,omitempty"` // mode to restore
	Guard    int     `json:"guard,omitempty"`    // process ID of the console guard
}

// A Picture is a dumb buffer of an open card. Its handle is good for that file only,
// in every process that has it.
type Picture struct {
	Handle uint32 `json:"handle"`
	Pitch  uint32 `json:"pitch"` // bytes from one row to the next
	W      int    `json:"w"`
	H      int    `json:"h"`
}

// Names of the files of a Handoff.
const (
	cardFile  = "card"
	ttyFile   = "tty"
	aliveFile = "guard"
)

// Resume returns the Handoff of the program before, with the files it has kept.
func Resume(files map[string]*os.File, s HandoffState) *Handoff {
	h := &Handoff{}
	if f := files[cardFile]; f != nil {
		h.card, h.picture = deviceFile{f}, s.Picture
	}
	if f := files[ttyFile]; f != nil {
		h.console = &console{tty: deviceFile{f}, keyboard: s.Keyboard, guardPID: s.Guard, alive: files[aliveFile]}
	}
	return h
}

// Keep makes the next Close of the screen leave it as it is.
func (h *Handoff) Keep() {
	if h != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.keep = true
	}
}

// Export returns what Resume needs.
func (h *Handoff) Export() (map[string]*os.File, HandoffState) {
	h.mu.Lock()
	defer h.mu.Unlock()
	files, s := map[string]*os.File{}, HandoffState{}
	if f, ok := h.card.(deviceFile); ok {
		files[cardFile], s.Card, s.Picture = f.File, f.Name(), h.picture
	}
	if c := h.console; c != nil {
		if f, ok := c.tty.(deviceFile); ok {
			files[ttyFile], s.Keyboard, s.Guard = f.File, c.keyboard, c.guardPID
		}
		if c.guard != nil {
			s.Guard = c.guard.Process.Pid
		}
		if c.alive != nil {
			files[aliveFile] = c.alive
		}
	}
	return files, s
}

// leave takes over what a screen that is closed leaves, and reports whether it is to
// stay. card is nil for a screen whose picture stays anyway.
func (h *Handoff) leave(card node, p Picture, c *console) bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.keep {
		h.card, h.picture, h.console = card, p, c
	}
	return h.keep
}

// takeCard returns the card at path and its picture if it was handed off, otherwise
// nil. Whoever opens the card next is its master, for which an ordinary user needs no
// privilege. The caller closes it.
func (h *Handoff) takeCard(path string) (node, Picture) {
	if h == nil {
		return nil, Picture{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.card == nil || h.card.Name() != path {
		return nil, Picture{}
	}
	card := h.card
	h.card = nil
	_ = card.ioctl(drmDropMaster, nil) // there is only one
	return card, h.picture
}

// takeConsole returns the console that was handed off, otherwise what take returns.
func (h *Handoff) takeConsole(take func() *console) *console {
	if h == nil {
		return take()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.console == nil {
		return take()
	}
	c := h.console
	h.console = nil
	return c
}

// Settle releases what nobody has taken: the screen is open, or there is none.
func (h *Handoff) Settle() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.card != nil {
		h.card.Close()
	}
	if h.console != nil {
		h.console.restore()
	}
	h.card, h.console, h.keep = nil, nil, false
}

// copyPicture copies a picture of the card before to a buffer of the same size.
// Without it the screen is black until the first picture of this program.
func copyPicture(from node, p Picture, to *buffer) {
	if p.W != to.w || p.H != to.h || int(p.Pitch) < to.format.Bytes(to.w) {
		return
	}
	at := drmMap{Handle: p.Handle}
	if from.ioctl(drmMapDumb, unsafe.Pointer(&at)) != nil {
		return
	}
	mem, err := from.mmap(int64(at.Offset), int(p.Pitch)*p.H)
	if err != nil {
		return
	}
	for y := range to.h {
		copy(to.line(y), mem[y*int(p.Pitch):])
	}
	_ = from.munmap(mem)
}
