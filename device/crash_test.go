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

// TestEveryCrashPoint cuts the power at each use of disk and network of a scenario
// (pair, pick, fetch, delete, pick again, unpair) and starts the box again.
// Unsynced bytes and names are lost. Completed work must survive, and no session
// may be left at Google.
func TestEveryCrashPoint(t *testing.T) {
	t.Parallel()
	var all []string
	for name, v := range map[string]struct {
		auth  oauthtest.Options
		delay time.Duration // before the person picks, to make tokens expire
		twice bool          // cut the power again while the box recovers
		leave bool          // the person unpairs after the power cut
		gw    bool          // people sign in at a gateway
	}{
		"once":        {},
		"then unpair": {leave: true},
		"gateway":     {gw: true},
		"twice":       {auth: oauthtest.Options{RotateOverlap: true, TokenLife: 90 * time.Second}, delay: 85 * time.Second, twice: true},
	} {
		t.Run(name, func(t *testing.T) {
			var points []string
			// Downloads run in parallel, so the number of points varies between runs.
			step := 1
			if testing.Short() {
				step = 9
			}
			for cut, missed := 0, 0; missed < 3; cut += step {
				what := ""
				synctest.Test(t, func(t *testing.T) {
					l := newScenario(t, v.auth, v.delay)
					l.leave = v.leave
					if v.gw {
						l.addGateway("gw.test", nil)
						l.setUp = through("gw.test")
					}
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
			if len(points)*step < 100 {
				t.Errorf("only %d crash points were found", len(points))
			}
			all = append(all, points...)
		})
	}
	if testing.Short() {
		return
	}
	for _, op := range []string{store.OpCommit, store.OpCreate, store.OpWrite, store.OpSync, store.OpSyncDir, store.OpRename,
		store.OpRemove, store.OpMkdir, "before POST /token", "after POST /token", "after POST /v1/sessions", "after DELETE /v1/sessions",
		"during GET /media", "before POST /revoke"} {
		if !slices.ContainsFunc(all, func(p string) bool { return strings.HasPrefix(p, op) }) {
			t.Errorf("no crash point of the kind %q", op)
		}
	}
	// These are made beside the loop, so that one of before and after may be missed.
	for _, path := range []string{"POST /received", "POST /continue"} {
		if !slices.ContainsFunc(all, func(p string) bool { return strings.Contains(p, path) }) {
			t.Errorf("no crash point at %q", path)
		}
	}
}

// A powerCut happens at one use of disk or network. From there on all of them
// fail, as if the process had ended.
type powerCut struct {
	mu   sync.Mutex
	at   int // -1 for never
	n    int
	what string        // the point of the cut
	off  chan struct{} // closed by the cut
}

var errPowerCut = &os.PathError{Op: "power", Path: "box", Err: syscall.EIO}

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

// A volatileDisk loses what was not synced in a power cut: bytes of files, and
// names in directories.
type volatileDisk struct {
	dir, spare string

	mu      sync.Mutex
	dirty   map[string]bool // names of files with unsynced bytes
	renames []renamed
}

type renamed struct {
	from, to, old string // old is a copy of the replaced file, "" if there was none
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

// cutPower loses what was not synced.
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
			continue // the rename did not happen
		}
		os.Rename(to, filepath.Join(v.dir, r.from))
		if r.old != "" {
			os.Rename(r.old, to)
		}
	}
}

// A scenario is a box and a person who makes a pick, another one, and unpairs,
// also over power cuts.
type scenario struct {
	*world
	stage  int
	delay  time.Duration
	spare  string
	paired bool // the status has named an account
	shown  []string
	leave  bool
	codes  int                                      // approved by the person
	onTick func(s device.Status, page display.Page) // called each second; may be nil
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

// withCut runs the scenario with a power cut at point cut. It returns the use of
// disk or network at that point, "" if there were fewer points.
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
		l.t.Errorf("%s: the power was cut without need", what)
	}
	if l.stage < 3 {
		l.t.Errorf("%s: the scenario did not finish: stage %d, %+v", what, l.stage, l.dev.Statuses().Get())
	}
	return what
}

