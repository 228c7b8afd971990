// Package metrics tells Prometheus what a box does: its state, what became of
// pairings and picks, sessions that are still at Google, how the servers answer,
// and what the screen shows. Nothing in it is about a person.
package metrics

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"pickerd/device"
)

// A Device is what is counted. *device.Device is one.
type Device interface {
	Tally() device.Tally
	SessionAge() (time.Duration, error)
}

// Config is what a Handler needs. Device is nil while the state directory can't be
// used; Frames and Browsers are where there is nothing that draws, or no page.
type Config struct {
	Device   Device
	Status   func() device.Status
	Alive    func() bool
	Frames   func() (drawn, dropped int64) // of the screen that the box draws on
	Browsers func() int                    // that show the page
	Calls    *Calls
	Version  string
	Revision string
	Started  time.Time
	Log      *slog.Logger
}

// Handler serves the metrics in Prometheus's text format, which every version of
// it reads. What promhttp has besides would make the program larger by a quarter
// of a megabyte.
func Handler(cfg Config) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(box{cfg}, cfg.Calls.took, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		families, err := r.Gather() // with an error too there are some
		if err != nil {
			cfg.Log.Warn("metrics", "err", err)
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		for _, f := range families {
			if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
				return // who asked has gone
			}
		}
	})
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("pickerd_"+name, help, labels, nil)
}

var (
	buildInfo     = desc("build_info", "1, with what runs.", "version", "revision", "goversion")
	alive         = desc("alive", "Whether the loop that decides and the one that draws have moved lately.")
	state         = desc("state", "1 for the state that the box is in, 0 for the others.", "state")
	startTime     = desc("start_time_seconds", "When the daemon was started, in Unix time.")
	stateSeconds  = desc("state_seconds_total", "How long the box was in a state.", "state")
	paired        = desc("paired", "Whether an account is paired.")
	problem       = desc("problem", "1 while something is wrong, by the code in the status.", "code")
	pairings      = desc("pairings_total", "Codes and links that were shown, and what became of them.", "method", "outcome")
	picks         = desc("picks_total", "Picks that have ended, by how.", "outcome")
	sessions      = desc("sessions", "Picking sessions that are not known to be deleted.", "state")
	sessionOldest = desc("session_oldest_seconds", "The age of the oldest picking session that is not known to be deleted, 0 without any.")
	deletions     = desc("sessions_deleted_total", "Sessions that are gone: deleted, or expired before they could be.", "how")
	retries       = desc("retries_total", "Failures that were tried again, by the code of the problem.", "code")
	downloads     = desc("downloads_total", "Photos and videos that were fetched, or failed to be.", "outcome")
	downloaded    = desc("download_bytes_total", "Bytes that downloads brought.")
	items         = desc("library_items", "Photos and videos that are here.")
	itemBytes     = desc("library_bytes", "Bytes of photos and videos that are here.")
	frames        = desc("display_frames_total", "Pictures sent to the screen that the box draws on.")
	dropped       = desc("display_frames_dropped_total", "Steps of a fade that were left out because drawing took too long.")
	browsers      = desc("display_browsers", "Browsers that show the page.")
)

// A box is collected when somebody asks.
type box struct{ Config }

// Describe implements prometheus.Collector: what there is depends on the box.
func (b box) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (b box) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	s := b.Status()
	gauge(startTime, float64(b.Started.UnixMilli())/1000)
	gauge(buildInfo, 1, b.Version, b.Revision, goVersion())
	gauge(alive, truth(b.Alive()))
	for _, st := range device.States() {
		gauge(state, truth(st == s.State), string(st))
	}
	gauge(paired, truth(s.Account != nil))
	if s.Problem != nil {
		gauge(problem, 1, s.Problem.Code)
	}
	gauge(sessions, float64(s.Sessions.Open), "open")
	gauge(sessions, float64(s.Sessions.PendingDeletion), "pending_deletion")
	gauge(items, float64(s.Library.Items))
	gauge(itemBytes, float64(s.Library.Bytes))
	if b.Frames != nil {
		drawn, late := b.Frames()
		counter(frames, float64(drawn))
		counter(dropped, float64(late))
	}
	if b.Browsers != nil {
		gauge(browsers, float64(b.Browsers()))
	}
	if b.Device == nil {
		return
	}
	t := b.Device.Tally()
	for _, st := range device.States() {
		counter(stateSeconds, t.States[st].Seconds(), string(st))
	}
	for a, n := range t.Pairings {
		counter(pairings, float64(n), a.Method, a.Outcome)
	}
	byLabel(counter, picks, t.Picks, "done")
	byLabel(counter, deletions, t.Deletions, "deleted", "expired")
	byLabel(counter, retries, t.Troubles)
	byLabel(counter, downloads, t.Items, "fetched", "failed")
	counter(downloaded, float64(t.Bytes))
	if age, err := b.Device.SessionAge(); err != nil {
		b.Log.Warn("metrics", "err", err)
	} else {
		gauge(sessionOldest, age.Seconds())
	}
}

// byLabel reports counts under one label; those in always also when nothing has
// been counted yet, so that a first one is seen as an increase.
func byLabel(counter func(*prometheus.Desc, float64, ...string), d *prometheus.Desc, counts map[string]int, always ...string) {
	for _, label := range always {
		if counts[label] == 0 {
			counter(d, 0, label)
		}
	}
	for label, n := range counts {
		counter(d, float64(n), label)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
