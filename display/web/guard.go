package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"pickerd/display"
	"pickerd/display/httpserve"
)

// GuardConfig is what a Guard needs.
type GuardConfig struct {
	Pages  *display.Board[display.Page] // the sign-in page has their name and language
	Key    string                       // of the display; "" refuses all other machines
	Weak   bool                         // Key has less than 80 bits, so it could be guessed
	Salt   string                       // makes the cookie of a weak key as hard to guess as this; "" without
	Names  []string                     // host names of this machine, besides its addresses
	Secure bool                         // the page is served over TLS only
	// Displays are let in without the display key; nil lets none in.
	Displays Displays
	Framing  Framing
	Log      *slog.Logger
}

// A Guard protects a page that the network may reach. Requests from this machine
// pass; all others must know the display key or be let in as a display. Requests whose Host
// names another machine are refused, which prevents DNS rebinding.
type Guard struct {
	cfg    GuardConfig
	cookie string
	failed *failedKeys
	origin *http.CrossOriginProtection

	rejected rate.Sometimes // log lines
}

// NewGuard returns a Guard.
func NewGuard(cfg GuardConfig) *Guard {
	mac := hmac.New(sha256.New, []byte(plainKey(cfg.Key)))
	mac.Write([]byte("pickerd display" + cfg.Salt))
	return &Guard{cfg: cfg, rejected: rate.Sometimes{First: 5, Interval: time.Minute}, cookie: base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), failed: newFailedKeys(), origin: http.NewCrossOriginProtection()}
}

// plainKey normalizes a typed key: case, spaces and dashes don't count.
func plainKey(key string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, key))
}

const (
	cookieName = "pickerd"
	signInPath = "/signin"
	// maxCookieAge is long because a screen signs in only once.
	maxCookieAge = 365 * 24 * time.Hour

	maxBody      = 16 << 10
	maxBodyTime  = 10 * time.Second // to receive a form
	maxWriteTime = 30 * time.Second // for a client to take one write of an answer
)

// A deadlineWriter bounds each write to protect against slow readers.
type deadlineWriter struct {
	http.ResponseWriter
	rc      *http.ResponseController
	removed context.Context // once it ends, writes fail; it may be nil
}

func (w *deadlineWriter) Write(b []byte) (int, error) {
	if w.removed != nil && w.removed.Err() != nil {
		return 0, errRemoved
	}
	_ = w.rc.SetWriteDeadline(time.Now().Add(maxWriteTime))
	return w.ResponseWriter.Write(b)
}

// errRemoved means that a display was removed while it was being answered.
var errRemoved = errors.New("the display was removed")

// Unwrap is for http.ResponseController.
func (w *deadlineWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Handler returns a handler that passes permitted requests to next.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		rc := http.NewResponseController(w)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			_ = rc.SetReadDeadline(time.Now().Add(maxBodyTime)) // not every writer has deadlines
		}
		here := httpserve.FromThisMachine(r)
		slow := &deadlineWriter{ResponseWriter: w, rc: rc}
		if !here {
			w = slow
		}
		if !g.isForThisMachine(r) {
			g.cfg.Framing.headers(w.Header(), policy)
			http.Error(w, "This page is not at that name. Use the box's address, or add the name to http.names in its configuration.", http.StatusMisdirectedRequest)
			return
		}
		p := proof{status: http.StatusOK}
		if !here {
			p = g.check(r)
		}
		if p.removed != nil {
			defer p.leave()
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(p.removed, cancel)()
			r, slow.removed = r.WithContext(ctx), p.removed
		}
		g.serve(w, r, p, next)
	})
}

// serve answers a request of which it is known whether it is permitted.
func (g *Guard) serve(w http.ResponseWriter, r *http.Request, p proof, next http.Handler) {
	permitted := p.status == http.StatusOK
	if permitted {
		httpserve.Authorized(r)
	}
	g.cfg.Framing.headers(w.Header(), policy)
	switch {
	case g.admit(w, r, p):
	case permitted && r.URL.Path == "/" && cookieOf(r) != "":
		g.setCookie(w, cookieOf(r)) // the browser keeps it for another year
		next.ServeHTTP(w, r)
	case permitted, isPublic(r):
		next.ServeHTTP(w, r)
	case r.URL.Path == signInPath && r.Method == http.MethodPost:
		g.signIn(w, r)
	default:
		g.askForKey(w, r, p.status, "")
	}
}

