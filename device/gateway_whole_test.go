package device_test

import (
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/display/words"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/gateway/boltstore"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

const gatewayIssuer = "https://gw.test"

// startGateway runs a real gateway in front of the world's authorization server,
// until the returned function is called.
func (w *world) startGateway() (stop func()) {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.log, nil))
	st, err := boltstore.Open(filepath.Join(w.t.TempDir(), "gateway.db"), boltstore.Options{Log: log})
	if err != nil {
		w.t.Fatal(err)
	}
	id, secret := w.auth.Client(oauthtest.Web)
	gw, err := gateway.New(gateway.Config{
		Issuer: gatewayIssuer,
		Upstream: gateway.Upstream{Client: oauthdevice.Client{
			ID: id, Secret: oauthdevice.Secret(secret), Scopes: []string{oauthtest.PickerScope},
			AuthURL: "https://auth.test/auth", TokenURL: "https://auth.test/token", RevokeURL: "https://auth.test/revoke",
			HTTP: &http.Client{Transport: oauthtest.InProcess(w.auth)},
		}},
		Clients:          []gateway.ClientConfig{{ID: "pickerd"}},
		ContinuePrefixes: []string{"https://photos.google.com/picker/"},
		Store:            st,
		Texts:            func(string) gateway.Text { return words.English() },
		Log:              log,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.net.hosts = map[string]http.RoundTripper{"gw.test": oauthtest.InProcess(gw)}
	return func() {
		if err := st.Close(); err != nil {
			w.t.Error(err)
		}
	}
}

// A browser is a phone's, at the gateway.
type browser struct {
	w       *world
	cookies map[string]string
}

func (b *browser) do(r *http.Request) *httptest.ResponseRecorder {
	r.RemoteAddr = "198.51.100.7:4000"
	for name, v := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: v})
	}
	resp, err := b.w.net.hosts["gw.test"].RoundTrip(r)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	rec := httptest.NewRecorder()
	rec.Code = resp.StatusCode
	if _, err := rec.Body.ReadFrom(resp.Body); err != nil {
		b.w.t.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		b.cookies[c.Name] = c.Value
	}
	for k, v := range resp.Header {
		rec.Header()[k] = v
	}
	return rec
}

func (b *browser) get(address string) *httptest.ResponseRecorder {
	b.w.t.Helper()
	r, err := http.NewRequestWithContext(b.w.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return b.do(r)
}

var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]+)">`)
	refreshTo   = regexp.MustCompile(`content="0; url=([^"]+)"`)
)

// find returns the groups of a pattern in a page.
func (b *browser) find(pattern *regexp.Regexp, rec *httptest.ResponseRecorder) []string {
	b.w.t.Helper()
	m := pattern.FindStringSubmatch(rec.Body.String())
	if rec.Code != http.StatusOK || m == nil {
		b.w.t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	for i := range m {
		m[i] = html.UnescapeString(m[i])
	}
	return m
}

// signIn scans a QR code, says that the code is on the screen, and consents.
func (b *browser) signIn(qr string) {
	b.w.t.Helper()
	page := b.get(qr)
	if !strings.Contains(page.Body.String(), "Living room") {
		b.w.t.Errorf("the page does not name the screen: %s", page.Body)
	}
	m := b.find(hiddenField, page)
	form := url.Values{m[1]: {m[2]}, "answer": {"yes"}}
	r, err := http.NewRequestWithContext(b.w.t.Context(), http.MethodPost, gatewayIssuer+"/confirm", strings.NewReader(form.Encode()))
	if err != nil {
		b.w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	consent := b.find(refreshTo, b.do(r))[1]
	callback, err := b.w.auth.Allow(consent, "person")
	if err != nil {
		b.w.t.Fatal(err)
	}
	if rec := b.get(callback); rec.Code != http.StatusSeeOther {
		b.w.t.Fatalf("callback: %d %s", rec.Code, rec.Body)
	}
}

// wait returns where the gateway's waiting page leads.
func (b *browser) wait() string {
	b.w.t.Helper()
	var rec *httptest.ResponseRecorder
	for range 60 {
		rec = b.get(gatewayIssuer + "/wait")
		if m := refreshTo.FindStringSubmatch(rec.Body.String()); m != nil {
			return html.UnescapeString(m[1])
		}
		time.Sleep(2 * time.Second)
	}
	b.w.t.Fatalf("the phone waits in vain: %d %s", rec.Code, rec.Body)
	return ""
}

// TestWholeGateway runs a box with a real gateway in front of a Google that refuses
// the Picker's scope at its device endpoint: one scan pairs and picks, and the box
// shows, refreshes, survives restarts, revokes and unpairs.
func TestWholeGateway(t *testing.T) {
	var stop func()
	o := options{
		auth:   oauthtest.Options{RefuseScope: true, WebRedirects: []string{gatewayIssuer + "/callback"}},
		photos: pickertest.Options{PublicURL: "https://photos.google.com"},
		setUp: func(_ *world, c *Config) {
			c.Methods = []engine.Method{{Name: device.ByDevice, ClientID: "pickerd", Issuer: gatewayIssuer}}
		},
		before: func(w *world) { stop = w.startGateway() },
	}
	inWorld(t, o, func(t *testing.T, w *world) {
		defer func() { stop() }()
		s := w.untilCode()
		phone := &browser{w, map[string]string{}}
		phone.signIn(s.Pairing.QRURI)
		picking := w.untilState(device.Picking)
		if to := phone.wait(); to != picking.Pick.PickerURI {
			t.Errorf("the phone was led to %q, want %q", to, picking.Pick.PickerURI)
		}
		if p := w.dev.Pages().Get(); p.QR != picking.Pick.PickerURI || !strings.Contains(strings.Join(p.Steps, " "), "on your phone") {
			t.Errorf("page %+v", p)
		}
		w.restart()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		if g := mustCurrent(t, w); g.Issuer != gatewayIssuer || g.Handover != nil {
			t.Errorf("grant of %q, handover %v", g.Issuer, g.Handover)
		}
		w.pass(2 * time.Hour)
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.choose("item-2")
		w.until("one photo", func(s device.Status) bool { return s.State == device.Showing && s.Library.Items == 1 })
		w.untilClean()
		if countCalls(w, oauthtest.OpRefresh) == 0 {
			t.Error("no token was refreshed")
		}
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		w.until("unpaired box with a code", func(s device.Status) bool { return s.Account == nil && s.Outstanding == nil && s.Pairing != nil })
		if n := countCalls(w, oauthtest.OpRevoke); n != 1 {
			t.Errorf("%d revocations", n)
		}
	})
}
