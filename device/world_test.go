package device_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// A world is one box, Google and a person, without sockets and on virtual time.
type world struct {
	t      *testing.T
	dir    string
	auth   *oauthtest.Server
	photos *pickertest.Server
	net    *network
	phones *fakePhones
	config func(*Config)
	setUp  func(*world, *Config)

	watch func(store.Op) error // of the disk
	space func() store.Space

	oauth oauthdevice.Client // as configured
	store *store.Store
	dev   *box
	stop  func()
	log   *lockedBuffer
}

// A network carries requests to the simulators by host, and can be cut.
type network struct {
	auth, photos http.RoundTripper
	mu           sync.Mutex
	before       func(*http.Request) error
	after        func(*http.Request) error
	during       func(*http.Request) error // at each read of a body
	instead      http.RoundTripper         // answers everything, while it is set
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	before, after, during, photos, instead := n.before, n.after, n.during, n.photos, n.instead
	n.mu.Unlock()
	if before != nil {
		if err := before(r); err != nil {
			return nil, err
		}
	}
	if instead != nil {
		return instead.RoundTrip(r)
	}
	rt := photos
	if r.URL.Host == "auth.test" {
		rt = n.auth
	}
	resp, err := rt.RoundTrip(r)
	if err == nil && after != nil {
		if err := after(r); err != nil {
			resp.Body.Close()
			return nil, err
		}
	}
	if err == nil && during != nil {
		resp.Body = &watchedBody{resp.Body, func() error { return during(r) }}
	}
	return resp, err
}

type watchedBody struct {
	io.ReadCloser
	read func() error
}

func (b *watchedBody) Read(p []byte) (int, error) {
	if err := b.read(); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p[:min(len(p), 512)])
}

func (n *network) hook(before, after func(*http.Request) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.before, n.after = before, after
}

// media returns what answers for Google Photos, and setMedia replaces it.
func (n *network) media() http.RoundTripper {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.photos
}

func (n *network) setMedia(rt http.RoundTripper) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.photos = rt
}

// cut makes every request fail without an answer.
func (n *network) cut() {
	n.hook(func(*http.Request) error { return oauthtest.ErrConnection }, nil)
}

func (n *network) mend() {
	n.hook(nil, nil)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.during, n.instead = nil, nil
}

// replace lets something else answer everything.
func (n *network) replace(rt http.RoundTripper) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.instead = rt
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type options struct {
	auth   oauthtest.Options
	photos pickertest.Options
	items  []*pickertest.Item
	config func(*Config)
	ways   func(*world, *Config)
	before func(*world) // runs before the box is switched on
}

// inWorld runs f in a bubble of virtual time, with a box that is switched on.
func inWorld(t *testing.T, o options, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, o)
		if o.before != nil {
			o.before(w)
		}
		w.start()
		defer func() { w.stop() }()
		f(t, w)
	})
}

func newWorld(t *testing.T, o options) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), config: o.config, setUp: o.ways, log: &lockedBuffer{}, phones: &fakePhones{base: "http://192.168.1.20:8420"}}
	o.auth.WebRedirects = []string{relayPage}
	w.auth = oauthtest.New(o.auth)
	if o.photos.Check == nil {
		o.photos.Check = w.auth.Check
	}
	items := o.items
	if items == nil {
		items = pickertest.PlainPhotos(12)
	}
	w.photos = pickertest.New(o.photos, items...)
	w.net = &network{auth: oauthtest.InProcess(w.auth), photos: oauthtest.InProcess(w.photos)}
	t.Cleanup(func() {
		for _, v := range w.photos.Violations() {
			t.Errorf("rule broken: %s", v)
		}
		if strings.Contains(w.log.String(), oauthtest.Mark) {
			t.Errorf("a secret is in the log:\n%s", w.log)
		}
		if t.Failed() {
			t.Logf("log:\n%s", w.log)
		}
	})
	return w
}

// start switches the box on; w.stop pulls the plug.
func (w *world) start() {
	w.t.Helper()
	st, err := store.Open(w.dir, store.Options{Warning: engine.Damaged, BeforeOp: w.watch, Space: w.space})
	if err != nil {
		w.t.Fatal(err)
	}
	hc := &http.Client{Transport: w.net}
	cfg := Config{
		Config: engine.Config{
			Name:  "Living room",
			Store: st,
			Log:   slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			OAuth: oauthdevice.Client{
				Scopes:        []string{oauthtest.PickerScope},
				DeviceAuthURL: "http://auth.test/device/code", AuthURL: "http://auth.test/auth",
				TokenURL: "http://auth.test/token", RevokeURL: "http://auth.test/revoke", UserinfoURL: "http://auth.test/userinfo",
				HTTP: hc,
			},
			Methods: []engine.Method{w.method(device.ByDevice)},
			Picker:  picker.Client{HTTP: hc, BaseURL: "http://photos.test"},
		},
		Phones: w.phones,
	}
	if w.config != nil {
		w.config(&cfg)
	}
	if w.setUp != nil {
		w.setUp(w, &cfg)
	}
	if cfg.ForgetAfter > 0 {
		if err := engine.ForgetGuest(st, cfg.Log); err != nil {
			w.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	w.oauth, w.store, w.dev = cfg.OAuth, st, newBox(cfg)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.dev.Run(ctx)
	}()
	w.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
		st.Close()
	})
}

