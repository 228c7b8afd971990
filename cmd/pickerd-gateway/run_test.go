package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"pickerd/oauthdevice/oauthtest"
	"pickerd/oauthdevice/oauthtest/browser"
	"pickerd/systemd"
)

// syncBuffer is written by the gateway while the test reads.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// A running is a gateway in this process, with a simulated server upstream.
type running struct {
	t       *testing.T
	issuer  string
	google  *oauthtest.Server
	env     map[string]string
	log     syncBuffer
	metrics string // address
	notify  *net.UnixConn
	heard   []string
	client  *http.Client
	stop    func() error
}

// start starts the gateway on a socket of the service manager.
func start(t *testing.T) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	t.Cleanup(func() { f.Close() })
	r := &running{t: t, issuer: "http://" + l.Addr().String()}
	r.google = oauthtest.New(oauthtest.Options{RefuseScope: true, WebRedirects: []string{r.issuer + "/callback"}})
	up := httptest.NewServer(r.google)
	t.Cleanup(up.Close)
	dir := t.TempDir()
	if r.notify, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.notify.Close() })
	id, secret := r.google.Client(oauthtest.Web)
	r.env = map[string]string{
		"PICKERD_GATEWAY_ISSUER":                 r.issuer,
		"PICKERD_GATEWAY_METRICS_LISTEN":         "127.0.0.1:0",
		"PICKERD_GATEWAY_CLIENTS":                `[{id = "pickerd"}]`,
		"PICKERD_GATEWAY_UPSTREAM_CLIENT_ID":     id,
		"PICKERD_GATEWAY_UPSTREAM_CLIENT_SECRET": secret,
		"PICKERD_GATEWAY_UPSTREAM_AUTH_URL":      up.URL + "/auth",
		"PICKERD_GATEWAY_UPSTREAM_TOKEN_URL":     up.URL + "/token",
		"PICKERD_GATEWAY_UPSTREAM_REVOKE_URL":    up.URL + "/revoke",
		"PICKERD_GATEWAY_LOG_LEVEL":              "debug",
		"STATE_DIRECTORY":                        filepath.Join(dir, "state"),
		"NOTIFY_SOCKET":                          filepath.Join(dir, "notify"),
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	e := env{getenv: func(k string) string { return r.env[k] }, stdout: io.Discard, stderr: &r.log, sockets: systemd.Sockets{httpSocket: f}}
	go func() { ended <- e.start(ctx, commands()[0], nil) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = r.stop() })
	r.await("READY=1")
	for r.metrics == "" { // the line follows the notification
		if m := regexp.MustCompile(`listen=[^,]+,(\S+)`).FindStringSubmatch(r.log.String()); m != nil {
			r.metrics = m[1]
		}
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	r.client = &http.Client{Transport: transport}
	return r
}

// await reads notifications until one begins with text, and returns all since the
// start.
func (r *running) await(text string) string {
	r.t.Helper()
	b := make([]byte, 1000)
	for {
		n, err := r.notify.Read(b)
		if err != nil {
			r.t.Fatal(err)
		}
		r.heard = append(r.heard, string(b[:n]))
		if strings.HasPrefix(string(b[:n]), text) {
			return strings.Join(r.heard, "; ")
		}
	}
}

func (r *running) do(req *http.Request) (int, string) {
	r.t.Helper()
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (r *running) get(address string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.do(req)
}

func (r *running) post(path string, form url.Values) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r.do(req)
}

// ask sends a form of a box and returns the members of the answer.
func (r *running) ask(path string, form url.Values) map[string]any {
	r.t.Helper()
	form.Set("client_id", "pickerd")
	status, body := r.post(path, form)
	var answer map[string]any
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 {
		r.t.Fatalf("%s: %d %s", path, status, body)
	}
	return answer
}

// signIn does what a person does with a phone.
func (r *running) signIn(link string) {
	r.t.Helper()
	phone := browser.New(r.client.Transport)
	if err := phone.Open(r.t.Context(), link); err != nil {
		r.t.Fatal(err)
	}
	if err := phone.Submit(r.t.Context(), map[string]string{"answer": "yes"}); err != nil {
		r.t.Fatalf("%v: %s", err, phone.Page)
	}
	callback, err := r.google.Allow(phone.Next(), "person")
	if err != nil {
		r.t.Fatal(err)
	}
	if err := phone.Open(r.t.Context(), callback); err != nil || phone.At.Path != "/wait" {
		r.t.Fatalf("%v, %d at %s: %s", err, phone.Status, phone.At, phone.Page)
	}
}

// The whole program starts on a socket of the service manager, signs a box in,
// refreshes its token, counts it, passes its own doctor, and stops without a trace of
// a secret.
func TestRun(t *testing.T) {
	r := start(t)
	code := r.ask("/device/code", url.Values{"scope": {oauthtest.PickerScope}})
	link, _ := code["verification_uri_complete"].(string)
	device, _ := code["device_code"].(string)
	if !strings.HasPrefix(link, r.issuer+"/?") {
		t.Fatalf("the link is %q", link)
	}
	r.signIn(link)
	token := r.ask("/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {device}})
	refresh, _ := token["refresh_token"].(string)
	if again := r.ask("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}); again["access_token"] == "" || again["access_token"] == token["access_token"] {
		t.Errorf("refreshed: %v", again)
	}

	_, metrics := r.get("http://" + r.metrics + "/metrics")
	for _, want := range []string{
		`pickerd_gateway_codes_total{outcome="approved"} 1`, `pickerd_gateway_codes_total{outcome="asked"} 1`, `pickerd_gateway_refreshes_total{answer="ok"} 1`,
		"pickerd_gateway_handover_duration_seconds_count 1", "pickerd_gateway_store_up 1", "go_gc_gogc_percent 30", `pickerd_gateway_store_duration_seconds_count{op="take",result="ok"} 1`,
		`pickerd_gateway_request_duration_seconds_count{code="2xx",endpoint="/token"} 2`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("%s is not in the metrics:\n%s", want, metrics)
		}
	}
	if status, _ := r.get(r.issuer + "/metrics"); status != http.StatusNotFound {
		t.Errorf("the metrics are public: %d", status)
	}
	exit, report, errs := try(t, r.env, "doctor")
	for _, want := range []string{"ok    configuration", "warn  client", "ok    clock", "ok    upstream", "ok    store", "ok    issuer", "-     certificate"} {
		if exit != 0 || !strings.Contains(report, want) {
			t.Errorf("doctor: %d, %q is not in\n%s%s", exit, want, report, errs)
		}
	}
	if exit, _, errs := try(t, r.env, "run"); exit != 69 || !strings.Contains(errs, "in use") {
		t.Errorf("a second gateway: %d %s", exit, errs)
	}

	if err := r.stop(); err != nil {
		t.Errorf("stopped: %v", err)
	}
	said := r.await("STOPPING=1")
	if !strings.Contains(said, "STATUS=serving "+r.issuer) {
		t.Errorf("the service manager heard %s", said)
	}
	userCode, _ := code["user_code"].(string)
	for _, secret := range []string{oauthtest.Mark, device, userCode, link[strings.Index(link, "?c=")+3:]} {
		if secret == "" || strings.Contains(r.log.String()+metrics+report+said, secret) {
			t.Errorf("%q is in the log, the metrics or the report", secret)
		}
	}
}
