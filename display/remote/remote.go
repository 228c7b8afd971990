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

// Config is what a Remote needs. All members must be set.
type Config struct {
	Dir  string // where the devices are, /dev/input
	Keys Keymap
	Hold time.Duration // after which a key counts as held down
	// HeldDown is what holding a key down means, by what pressing it means. Such
	// a key counts when it is released.
	HeldDown map[string]string
	Repeats  []string // meanings that go on while a key is held down
	Press    func(ctx context.Context, meaning string)
	Log      *slog.Logger
}

// A Remote reads keys.
type Remote struct {
	cfg    Config
	events chan event

	mu   sync.Mutex
	open map[string]bool        // paths that are being read
	dull map[string]fs.FileInfo // devices without a key of ours; watch's alone
}

type event struct {
	code  uint16
	value int32
	lost  bool // events before this one are
}

// New returns a Remote.
func New(cfg Config) *Remote {
	return &Remote{cfg: cfg, events: make(chan event), open: map[string]bool{}, dull: map[string]fs.FileInfo{}}
}

// Run reads keys until ctx ends, whose error it returns. That there are no
// devices is none: they may come.
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
	h := hand{keys: r.cfg.Keys, hold: r.cfg.Hold, heldDown: r.cfg.HeldDown, repeats: repeats}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		meaning := ""
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e := <-r.events:
			if e.lost { // a key may have been released unseen
				h.since = time.Time{}
			} else {
				meaning = h.key(e.code, e.value, time.Now())
			}
		case now := <-timer.C:
			meaning = h.held(now)
		}
		if meaning != "" {
			r.cfg.Press(ctx, meaning)
		}
		if due := h.due(); !due.IsZero() {
			timer.Reset(time.Until(due))
		}
	}
}

// lookEvery is how often the folder is looked through where nothing tells what
// is new in it.
const lookEvery = 10 * time.Second

// watch reads every device, also those that come later.
func (r *Remote) watch(ctx context.Context, wg *sync.WaitGroup) {
	news, err := fsnotify.NewWatcher()
	var come chan fsnotify.Event
	var trouble chan error
	if err == nil {
		defer news.Close()
		if err = news.Add(r.cfg.Dir); err == nil {
			come, trouble = news.Events, news.Errors
		}
	}
	if err != nil {
		r.cfg.Log.Info("input devices are looked for again and again", "err", err)
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		r.scan(ctx, wg)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-trouble: // some news are lost: look
		case <-come: // a device, or the right to read one
		}
	}
}

// scan opens the devices that are not read yet.
func (r *Remote) scan(ctx context.Context, wg *sync.WaitGroup) {
	entries, err := os.ReadDir(r.cfg.Dir)
	if err != nil {
		return // there is no input at all
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "event") {
			continue
		}
		path := filepath.Join(r.cfg.Dir, e.Name())
		now, err := os.Stat(path)
		if err != nil || isSame(r.dull[path], now) || !r.claim(path) {
			continue
		}
		f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			r.release(path)
			if errors.Is(err, fs.ErrPermission) {
				r.cfg.Log.Debug("an input device may not be read", "err", err, "hint", `the user that runs pickerd must be in the group "input"`)
			}
			continue
		}
		if !useful(f, r.cfg.Keys) {
			f.Close()
			r.release(path)
			r.dull[path] = now // not looked at again, unless another device gets its name
			continue
		}
		r.cfg.Log.Info("keys", "device", path, "name", nameOf(f))
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

// Sizes and types of linux/input.h. A struct input_event begins with two longs.
const (
	timeSize  = 2 * int(unsafe.Sizeof(uintptr(0)))
	eventSize = timeSize + 8
	evSyn     = 0
	evKey     = 1
	dropped   = 3 // SYN_DROPPED: some events are lost
)

// parse reads the whole events in b.
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

// read passes a device's keys on until it is unplugged or ctx ends.
func (r *Remote) read(ctx context.Context, f *os.File) {
	defer f.Close()
	defer context.AfterFunc(ctx, func() { f.Close() })()
	b := make([]byte, 64*eventSize)
	for {
		n, err := f.Read(b)
		if err != nil {
			return
		}
		for _, e := range parse(b[:n]) {
			select {
			case r.events <- e:
			case <-ctx.Done():
				return
			}
		}
	}
}

// ioctl asks an input device into b.
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

// useful reports whether a device has a key that means something.
func useful(f *os.File, keys Keymap) bool {
	var has [96]byte // KEY_MAX is 0x2ff
	if !ioctl(f, 0x20+evKey, has[:]) {
		return true // no device of the kernel's, as in tests
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
