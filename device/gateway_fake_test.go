package device_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
)

// A fakeGateway is an authorization server with metadata, which keeps its answer to
// a poll until it is told that the token was received.
type fakeGateway struct {
	issuer string
	auth   *oauthtest.Server

	mu        sync.Mutex
	answers   map[string]*httptest.ResponseRecorder // by device_code
	requests  []string                              // as they came: address, header and body
	received  []string                              // device_codes
	continued []string                              // uris
	fail      map[string]http.HandlerFunc           // by path; nil answers
	change    func(metadata map[string]any)         // may be nil
}

// addGateway adds a gateway at a host. Without auth, it signs people in at the
// world's own server.
func (w *world) addGateway(host string, auth *oauthtest.Server) *fakeGateway {
	if auth == nil {
		auth = w.auth
	}
	g := &fakeGateway{issuer: "https://" + host, auth: auth, answers: map[string]*httptest.ResponseRecorder{}, fail: map[string]http.HandlerFunc{}}
	if w.net.hosts == nil {
		w.net.hosts = map[string]http.RoundTripper{}
	}
	w.net.hosts[host] = oauthtest.InProcess(g)
	return g
}

// through configures the box to sign people in at a gateway.
func through(host string) func(*world, *Config) {
	return func(w *world, c *Config) {
		id, secret := w.auth.Client(oauthtest.TV)
		c.Methods = []engine.Method{{Name: device.ByDevice, ClientID: id, Secret: oauthdevice.Secret(secret), Issuer: "https://" + host}}
	}
}

// ServeHTTP implements http.Handler.
func (g *fakeGateway) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	g.mu.Lock()
	var header strings.Builder
	_ = r.Header.Write(&header)
	plain, _ := url.QueryUnescape(string(body))
	g.requests = append(g.requests, r.URL.String()+"\n"+header.String()+plain)
	fail := g.fail[r.URL.Path]
	g.mu.Unlock()
	switch {
	case fail != nil:
		fail(rw, r)
	case r.URL.Path == "/.well-known/oauth-authorization-server":
		g.describe(rw)
	case r.URL.Path == "/received":
		g.mu.Lock()
		g.received = append(g.received, form.Get("device_code"))
		delete(g.answers, form.Get("device_code"))
		g.mu.Unlock()
	case r.URL.Path == "/continue":
		g.mu.Lock()
		g.continued = append(g.continued, form.Get("uri"))
		g.mu.Unlock()
	case r.URL.Path == "/token" && form.Get("device_code") != "":
		g.poll(rw, r, form.Get("device_code"))
	default:
		g.auth.ServeHTTP(rw, r)
	}
}

func (g *fakeGateway) describe(rw http.ResponseWriter) {
	m := map[string]any{"issuer": g.issuer, "device_authorization_endpoint": g.issuer + "/device/code", "token_endpoint": g.issuer + "/token",
		"revocation_endpoint": g.issuer + "/revoke", "received_endpoint": g.issuer + "/received", "continue_endpoint": g.issuer + "/continue"}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.change != nil {
		g.change(m)
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	answer(200, "application/json", string(data))(rw, nil)
}

// poll answers a poll, with the same token as before if there is one.
func (g *fakeGateway) poll(rw http.ResponseWriter, r *http.Request, code string) {
	g.mu.Lock()
	rec := g.answers[code]
	g.mu.Unlock()
	if rec == nil {
		rec = httptest.NewRecorder()
		g.auth.ServeHTTP(rec, r)
	}
	if rec.Code == http.StatusOK {
		g.mu.Lock()
		g.answers[code] = rec
		g.mu.Unlock()
	}
	maps.Copy(rw.Header(), rec.Header())
	rw.WriteHeader(rec.Code)
	rw.Write(rec.Body.Bytes())
}

// failing makes requests for a path fail; nil lets them succeed again.
func (g *fakeGateway) failing(path string, with http.HandlerFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fail[path] = with
}

// failAll makes all requests fail; nil lets them succeed again.
func (g *fakeGateway) failAll(with http.HandlerFunc) {
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/device/code", "/token", "/revoke", "/received", "/continue"} {
		g.failing(path, with)
	}
}

// told returns what /received and /continue were told.
func (g *fakeGateway) told() (received, continued []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.received...), append([]string(nil), g.continued...)
}

// saw returns the requests that contain a text.
func (g *fakeGateway) saw(text string) (list []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.requests {
		if strings.Contains(r, text) {
			list = append(list, r)
		}
	}
	return list
}
