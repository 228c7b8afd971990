package metrics_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/metrics"
)

// The dashboard and the alert rules use existing metrics, in queries that
// Prometheus accepts.
func TestExamples(t *testing.T) {
	dashboard, err := os.ReadFile("examples/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := os.ReadFile("examples/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	names := everyName(t)
	for _, name := range regexp.MustCompile(`(pickerd|process|go)_[a-z_]+`).FindAllString(string(dashboard)+string(alerts), -1) {
		if !names[name] {
			t.Errorf("there is no metric %s", name)
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool, of Debian's package prometheus, is not on this machine")
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(dashboard, &board); err != nil {
		t.Fatal(err)
	}
	rules := "groups:\n  - name: dashboard\n    rules:\n"
	for _, p := range board.Panels {
		for _, q := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*").Replace(q.Expr)
			rules += fmt.Sprintf("      - {record: 'x:y', expr: %q, labels: {n: %q}}\n", expr, p.Title+q.Expr)
		}
	}
	file := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "rules", "examples/alerts.yml"}, {"check", "rules", file}, {"test", "rules", "examples/alerts_test.yml"}} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// everyName returns the names of all metrics.
func everyName(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for line := range strings.Lines(scrapeAll(t)) {
		if !strings.HasPrefix(line, "#") {
			names[line[:strings.IndexAny(line, "{ ")]] = true
		}
	}
	return names
}

// scrapeAll scrapes a box with every metric.
func scrapeAll(t *testing.T) string {
	t.Helper()
	f := &fake{tally: device.Tally{Pairings: map[device.Attempt]int{{}: 1}, Troubles: map[string]int{"x": 1}}}
	calls := metrics.NewCalls(metrics.Endpoints{})
	unreachable := calls.Transport(answers(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }))
	if _, err := unreachable.RoundTrip(httptest.NewRequest("GET", "https://lh3/photo", nil)); err == nil {
		t.Fatal("the request succeeded")
	}
	return scrape(t, metrics.Config{Device: f, Status: func() device.Status { return device.Status{Problem: &device.ProblemStatus{}, Since: time.Now()} },
		Alive: func() bool { return true }, Frames: func() (int64, int64) { return 0, 0 }, Browsers: func() int { return 0 },
		Calls: calls, Log: slog.New(slog.DiscardHandler)})
}
