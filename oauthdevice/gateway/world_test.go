package gateway_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/oauthtest"
)

const (
	issuer    = "https://photos.test"
	upIssuer  = "https://accounts.test"
	boxSecret = "box-s3cr3t"
	pickerURI = "https://photos.google.com/picker/abc?x=1"
)

// keys are texts that show their keys.
type keys struct{}

func (keys) Say(key string, _ ...any) string   { return key }
func (keys) Language() (code string, rtl bool) { return "en", false }

// counts are metrics.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[name]++
}

func (c *counts) Code(outcome string)      { c.add("code " + outcome) }
func (c *counts) Handover(d time.Duration) { c.add("handover " + d.String()) }
func (c *counts) Refresh(answer string)    { c.add("refresh " + answer) }
func (c *counts) Guess(refused string)     { c.add("guess " + refused) }

func (c *counts) get(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[name]
}

// buffer is a log.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// A world is a gateway, what is behind it, and what it leaves.
type world struct {
	t       testing.TB
	google  *oauthtest.Server
	store   *memory
	cfg     gateway.Config
	gw      http.Handler
	log     *buffer
	metrics *counts
}

// newWorld returns a world whose configuration is changed by the functions.
func newWorld(t testing.TB, change ...func(*gateway.Config)) *world {
	t.Helper()
	w := &world{t: t, store: newMemory(), log: &buffer{}, metrics: &counts{n: map[string]int{}}}
	w.google = oauthtest.New(oauthtest.Options{RefuseScope: true, WebRedirects: []string{issuer + "/callback"}})
	id, secret := w.google.Client(oauthtest.Web)
	sum := sha256.Sum256([]byte(boxSecret))
	w.cfg = gateway.Config{
		Issuer: issuer,
		Upstream: gateway.Upstream{
			Client: oauthdevice.Client{ID: id, Secret: oauthdevice.Secret(secret), Scopes: []string{oauthtest.PickerScope, "openid", "email"},
				AuthURL: upIssuer + "/auth", TokenURL: upIssuer + "/token", RevokeURL: upIssuer + "/revoke",
				HTTP: &http.Client{Transport: oauthtest.InProcess(w.google)}},
			Issuer: upIssuer,
		},
		Clients:          []gateway.ClientConfig{{ID: "pickerd"}, {ID: "hotel", SecretSHA256: hex.EncodeToString(sum[:])}},
		ContinuePrefixes: []string{"https://photos.google.com/picker/"},
		Store:            w.store,
		Texts:            func(string) gateway.Text { return keys{} },
		Log:              slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Metrics:          w.metrics,
	}
	for _, f := range change {
		f(&w.cfg)
	}
	w.gw = w.instance()
	return w
}

// instance returns one more gateway on the same store.
func (w *world) instance() http.Handler {
	w.t.Helper()
	s, err := gateway.New(w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// calls returns how many requests of an operation the upstream server received.
func (w *world) calls(op string) int {
	n := 0
	for _, c := range w.google.Calls() {
		if c.Op == op {
			n++
		}
	}
	return n
}

// An answer is a response to a box.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func (a answer) text(member string) string {
	s, _ := a.body[member].(string)
	return s
}

func (a answer) code() string { return a.text("error") }

// post sends a form of a box.
func (w *world) post(path string, pairs ...string) answer {
	w.t.Helper()
	return w.send(w.gw, path, pairs...)
}

func (w *world) send(gw http.Handler, path string, pairs ...string) answer {
	w.t.Helper()
	f := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest("POST", issuer+path, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	gw.ServeHTTP(rec, r)
	a := answer{status: rec.Code, header: rec.Header()}
	if err := json.Unmarshal(rec.Body.Bytes(), &a.body); err != nil || rec.Header().Get("Content-Type") != "application/json" {
		w.t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
	}
	return a
}

// A box is what a box knows of its code.
type box struct {
	w                        *world
	device, userCode, linkTo string
}

const screenName = "Küche von Anna"

func (w *world) newBox() *box {
	w.t.Helper()
	a := w.post("/device/code", "client_id", "pickerd", "scope", oauthtest.PickerScope+" openid email",
		"state", `{"requestId":"5e1a7d2e-1111-4222-8333-123456789abc","displayName":"`+screenName+`"}`)
	if a.status != 200 {
		w.t.Fatalf("device/code: %d %v", a.status, a.body)
	}
	return &box{w, a.text("device_code"), a.text("user_code"), a.text("verification_uri_complete")}
}

func (b *box) poll() answer {
	b.w.t.Helper()
	return b.w.post("/token", "client_id", "pickerd", "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", b.device)
}

// pollAfter polls after the interval.
func (b *box) pollAfter() answer {
	b.w.t.Helper()
	time.Sleep(5 * time.Second)
	return b.poll()
}

func (b *box) received() answer {
	b.w.t.Helper()
	return b.w.post("/received", "client_id", "pickerd", "device_code", b.device)
}

func (b *box) continueAt(uri string) answer {
	b.w.t.Helper()
	return b.w.post("/continue", "client_id", "pickerd", "device_code", b.device, "uri", uri)
}

// link returns the path and the query of the QR code.
func (b *box) link() string { return strings.TrimPrefix(b.linkTo, issuer) }

// A phone is a browser.
type phone struct {
	w       *world
	gw      http.Handler
	address string
	header  http.Header
	cookies map[string]string
}

func (w *world) newPhone() *phone {
	return &phone{w, w.gw, "198.51.100.7:4000", http.Header{}, map[string]string{}}
}

func (p *phone) do(r *http.Request) *httptest.ResponseRecorder {
	r.RemoteAddr = p.address
	for name, v := range p.header {
		r.Header[name] = v
	}
	for name, v := range p.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: v})
	}
	rec := httptest.NewRecorder()
	p.gw.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		p.cookies[c.Name] = c.Value
	}
	return rec
}

