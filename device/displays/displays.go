// Package displays keeps the browsers on other machines that may show the page. One
// that may not yet waits with a short code, until somebody at the box lets it in. The
// box asks nobody: strangers on the network can cause no more than a line in a list.
package displays

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"pickerd/device"
	"pickerd/display"
	"pickerd/store"
)

// Config is what a Keeper needs. All fields must be set.
type Config struct {
	Store *store.Displays
	// Base returns the address of the page for other machines, without a path, "" if
	// they don't reach it.
	Base func() string
	Draw func(text string) (svg string, err error) // draws a QR code
	Now  func() time.Time                          // the box's own clock may be wrong
	Log  *slog.Logger
}

// A Keeper keeps displays. Its methods may be called from any goroutine, also before
// Run.
type Keeper struct {
	cfg   Config
	board display.Board[device.Displays]

	boards sync.Mutex // held while the list is read for the board and set there, before mu
	writes sync.Mutex // held while the store is changed, before mu

	mu      sync.Mutex
	known   map[store.DisplayHash]*known
	links   map[store.DisplayHash]time.Time // when they expire
	waiting []*waiting                      // oldest first
	ended   []string                        // codes that expired, oldest first
	rearm   chan struct{}                   // level trigger: a browser waits
}

// A known is a display that is let in.
type known struct {
	store.Display
	saved   time.Time       // LastSeen in the store
	removed context.Context // ends when it is removed
	remove  context.CancelFunc
	open    int // its requests
}

// saveInterval is how often it is stored when a display was last seen.
const saveInterval = time.Hour

// maxName bounds the name of a display, in characters.
const maxName = 64

// New returns a Keeper. What the store can't read is logged, and those displays have
// to be let in again.
func New(cfg Config) *Keeper {
	k := &Keeper{cfg: cfg, known: map[store.DisplayHash]*known{}, links: map[store.DisplayHash]time.Time{}, rearm: make(chan struct{}, 1)}
	list, err := cfg.Store.All()
	links, linksErr := cfg.Store.Links()
	if err := errors.Join(err, linksErr); err != nil {
		cfg.Log.Error("displays not read", "err", err)
	}
	for _, d := range list {
		k.known[d.Key] = newKnown(d)
	}
	for _, l := range links {
		k.links[l.Token] = l.ExpiresAt
	}
	k.publish()
	return k
}

func newKnown(d store.Display) *known {
	n := &known{Display: d, saved: d.LastSeen}
	n.removed, n.remove = context.WithCancel(context.Background())
	return n
}

// Board carries the displays to the screen. When they were last seen may be a minute
// old.
func (k *Keeper) Board() *display.Board[device.Displays] { return &k.board }

// Run keeps the list up to date until ctx ends, whose error it returns.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		end := time.NewTimer(time.Until(k.nextEnd()))
		select {
		case <-ctx.Done():
		case <-tick.C:
			k.save()
		case <-end.C:
		case <-k.rearm:
		}
		end.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		k.mu.Lock()
		k.expire(time.Now())
		k.mu.Unlock()
		k.publish()
	}
}

// save stores when displays were last seen, of each at most once in saveInterval.
func (k *Keeper) save() {
	k.writes.Lock()
	defer k.writes.Unlock()
	var list []store.Display
	k.mu.Lock()
	for _, d := range k.known {
		if d.look(k.cfg.Now()); d.LastSeen.Sub(d.saved).Abs() >= saveInterval {
			list = append(list, d.Display)
			d.saved = d.LastSeen
		}
	}
	k.mu.Unlock()
	if len(list) == 0 {
		return
	}
	if err := k.cfg.Store.Save(list); err != nil {
		k.cfg.Log.Warn("displays not saved", "err", err, "retry_in", saveInterval)
	}
}

// look notes that a display with open requests is here.
func (d *known) look(now time.Time) {
	if d.open > 0 {
		d.LastSeen = now.UTC()
	}
}

// Enter reports whether key is that of a display that is let in. Then removed ends when
// the display is removed, and leave must be called when the request has been answered.
func (k *Keeper) Enter(key string, from netip.Addr) (removed context.Context, leave func(), ok bool) {
	if len(key) != keyLength {
		return nil, nil, false
	}
	hash := store.DisplayHash(sha256.Sum256([]byte(key)))
	k.mu.Lock()
	defer k.mu.Unlock()
	d, ok := k.known[hash]
	if !ok {
		return nil, nil, false
	}
	d.open++
	d.Address = from.String()
	d.look(k.cfg.Now())
	return d.removed, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		d.look(k.cfg.Now())
		d.open--
	}, true
}

