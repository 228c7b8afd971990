package remote

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// A Config configures a Remote. All fields must be set.
type Config struct {
	Dir  string // folder of the devices, /dev/input
	Keys Keymap
	Hold time.Duration // how long a key is pressed until it counts as held
	// HeldDown maps the action of pressing a key to that of holding it. Such a key
	// is reported when it is released.
	HeldDown map[string]string
	Repeats  []string // actions that repeat while a key is held
	Press    func(ctx context.Context, action string)
	// Holding is called with an action of HeldDown when its key goes down, or is found
	// to be down, and with "" when it goes up or may have gone up. Nil means that
	// nobody asks.
	Holding func(action string)
	Log     *slog.Logger
}

// A Remote reads keys from all input devices.
type Remote struct {
	cfg    Config
	events chan event

	mu     sync.Mutex
	open   map[string]bool        // paths that are being read
	unused map[string]fs.FileInfo // devices without a mapped key; only watch uses it
}

type event struct {
	code  uint16
	value int32
	lost  bool // events before this one are lost
}

// New returns a Remote.
func New(cfg Config) *Remote {
	return &Remote{cfg: cfg, events: make(chan event), open: map[string]bool{}, unused: map[string]fs.FileInfo{}}
}

// Run reads keys until ctx is done and returns its error. Devices may be plugged in
// later.
func (r *Remote) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wg.Go(func() { r.watch(ctx, &wg) })
	repeats := map[string]bool{}
	for _, m := range r.cfg.Repeats {
		repeats[m] = true
	}
	d := decoder{keys: r.cfg.Keys, hold: r.cfg.Hold, held: r.cfg.HeldDown, repeats: repeats}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		action := ""
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e := <-r.events:
			if e.lost { // the key may have been released
				d.since = time.Time{}
			} else {
				action = d.event(e.code, e.value, time.Now())
			}
			if down, changed := d.physical(e); changed && r.cfg.Holding != nil {
				r.cfg.Holding(down)
			}
		case now := <-timer.C:
			action = d.timeout(now)
		}
		if action != "" {
			r.cfg.Press(ctx, action)
		}
		if t := d.deadline(); !t.IsZero() {
			timer.Reset(time.Until(t))
		}
	}
}

// Key takes in a key that comes from elsewhere than an input device, with its value as in
// struct input_event: 0 is released, 1 pressed, 2 repeated. It waits for Run.
func (r *Remote) Key(ctx context.Context, code uint16, value int32) {
	select {
	case r.events <- event{code: code, value: value}:
	case <-ctx.Done():
	}
}

// scanInterval is how often the folder is scanned, in case a change was not
// reported.
const scanInterval = 10 * time.Second

// watch reads every device, including those that are plugged in later.
func (r *Remote) watch(ctx context.Context, wg *sync.WaitGroup) {
	watcher, err := fsnotify.NewWatcher()
	var events chan fsnotify.Event
	var errs chan error
	if err == nil {
		defer watcher.Close()
		if err = watcher.Add(r.cfg.Dir); err == nil {
			events, errs = watcher.Events, watcher.Errors
		}
	}
	if err != nil {
		r.cfg.Log.Info("input devices not watched", "err", err, "scan_interval", scanInterval)
	}
	tick := time.NewTicker(scanInterval)
	defer tick.Stop()
	for {
		r.scan(ctx, wg)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-errs: // events may be lost
		case <-events: // a device was added, or its permissions changed
		}
	}
}

// scan opens the devices that are not read yet.
func (r *Remote) scan(ctx context.Context, wg *sync.WaitGroup) {
	entries, err := os.ReadDir(r.cfg.Dir)
	if err != nil {
		return // no input devices
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "event") {
			continue
		}
		path := filepath.Join(r.cfg.Dir, e.Name())
		now, err := os.Stat(path)
		if err != nil || isSame(r.unused[path], now) || !r.claim(path) {
			continue
		}
		f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			r.release(path)
			if errors.Is(err, fs.ErrPermission) {
				r.cfg.Log.Debug("input device not readable", "err", err, "hint", `add the user that runs pickerd to the group "input"`)
			}
			continue
		}
		if !hasMappedKey(f, r.cfg.Keys) {
			f.Close()
			r.release(path)
			r.unused[path] = now // until another device gets the name
			continue
		}
		r.cfg.Log.Info("input device opened", "device", path, "name", nameOf(f))
		wg.Go(func() {
			defer r.release(path)
			r.read(ctx, f)
		})
	}
}

