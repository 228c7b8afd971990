package doctor

import (
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"pickerd/display"
	"pickerd/display/web"
)

// listening changes where the patient's page is said to listen.
func (p *patient) listening(at string, more ...string) {
	p.text = regexp.MustCompile(`(?m)^listen = .*$`).ReplaceAllLiteralString(p.text, strings.Join(append([]string{`listen = "` + at + `"`}, more...), "\n"))
}

// The daemon's page is found at every way to write its address.
func TestListen(t *testing.T) {
	health := http.NewServeMux()
	health.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	health.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("pickerd_alive 1\n")) })
	page := httptest.NewServer(web.NewGuard(web.GuardConfig{Pages: &display.Board[display.Page]{}}).Handler(health))
	defer page.Close()
	_, port, err := net.SplitHostPort(page.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "0.0.0.0", "[::]", "[::ffff:0.0.0.0]", "", "localhost"} {
		p := newPatient(t)
		p.listening(host + ":" + port)
		found := false
		for _, f := range p.examine().Findings {
			found = found || f.Check == "display" && f.Result == OK && strings.Contains(f.Detail, "is served")
			if f.Check == "display" && f.Result != OK {
				t.Errorf("%q: %s", host, f.Detail)
			}
		}
		if !found {
			t.Errorf("%q: the page is not found", host)
		}
		if text, err := p.doctor().metrics(t.Context(), host+":"+port); err != nil || !strings.Contains(text, "pickerd_alive") {
			t.Errorf("%q: metrics %q, %v", host, text, err)
		}
	}
}

// A page that another program serves is not the daemon's.
func TestListenTaken(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	p := newPatient(t)
	p.listening(strings.TrimPrefix(other.URL, "http://"))
	for _, f := range p.examine().Findings {
		if f.Check == "display" && f.Result == Fail && strings.Contains(f.Detail, "404") && strings.Contains(f.Remedy, "another program") {
			return
		}
	}
	t.Error("not found")
}

// A key that could be guessed is warned of where other machines reach the page.
func TestShortKey(t *testing.T) {
	for _, tt := range []struct {
		host, key string
		want      bool
	}{
		{"0.0.0.0", "", false},
		{"0.0.0.0", "sesame-open", true},
		{"192.0.2.1", "nineteen-characters", true},
		{"0.0.0.0", "a-b-c-d-e-f-g-h-i-j-k", true},
		{"0.0.0.0", "correct horse battery staple", false},
		{"127.0.0.1", "sesame-open", false},
		{"localhost", "sesame-open", false},
	} {
		p := newPatient(t)
		p.listening(tt.host+":8420", `key = "`+tt.key+`"`)
		found := false
		for _, f := range p.examine().Findings {
			found = found || f.Check == "display" && f.Result == Warn && strings.Contains(f.Detail, "http.key is short")
		}
		if found != tt.want {
			t.Errorf("%s, %q: warned %v, want %v", tt.host, tt.key, found, tt.want)
		}
	}
}
