package device_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"pickerd/device"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// TestModel drives a box with random events and faults on virtual time, and looks
// after each whether what must always hold does. In the end everything is mended,
// and a person must get from wherever the box is to photos and to nobody.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		plan := rapid.SliceOfN(rapid.Custom(drawEvent), 5, 40).Draw(r, "events")
		like := rapid.Custom(drawServers).Draw(r, "servers")
		var broken []string
		synctest.Test(t, func(t *testing.T) {
			m := newModel(t, like)
			for _, e := range plan {
				if broken = m.do(e); len(broken) > 0 {
					break
				}
			}
			if len(broken) == 0 {
				broken = m.finish()
			}
			m.stop()
		})
		for _, b := range broken {
			r.Error(b)
		}
	})
}

// An event is something that happens to a box.
type event struct {
	Kind string
	Op   string        // whose answers fail
	How  string        // how they do
	N    int           // how many
	For  time.Duration // how long the box is left alone then
}

var eventKinds = []string{"time", "time", "time", "pick", "cancel", "unpair", "unpair everywhere", "renew",
	"approve", "approve", "approve", "approve", "deny", "untick", "choose", "choose", "choose", "choose few", "choose nothing",
	"fail", "fail", "fail", "fail", "cut", "cut", "mend", "revoke all", "expire access", "drop session", "no account",
	"restart", "plug", "disk full", "disk read-only", "disk broken", "disk mended", "move clock", "damage a photo"}

var faultAnswers = map[string]http.HandlerFunc{
	"500": answer(500, "application/json", `{"error":{"code":500,"status":"INTERNAL"}}`),
	"503, later": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "33")
		answer(503, "", "")(w, r)
	},
	"429":         answer(429, "application/json", `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}`),
	"portal":      answer(200, "text/html", "<html>Welcome"),
	"portal, 404": answer(404, "text/html", "<html>Not found"),
	"cut off":     cutOff,
	"aborted":     abort,
	"silent":      silent,
}

func drawEvent(r *rapid.T) event {
	ops := []string{oauthtest.OpCode, oauthtest.OpPoll, oauthtest.OpRefresh, oauthtest.OpRevoke,
		pickertest.OpCreate, pickertest.OpGet, pickertest.OpList, pickertest.OpDelete, pickertest.OpMedia}
	hows := []string{"500", "503, later", "429", "portal", "portal, 404", "cut off", "aborted", "silent"}
	return event{
		Kind: rapid.SampledFrom(eventKinds).Draw(r, "kind"),
		Op:   rapid.SampledFrom(ops).Draw(r, "op"),
		How:  rapid.SampledFrom(hows).Draw(r, "how"),
		N:    rapid.IntRange(1, 12).Draw(r, "n"),
		For: rapid.SampledFrom([]time.Duration{0, 100 * time.Millisecond, time.Second, 6 * time.Second, 40 * time.Second,
			5 * time.Minute, 35 * time.Minute, 2 * time.Hour}).Draw(r, "for"),
	}
}

// A serverTraits is what the servers are like.
type serverTraits struct{ rotate, shortLived, append, omit, paired bool }

func drawServers(r *rapid.T) serverTraits {
	b := rapid.Bool()
	return serverTraits{b.Draw(r, "rotate"), b.Draw(r, "shortLived"), b.Draw(r, "append"), b.Draw(r, "omit"), b.Draw(r, "paired")}
}

// A model is a world of which it is known what must hold.
type model struct {
	*world
	mu    sync.Mutex
	disk  error // what the disk answers, nil while it works
	ranks map[string]int
	stuck time.Time // since when the screen offers nothing
}

func newModel(t *testing.T, like serverTraits) *model {
	o := options{items: pickertest.PlainPhotos(6), photos: pickertest.Options{RepeatedRequest: pickertest.SameSession, OmitPolling: like.omit}}
	o.auth.RotateOverlap = like.rotate
	if like.shortLived {
		o.auth.TokenLife = 3 * time.Minute
	}
	o.config = func(c *Config) { c.Append = like.append }
	m := &model{world: newWorld(t, o), ranks: map[string]int{}}
	m.watch = func(c store.Op) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.disk
	}
	m.start()
	if like.paired {
		m.pair()
	}
	return m
}

func (m *model) setDisk(errno syscall.Errno) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.disk = nil; errno != 0 {
		m.disk = &os.PathError{Op: "write", Path: "disk", Err: errno}
	}
}

