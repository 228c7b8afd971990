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
	"strings"
	"time"

	"pickerd/device"
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
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		e := exposition{}
		addProcess(e)
		cfg.Calls.addTo(e)
		cfg.addBox(e)
		cfg.addCounters(e)
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		w.Write(e.bytes()) // an error means that the client is gone
	})
}

var (
	buildInfo     = gauge("pickerd_build_info", "1, with what runs.", "goversion", "revision", "version")
	alive         = gauge("pickerd_alive", "Whether the loop that decides and the one that draws have moved lately.")
	state         = gauge("pickerd_state", "1 for the state that the box is in, 0 for the others.", "state")
	startTime     = gauge("pickerd_start_time_seconds", "When the daemon was started, in Unix time.")
	stateSeconds  = counter("pickerd_state_seconds_total", "How long the box was in a state.", "state")
	paired        = gauge("pickerd_paired", "Whether an account is paired.")
	problem       = gauge("pickerd_problem", "1 while something is wrong, by the code in the status.", "code")
	pairings      = counter("pickerd_pairings_total", "Codes and links that were shown, and what became of them.", "method", "outcome")
	picks         = counter("pickerd_picks_total", "Picks that have ended, by how.", "outcome")
	sessions      = gauge("pickerd_sessions", "Picking sessions that are not known to be deleted.", "state")
	sessionOldest = gauge("pickerd_session_oldest_seconds", "The age of the oldest picking session that is not known to be deleted, 0 without any.")
	deletions     = counter("pickerd_sessions_deleted_total", "Sessions that are gone: deleted, or expired before they could be.", "how")
	retries       = counter("pickerd_retries_total", "Failures that were tried again, by the code of the problem.", "code")
	downloads     = counter("pickerd_downloads_total", "Photos and videos that were fetched, or failed to be.", "outcome")
	downloaded    = counter("pickerd_download_bytes_total", "Bytes that downloads brought.")
	items         = gauge("pickerd_library_items", "Photos and videos that are here.")
	itemBytes     = gauge("pickerd_library_bytes", "Bytes of photos and videos that are here.")
	frames        = counter("pickerd_display_frames_total", "Pictures sent to the screen that the box draws on.")
	dropped       = counter("pickerd_display_frames_dropped_total", "Steps of a fade that were left out because drawing took too long.")
	browsers      = gauge("pickerd_display_browsers", "Browsers that show the page.")
)

// addBox adds the program, the status and the screens.
func (c Config) addBox(e exposition) {
	s := c.Status()
	e.add(startTime, float64(c.Started.UnixMilli())/1000)
	e.add(buildInfo, 1, runtime.Version(), c.Revision, c.Version)
	e.add(alive, number(c.Alive()))
	for _, st := range states() {
		e.add(state, number(st == s.State), string(st))
	}
	e.add(paired, number(s.Account != nil))
	if s.Problem != nil {
		e.add(problem, 1, s.Problem.Code)
	}
	e.add(sessions, float64(s.Sessions.Open), "open")
	e.add(sessions, float64(s.Sessions.PendingDeletion), "pending_deletion")
	e.add(items, float64(s.Library.Items))
	e.add(itemBytes, float64(s.Library.Bytes))
	if c.Frames != nil {
		drawn, late := c.Frames()
		e.add(frames, float64(drawn))
		e.add(dropped, float64(late))
	}
	if c.Browsers != nil {
		e.add(browsers, float64(c.Browsers()))
	}
}

// addCounters adds what the device has counted.
func (c Config) addCounters(e exposition) {
	if c.Device == nil {
		return
	}
	t := c.Device.Tally()
	for _, st := range states() {
		e.add(stateSeconds, t.States[st].Seconds(), string(st))
	}
	for _, a := range slices.SortedFunc(maps.Keys(t.Pairings), compareAttempts) {
		e.add(pairings, float64(t.Pairings[a]), a.Method, a.Outcome)
	}
	addCounts(e, picks, t.Picks, "done")
	addCounts(e, deletions, t.Deletions, "deleted", "expired")
	addCounts(e, retries, t.Troubles)
	addCounts(e, downloads, t.Items, "fetched", "failed")
	e.add(downloaded, float64(t.Bytes))
	age, err := c.Device.SessionAge()
	if err != nil {
		c.Log.Warn("session age unavailable", "err", err)
		return
	}
	e.add(sessionOldest, age.Seconds())
}

// addCounts adds counts by label. Labels in always are added from the start, with
// 0: Prometheus sees no increase in a counter that appears with 1.
func addCounts(e exposition, f *family, counts map[string]int, always ...string) {
	all := map[string]int{}
	for _, label := range always {
		all[label] = 0
	}
	maps.Copy(all, counts)
	for _, label := range slices.Sorted(maps.Keys(all)) {
		e.add(f, float64(all[label]), label)
	}
}

func compareAttempts(a, b device.Attempt) int {
	return cmp.Or(strings.Compare(a.Method, b.Method), strings.Compare(a.Outcome, b.Outcome))
}

// states returns all states in alphabetical order.
func states() []device.State { return slices.Sorted(slices.Values(device.States())) }

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
