package device_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// A world is one box, the simulators of Google, and a person. It uses no sockets
// and runs on virtual time.
type world struct {
	t      *testing.T
	dir    string
	auth   *oauthtest.Server
	photos *pickertest.Server
	net    *network
	phones *fakePhones
	config func(*Config)
	setUp  func(*world, *Config)

	watch func(store.Op) error // called before each use of the disk
	space func() store.Space

	oauth oauthdevice.Client // as configured
	store *store.Store
	dev   *box
	stop  func()
	log   *lockedBuffer
}

type options struct {
	auth   oauthtest.Options
	photos pickertest.Options
	items  []*pickertest.Item
	config func(*Config)
	setUp  func(*world, *Config)
	before func(*world) // runs before the box is switched on
}

// inWorld runs f in a bubble of virtual time, with a running box.
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
	w := &world{t: t, dir: t.TempDir(), config: o.config, setUp: o.setUp, log: &lockedBuffer{}, phones: &fakePhones{base: "http://192.168.1.20:8420"}}
	o.auth.WebRedirects = append(o.auth.WebRedirects, relayPage)
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
			t.Errorf("request breaks a rule of the API: %s", v)
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

// start switches the box on. w.stop switches it off.
func (w *world) start() {
	w.t.Helper()
	st, err := store.Open(w.dir, store.Options{Warning: engine.Damaged, BeforeOp: w.watch, Space: w.space})
	if err != nil {
		w.t.Fatal(err)
	}
	hc := &http.Client{Transport: w.net}
	cfg := Config{
		Config: engine.Config{
			Options: engine.Options{Name: "Living room"},
			Store:   st,
			Log:     slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
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
	if cfg.ForgetAfter > 0 && cfg.Carried == nil {
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

func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
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

// Copies of constants of the engine, the screen, the slideshow and the fetcher.
const (
	minReload       = 500 * time.Millisecond
	defaultInterval = 10 * time.Second
	menuFor         = time.Minute
	awakeFor        = 10 * time.Minute
	maxRevokeWait   = 15 * time.Minute
	remoteFresh     = 5 * time.Minute
	unverifiedFor   = time.Hour
	verifyInterval  = 7 * 24 * time.Hour
	linkLife        = 15 * time.Minute
	linkGrace       = 10 * time.Minute
	maxDownloads    = 4
	maxUnused       = 2
	maxReplaced     = 15
	maxNameRunes    = 120
)

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

// pass advances virtual time by d.
func (w *world) pass(d time.Duration) { time.Sleep(d) }

// until waits up to a day of virtual time for a status.
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
	w.t.Fatalf("no %s within a day; state %s, problem %+v", what, last.State, last.Problem)
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

// untilCode waits for a code or a link on the screen.
func (w *world) untilCode() device.Status {
	w.t.Helper()
	return w.until("code", func(s device.Status) bool { return s.Pairing != nil })
}

// untilPage is like until, for a page.
func (w *world) untilPage(what string, ok func(display.Page) bool) display.Page {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 24*time.Hour)
	defer cancel()
	var last display.Page
	for p := range w.dev.Pages().Watch(ctx) {
		if last = p; ok(p) {
			return p
		}
	}
	w.t.Fatalf("no %s within a day; page %+v", what, last)
	return last
}

// untilClean waits until no session is open at Google and none is on record.
func (w *world) untilClean() {
	w.t.Helper()
	w.until("deletion of all sessions", func(s device.Status) bool {
		return s.Sessions == device.Sessions{} && s.Pick == nil && len(w.photos.Open()) == 0
	})
}

// pair signs in with the code on the screen and waits for the picker's QR code.
func (w *world) pair() device.Status {
	w.t.Helper()
	s := w.untilCode()
	if !w.auth.Approve(s.Pairing.UserCode) {
		w.t.Fatal("the code on the screen is not valid")
	}
	return w.untilState(device.Picking)
}

// choose picks items in the session on the screen; all items if there are no ids.
func (w *world) choose(ids ...string) {
	w.t.Helper()
	s := w.untilState(device.Picking)
	if err := w.photos.Choose(s.Pick.SessionID, ids...); err != nil {
		w.t.Fatal(err)
	}
}

// pairAndChoose signs a person in and picks items for them.
func (w *world) pairAndChoose(person string, ids ...string) device.Status {
	w.t.Helper()
	s := w.untilCode()
	if !w.auth.ApproveAs(s.Pairing.UserCode, person) {
		w.t.Fatal("the code on the screen is not valid")
	}
	w.choose(ids...)
	w.untilState(device.Showing)
	w.untilClean()
	return w.dev.Statuses().Get()
}

func (w *world) press(keys ...screen.Key) display.Page {
	w.t.Helper()
	for _, k := range keys {
		if err := w.dev.Press(w.t.Context(), k); err != nil {
			w.t.Fatalf("%s: %v", k, err)
		}
	}
	synctest.Wait() // the engine acts on a key in its own goroutine
	return w.dev.Pages().Get()
}

// actAsPerson does what the screen asks for until photos are shown.
func (w *world) actAsPerson(off <-chan struct{}) {
	for range 24 * 60 {
		select {
		case <-off:
			return
		case <-time.After(time.Second):
		}
		s := w.dev.Statuses().Get()
		switch {
		case s.State == device.Showing:
			return
		case s.Pairing != nil:
			w.auth.Approve(s.Pairing.UserCode)
		case s.State == device.Picking:
			w.photos.Choose(s.Pick.SessionID)
		}
	}
}

// pickAndUnpair brings the box from any state to photos on the screen, and then
// unpairs it.
func (w *world) pickAndUnpair() {
	w.t.Helper()
	w.actAsPerson(nil)
	w.untilState(device.Showing)
	w.untilClean()
	if err := w.dev.Unpair(w.t.Context(), true); err != nil {
		w.t.Error(err)
	}
	w.until("unpaired box", func(s device.Status) bool {
		return s.Account == nil && s.Outstanding == nil && s.Sessions == device.Sessions{}
	})
}

// twoAccounts configures a box for two accounts with names.
func twoAccounts(c *Config) {
	c.MaxAccounts = 2
	c.Append = true
	c.OAuth.Scopes = append(c.OAuth.Scopes, "openid", "email")
}

func unnamedAccounts(c *Config) { c.MaxAccounts, c.Append = 3, true }

func (w *world) accountID(email string) string {
	w.t.Helper()
	for _, a := range w.dev.Statuses().Get().Accounts {
		if a.Email == email {
			return a.ID
		}
	}
	w.t.Fatalf("no account %s", email)
	return ""
}

func photoIDs(photos []store.Photo) (ids []string) {
	for _, p := range photos {
		ids = append(ids, p.ID)
	}
	return ids
}

func countCalls(w *world, op string) (n int) {
	for _, c := range w.auth.Calls() {
		if c.Op == op {
			n++
		}
	}
	return n
}

func countPickerCalls(w *world, op string) (n int) {
	for _, c := range w.photos.Calls() {
		if c.Op == op {
			n++
		}
	}
	return n
}