// keyLength is that of the keys and tokens of rand.Text, which have 130 bits.
const keyLength = 26

// List returns the displays.
func (k *Keeper) List() device.Displays {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expire(time.Now())
	list := device.Displays{Displays: []device.Display{}, Waiting: []device.WaitingDisplay{}}
	for _, d := range k.known {
		d.look(k.cfg.Now())
		list.Displays = append(list.Displays, device.Display{ID: d.ID, Name: d.Name, Address: d.Address, LastSeenAt: d.LastSeen})
	}
	sort.Slice(list.Displays, func(i, j int) bool {
		a, b := &list.Displays[i], &list.Displays[j]
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Address, b.Address), cmp.Compare(a.ID, b.ID)) < 0
	})
	for _, w := range k.waiting {
		list.Waiting = append(list.Waiting, device.WaitingDisplay{Code: w.Code, Address: w.from.String(), ExpiresAt: w.Until.UTC()})
	}
	return list
}

// publish sets the board. Of two at once, the later one has the newer list.
func (k *Keeper) publish() {
	k.boards.Lock()
	defer k.boards.Unlock()
	k.board.Set(k.List())
}

// Allow lets in the browser that shows a code, with a name or without. Errors are
// device.ErrCodeUnknown, ErrCodeLate, ErrDisplayName, ErrManyDisplays and
// *device.StoreError.
func (k *Keeper) Allow(code, name string) error {
	if name != "" && !isName(name) {
		return device.ErrDisplayName
	}
	k.writes.Lock()
	defer k.writes.Unlock()
	w, err := k.waitingWith(code)
	if err != nil {
		return err
	}
	return k.letIn(w.Key, name, w.from, k.cfg.Store.Add)
}

// letIn makes the browser with a key a display, which add stores.
func (k *Keeper) letIn(key, name string, from netip.Addr, add func(store.Display) error) error {
	now := k.cfg.Now().UTC()
	d := store.Display{ID: strings.ToLower(rand.Text()[:8]), Name: name, Key: sha256.Sum256([]byte(key)), Address: from.String(), LastSeen: now}
	switch err := add(d); {
	case errors.Is(err, store.ErrFull):
		return device.ErrManyDisplays
	case errors.Is(err, store.ErrNotFound):
		return display.ErrLinkGone
	case err != nil:
		return &device.StoreError{Err: err}
	}
	k.mu.Lock()
	k.known[d.Key] = newKnown(d)
	k.waiting = slices.DeleteFunc(k.waiting, func(w *waiting) bool { return w.Key == key })
	k.mu.Unlock()
	k.cfg.Log.Info("display let in", "id", d.ID, "address", d.Address)
	k.publish()
	return nil
}

// Rename gives a display a name. Errors are device.ErrNoDisplay, ErrDisplayName and
// *device.StoreError.
func (k *Keeper) Rename(id, name string) error {
	if !isName(name) {
		return device.ErrDisplayName
	}
	return k.change(id, func() error {
		return k.cfg.Store.Update(id, func(d *store.Display) { d.Name = name })
	}, func(d *known) { d.Name = name })
}

// isName reports whether a display can have a name.
func isName(name string) bool {
	return utf8.ValidString(name) && utf8.RuneCountInString(name) <= maxName && strings.TrimSpace(name) == name && name != "" &&
		!strings.ContainsFunc(name, unicode.IsControl)
}

// Remove removes a display: its requests end, and it has to be let in again. Errors
// are device.ErrNoDisplay and *device.StoreError.
func (k *Keeper) Remove(id string) error {
	return k.change(id, func() error { return k.cfg.Store.Remove(id) }, func(d *known) {
		delete(k.known, d.Key)
		d.remove()
		k.cfg.Log.Info("display removed", "id", id)
	})
}

// change changes a display in the store, and then here.
func (k *Keeper) change(id string, stored func() error, here func(*known)) error {
	k.writes.Lock()
	defer k.writes.Unlock()
	switch err := stored(); {
	case errors.Is(err, store.ErrNotFound):
		return device.ErrNoDisplay
	case err != nil:
		return &device.StoreError{Err: err}
	}
	k.mu.Lock()
	for _, d := range k.known {
		if d.ID == id {
			here(d)
			break
		}
	}
	k.mu.Unlock()
	k.publish()
	return nil
}

// Do grants the wishes of the menu. Its errors are those of Allow and Remove.
func (k *Keeper) Do(_ context.Context, w display.Wish) error {
	switch w.Verb {
	case display.AllowDisplay:
		return k.Allow(w.Item, "")
	case display.RemoveDisplay:
		return k.Remove(w.Item)
	}
	return nil
}
