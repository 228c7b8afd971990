package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// scrapeAll scrapes counters with every metric.
func scrapeAll(t *testing.T) string {
	t.Helper()
	c := newCounters()
	c.Code("asked")
	c.Refresh("brand_new_error")
	c.Guess("wrong")
	c.Guess("unheard of") // has no label, and is not counted
	c.Handover(42 * time.Second)
	c.storeOp("get", "ok", time.Millisecond)
	h := c.measure(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for _, path := range []string{"/token", "/wp-login.php", "/\"}\nx 1"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	w := httptest.NewRecorder()
	c.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	text := scrapeAll(t)
	for _, want := range []string{
		`pickerd_gateway_codes_total{outcome="asked"} 1`, `pickerd_gateway_codes_total{outcome="expired"} 0`, `pickerd_gateway_refreshes_total{answer="other"} 1`,
		`pickerd_gateway_guesses_refused_total{why="wrong"} 1`, `pickerd_gateway_handover_duration_seconds_bucket{le="30"} 0`, `pickerd_gateway_handover_duration_seconds_bucket{le="60"} 1`,
		`pickerd_gateway_request_duration_seconds_count{code="4xx",endpoint="/token"} 1`, `pickerd_gateway_request_duration_seconds_count{code="4xx",endpoint="other"} 2`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "wp-login") || strings.Contains(text, "unheard") {
		t.Error("a stranger has made a label")
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool, of Debian's package prometheus, is not on this machine")
	}
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// The dashboard and the alert rules use existing metrics, in queries that Prometheus
// accepts.
func TestExamples(t *testing.T) {
	dashboard, err := os.ReadFile("deploy/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := os.ReadFile("deploy/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(scrapeAll(t)) {
		if !strings.HasPrefix(line, "#") {
			names[line[:strings.IndexAny(line, "{ ")]] = true
		}
	}
	for _, name := range regexp.MustCompile(`(pickerd|process|go)_[a-z_]+`).FindAllString(string(dashboard)+string(alerts), -1) {
		if !names[name] {
			t.Errorf("there is no metric %s", name)
		}
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
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool, of Debian's package prometheus, is not on this machine")
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
	for _, args := range [][]string{{"check", "rules", "deploy/alerts.yml"}, {"check", "rules", file}, {"test", "rules", "deploy/alerts_test.yml"}} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
