package device_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// TestEveryCrashPoint walks every place at which the box touches disk or network
// in a whole life (pair, pick, fetch, delete, pick again, unpair), pulls the plug
// there, and switches the box on again on what the disk has kept: what was not
// brought to the disk is lost. Nothing may be lost that was complete, and
// nothing left behind at Google.
func TestEveryCrashPoint(t *testing.T) {
	t.Parallel()
	var all []string
	for name, v := range map[string]struct {
		auth  oauthtest.Options
		delay time.Duration // of the person, so that tokens have to be refreshed
		twice bool          // pull the plug once more while the box recovers
		leave bool          // the person wants no more of it after a power cut
	}{
		"once":                   {},
		"then the person leaves": {leave: true},
		"twice":                  {auth: oauthtest.Options{RotateOverlap: true, TokenLife: 90 * time.Second}, delay: 50 * time.Second, twice: true},
	} {
		t.Run(name, func(t *testing.T) {
			var points []string
			// Downloads race each other: a life may have a point more than the last.
			for cut, missed := 0, 0; missed < 3; cut++ {
				what := ""
				synctest.Test(t, func(t *testing.T) {
					l := newScenario(t, v.auth, v.delay)
					l.leave = v.leave
					what = l.withCut(cut, v.twice)
				})
				switch {
				case t.Failed():
					return
				case what == "":
					missed++
					continue
				}
				missed = 0
				points = append(points, what)
			}
			t.Logf("%d crash points", len(points))
			if len(points) < 100 {
				t.Errorf("only %d places to pull the plug were found", len(points))
			}
			all = append(all, points...)
		})
	}
	for _, op := range []string{store.OpCommit, store.OpCreate, store.OpWrite, store.OpSync, store.OpSyncDir, store.OpRename,
		store.OpRemove, store.OpMkdir, "before POST /token", "after POST /token", "after POST /v1/sessions", "after DELETE /v1/sessions",
		"during GET /media", "before POST /revoke"} {
		if !slices.ContainsFunc(all, func(p string) bool { return strings.HasPrefix(p, op) }) {
			t.Errorf("no place of the kind %q", op)
		}
	}
}

// A plug can be pulled at a point. From there on nothing gets to the disk or the
// network: that is what the end of the process looks like from outside.
type powerCut struct {
	mu   sync.Mutex
	at   int // -1 for never
	n    int
	what string        // where it was pulled
	off  chan struct{} // closed then
}

var errPowerCut = &os.PathError{Op: "power", Path: "plug", Err: syscall.EIO}

func newPowerCut(at int) *powerCut { return &powerCut{at: at, off: make(chan struct{})} }

func (p *powerCut) point(what string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.what != "":
		return errPowerCut
	case p.n == p.at:
		p.what = what
		close(p.off)
		return errPowerCut
	}
	p.n++
	return nil
}

func (p *powerCut) place() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.what
}

// A volatile disk forgets in a power cut what was not brought to it: bytes that
// were not synced, names whose directory was not.
type volatileDisk struct {
	dir, spare string

	mu      sync.Mutex
	dirty   map[string]bool // names of files with unsynced bytes
	renames []renamed
}

type renamed struct {
	from, to, old string // old keeps what had the name before, "" for nothing
}

func (v *volatileDisk) note(c store.Op) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch c.Kind {
	case store.OpCreate, store.OpWrite:
		v.dirty[c.Name] = true
	case store.OpSync, store.OpCommit: // bbolt syncs
		delete(v.dirty, c.Name)
	case store.OpRemove:
		delete(v.dirty, c.Name)
	case store.OpSyncDir:
		v.renames = slices.DeleteFunc(v.renames, func(r renamed) bool { return filepath.Dir(r.to) == filepath.Clean(c.Name) })
	case store.OpRename:
		r := renamed{from: c.Name, to: c.To}
		spare := filepath.Join(v.spare, fmt.Sprint(len(v.renames), time.Now().UnixNano()))
		if os.Link(filepath.Join(v.dir, c.To), spare) == nil {
			r.old = spare
		}
		v.renames = append(v.renames, r)
		if v.dirty[c.Name] {
			delete(v.dirty, c.Name)
			v.dirty[c.To] = true
		}
	}
}