func (p *phone) get(path string) *httptest.ResponseRecorder {
	return p.do(httptest.NewRequest("GET", issuer+path, nil))
}

// post sends a form of a page.
func (p *phone) post(path string, f url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", issuer+path, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return p.do(r)
}

// field finds what the question on a page sends back.
var field = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]+)">`)

// scan opens a link or a page with a typed code, and says yes. It returns the
// address of the consent page.
func (p *phone) scan(path string) string {
	p.w.t.Helper()
	rec := p.get(path)
	m := field.FindStringSubmatch(rec.Body.String())
	if rec.Code != 200 || m == nil {
		p.w.t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return p.yes(url.Values{m[1]: {html.UnescapeString(m[2])}})
}

var leads = regexp.MustCompile(`content="0; url=([^"]+)"`)

func (p *phone) yes(f url.Values) string {
	p.w.t.Helper()
	f.Set("answer", "yes")
	rec := p.post("/confirm", f)
	m := leads.FindStringSubmatch(rec.Body.String())
	if rec.Code != 200 || m == nil {
		p.w.t.Fatalf("confirm: %d %s", rec.Code, rec.Body)
	}
	return html.UnescapeString(m[1])
}

// consent consents and returns the path and the query of the callback.
func (w *world) consent(authURL string, without ...string) string {
	w.t.Helper()
	to, err := w.google.Allow(authURL, "person", without...)
	if err != nil {
		w.t.Fatal(err)
	}
	path, ok := strings.CutPrefix(to, issuer)
	if !ok {
		w.t.Fatalf("redirected to %s", to)
	}
	return path
}

// signIn does what a person does.
func (p *phone) signIn(b *box) {
	p.w.t.Helper()
	rec := p.get(p.w.consent(p.scan(b.link())))
	if rec.Code != 303 || rec.Header().Get("Location") != issuer+"/wait" {
		p.w.t.Fatalf("callback: %d %s", rec.Code, rec.Body)
	}
}

// wantPage checks the status of a page and the key of its title.
func wantPage(t testing.TB, what string, rec *httptest.ResponseRecorder, status int, title string) {
	t.Helper()
	if rec.Code != status || !strings.Contains(rec.Body.String(), `<h1 id="title">`+title) {
		t.Errorf("%s: %d, want %d and %s: %s", what, rec.Code, status, title, rec.Body)
	}
}

// wantCode checks the error code of an answer.
func wantCode(t testing.TB, what string, a answer, code string) {
	t.Helper()
	if a.code() != code {
		t.Errorf("%s: %d %v, want %q", what, a.status, a.body, code)
	}
}

func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return "?" + q.Encode()
}

// at sets the address of a phone.
func (p *phone) at(n int) *phone {
	p.address = fmt.Sprintf("203.0.%d.%d:999", n/250, n%250)
	return p
}
