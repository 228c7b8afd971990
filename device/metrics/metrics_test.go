package metrics_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"pickerd/device"
	"pickerd/device/metrics"
)

type fake struct {
	tally device.Tally
	age   time.Duration
}

func (f *fake) Tally() device.Tally                { return f.tally }
func (f *fake) SessionAge() (time.Duration, error) { return f.age, nil }

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
		Sessions: device.Sessions{Open: 1, PendingDeletion: 1}, Problem: &device.Problem{Code: "no_network"}}
	calls := metrics.NewCalls(metrics.Endpoints{DeviceAuthorization: "https://as/device/code", Token: "https://as/token", Revocation: "https://as/revoke", Userinfo: "https://as/me", Picker: "https://api/base/"})
	client := http.Client{Transport: calls.Transport(answers(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "unreachable") {
			return nil, errors.New("no route")
		}
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(""))}, nil
	}))}
	for _, r := range []struct{ method, url, grant string }{
		{"POST", "https://as/device/code", ""}, {"POST", "https://as/token", "refresh_token"},
		{"POST", "https://as/token", "urn:ietf:params:oauth:grant-type:device_code"}, {"POST", "https://as/token", "authorization_code"},
		{"POST", "https://as/token", "secret-thing"}, {"POST", "https://as/revoke", ""}, {"GET", "https://as/me", ""},
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
	for _, m := range []string{"device_authorization", "token.refresh", "token.device_code", "token.code", "token.other", "revoke", "userinfo",
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
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(text)); err != nil {
		t.Error(err)
	}
}
