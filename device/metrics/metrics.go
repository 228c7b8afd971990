// Package metrics exposes the state of a box to Prometheus: its state, the outcomes
// of pairings and picks, sessions still at Google, the response times of the
// servers, and what the screen shows. No metric contains personal data.
package metrics

import (
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"sort"
	"strings"
	"time"

	"pickerd/device"
	"pickerd/device/metrics/exposition"
)

// A Device is what is counted. *device.Device is one.
type Device interface {
	// Tally returns the counters since the start of the program.
	Tally() device.Tally
	// SessionAge returns the age of the oldest picking session not known to be
	// deleted, 0 without any.
	SessionAge() (time.Duration, error)
}

// Config is what a Handler needs.
type Config struct {
	Device   Device // nil while the state directory can't be used
	Status   func() device.Status
	Alive    func() bool                   // whether the main loop and the drawing loop make progress
	Frames   func() (drawn, dropped int64) // of the framebuffer screen, nil without one
	Browsers func() int                    // how many show the page, nil without a page
	Calls    *Calls
	Version  string
	Revision string
	Started  time.Time // when the program was started
	Log      *slog.Logger
}

// Handler serves the metrics in version 0.0.4 of Prometheus's text format, which
// every version of Prometheus reads.
func Handler(cfg Config) http.Handler {
	return exposition.Handler(func(e exposition.Scrape) {
		cfg.Calls.addTo(e)
		cfg.addBox(e)
		cfg.addCounters(e)
	})
}

var (
	buildInfo     = exposition.Gauge("pickerd_build_info", "1, with what runs.", "goversion", "revision", "version")
	alive         = exposition.Gauge("pickerd_alive", "Whether the loop that decides and the one that draws have moved lately.")
	state         = exposition.Gauge("pickerd_state", "1 for the state that the box is in, 0 for the others.", "state")
	startTime     = exposition.Gauge("pickerd_start_time_seconds", "When the daemon was started, in Unix time.")
	stateSeconds  = exposition.Counter("pickerd_state_seconds_total", "How long the box was in a state.", "state")
	paired        = exposition.Gauge("pickerd_paired", "Whether an account is paired.")
	problem       = exposition.Gauge("pickerd_problem", "1 while something is wrong, by the code in the status.", "code")
	pairings      = exposition.Counter("pickerd_pairings_total", "Codes and links that were shown, and what became of them.", "method", "outcome")
	picks         = exposition.Counter("pickerd_picks_total", "Picks that have ended, by how.", "outcome")
	sessions      = exposition.Gauge("pickerd_sessions", "Picking sessions that are not known to be deleted.", "state")
	sessionOldest = exposition.Gauge("pickerd_session_oldest_seconds", "The age of the oldest picking session that is not known to be deleted, 0 without any.")
	deletions     = exposition.Counter("pickerd_sessions_deleted_total", "Sessions that are gone: deleted, or expired before they could be.", "how")
	retries       = exposition.Counter("pickerd_retries_total", "Failures that were tried again, by the code of the problem.", "code")
	downloads     = exposition.Counter("pickerd_downloads_total", "Photos and videos that were fetched, or failed to be.", "outcome")
	downloaded    = exposition.Counter("pickerd_download_bytes_total", "Bytes that downloads brought.")
	items         = exposition.Gauge("pickerd_library_items", "Photos and videos that are here.")
	itemBytes     = exposition.Gauge("pickerd_library_bytes", "Bytes of photos and videos that are here.")
	frames        = exposition.Counter("pickerd_display_frames_total", "Pictures sent to the screen that the box draws on.")
	dropped       = exposition.Counter("pickerd_display_frames_dropped_total", "Steps of a fade that were left out because drawing took too long.")
	browsers      = exposition.Gauge("pickerd_display_browsers", "Browsers that show the page.")
)

// addBox adds the program, the status and the screens.
func (c Config) addBox(e exposition.Scrape) {
	s := c.Status()
	e.Add(startTime, float64(c.Started.UnixMilli())/1000)
	e.Add(buildInfo, 1, runtime.Version(), c.Revision, c.Version)
	e.Add(alive, number(c.Alive()))
	for _, st := range states() {
		e.Add(state, number(st == s.State), string(st))
	}
	e.Add(paired, number(s.Account != nil))
	if s.Problem != nil {
		e.Add(problem, 1, s.Problem.Code)
	}
	e.Add(sessions, float64(s.Sessions.Open), "open")
	e.Add(sessions, float64(s.Sessions.PendingDeletion), "pending_deletion")
	e.Add(items, float64(s.Library.Items))
	e.Add(itemBytes, float64(s.Library.Bytes))
	if c.Frames != nil {
		drawn, late := c.Frames()
		e.Add(frames, float64(drawn))
		e.Add(dropped, float64(late))
	}
	if c.Browsers != nil {
		e.Add(browsers, float64(c.Browsers()))
	}
}

// addCounters adds what the device has counted.
func (c Config) addCounters(e exposition.Scrape) {
	if c.Device == nil {
		return
	}
	t := c.Device.Tally()
	for _, st := range states() {
		e.Add(stateSeconds, t.States[st].Seconds(), string(st))
	}
	attempts := slices.Collect(maps.Keys(t.Pairings))
	sort.Slice(attempts, func(i, j int) bool {
		a, b := &attempts[i], &attempts[j]
		return cmp.Or(strings.Compare(a.Method, b.Method), strings.Compare(a.Outcome, b.Outcome)) < 0
	})
	for _, a := range attempts {
		e.Add(pairings, float64(t.Pairings[a]), a.Method, a.Outcome)
	}
	e.AddCounts(picks, t.Picks, "done")
	e.AddCounts(deletions, t.Deletions, "deleted", "expired")
	e.AddCounts(retries, t.Troubles)
	e.AddCounts(downloads, t.Items, "fetched", "failed")
	e.Add(downloaded, float64(t.Bytes))
	age, err := c.Device.SessionAge()
	if err != nil {
		c.Log.Warn("session age unavailable", "err", err)
		return
	}
	e.Add(sessionOldest, age.Seconds())
}

// states returns all states in alphabetical order.
func states() []device.State { return slices.Sorted(slices.Values(device.States())) }

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