// isForThisMachine reports whether the Host of a request names this machine.
func (g *Guard) isForThisMachine(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		// An address can't be rebound, so it need only match the connection's.
		return addr.IsLoopback() == httpserve.FromThisMachine(r) || httpserve.LocalAddr(r) == addr.Unmap().WithZone("")
	}
	if host == "localhost" || host == "" { // a client that sends no Host is not a browser
		return httpserve.FromThisMachine(r)
	}
	return slices.ContainsFunc(g.cfg.Names, func(name string) bool { return strings.EqualFold(name, host) })
}

// check returns what a request proves: with the cookie of a display or of the key, or
// with the key as a bearer token (RFC 6750 §2.1) or, for programs that know nothing else,
// as the password of any user (RFC 7617).
func (g *Guard) check(r *http.Request) proof {
	cookie := cookieOf(r)
	if cookie != "" && g.cfg.Key != "" && secretsEqual(cookie, g.cookie) {
		return proof{status: http.StatusOK}
	}
	if cookie != "" && g.cfg.Displays != nil {
		if removed, leave, ok := g.cfg.Displays.Enter(cookie, httpserve.RemoteAddr(r)); ok {
			return proof{http.StatusOK, removed, leave}
		}
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return proof{status: g.checkKey(r, bearer)}
	}
	if _, password, ok := r.BasicAuth(); ok {
		return proof{status: g.checkKey(r, password)}
	}
	return proof{status: http.StatusUnauthorized}
}

// checkKey returns 200 if key is the display key, 401 if not, and 429 if its host has
// failed too often. Guesses of others don't keep out a client that knows a strong key:
// it is compared first. A weak one could be guessed, so the limits come first.
func (g *Guard) checkKey(r *http.Request, key string) (status int) {
	from := httpserve.RemoteAddr(r)
	if g.cfg.Weak && !g.failed.mayTry(from) {
		return http.StatusTooManyRequests
	}
	if g.cfg.Key != "" && secretsEqual(plainKey(key), plainKey(g.cfg.Key)) {
		return http.StatusOK
	}
	if !g.failed.count(from) {
		return http.StatusTooManyRequests
	}
	g.rejected.Do(func() { g.cfg.Log.Warn("display key rejected", "from", from) })
	return http.StatusUnauthorized
}

// secretsEqual compares in constant time.
func secretsEqual(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// signIn checks a submitted key and sets the cookie.
func (g *Guard) signIn(w http.ResponseWriter, r *http.Request) {
	if err := g.origin.Check(r); err != nil { // a page on another site could use up the attempts
		http.Error(w, "Sign in on this page itself.", http.StatusForbidden)
		return
	}
	switch status := g.checkKey(r, r.PostFormValue("key")); status {
	case http.StatusOK:
	case http.StatusTooManyRequests:
		g.askForKey(w, r, status, "wait")
		return
	default:
		g.askForKey(w, r, status, "wrong")
		return
	}
	httpserve.Authorized(r)
	g.setCookie(w, g.cookie)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// Limits of failed keys: rates are per second.
const (
	failedRate     = 0.2 // of one host, after a burst
	failedBurst    = 5
	allFailedRate  = 5 // of all hosts together, after a burst
	allFailedBurst = 20
	maxHosts       = 1024 // counted separately
)

// failedKeys limits how fast keys can be guessed.
type failedKeys struct {
	mu    sync.Mutex
	hosts *httpserve.Hosts[*rate.Limiter]
	all   *rate.Limiter
}

func newFailedKeys() *failedKeys {
	return &failedKeys{
		hosts: httpserve.NewHosts(maxHosts, func() *rate.Limiter { return rate.NewLimiter(failedRate, failedBurst) }),
		all:   rate.NewLimiter(allFailedRate, allFailedBurst),
	}
}

// mayTry reports whether a host has an attempt left.
func (f *failedKeys) mayTry(from netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	host, known := f.hosts.Find(from)
	return (!known || host.Tokens() >= 1) && f.all.Tokens() >= 1
}

// count counts a failed key. It reports whether that is within the limits.
func (f *failedKeys) count(from netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hosts.Get(from).Allow() && f.all.Allow()
}
