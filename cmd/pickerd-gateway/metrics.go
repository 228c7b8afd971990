package main

import (
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	vm "github.com/VictoriaMetrics/metrics"

	"pickerd/cmd/command"
	"pickerd/device/metrics/exposition"
)

var (
	buildInfo = exposition.Gauge("pickerd_gateway_build_info", "1, with what runs.", "goversion", "revision", "version")
	startTime = exposition.Gauge("pickerd_gateway_start_time_seconds", "When the gateway was started, in Unix time.")
	storeUp   = exposition.Gauge("pickerd_gateway_store_up", "Whether the store has answered the last check.")
	codes     = exposition.Counter("pickerd_gateway_codes_total", "Codes that boxes asked for, and what became of them. An expired one counts if its box asks once more.", "outcome")
	refreshes = exposition.Counter("pickerd_gateway_refreshes_total", "Answers to boxes that asked for a new access token.", "answer")
	guesses   = exposition.Counter("pickerd_gateway_guesses_refused_total", "Typed codes that were wrong, or refused because too many were.", "why")
	handovers = exposition.Histogram("pickerd_gateway_handover_duration_seconds", "The time from asking for a code to fetching its token.")
	requests  = exposition.Histogram("pickerd_gateway_request_duration_seconds", "How long requests took, by endpoint and status.")
	storeOps  = exposition.Histogram("pickerd_gateway_store_duration_seconds", "How long the store took, by operation and result: ok, refused or error.")
)

// The upper bounds of the histograms' buckets, in seconds.
var (
	handoverBuckets = []float64{10, 20, 30, 60, 120, 300, 600, 1200}
	requestBuckets  = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1, 5, 20}
	storeBuckets    = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5}
)

// Values of labels. Others are counted as "other", so that nobody outside can make
// new ones.
var (
	codeOutcomes   = []string{"asked", "approved", "declined", "expired"}
	refreshAnswers = []string{"ok", "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "slow_down", "temporarily_unavailable", "other"}
	guessReasons   = []string{"wrong", "limited"}
	endpoints      = []string{"/.well-known/oauth-authorization-server", "/device/code", "/", "/confirm", "/callback", "/wait", "/token", "/revoke", "/continue", "/received", "/healthz"}
)

// counters count what the gateway does. It implements gateway.Metrics.
type counters struct {
	started   time.Time
	storeUp   atomic.Bool
	codes     map[string]*atomic.Int64
	refreshes map[string]*atomic.Int64
	guesses   map[string]*atomic.Int64
	handovers *vm.Set
	requests  *vm.Set
	storeOps  *vm.Set
}

func newCounters() *counters {
	zeros := func(labels []string) map[string]*atomic.Int64 {
		m := map[string]*atomic.Int64{}
		for _, l := range labels {
			m[l] = new(atomic.Int64)
		}
		return m
	}
	return &counters{started: time.Now(), codes: zeros(codeOutcomes), refreshes: zeros(refreshAnswers), guesses: zeros(guessReasons),
		handovers: vm.NewSet(), requests: vm.NewSet(), storeOps: vm.NewSet()}
}

// count counts a label, as "other" if it is unknown.
func count(m map[string]*atomic.Int64, label string) {
	n := m[label]
	if n == nil {
		n = m["other"]
	}
	if n != nil {
		n.Add(1)
	}
}

// Code implements gateway.Metrics.
func (c *counters) Code(outcome string) { count(c.codes, outcome) }

// Refresh implements gateway.Metrics.
func (c *counters) Refresh(answer string) { count(c.refreshes, answer) }

// Guess implements gateway.Metrics.
func (c *counters) Guess(refused string) { count(c.guesses, refused) }

// Handover implements gateway.Metrics.
func (c *counters) Handover(d time.Duration) {
	c.handovers.GetOrCreatePrometheusHistogramExt(handovers.Name(), handoverBuckets).Update(d.Seconds())
}

// storeOp records an operation of the store.
func (c *counters) storeOp(op, result string, d time.Duration) {
	c.storeOps.GetOrCreatePrometheusHistogramExt(storeOps.Name()+`{op="`+op+`",result="`+result+`"}`, storeBuckets).Update(d.Seconds())
}

// measure returns a handler that records how long next takes.
func (c *counters) measure(next http.Handler) http.Handler {
	known := map[string]string{}
	for _, e := range endpoints {
		known[e] = e
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, status := time.Now(), &statusWriter{ResponseWriter: w}
		next.ServeHTTP(status, r)
		endpoint := known[r.URL.Path]
		if endpoint == "" {
			endpoint = "other"
		}
		name := requests.Name() + `{code="` + status.class() + `",endpoint="` + endpoint + `"}`
		c.requests.GetOrCreatePrometheusHistogramExt(name, requestBuckets).Update(time.Since(began).Seconds())
	})
}

// A statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// class returns "2xx" and so on.
func (w *statusWriter) class() string {
	if w.status == 0 || w.status < 100 || w.status > 599 {
		return "2xx" // nothing was written
	}
	return string(rune('0'+w.status/100)) + "xx"
}

// handler serves the metrics.
func (c *counters) handler() http.Handler {
	h := exposition.Handler(func(e exposition.Scrape) {
		b := command.Built(packaged)
		e.Add(buildInfo, 1, runtime.Version(), b.Commit, b.Version)
		e.Add(startTime, float64(c.started.UnixMilli())/1000)
		up := 0.0
		if c.storeUp.Load() {
			up = 1
		}
		e.Add(storeUp, up)
		for f, values := range map[*exposition.Family]map[string]*atomic.Int64{codes: c.codes, refreshes: c.refreshes, guesses: c.guesses} {
			counts := map[string]int{}
			for label, n := range values {
				counts[label] = int(n.Load())
			}
			e.AddCounts(f, counts)
		}
		c.handovers.WritePrometheus(e.Buffer(handovers))
		c.requests.WritePrometheus(e.Buffer(requests))
		c.storeOps.WritePrometheus(e.Buffer(storeOps))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.TrimSuffix(r.URL.Path, "/") != "/metrics" {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}
