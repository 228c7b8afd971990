package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A scene is a watch with a broker, in virtual time.
type scene struct {
	t *testing.T
	*fakeBroker
	*shell
	began time.Time
}

func newScene(t *testing.T, args ...string) (*scene, func()) {
	b := newFakeBroker()
	s := &scene{t: t, fakeBroker: b, shell: newShell(b), began: time.Now()}
	return s, s.watching(t, append([]string{"watch", "--json"}, args...)...)
}

// status has a box tell its state, which began a while ago.
func (s *scene) status(id, state, more string, ago time.Duration) {
	s.put("pickerd/"+id+"/status", fmt.Sprintf(`{"state":%q,"since":%q,"name":"Hall","labels":{"site":"lobby"}%s}`, state, time.Now().Add(-ago).Format(time.RFC3339), more), true)
}

// expect waits, and compares the notices as "event for", "-" before one that ended.
func (s *scene) expect(after time.Duration, want string) {
	s.t.Helper()
	time.Sleep(after)
	synctest.Wait()
	var list []string
	for line := range strings.Lines(s.out.take()) {
		var n notice
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			s.t.Fatal(err)
		}
		text := string(n.Event) + " " + n.For
		if n.Ended {
			text = "-" + text
		}
		list = append(list, n.Box.ID+" "+text)
	}
	if got := strings.Join(list, ", "); got != want {
		s.t.Errorf("after %v: %q, want %q", time.Since(s.began), got, want)
	}
}

func TestWatchOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t, "--offline", "10m")
		s.status("0a", "showing", "", 0)
		s.put("pickerd/0a/availability", "online", true)
		s.expect(time.Hour, "")
		s.put("pickerd/0a/health", fmt.Sprintf(`{"at":%q}`, time.Now().Add(-5*time.Minute).Format(time.RFC3339)), true) // as often as it comes
		s.put("pickerd/0a/availability", "offline", true)
		s.expect(9*time.Minute+50*time.Second, "")
		s.put("pickerd/0a/availability", "online", true) // a short absence is none
		s.expect(14*time.Minute, "")
		s.put("pickerd/0a/availability", "offline", true)
		s.expect(10*time.Minute+10*time.Second, "0a offline 10m")
		s.expect(time.Hour, "")
		s.put("pickerd/0a/availability", "online", true)
		s.expect(time.Second, "0a -offline 1h")
		s.expect(14*time.Minute, "")
		s.put("pickerd/0a/availability", "offline", true)
		s.expect(11*time.Minute, "0a offline 10m")
		s.put("pickerd/0a/health", "", true) // removed
		s.put("pickerd/0a/availability", "", true)
		s.put("pickerd/0a/status", "", true)
		s.expect(time.Minute, "0a -offline 11m")
		s.expect(time.Hour, "")
		stop()
	})
}

// A broker that stops tells that all boxes are offline. They have time to come back.
func TestWatchBrokerStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t, "--offline", "10m")
		for _, id := range []string{"0a", "0b"} {
			s.put("pickerd/"+id+"/availability", "online", true)
		}
		s.expect(time.Hour, "")
		for _, id := range []string{"0a", "0b"} {
			s.put("pickerd/"+id+"/availability", "offline", true)
		}
		s.expect(time.Second, "")
		s.cut(true)
		s.expect(time.Hour, "")
		s.cut(false)
		s.expect(3*time.Minute, "") // connected again after at most two
		s.put("pickerd/0a/availability", "online", true)
		s.expect(10*time.Minute, "0b offline 10m")
		stop()
	})
}

// A box that was offline before counts from its last health.
func TestWatchOfflineBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t)
		s.put("pickerd/0a/health", fmt.Sprintf(`{"at":%q}`, time.Now().Add(-2*time.Hour).Format(time.RFC3339)), true)
		s.expect(time.Minute, "") // its availability is not known
		s.put("pickerd/0a/availability", "offline", true)
		s.put("pickerd/0b/availability", "offline", true)
		s.put("pickerd/0c/availability", "offline", true)
		s.put("pickerd/0c/health", fmt.Sprintf(`{"at":%q}`, time.Now().Add(24*time.Hour).Format(time.RFC3339)), true) // its clock is wrong
		s.expect(time.Second, "0a offline 2h")
		s.expect(11*time.Minute, "0b offline 10m, 0c offline 10m")
		stop()
		stop = s.watching(t, "watch", "--json") // again
		s.expect(time.Second, "0a offline 2h")
		stop()
	})
}

func TestWatchBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t, "--blocked", "30m", "--session", "0", "--offline", "0")
		s.put("pickerd/0a/availability", "online", true)
		s.status("0a", "blocked", `,"problem":{"code":"disk_full"}`, 10*time.Minute)
		s.expect(19*time.Minute, "")
		s.expect(2*time.Minute, "0a blocked 30m")
		s.put("pickerd/0a/availability", "offline", true)
		s.status("0a", "showing", "", 0) // not known of a box that is offline
		s.expect(time.Hour, "")
		s.put("pickerd/0a/availability", "online", true)
		s.expect(time.Minute, "0a -blocked 1h")
		s.status("0a", "blocked", "", -time.Hour) // its clock is wrong
		s.expect(29*time.Minute, "")
		s.expect(2*time.Minute, "0a blocked 30m")
		s.status("0a", "blocked", "", 0) // again
		s.expect(time.Second, "0a -blocked 31m")
		s.expect(31*time.Minute, "0a blocked 30m")
		stop()
	})
}

func TestWatchSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t, "--session", "1d")
		oldest := func(ago time.Duration) string {
			return fmt.Sprintf(`,"sessions":{"open":1,"oldest":%q}`, time.Now().Add(-ago).Format(time.RFC3339))
		}
		s.put("pickerd/0a/availability", "online", true)
		s.status("0a", "showing", oldest(23*time.Hour), 0)
		s.expect(59*time.Minute, "")
		s.expect(2*time.Minute, "0a session_old 24h")
		s.status("0a", "showing", oldest(time.Hour), 0) // another one
		s.expect(time.Minute, "0a -session_old 24h")
		s.expect(23*time.Hour, "0a session_old 24h")
		s.status("0a", "showing", "", 0)
		s.expect(time.Minute, "0a -session_old 24h")
		stop()
	})
}

// A lost connection is no news about boxes, and nothing is reported twice.
func TestWatchReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t)
		for _, id := range []string{"0a", "0b", "0c", "0d"} {
			s.status(id, "showing", "", 0)
			s.put("pickerd/"+id+"/availability", "online", true)
			s.put("pickerd/"+id+"/health", fmt.Sprintf(`{"at":%q}`, time.Now().Format(time.RFC3339)), true)
		}
		s.expect(time.Minute, "")
		s.put("pickerd/0b/availability", "offline", true)
		s.put("pickerd/0d/availability", "offline", true)
		s.expect(11*time.Minute, "0b offline 10m, 0d offline 10m")
		s.put("pickerd/0a/availability", "offline", true)
		s.expect(time.Minute, "")
		s.cut(true)
		s.expect(3*time.Hour, "")
		// The broker has lost all. Only one box is back at once, and one never.
		clear(s.retained)
		s.status("0a", "showing", "", 0)
		s.put("pickerd/0a/availability", "online", true)
		s.cut(false)
		s.expect(5*time.Minute, "")
		s.status("0d", "showing", "", 0)
		s.put("pickerd/0d/availability", "online", true)
		s.expect(time.Minute, "0d -offline 3h")
		s.expect(20*time.Minute, "0c offline 10m")
		s.expect(3*time.Hour, "")
		s.put("pickerd/0b/availability", "online", true)
		s.put("pickerd/0c/availability", "online", true)
		s.expect(time.Minute, "0b -offline 6h, 0c -offline 3h")
		stop()
	})
}

// Filters choose the boxes.
func TestWatchFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t, "site=lobby")
		s.status("0a", "showing", "", 0)
		s.put("pickerd/0a/availability", "offline", true)
		s.put("pickerd/0b/availability", "offline", true)
		s.expect(time.Hour, "0a offline 10m")
		stop()
	})
}

func TestNoticeText(t *testing.T) {
	n := notice{Event: blocked, At: afternoon, For: "30m", Problem: "disk_full"}
	n.Box.ID, n.Box.Name = "0a", "Hall\n"
	for want, n := range map[string]notice{
		"2026-11-29T13:00:00Z  box Hall? (0a) has been blocked (disk_full) for 30m":      n,
		"2026-11-29T13:00:00Z  box Hall? (0a) is no longer blocked after 30m":            {Event: blocked, Ended: true, At: n.At, For: n.For, Box: n.Box},
		"2026-11-29T13:00:00Z  box Hall? (0a) has been offline for 30m":                  {Event: offline, At: n.At, For: n.For, Box: n.Box},
		"2026-11-29T13:00:00Z  box Hall? (0a) has a picking session that is 30m old":     {Event: sessionOld, At: n.At, For: n.For, Box: n.Box},
		"2026-11-29T13:00:00Z  box Hall? (0a) has deleted its picking session after 30m": {Event: sessionOld, Ended: true, At: n.At, For: n.For, Box: n.Box},
	} {
		if got := n.text(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A box that dies with the broker is called online for ever, but is silent.
func TestWatchSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t, "--offline", "10m", "--blocked", "0", "--session", "0")
		for _, id := range []string{"0a", "0b"} {
			s.put("pickerd/"+id+"/availability", "online", true)
			s.put("pickerd/"+id+"/health", `{"at":"2000-01-01T00:00:00Z","uptime":5}`, true)
		}
		for range 3 {
			s.expect(5*time.Minute, "")
			s.put("pickerd/0b/health", `{"at":"2000-01-01T00:00:00Z","uptime":305}`, true)
		}
		s.expect(time.Minute, "0a offline 15m")
		s.put("pickerd/0b/health", `{"at":"2000-01-01T00:00:00Z","uptime":605}`, true)
		s.put("pickerd/0a/health", `{"at":"2000-01-01T00:00:00Z","uptime":5}`, true)
		s.expect(time.Minute, "0a -offline 15m")
		stop()
	})
}
