package metrics_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/metrics"
)

type fake struct {
	tally device.Tally
	age   time.Duration
	err   error
}

func (f *fake) Tally() device.Tally                { return f.tally }
func (f *fake) SessionAge() (time.Duration, error) { return f.age, f.err }

type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func scrape(t *testing.T, c metrics.Config) string {
	t.Helper()
	w := httptest.NewRecorder()
	metrics.Handler(c).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	f := &fake{tally: device.Tally{
		Pairings: map[device.Attempt]int{{Method: "device", Outcome: "paired"}: 2, {Method: "relay", Outcome: "access_denied"}: 1},
		Picks:    map[string]int{"done": 3, "time-out": 1}, Deletions: map[string]int{"deleted": 4},
		Troubles: map[string]int{"no_network": 7}, Items: map[string]int{"fetched": 12, "failed": 1}, Bytes: 4096,
		States: map[device.State]time.Duration{device.Showing: 90 * time.Second},
	}, age: 48 * time.Hour}
	status := device.Status{State: device.Showing, Library: device.Library{Items: 12, Bytes: 4000},
		Sessions: device.Sessions{Open: 1, PendingDeletion: 1}, Problem: &device.ProblemStatus{Code: "no_network"}}
	calls := metrics.NewCalls(metrics.Endpoints{DeviceAuthorization: "https://as/device/code", Token: "https://as/token", Revocation: "https://as/revoke", Userinfo: "https://as/me", Gateway: "https://gate/way", Picker: "https://api/base/"})
	client := http.Client{Transport: calls.Transport(answers(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "unreachable") {
			return nil, errors.New("no route")
		}
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(""))}, nil
	}))}
	for _, r := range []struct{ method, url, grant string }{
		{"POST", "https://as/device/code", ""}, {"POST", "https://as/token", "refresh_token"},
		{"POST", "https://as/token", "urn:ietf:params:oauth:grant-type:device_code"}, {"POST", "https://as/token", "authorization_code"},
		{"POST", "https://as/token", "secret-thing"}, {"POST", "https://as/revoke", ""}, {"GET", "https://as/me", ""}, {"POST", "https://gate/way/token", "refresh_token"},
		{"POST", "https://api/base/v1/sessions?requestId=1", ""}, {"GET", "https://api/base/v1/sessions/person-1", ""}, {"DELETE", "https://api/base/v1/sessions/person-1", ""},
		{"GET", "https://api/base/v1/mediaItems?sessionId=person-1", ""}, {"GET", "https://lh3/person-1=d", ""}, {"GET", "https://lh3/unreachable", ""},
	} {
		body := url.Values{"grant_type": {r.grant}, "client_secret": {"a-secret"}}.Encode()
		req, err := http.NewRequestWithContext(t.Context(), r.method, r.url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
		}
	}
	text := scrape(t, metrics.Config{Device: f, Status: func() device.Status { return status }, Alive: func() bool { return true },
		Frames: func() (int64, int64) { return 100, 3 }, Browsers: func() int { return 2 }, Calls: calls, Version: "v1", Revision: "abc", Started: time.Unix(1e9, 0), Log: slog.New(slog.DiscardHandler)})
	for _, want := range []string{
		`pickerd_alive 1`, `pickerd_start_time_seconds 1e+09`, `pickerd_paired 0`, `pickerd_state{state="showing"} 1`, `pickerd_state{state="blocked"} 0`,
		`pickerd_state_seconds_total{state="showing"} 90`, `pickerd_problem{code="no_network"} 1`,
		`pickerd_pairings_total{method="device",outcome="paired"} 2`, `pickerd_picks_total{outcome="time-out"} 1`,
		`pickerd_sessions{state="pending_deletion"} 1`, `pickerd_session_oldest_seconds 172800`, `pickerd_sessions_deleted_total{how="expired"} 0`,
		`pickerd_retries_total{code="no_network"} 7`, `pickerd_downloads_total{outcome="failed"} 1`, `pickerd_download_bytes_total 4096`,
		`pickerd_library_items 12`, `pickerd_display_frames_total 100`, `pickerd_display_frames_dropped_total 3`, `pickerd_display_browsers 2`,
		`pickerd_build_info{goversion="go1.`, `process_open_fds `, `go_goroutines `,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("there is no %s", want)
		}
	}
	for _, m := range []string{"device_authorization", "token.refresh", "token.device_code", "token.code", "token.other", "revoke", "userinfo", "gateway",
		"sessions.create", "sessions.get", "sessions.delete", "mediaItems.list", "media"} {
		if !strings.Contains(text, `pickerd_api_request_duration_seconds_count{code="200",method="`+m+`"} 1`) {
			t.Errorf("%s was not counted once", m)
		}
	}
	if !strings.Contains(text, `pickerd_api_request_duration_seconds_count{code="error",method="media"} 1`) {
		t.Error("what did not come through was not counted")
	}
	for _, secret := range []string{"person-1", "a-secret", "secret-thing"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in the metrics", secret)
		}
	}
	checkFormat(t, text)
	promlint(t, text)
}