// runUntilCut starts the box and runs the scenario to its end, or to point cut.
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

// unpairOffline unpairs a box without a network. It must not forget what it has
// requested from Google.
func (l *scenario) unpairOffline() {
	l.net.cut()
	time.Sleep(time.Second)
	_ = l.dev.Unpair(l.t.Context(), true) // there may be no account
	time.Sleep(time.Minute)
	l.net.mend()
}

// tryStart is like start, but the power may be cut before the box has started.
func (l *scenario) tryStart() bool {
	st, err := store.Open(l.dir, store.Options{BeforeOp: l.watch})
	if err != nil {
		return false
	}
	st.Close()
	l.start()
	return true
}

// play plays the person until the scenario has ended or the power is cut.
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
			l.t.Errorf("the pairing was lost")
			return
		}
		if l.stage < 2 && s.Library.Items == 0 && len(l.shown) > 0 {
			l.t.Errorf("%s: photos that were shown are lost", s.State)
			return
		}
		l.act(s)
		if l.stage == 3 {
			return
		}
	}
	l.t.Errorf("stage %d does not end: %+v", l.stage, l.dev.Statuses().Get())
}

// act does the person's next step.
func (l *scenario) act(s device.Status) {
	within, cancel := context.WithTimeout(l.t.Context(), 10*time.Second)
	defer cancel()
	switch {
	case l.stage == 2 && s.Account == nil && s.Outstanding == nil && s.Sessions == device.Sessions{} && (l.paired || l.leave):
		l.stage = 3
	case l.stage == 2 && s.Account != nil:
		_ = l.dev.Unpair(within, true) // the power may be cut meanwhile
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

// advance checks the photos of a pick and begins the next step.
func (l *scenario) advance(ctx context.Context) {
	photos, err := l.store.Photos.Collection()
	if err != nil {
		return // the power was cut
	}
	l.shown = photoIDs(photos)
	switch {
	case l.stage == 0 && slices.Equal(l.shown, firstPick), l.stage == 1 && slices.Equal(l.shown, secondPick):
		l.stage++
	case l.stage == 1 && slices.Equal(l.shown, firstPick): // the power cut lost the request for a second pick
	default:
		l.t.Errorf("stage %d shows %v", l.stage, l.shown)
		l.stage = 3
	}
	if l.stage == 1 {
		_ = l.dev.Pick(ctx)
	}
}

// check checks what is on the disk after a power cut.
func (l *scenario) check(what string) {
	st, err := store.Open(l.dir, store.Options{})
	if err != nil {
		l.t.Fatalf("%s: %v", what, err)
	}
	defer st.Close()
	if st.Recovery() != nil || st.KeyLost() {
		l.t.Errorf("%s: database damaged: %v; key lost: %v", what, st.Recovery(), st.KeyLost())
	}
	photos, err := st.Photos.Collection()
	if err != nil {
		l.t.Fatalf("%s: %v", what, err)
	}
	for _, p := range photos {
		if !l.whole(st, p) {
			l.t.Errorf("%s: %s differs from the picked photo", what, p.ID)
		}
	}
	got := photoIDs(photos)
	slices.Sort(got)
	// Either the old collection is complete, or there are photos of the new one only.
	old := slices.Equal(got, firstPick)
	fresh := len(got) > 0 && !slices.ContainsFunc(got, func(id string) bool { return !slices.Contains(secondPick, id) })
	if l.stage == 1 && !old && !fresh || l.stage == 0 && len(l.shown) > 0 && !old {
		l.t.Errorf("%s: stage %d, photos %v on the disk", what, l.stage, got)
	}
	files, err := os.ReadDir(filepath.Join(l.dir, "media"))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), ".") {
			l.t.Errorf("%s: temporary file %s left behind", what, f.Name())
		}
	}
	if grant, err := st.Grants.Current(); l.paired && l.stage < 2 && (grant == nil || err != nil) {
		l.t.Errorf("%s: the token was lost: %v", what, err)
	}
}

// whole reports whether a photo's file equals the server's.
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