func isSame(before, now fs.FileInfo) bool {
	return before != nil && os.SameFile(before, now) && before.ModTime().Equal(now.ModTime())
}

func (r *Remote) claim(path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[path] {
		return false
	}
	r.open[path] = true
	return true
}

func (r *Remote) release(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, path)
}

// Sizes and types of linux/input.h. A struct input_event begins with its time, two
// longs.
const (
	timeSize  = 2 * int(unsafe.Sizeof(uintptr(0)))
	eventSize = timeSize + 8
	evSyn     = 0
	evKey     = 1
	dropped   = 3 // SYN_DROPPED: events were lost
)

// parse returns the key events in b. It ignores an incomplete one at the end.
func parse(b []byte) (events []event) {
	for ; len(b) >= eventSize; b = b[eventSize:] {
		e := b[timeSize:eventSize]
		kind, code := binary.NativeEndian.Uint16(e), binary.NativeEndian.Uint16(e[2:])
		switch {
		case kind == evKey:
			events = append(events, event{code: code, value: int32(binary.NativeEndian.Uint32(e[4:]))})
		case kind == evSyn && code == dropped:
			events = append(events, event{lost: true})
		}
	}
	return events
}

// read sends the events of a device until it is unplugged or ctx is done. It begins
// with the keys that are down already.
func (r *Remote) read(ctx context.Context, f *os.File) {
	defer f.Close()
	defer context.AfterFunc(ctx, func() { f.Close() })()
	send := func(events []event) bool {
		for _, e := range events {
			select {
			case r.events <- e:
			case <-ctx.Done():
				return false
			}
		}
		return true
	}
	ok := send(keysDown(f, r.cfg.Keys))
	b := make([]byte, 64*eventSize)
	for ok {
		n, err := f.Read(b)
		if err != nil {
			send([]event{{lost: true}}) // its keys can't be released any more
			return
		}
		ok = send(parse(b[:n]))
	}
}

// keysDown returns the mapped keys of a device that are down, as if they repeated.
func keysDown(f *os.File, keys Keymap) (events []event) {
	var down [96]byte // KEY_MAX is 0x2ff
	if !ioctl(f, 0x18, down[:]) {
		return nil
	}
	for code := range keys {
		if int(code/8) < len(down) && down[code/8]&(1<<(code%8)) != 0 {
			events = append(events, event{code: code, value: repeated})
		}
	}
	return events
}

// ioctl sends a request that fills b, and reports whether it succeeded.
func ioctl(f *os.File, nr uintptr, b []byte) bool {
	request := 2<<30 | uintptr(len(b))<<16 | 'E'<<8 | nr
	ok := false
	c, err := f.SyscallConn()
	if err != nil {
		return false
	}
	err = c.Control(func(fd uintptr) {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(&b[0])))
		ok = errno == 0
	})
	return err == nil && ok
}

// hasMappedKey reports whether a device has a key with an action.
func hasMappedKey(f *os.File, keys Keymap) bool {
	var has [96]byte // KEY_MAX is 0x2ff
	if !ioctl(f, 0x20+evKey, has[:]) {
		return true // not an input device, as in tests
	}
	for code := range keys {
		if int(code/8) < len(has) && has[code/8]&(1<<(code%8)) != 0 {
			return true
		}
	}
	return false
}

func nameOf(f *os.File) string {
	b := make([]byte, 80)
	if !ioctl(f, 0x06, b) {
		return ""
	}
	name, _, _ := strings.Cut(string(b), "\x00")
	return name
}