// lose is the power cut.
func (v *volatileDisk) cutPower() {
	for name := range v.dirty {
		path := filepath.Join(v.dir, name)
		if st, err := os.Stat(path); err == nil {
			os.Truncate(path, st.Size()/2)
		}
	}
	for _, r := range slices.Backward(v.renames) {
		to := filepath.Join(v.dir, r.to)
		if _, err := os.Stat(to); err != nil {
			continue // it never came to that
		}
		os.Rename(to, filepath.Join(v.dir, r.from))
		if r.old != "" {
			os.Rename(r.old, to)
		}
	}
}

// A scenario is a box, and a person who wants three things of it, one after the
// other, however often the plug is pulled meanwhile.
type scenario struct {
	*world
	stage  int
	delay  time.Duration
	spare  string
	paired bool // the box has said so once
	shown  []string
	leave  bool
	codes  int                                      // that the person approved
	onTick func(s device.Status, page display.Page) // at the screen, each second; may be nil
}

var (
	firstPick  = []string{"item-1", "item-2", "item-3"}
	secondPick = []string{"item-4", "item-3"}
)

func newScenario(t *testing.T, auth oauthtest.Options, delay time.Duration) *scenario {
	w := newWorld(t, options{auth: auth, items: pickertest.PlainPhotos(4), photos: pickertest.Options{RepeatedRequest: pickertest.SameSession}})
	w.photos.NoLeaks(t)
	return &scenario{world: w, delay: delay, spare: t.TempDir()}
}

// withCut lives through it and pulls the plug once at point cut. It returns what
// the box was about to do there, "" when it did not come so far.
func (l *scenario) withCut(cut int, twice bool) string {
	what := l.runUntilCut(cut)
	if what == "" {
		return ""
	}
	if twice {
		l.check(what)
		if again := l.runUntilCut((cut * 13) % 40); again != "" {
			what += ", then " + again
		}
	}
	l.check(what)
	if l.leave {
		l.stage = 2
	}
	if again := l.runUntilCut(-1); again != "" {
		l.t.Errorf("%s: a plug was pulled that was not to be", what)
	}
	if l.stage < 3 {
		l.t.Errorf("%s: the life did not come to its end: stage %d, %+v", what, l.stage, l.dev.Statuses().Get())
	}
	return what
}

// run switches the box on and pulls the plug at point cut, or lives to the end.
func (l *scenario) runUntilCut(cut int) string {
	p := newPowerCut(cut)
	disk := &volatileDisk{dir: l.dir, spare: l.spare, dirty: map[string]bool{}}
	l.watch = func(c store.Op) error {
		if c.Kind == store.OpStatfs {
			return nil
		}
		if err := p.point(c.Kind + " " + c.Name + " " + c.To); err != nil {
			return err
		}
		disk.note(c)
		return nil
	}
	about := func(when string) func(*http.Request) error {
		return func(r *http.Request) error { return p.point(when + " " + r.Method + " " + r.URL.Path) }
	}
	l.net.hook(about("before"), about("after"))
	l.net.mu.Lock()
	l.net.during = func(r *http.Request) error {
		if !strings.HasPrefix(r.URL.Path, "/media/") {
			return nil
		}
		return about("during")(r)
	}
	l.net.mu.Unlock()
	if !l.tryStart() {
		disk.cutPower()
		return p.place()
	}
	if l.leave && cut < 0 {
		l.unpairOffline()
	}
	l.play(p.off)
	l.stop()
	if what := p.place(); what != "" {
		disk.cutPower()
		return what
	}
	return ""
}

// unpairOffline is what a person does who comes back to a box without a network: it must
// not forget what it has asked Google for.
func (l *scenario) unpairOffline() {
	l.net.cut()
	time.Sleep(time.Second)
	_ = l.dev.Unpair(l.t.Context(), true) // there may be nobody to be forgotten
	time.Sleep(time.Minute)
	l.net.mend()
}

// tryStart is start for a box whose plug may be pulled before it is up.
func (l *scenario) tryStart() bool {
	st, err := store.Open(l.dir, store.Options{BeforeOp: l.watch})
	if err != nil {
		return false
	}
	st.Close()
	l.start()
	return true
}

