package doctor

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestInterceptors has a proxy, a portal or the wrong path between the box and its
// servers, and expects that each is told from a server that can't be reached.
func TestInterceptors(t *testing.T) {
	proxied := func(status int) func(p *patient) {
		return func(p *patient) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
			p.t.Cleanup(srv.Close)
			at, err := url.Parse(srv.URL)
			if err != nil {
				p.t.Fatal(err)
			}
			at.User = url.UserPassword("user", "mark-proxy-password")
			p.cfg.Proxy = http.ProxyURL(at)
		}
	}
	for name, tt := range map[string]struct {
		make func(p *patient)
		want map[string]Finding // by check; texts are parts of those in the report
	}{
		"proxy refuses": {proxied(403), map[string]Finding{
			"clock":     {Result: Skip, Detail: "HTTP 403"},
			"tls":       {Result: Fail, Detail: "HTTP 403", Remedy: "does not allow this server"},
			"portal":    {Result: Skip, Detail: "See tls"},
			"endpoints": {Result: Skip, Detail: "See tls"},
		}},
		"proxy wants a password": {proxied(407), map[string]Finding{
			"tls": {Result: Fail, Detail: "HTTP 407", Remedy: "user name and a password"},
		}},
		"proxy can't reach it": {proxied(502), map[string]Finding{
			"tls": {Result: Fail, Detail: "HTTP 502", Remedy: "can't reach the server"},
		}},
		"answer without TLS": {func(p *patient) {
			srv := httptest.NewServer(http.NotFoundHandler())
			p.t.Cleanup(srv.Close)
			p.text = moved(p.text, strings.TrimPrefix(srv.URL, "http://"))
		}, map[string]Finding{
			"clock":  {Result: Skip, Detail: "HTTP response to HTTPS client"},
			"tls":    {Result: Fail, Remedy: "not encrypted"},
			"portal": {Result: Skip, Detail: "See tls"},
		}},
		"first server away": {func(p *patient) {
			p.text = strings.Replace(p.text, `token_url = "https://`, fmt.Sprintf(`token_url = "https://%s/`, closed()), 1)
		}, map[string]Finding{
			"clock": {Result: OK, Detail: "agrees"},
		}},
		"wrong path of the gateway": {func(p *patient) {
			p.useGateway()
			p.front = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasPrefix(r.URL.Path, "/.well-known/") {
					return false
				}
				http.NotFound(w, r)
				return true
			}
		}, map[string]Finding{
			"portal":  {Result: OK, Detail: "answers directly"},
			"gateway": {Result: Fail, Detail: "HTTP 404", Remedy: "path of google.gateway"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			tt.make(p)
			r := p.examine()
			for check, want := range tt.want {
				found := false
				for _, f := range r.Findings {
					found = found || f.Check == check && f.Result == want.Result && strings.Contains(f.Detail, want.Detail) && strings.Contains(f.Remedy, want.Remedy)
				}
				if !found {
					t.Errorf("no finding %s %+v", check, want)
				}
			}
			for _, f := range r.Findings {
				if strings.Contains(f.Detail+f.Remedy, "mark-") {
					t.Errorf("a secret is in %+v", f)
				}
				t.Logf("%+v", f)
			}
		})
	}
}

// moved leads every server's address to another.
func moved(config, at string) string {
	var out []string
	for line := range strings.Lines(config) {
		if before, after, ok := strings.Cut(line, "https://"); ok {
			_, path, _ := strings.Cut(after, "/")
			line = before + "https://" + at + "/" + path
		}
		out = append(out, line)
	}
	return strings.Join(out, "")
}
