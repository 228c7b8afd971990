package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pickerd/cmd/findings"
	"pickerd/display/httpserve/testcert"
)

// A patient is a gateway for the doctor, healthy until it is made ill.
type patient struct {
	t        *testing.T
	issuer   string
	env      map[string]string
	upstream http.HandlerFunc
	site     http.HandlerFunc // at the issuer's address
	days     int              // left of the certificate
	trusted  bool             // whether the doctor trusts it
	ended    bool             // nothing listens at the issuer's address
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	p := &patient{t: t, env: map[string]string{}, days: 60, trusted: true}
	p.upstream = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_request"}`)
	}
	p.site = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			fmt.Fprintf(w, `{"issuer":%q}`, p.issuer)
		}
	}
	return p
}

// client makes the client's file what text says.
func (p *patient) client(text string) {
	p.env["PICKERD_GATEWAY_UPSTREAM_CLIENT_FILE"] = writeFile(p.t, "client.json", text)
}

// file makes the store a file with a mode.
func (p *patient) file(mode os.FileMode) {
	path := writeFile(p.t, "gateway.db", "x")
	if err := os.Chmod(path, mode); err != nil {
		p.t.Fatal(err)
	}
	p.env["PICKERD_GATEWAY_STORE_URL"] = "bbolt://" + path
}

// serve serves the issuer's address, and returns the certificate's pool and files.
func (p *patient) serve() (roots *x509.CertPool, certFile, keyFile string) {
	p.t.Helper()
	end := time.Now().AddDate(0, 0, p.days).Add(time.Hour)
	cert, key, err := testcert.New(end.AddDate(-1, 0, 0), end, "127.0.0.1")
	if err != nil {
		p.t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		p.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.site(w, r) }))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.Config.ErrorLog = serverLog(slog.New(slog.DiscardHandler))
	s.StartTLS()
	p.t.Cleanup(s.Close)
	p.issuer = s.URL
	roots = x509.NewCertPool()
	if p.trusted {
		roots.AppendCertsFromPEM(cert)
	}
	if p.ended {
		s.Close()
	}
	return roots, writeFile(p.t, "cert.pem", string(cert)), writeFile(p.t, "key.pem", string(key))
}

// examine returns the doctor's report after the patient was made ill.
func (p *patient) examine(sicken func(*patient)) *findings.Report {
	p.t.Helper()
	sicken(p)
	roots, certFile, keyFile := p.serve()
	up := httptest.NewServer(p.upstream)
	p.t.Cleanup(up.Close)
	for k, v := range map[string]string{
		"ISSUER": p.issuer, "CLIENTS": `[{id = "pickerd"}]`, "TLS_CERT_FILE": certFile, "TLS_KEY_FILE": keyFile,
		"UPSTREAM_AUTH_URL": up.URL + "/auth", "UPSTREAM_TOKEN_URL": up.URL + "/token", "UPSTREAM_REVOKE_URL": up.URL + "/revoke",
		"STORE_URL": "bbolt://" + filepath.Join(p.t.TempDir(), "none.db"),
	} {
		if _, set := p.env[envPrefix+k]; !set {
			p.env[envPrefix+k] = v
		}
	}
	if p.env[envPrefix+"UPSTREAM_CLIENT_FILE"] == "" {
		p.client(strings.ReplaceAll(upstreamClient, "https://photos.example", p.issuer))
	}
	d := &doctor{getenv: func(k string) string { return p.env[k] }, tls: &tls.Config{RootCAs: roots}}
	d.cfg, d.cfgErr = loadConfig("", d.getenv)
	return d.examine(p.t.Context())
}

