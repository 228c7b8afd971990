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

// TestModel sends a box random events and faults and checks the invariants after
// each. At the end it mends all faults. A person must then be able to pick photos
// and to unpair the box from any state.
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
	Op   string        // the request that fails
	How  string        // the answer, of faultAnswers
	N    int           // number of failures
	For  time.Duration // time that passes afterwards
}

var eventKinds = []string{"time", "time", "time", "pick", "pick for a collection", "delete a collection", "cancel", "unpair", "unpair everywhere", "renew",
	"approve", "approve", "approve", "approve", "deny", "decline scope", "choose", "choose", "choose", "choose few", "choose nothing",
	"fail", "fail", "fail", "fail", "cut", "cut", "mend", "revoke all", "expire access", "drop session", "no account",
	"restart", "power cut", "disk full", "disk read-only", "disk broken", "disk mended", "move clock", "damage a photo"}

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

// serverTraits are optional behaviours of the servers.
type serverTraits struct{ rotate, shortLived, append, omit, paired bool }

func drawServers(r *rapid.T) serverTraits {
	b := rapid.Bool()
	return serverTraits{b.Draw(r, "rotate"), b.Draw(r, "shortLived"), b.Draw(r, "append"), b.Draw(r, "omit"), b.Draw(r, "paired")}
}