// do lets an event happen and returns what is broken then.
func (m *model) do(e event) []string {
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	s := m.dev.Statuses().Get()
	switch e.Kind {
	case "pick":
		_ = m.dev.Pick(ctx)
	case "cancel":
		_ = m.dev.Cancel(ctx)
	case "unpair", "unpair everywhere":
		_ = m.dev.Unpair(ctx, e.Kind != "unpair")
	case "renew":
		_ = m.dev.Renew(ctx)
	case "approve", "deny", "untick":
		if s.Pairing == nil {
			break
		}
		switch e.Kind {
		case "approve":
			m.auth.Approve(s.Pairing.UserCode)
		case "deny":
			m.auth.Deny(s.Pairing.UserCode)
		default:
			m.auth.Approve(s.Pairing.UserCode, oauthtest.PickerScope)
		}
	case "choose", "choose few", "choose nothing", "drop session":
		if s.Pick == nil || s.Pick.SessionID == "" {
			break
		}
		switch e.Kind {
		case "choose":
			_ = m.photos.Choose(s.Pick.SessionID)
		case "choose few":
			_ = m.photos.Choose(s.Pick.SessionID, fmt.Sprint("item-", 1+e.N%6), fmt.Sprint("item-", 1+(e.N+2)%6))
		case "choose nothing":
			_ = m.photos.Choose(s.Pick.SessionID, "item-none")
		default:
			m.photos.LoseSession(s.Pick.SessionID)
		}
	case "fail":
		h := faultAnswers[e.How]
		m.auth.Fail(e.Op, repeat(e.N, h)...)
		m.photos.Fail(e.Op, repeat(e.N, h)...)
	case "cut":
		m.net.cut()
	case "mend":
		m.net.mend()
	case "revoke all":
		m.auth.RevokeAll()
	case "expire access":
		m.auth.ExpireAccess()
	case "no account":
		m.photos.Change(func(o *pickertest.Options) { o.NoAccount = e.N%2 == 0 })
	case "restart", "plug":
		m.power(e.Kind == "plug", 0)
	case "move clock":
		m.power(false, []time.Duration{20 * year, -20 * year}[e.N%2])
	case "disk full":
		m.setDisk(syscall.ENOSPC)
	case "disk read-only":
		m.setDisk(syscall.EROFS)
	case "disk broken":
		m.setDisk(syscall.EIO)
	case "disk mended":
		m.setDisk(0)
	case "damage a photo":
		m.damagePhoto(e.N)
	}
	return m.leave(e.For)
}

// power switches the box off and on: with the plug, so that nothing that is under
// way comes to its end; with a clock that is another then.
func (m *model) power(plug bool, moveClock time.Duration) {
	if plug {
		m.setDisk(syscall.EIO)
		m.net.cut()
	}
	m.stop()
	m.setDisk(0)
	if moveClock != 0 {
		now := time.Duration(0)
		m.photos.Change(func(o *pickertest.Options) { now = o.ClockSkew })
		if now != 0 {
			moveClock = 0 // it is set right
		}
		m.moveClock(now - moveClock)
		m.skew(moveClock)
	}
	m.start()
	if plug {
		m.net.mend()
	}
}

func (m *model) damagePhoto(n int) {
	photos, err := m.store.Photos.Collection()
	if err != nil || len(photos) == 0 {
		return
	}
	f, err := m.store.Photos.Open(photos[n%len(photos)].File)
	if err != nil {
		return
	}
	defer f.Close()
	_ = os.WriteFile(f.Name(), []byte("damaged"), 0o600)
}

// leave lets time go by, and looks at the box meanwhile.
func (m *model) leave(d time.Duration) []string {
	until := time.Now().Add(d)
	step := max(time.Second, d/50)
	for {
		synctest.Wait()
		if broken := m.broken(); len(broken) > 0 {
			return broken
		}
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		time.Sleep(min(step, left))
	}
}