// Each illness is found by its check, with what is wrong and what to do.
func TestDoctor(t *testing.T) {
	answer := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	for name, tt := range map[string]struct {
		sicken func(*patient)
		check  string
		result findings.Result
		says   string
	}{
		"unknown value":       {func(p *patient) { p.env["PICKERD_GATEWAY_LOG_LEVEL"] = "loud" }, "configuration", findings.Fail, "LOG_LEVEL"},
		"no client":           {func(p *patient) { p.env["PICKERD_GATEWAY_UPSTREAM_CLIENT_FILE"] = "/none.json" }, "client", findings.Fail, "no OAuth client"},
		"another redirect":    {func(p *patient) { p.client(upstreamClient) }, "client", findings.Fail, "/callback is not among"},
		"no redirect known":   {func(p *patient) { p.client(`{"web":{"client_id":"i","client_secret":"s"}}`) }, "client", findings.Warn, "without a list of redirect URIs"},
		"a clock behind":      {func(p *patient) { p.upstream = dated(p.upstream, time.Minute) }, "clock", findings.Warn, "behind"},
		"a wrong clock":       {func(p *patient) { p.upstream = dated(p.upstream, -time.Hour) }, "clock", findings.Fail, "ahead of"},
		"no way out":          {func(p *patient) { p.env["PICKERD_GATEWAY_UPSTREAM_TOKEN_URL"] = "http://127.0.0.1:1/" }, "upstream", findings.Fail, "token_url"},
		"upstream in trouble": {func(p *patient) { p.upstream = answer(503, "") }, "upstream", findings.Warn, "HTTP 503"},
		"a wrong endpoint":    {func(p *patient) { p.upstream = answer(404, "") }, "upstream", findings.Fail, "HTTP 404"},
		"a portal upstream":   {func(p *patient) { p.upstream = answer(200, "<html>Welcome") }, "upstream", findings.Warn, "not with JSON"},
		"a file for all":      {func(p *patient) { p.file(0o644) }, "store", findings.Warn, "Other users may use"},
		"a folder as store":   {func(p *patient) { p.env["PICKERD_GATEWAY_STORE_URL"] = "bbolt://" + p.t.TempDir() }, "store", findings.Fail, "is not a file"},
		"no Redis":            {func(p *patient) { p.env["PICKERD_GATEWAY_STORE_URL"] = "redis://127.0.0.1:1/0" }, "store", findings.Fail, ""},
		"not running":         {func(p *patient) { p.ended = true }, "issuer", findings.Fail, "refused"},
		"a parked domain":     {func(p *patient) { p.site = answer(200, "<html>For sale") }, "issuer", findings.Fail, "without the gateway's metadata"},
		"another issuer":      {func(p *patient) { p.site = answer(200, `{"issuer":"https://other.example"}`) }, "issuer", findings.Fail, "https://other.example"},
		"a store away": {func(p *patient) {
			healthy := p.site
			p.site = func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/healthz" {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
				healthy(w, r)
			}
		}, "issuer", findings.Fail, "can't use its store"},
		"an unknown authority": {func(p *patient) { p.trusted = false }, "certificate", findings.Fail, "unknown authority"},
		"not renewed":          {func(p *patient) { p.days = 5 }, "certificate", findings.Warn, "5 days left"},
		"an old certificate":   {func(p *patient) { p.days = -2 }, "certificate", findings.Fail, "expired"},
		"no certificate": {func(p *patient) {
			p.env["PICKERD_GATEWAY_TLS_CERT_FILE"] = writeFile(p.t, "cert.pem", "nothing")
		}, "certificate", findings.Fail, "tls.cert_file"},
	} {
		t.Run(name, func(t *testing.T) {
			report := newPatient(t).examine(tt.sicken)
			i := slices.IndexFunc(report.Findings, func(f findings.Finding) bool {
				return f.Check == tt.check && f.Result == tt.result && strings.Contains(f.Detail, tt.says) && f.Remedy != ""
			})
			if i < 0 || report.OK != (tt.result != findings.Fail) {
				t.Errorf("ok: %t, not found in %+v", report.OK, report.Findings)
			}
		})
	}
}

// dated makes a server's clock ahead of this machine's.
func dated(next http.HandlerFunc, ahead time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		next(w, r)
	}
}

// A healthy gateway has no finding to act on.
func TestDoctorHealthy(t *testing.T) {
	report := newPatient(t).examine(func(p *patient) { p.file(0o600) })
	for _, f := range report.Findings {
		if f.Result != findings.OK {
			t.Errorf("%+v", f)
		}
	}
	if len(report.Findings) < 8 || !report.OK {
		t.Errorf("ok: %t, %d findings", report.OK, len(report.Findings))
	}
}