// Names, types and help texts are an interface: testdata/families.txt lists them.
func TestFamilies(t *testing.T) {
	want, err := os.ReadFile("testdata/families.txt")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(scrapeAll(t)) {
		if strings.HasPrefix(line, "#") {
			got.WriteString(line)
		}
	}
	if got.String() != string(want) {
		t.Errorf("the metadata is\n%s", got.String())
	}
}

// A box whose state directory can't be used has no counters. A screen that it does
// not have has no metrics.
func TestUnready(t *testing.T) {
	text := scrape(t, metrics.Config{Status: func() device.Status { return device.Status{State: device.Blocked} }, Alive: func() bool { return false },
		Calls: metrics.NewCalls(metrics.Endpoints{}), Log: slog.New(slog.DiscardHandler)})
	checkFormat(t, text)
	for _, want := range []string{`pickerd_alive 0`, `pickerd_state{state="blocked"} 1`, `go_goroutines `} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("there is no %s", want)
		}
	}
	for _, name := range []string{"pickerd_picks_total", "pickerd_session_oldest_seconds", "pickerd_display_", "pickerd_problem"} {
		if strings.Contains(text, name) {
			t.Errorf("there is %s", name)
		}
	}
}

// Without the age of the oldest session, all other metrics are still served.
func TestSessionAgeError(t *testing.T) {
	var log bytes.Buffer
	text := scrape(t, metrics.Config{Device: &fake{err: errors.New("disk error")}, Status: func() device.Status { return device.Status{} }, Alive: func() bool { return true },
		Calls: metrics.NewCalls(metrics.Endpoints{}), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if strings.Contains(text, "pickerd_session_oldest_seconds") || !strings.Contains(text, "\npickerd_picks_total") {
		t.Errorf("served %s", text)
	}
	if !strings.Contains(log.String(), `msg="session age unavailable" err="disk error"`) {
		t.Errorf("logged %s", &log)
	}
}

// Label values may contain every character.
func TestLabelValues(t *testing.T) {
	for value, want := range map[string]string{
		"plain":       `{code="plain"}`,
		`a"b`:         `{code="a\"b"}`,
		`a\b`:         `{code="a\\b"}`,
		"a\nb":        `{code="a\nb"}`,
		"{x=\"y\"} 1": `{code="{x=\"y\"} 1"}`,
	} {
		text := scrape(t, metrics.Config{Status: func() device.Status { return device.Status{Problem: &device.ProblemStatus{Code: value}} }, Alive: func() bool { return true },
			Calls: metrics.NewCalls(metrics.Endpoints{}), Log: slog.New(slog.DiscardHandler)})
		if !strings.Contains(text, "\npickerd_problem"+want+" 1\n") {
			t.Errorf("there is no %s", want)
		}
		checkFormat(t, text)
	}
}

// Durations are counted in all buckets that are at least as long.
func TestBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := metrics.NewCalls(metrics.Endpoints{})
		transport := calls.Transport(answers(func(*http.Request) (*http.Response, error) {
			time.Sleep(3 * time.Second)
			return &http.Response{StatusCode: 503, Body: http.NoBody}, nil
		}))
		for range 2 {
			if _, err := transport.RoundTrip(httptest.NewRequest("GET", "https://lh3/photo", nil)); err != nil {
				t.Fatal(err)
			}
		}
		text := scrape(t, metrics.Config{Status: func() device.Status { return device.Status{} }, Alive: func() bool { return true }, Calls: calls, Log: slog.New(slog.DiscardHandler)})
		const labels = `code="503",method="media"`
		want := ""
		for _, le := range []string{"0.05", "0.1", "0.25", "0.5", "1", "2.5"} {
			want += "pickerd_api_request_duration_seconds_bucket{" + labels + `,le="` + le + "\"} 0\n"
		}
		for _, le := range []string{"5", "10", "30", "+Inf"} {
			want += "pickerd_api_request_duration_seconds_bucket{" + labels + `,le="` + le + "\"} 2\n"
		}
		want += "pickerd_api_request_duration_seconds_sum{" + labels + "} 6\npickerd_api_request_duration_seconds_count{" + labels + "} 2\n"
		if !strings.Contains(text, want) {
			t.Errorf("the histogram is %s", text)
		}
	})
}