// live does what the person does, until the person has what they want or the
// plug is pulled.
func (l *scenario) play(off <-chan struct{}) {
	for range 4 * 3600 {
		select {
		case <-off:
			return
		case <-time.After(time.Second):
		}
		s := l.dev.Statuses().Get()
		if l.onTick != nil {
			l.onTick(s, l.dev.Pages().Get())
		}
		switch {
		case s.Account != nil:
			l.paired = true
		case s.Pairing != nil && l.paired && l.stage < 2:
			l.t.Errorf("the pairing is lost")
			return
		}
		if l.stage < 2 && s.Library.Items == 0 && len(l.shown) > 0 {
			l.t.Errorf("%s: photos were shown and are gone", s.State)
			return
		}
		l.act(s)
		if l.stage == 3 {
			return
		}
	}
	l.t.Errorf("stage %d never ends: %+v", l.stage, l.dev.Statuses().Get())
}

// act takes the next step towards what the person wants.
func (l *scenario) act(s device.Status) {
	within, cancel := context.WithTimeout(l.t.Context(), 10*time.Second)
	defer cancel()
	switch {
	case l.stage == 2 && s.Account == nil && s.Outstanding == nil && s.Sessions == device.Sessions{} && (l.paired || l.leave):
		l.stage = 3
	case l.stage == 2 && s.Account != nil:
		_ = l.dev.Unpair(within, true) // the plug may be pulled meanwhile
	case l.stage == 2:
	case s.Pairing != nil:
		if l.auth.Approve(s.Pairing.UserCode) {
			l.codes++
		}
	case s.State == device.Picking:
		time.Sleep(l.delay)
		want := firstPick
		if l.stage == 1 {
			want = secondPick
		}
		_ = l.photos.Choose(s.Pick.SessionID, want...) // once
	case s.State == device.Showing && s.Pick == nil && s.Sessions == device.Sessions{}:
		l.advance(within)
	}
}

// advance looks what came of a pick, and begins the next.
func (l *scenario) advance(ctx context.Context) {
	photos, err := l.store.Photos.Collection()
	if err != nil {
		return // the plug
	}
	l.shown = photoIDs(photos)
	switch {
	case l.stage == 0 && slices.Equal(l.shown, firstPick), l.stage == 1 && slices.Equal(l.shown, secondPick):
		l.stage++
	case l.stage == 1 && slices.Equal(l.shown, firstPick): // the wish went with the plug
	default:
		l.t.Errorf("stage %d shows %v", l.stage, l.shown)
		l.stage = 3
	}
	if l.stage == 1 {
		_ = l.dev.Pick(ctx)
	}
}

// check looks at what is on the disk after a power cut, as the box will find it.
func (l *scenario) check(what string) {
	st, err := store.Open(l.dir, store.Options{})
	if err != nil {
		l.t.Fatalf("%s: %v", what, err)
	}
	defer st.Close()
	if st.Recovery() != nil || st.KeyLost() {
		l.t.Errorf("%s: the database is damaged (%v), or the key lost (%v)", what, st.Recovery(), st.KeyLost())
	}
	photos, err := st.Photos.Collection()
	if err != nil {
		l.t.Fatalf("%s: %v", what, err)
	}
	for _, p := range photos {
		if !l.whole(st, p) {
			l.t.Errorf("%s: %s is not what was picked", what, p.ID)
		}
	}
	got := photoIDs(photos)
	slices.Sort(got)
	// The old collection whole, or something of the new one and nothing else.
	old := slices.Equal(got, firstPick)
	fresh := len(got) > 0 && !slices.ContainsFunc(got, func(id string) bool { return !slices.Contains(secondPick, id) })
	if l.stage == 1 && !old && !fresh || l.stage == 0 && len(l.shown) > 0 && !old {
		l.t.Errorf("%s: stage %d, and on the disk are %v", what, l.stage, got)
	}
	files, err := os.ReadDir(filepath.Join(l.dir, "media"))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), ".") {
			l.t.Errorf("%s: %s is left", what, f.Name())
		}
	}
	if grant, err := st.Grants.Current(); l.paired && l.stage < 2 && (grant == nil || err != nil) {
		l.t.Errorf("%s: the token is lost: %v", what, err)
	}
}

// whole reports whether a photo's file has the bytes that the server has.
func (l *scenario) whole(st *store.Store, p store.Photo) bool {
	f, err := st.Photos.Open(p.File)
	if err != nil {
		return false
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	ok, verr := st.Photos.Verify(l.t.Context(), p)
	return ok && errors.Join(err, verr) == nil && slices.ContainsFunc(pickertest.PlainPhotos(4), func(it *pickertest.Item) bool {
		return it.ID == p.ID && string(it.Data) == string(data)
	})
}