// A model is a world with invariants.
type model struct {
	*world
	mu    sync.Mutex
	disk  error // of each use of the disk, nil while it works
	ranks map[string]int
	stuck time.Time // when the screen began to offer nothing
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

// do applies an event and returns the broken invariants.
func (m *model) do(e event) []string {
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	s := m.dev.Statuses().Get()
	switch e.Kind {
	case "pick":
		_ = m.dev.Pick(ctx)
	case "pick for a collection":
		_ = m.dev.do(ctx, display.Wish{Verb: display.Pick, Collection: []string{"Family", "Christmas"}[e.N%2]})
	case "delete a collection":
		if list, err := m.store.Collections.All(); err == nil && len(list) > 0 {
			_ = m.dev.do(ctx, display.Wish{Verb: display.RemoveCollection, Collection: list[e.N%len(list)].ID})
		}
	case "cancel":
		_ = m.dev.Cancel(ctx)
	case "unpair", "unpair everywhere":
		_ = m.dev.Unpair(ctx, e.Kind != "unpair")
	case "renew":
		_ = m.dev.Renew(ctx)
	case "approve", "deny", "decline scope":
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
	case "restart", "power cut":
		m.power(e.Kind == "power cut", 0)
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
	return m.watchFor(e.For)
}

// power switches the box off and on. If cut is true, requests and writes in
// progress fail. skew is the error of its clock afterwards, 0 for no change.
func (m *model) power(cut bool, skew time.Duration) {
	if cut {
		m.setDisk(syscall.EIO)
		m.net.cut()
	}
	m.stop()
	m.setDisk(0)
	if skew != 0 {
		now := time.Duration(0)
		m.photos.Change(func(o *pickertest.Options) { now = o.ClockSkew })
		if now != 0 {
			skew = 0 // the clock is corrected
		}
		m.moveClock(now - skew)
		m.skew(skew)
	}
	m.start()
	if cut {
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

// watchFor lets time pass and checks the invariants meanwhile.
func (m *model) watchFor(d time.Duration) []string {
	until := time.Now().Add(d)
	step := max(time.Second, d/50)
	for {
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

// broken returns the invariants that do not hold once the box waits for something: what
// it does between two of the questions here would look like a contradiction.
func (m *model) broken() (list []string) {
	synctest.Wait()
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for _, v := range m.photos.Violations() {
		add("request breaks a rule of the API: %s", v)
	}
	picks, err := m.store.Picks.All()
	if err != nil {
		add("records unreadable: %v", err)
		return list
	}
	grant, err := m.store.Grants.Current()
	if err != nil {
		add("grant unreadable: %v", err)
	}
	inUse := 0
	known := map[string]bool{}
	for _, p := range picks {
		known[p.SessionID], known[p.RequestID] = true, p.CreateSent || known[p.RequestID]
		if onScreen(p) && !slices.ContainsFunc(picks, func(q store.Pick) bool { return q.RequestID == p.SuccessorOf && onScreen(q) }) {
			inUse++
			if grant == nil || grant.ID != p.GrantID {
				add("pick %s is in use, but its grant is not the current one", p.RequestID)
			}
		}
		if before, now := m.ranks[p.RequestID], rank(p); now < before {
			add("the rank of pick %s fell from %d to %d", p.RequestID, before, now)
		} else {
			m.ranks[p.RequestID] = now
		}
	}
	if inUse > 1 {
		add("%d picks on the screen", inUse)
	}
	list = append(list, m.misplaced(picks)...)
	for _, s := range m.photos.Sessions() {
		if !s.Deleted && !known[s.ID] && !known[s.RequestID] && m.isOpen(s.ID) {
			add("session %s is open without a record", s.ID)
		}
	}
	s, p := m.dev.Statuses().Get(), m.dev.Pages().Get()
	if s.Problem != nil && !s.Problem.RetryAt.IsZero() {
		if wait := time.Until(s.Problem.RetryAt); wait > 10*time.Minute {
			add("%s is retried only after %v", s.Problem.Code, wait)
		}
	}
	if offers(p) {
		m.stuck = time.Time{}
	} else if m.stuck.IsZero() {
		m.stuck = time.Now()
	} else if since := time.Since(m.stuck); since > 3*time.Minute {
		add("the screen has offered nothing for %v: %+v", since, p)
	}
	return list
}

// misplaced returns the photos that are not in the collection of their pick, while there
// is a record of it.
func (m *model) misplaced(picks []store.Pick) (list []string) {
	photos, err := m.store.Photos.Collection()
	if err != nil {
		return []string{err.Error()}
	}
	named, err := m.store.Collections.All()
	if err != nil {
		return []string{err.Error()}
	}
	for _, photo := range photos {
		i := slices.IndexFunc(picks, func(p store.Pick) bool { return p.RequestID == photo.Pick })
		if i < 0 || !slices.ContainsFunc(named, func(c store.Collection) bool { return c.ID == picks[i].Collection }) {
			continue
		}
		if photo.Collection != picks[i].Collection {
			list = append(list, fmt.Sprintf("photo %s is in collection %q, its pick in %q", photo.ID, photo.Collection, picks[i].Collection))
		}
	}
	return list
}

func onScreen(p store.Pick) bool { return p.EndReason == "" && !p.Replaced }

func (m *model) isOpen(id string) bool { return slices.Contains(m.photos.Open(), id) }

// rank returns how far a pick has come. CreateSent is left out: it is cleared
// when Google refuses the first request.
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

// offers reports whether the page offers an action or says when the box retries.
func offers(p display.Page) bool {
	return p.QR != "" || p.Label(display.Pick) != "" || p.Label(display.Cancel) != "" || p.Label(display.Renew) != "" || !p.RetryAt.IsZero()
}

// finish mends all faults, picks photos and unpairs. It returns what fails.
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
		case s.Pairing != nil && wants != "no account":
			m.auth.Approve(s.Pairing.UserCode)
		case s.State == device.Picking:
			if m.photos.Choose(s.Pick.SessionID) == nil { // an error means that items were chosen before
				wants = "photos"
			}
		case wants == "a pick" && (s.State == device.Showing || s.State == device.Idle || s.State == device.Blocked):
			_ = m.dev.Pick(ctx)
		case wants == "photos" && s.State == device.Showing && s.Library.Items >= 6:
			_ = m.dev.Unpair(ctx, true)
			wants = "no account"
		case wants == "no account" && s.Account == nil && s.Outstanding == nil && s.Sessions.Open+s.Sessions.PendingDeletion == m.orphans():
			cancel()
			return nil
		}
		cancel()
	}
	return []string{fmt.Sprintf("hours after all faults were mended, a person waits for %s; status %+v", wants, m.dev.Statuses().Get())}
}

// orphans counts the records of sessions whose grant was revoked. They cannot be
// deleted before the person signs in again.
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