// checkFormat fails the test unless text is in version 0.0.4 of the text format,
// with one HELP and one TYPE line for each family in front of its samples, and no
// sample twice.
func checkFormat(t *testing.T, text string) {
	t.Helper()
	var (
		help     = regexp.MustCompile(`^# HELP ([a-z_]+) \S.*$`)
		kind     = regexp.MustCompile(`^# TYPE ([a-z_]+) (counter|gauge|histogram|summary)$`)
		sample   = regexp.MustCompile(`^([a-z_]+)(\{[a-z_]+="(?:[^"\\]|\\[\\n"])*"(?:,[a-z_]+="(?:[^"\\]|\\[\\n"])*")*\})? (\S+)$`)
		suffixes = map[string]string{"histogram": "_bucket _sum _count", "summary": " _sum _count"}
		families = map[string]bool{}
		samples  = map[string]bool{}
		name, of string // of the current family
	)
	if !strings.HasSuffix(text, "\n") {
		t.Error("the last line has no end")
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := help.FindStringSubmatch(line); m != nil {
			name, of = m[1], ""
			if families[name] {
				t.Errorf("%s has two families", name)
			}
			families[name] = true
		} else if m := kind.FindStringSubmatch(line); m != nil {
			if m[1] != name || of != "" {
				t.Errorf("%s follows the metadata of %s", line, name)
			}
			of = m[2]
			if strings.HasSuffix(name, "_total") != (of == "counter") {
				t.Errorf("%s is a %s", name, of)
			}
		} else if m := sample.FindStringSubmatch(line); m != nil {
			suffix, ok := strings.CutPrefix(m[1], name)
			if !ok || of == "" || !slices.Contains(strings.Split(suffixes[of], " "), suffix) {
				t.Errorf("%s is not a sample of the %s %s", line, of, name)
			}
			if _, err := strconv.ParseFloat(m[3], 64); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			if samples[m[1]+m[2]] {
				t.Errorf("%s%s has two samples", m[1], m[2])
			}
			samples[m[1]+m[2]] = true
		} else {
			t.Errorf("%q is no line of the format", line)
		}
	}
}

// promlint runs promtool, which parses the text and applies the rules of promlint.
func promlint(t *testing.T, text string) {
	t.Helper()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Log("promtool, of Debian's package prometheus, is not on this machine")
		return
	}
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