// broken returns which of the things that must hold don't.
func (m *model) broken() (list []string) {
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for _, v := range m.photos.Violations() {
		add("a rule of Google's: %s", v)
	}
	picks, err := m.store.Picks.All()
	if err != nil {
		add("the records can't be read: %v", err)
		return list
	}
	grant, err := m.store.Grants.Current()
	if err != nil {
		add("the grant can't be read: %v", err)
	}
	inUse := 0
	known := map[string]bool{}
	for _, p := range picks {
		known[p.SessionID], known[p.RequestID] = true, p.CreateSent || known[p.RequestID]
		if p.EndReason == "" {
			inUse++
			if grant == nil || grant.ID != p.GrantID {
				add("pick %s is in use under a grant that is not in force", p.RequestID)
			}
		}
		if before, now := m.ranks[p.RequestID], rank(p); now < before {
			add("pick %s went back from %d to %d", p.RequestID, before, now)
		} else {
			m.ranks[p.RequestID] = now
		}
	}
	if inUse > 1 {
		add("%d picks at a time", inUse)
	}
	for _, s := range m.photos.Sessions() {
		if !s.Deleted && !known[s.ID] && !known[s.RequestID] && m.isOpen(s.ID) {
			add("session %s is open and on no record", s.ID)
		}
	}
	s, p := m.dev.Statuses().Get(), m.dev.Pages().Get()
	if s.Problem != nil && !s.Problem.RetryAt.IsZero() {
		if wait := time.Until(s.Problem.RetryAt); wait > 10*time.Minute {
			add("%s is tried again in %v only", s.Problem.Code, wait)
		}
	}
	if offers(p) {
		m.stuck = time.Time{}
	} else if m.stuck.IsZero() {
		m.stuck = time.Now()
	} else if since := time.Since(m.stuck); since > 3*time.Minute {
		add("for %v the screen has offered nothing: %+v", since, p)
	}
	return list
}

func (m *model) isOpen(id string) bool { return slices.Contains(m.photos.Open(), id) }

// rank is how far a pick's record is. That Google was asked can be taken back:
// its first and only answer was no.
func rank(p store.Pick) int {
	switch {
	case p.EndReason != "":
		return 3
	case p.Done:
		return 2
	case p.SessionID != "":
		return 1
	}
	return 0
}

// offers reports whether a person can do something, or sees when the box will.
func offers(p display.Page) bool {
	return p.QR != "" || p.Label(display.Pick) != "" || p.Label(display.Cancel) != "" || p.Label(display.Renew) != "" || !p.RetryAt.IsZero()
}

// finish mends everything and returns what does not come right then.
func (m *model) finish() (broken []string) {
	m.setDisk(0)
	m.net.mend()
	m.photos.Change(func(o *pickertest.Options) { o.NoAccount = false })
	for _, op := range []string{oauthtest.OpCode, oauthtest.OpPoll, oauthtest.OpRefresh, oauthtest.OpRevoke} {
		m.auth.ClearFaults(op)
	}
	for _, op := range []string{pickertest.OpCreate, pickertest.OpGet, pickertest.OpList, pickertest.OpDelete, pickertest.OpMedia} {
		m.photos.ClearFaults(op)
	}
	wants := "a pick"
	for range 4 * 3600 {
		time.Sleep(time.Second)
		if broken := m.broken(); len(broken) > 0 {
			return broken
		}
		s := m.dev.Statuses().Get()
		ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
		switch {
		case s.Pairing != nil && wants != "nobody":
			m.auth.Approve(s.Pairing.UserCode)
		case s.State == device.Picking:
			if m.photos.Choose(s.Pick.SessionID) == nil { // else somebody has before
				wants = "photos"
			}
		case wants == "a pick" && (s.State == device.Showing || s.State == device.Idle || s.State == device.Blocked):
			_ = m.dev.Pick(ctx)
		case wants == "photos" && s.State == device.Showing && s.Library.Items >= 6:
			_ = m.dev.Unpair(ctx, true)
			wants = "nobody"
		case wants == "nobody" && s.Account == nil && s.Outstanding == nil && s.Sessions.Open+s.Sessions.PendingDeletion == m.orphans():
			cancel()
			return nil
		}
		cancel()
	}
	return []string{fmt.Sprintf("hours after everything was mended somebody who wants %s sees %+v", wants, m.dev.Statuses().Get())}
}

// orphans counts records of sessions whose grant the server has ended: nobody can
// delete those without the person.
func (m *model) orphans() (n int) {
	picks, err := m.store.Picks.All()
	if err != nil {
		return -1
	}
	grants, err := m.store.Grants.All()
	if err != nil {
		return -1
	}
	for _, p := range picks {
		dead := !slices.ContainsFunc(grants, func(g store.Grant) bool { return g.ID == p.GrantID && !g.Dead })
		if dead {
			n++
		}
	}
	return n
}