// method returns a method of pairing with the simulator's client for it.
func (w *world) method(name string) engine.Method {
	kind := map[string]oauthtest.Kind{device.ByDevice: oauthtest.TV, device.ByRelay: oauthtest.Web, device.ByPaste: oauthtest.Desktop}
	redirect := map[string]string{device.ByRelay: relayPage, device.ByPaste: "http://127.0.0.1/"}
	if name == device.ByImport {
		return engine.Method{Name: name}
	}
	id, secret := w.auth.Client(kind[name])
	return engine.Method{Name: name, ClientID: id, Secret: oauthdevice.Secret(secret), RedirectURI: redirect[name]}
}

// methods configures the box with these methods of pairing.
func methods(names ...string) func(*world, *Config) {
	return func(w *world, c *Config) {
		c.Methods = nil
		for _, name := range names {
			c.Methods = append(c.Methods, w.method(name))
		}
	}
}

const relayPage = "https://relay.test/pickerd.html"

// fakePhones is the box's place in the local network.
type fakePhones struct {
	mu    sync.Mutex
	base  string
	err   error
	users map[string]bool
}

// user returns the listener for one purpose.
func (f *fakePhones) user(purpose string) device.PhoneListener { return &phoneUser{f, purpose} }

type phoneUser struct {
	phones  *fakePhones
	purpose string
}

func (u *phoneUser) Open() (string, error) {
	f := u.phones
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users == nil {
		f.users = map[string]bool{}
	}
	if f.err == nil {
		f.users[u.purpose] = true
	}
	return f.base, f.err
}

func (u *phoneUser) Close() {
	u.phones.mu.Lock()
	defer u.phones.mu.Unlock()
	delete(u.phones.users, u.purpose)
}

func (f *fakePhones) isOpen() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.users) > 0
}

func (f *fakePhones) set(base string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.base, f.err = base, err
}

func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// until waits on virtual time for a status.
func (w *world) until(what string, ok func(device.Status) bool) device.Status {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 24*time.Hour)
	defer cancel()
	var last device.Status
	for s := range w.dev.Statuses().Watch(ctx) {
		if last = s; ok(s) {
			return s
		}
	}
	w.t.Fatalf("waited in vain for %s; state %s, problem %+v", what, last.State, last.Problem)
	return last
}

func (w *world) untilState(s device.State) device.Status {
	w.t.Helper()
	return w.until(string(s), func(st device.Status) bool { return st.State == s })
}

func (w *world) untilProblem(code string) device.Status {
	w.t.Helper()
	return w.until("problem "+code, func(st device.Status) bool { return st.Problem != nil && st.Problem.Code == code })
}

// pair brings the box from the code on the screen to the picker's QR.
func (w *world) pair() device.Status {
	w.t.Helper()
	s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
	if !w.auth.Approve(s.Pairing.UserCode) {
		w.t.Fatal("the code on the screen is not good")
	}
	return w.untilState(device.Picking)
}

// choose picks in the session on the screen.
func (w *world) choose(ids ...string) {
	w.t.Helper()
	s := w.untilState(device.Picking)
	if err := w.photos.Choose(s.Pick.SessionID, ids...); err != nil {
		w.t.Fatal(err)
	}
}

// untilClean waits until no session is left at Google and none on record.
func (w *world) untilClean() {
	w.t.Helper()
	w.until("all sessions deleted", func(s device.Status) bool {
		return s.Sessions == device.Sessions{} && s.Pick == nil && len(w.photos.Open()) == 0
	})
}

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", contentType)
		rw.WriteHeader(status)
		rw.Write([]byte(body))
	}
}

// cutOff answers 200 with half a body.
func cutOff(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Content-Length", "500")
	rw.Write([]byte(`{"access_token":"ya29.`))
}

func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func repeat(n int, h http.HandlerFunc) []http.HandlerFunc {
	list := make([]http.HandlerFunc, n)
	for i := range list {
		list[i] = h
	}
	return list
}

// pass lets virtual time go by.
func (w *world) pass(d time.Duration) { time.Sleep(d) }

// The intervals of the box that tests wait for.
const (
	reloadEvery    = 500 * time.Millisecond
	defaultSlide   = 10 * time.Second
	menuFor        = time.Minute
	awakeFor       = 10 * time.Minute
	giveUpRevoking = 15 * time.Minute
	remoteFresh    = 5 * time.Minute
	hearsayFor     = time.Hour
	verifyEvery    = 7 * 24 * time.Hour
	linkLife       = 15 * time.Minute
	linkGrace      = 10 * time.Minute
	parallel       = 4   // downloads
	unattended     = 2   // sessions
	maxShownName   = 120 // characters
)
