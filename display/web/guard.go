package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"pickerd/display/words"
)

// GuardConfig is what a Guard needs.
type GuardConfig struct {
	Name   string   // of the screen, to be shown
	Key    string   // of the display; "" lets nobody in but this machine itself
	Names  []string // that this machine is known by, besides its addresses
	Secure bool     // the page is reached by TLS alone
	Words  *words.Words
	Log    *slog.Logger
}

// A Guard stands before a page that anybody on the network might reach. Who is
// at the machine itself passes; everybody else has to know the display's key, and
// nobody passes who believes to talk to another machine (DNS rebinding).
type Guard struct {
	cfg    GuardConfig
	cookie string
	tries  *tries
	origin *http.CrossOriginProtection
}

// NewGuard returns a Guard.
func NewGuard(cfg GuardConfig) *Guard {
	mac := hmac.New(sha256.New, []byte(plainKey(cfg.Key)))
	mac.Write([]byte("pickerd display"))
	return &Guard{cfg: cfg, cookie: base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), tries: newTries(), origin: http.NewCrossOriginProtection()}
}

// plainKey is a key as people may type it: case, spaces and dashes don't count.
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
	// cookieLife is how long a browser is known: a screen is signed in once.
	cookieLife = 365 * 24 * time.Hour
	maxBody    = 16 << 10
	// bodyWithin is how long a form may take to come, and readWithin how long
	// somebody may take to read a part of an answer.
	bodyWithin = 10 * time.Second
	readWithin = 30 * time.Second
)

// impatient writes for who may be slow on purpose.
type impatient struct {
	http.ResponseWriter
	rc *http.ResponseController
}

func (w *impatient) Write(b []byte) (int, error) {
	_ = w.rc.SetWriteDeadline(time.Now().Add(readWithin))
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *impatient) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Handler lets to next whoever may pass.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		rc := http.NewResponseController(w)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			_ = rc.SetReadDeadline(time.Now().Add(bodyWithin)) // not every writer has deadlines
		}
		if !isNear(r) {
			w = &impatient{w, rc}
		}
		if !g.knows(r) {
			harden(w.Header())
			http.Error(w, "This page is not at that name. Use the box's address, or add the name to http.names in its configuration.", http.StatusMisdirectedRequest)
			return
		}
		if isNear(r) || g.signedIn(r) {
			next.ServeHTTP(w, r)
			return
		}
		harden(w.Header())
		if r.URL.Path == "/pickerd.css" && r.Method == http.MethodGet { // the sign-in page is made of it
			next.ServeHTTP(w, r)
			return
		}
		if r.URL.Path == signInPath && r.Method == http.MethodPost {
			g.signIn(w, r)
			return
		}
		g.askForKey(w, r, http.StatusUnauthorized, "")
	})
}

// knows reports whether a request is meant for this machine.
func (g *Guard) knows(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		// An address can't be rebound; that it is this machine's is no more than
		// what the connection says.
		return addr.IsLoopback() == isNear(r) || localAddr(r) == addr.Unmap().WithZone("")
	}
	if host == "localhost" || host == "" { // a program that names nobody is no browser
		return isNear(r)
	}
	return slices.ContainsFunc(g.cfg.Names, func(name string) bool { return strings.EqualFold(name, host) })
}

func localAddr(r *http.Request) netip.Addr {
	a, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return addrOf(a)
}

// addrOf is the IP address of one end of a TCP connection, invalid without one.
func addrOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

func remoteAddr(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// isNear reports whether a request comes from this machine.
func isNear(r *http.Request) bool { return fromHere(remoteAddr(r), localAddr(r)) }

// IsOwn reports whether a connection comes from this machine, as a Guard sees it.
func IsOwn(c net.Conn) bool { return fromHere(addrOf(c.RemoteAddr()), addrOf(c.LocalAddr())) }

func fromHere(from, to netip.Addr) bool {
	return from.IsLoopback() || from.IsValid() && from == to
}

// signedIn reports whether a request proves that it knows the key: by its cookie,
// or as programs do (RFC 6750 §2.1).
func (g *Guard) signedIn(r *http.Request) bool {
	if g.cfg.Key == "" {
		return false
	}
	if c, err := r.Cookie(cookieName); err == nil && same(c.Value, g.cookie) {
		return true
	}
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && g.tries.may(remoteAddr(r)) && g.isKey(r, bearer)
}

// isKey reports whether somebody knows the key; who does not has one try less.
func (g *Guard) isKey(r *http.Request, key string) bool {
	if g.cfg.Key != "" && same(plainKey(key), plainKey(g.cfg.Key)) {
		return true
	}
	g.tries.miss(remoteAddr(r))
	g.cfg.Log.Warn("somebody tried a wrong display key", "from", remoteAddr(r))
	return false
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// signIn takes a key, once: from then on the cookie tells.
func (g *Guard) signIn(w http.ResponseWriter, r *http.Request) {
	if err := g.origin.Check(r); err != nil { // a page from elsewhere would use up somebody's tries
		http.Error(w, "Sign in on this page itself.", http.StatusForbidden)
		return
	}
	if !g.tries.may(remoteAddr(r)) {
		w.Header().Set("Retry-After", "10")
		g.askForKey(w, r, http.StatusTooManyRequests, "wait")
		return
	}
	if !g.isKey(r, r.PostFormValue("key")) {
		g.askForKey(w, r, http.StatusForbidden, "wrong")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: g.cookie, Path: "/", MaxAge: int(cookieLife / time.Second), HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: g.cfg.Secure})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// Wrong keys: of one address, and of all together, in a second.
const (
	triesOfOne  = 0.2
	triesBurst  = 5
	triesOfAll  = 5
	triesAtOnce = 20
	triesOfHost = 1024 // addresses that are told apart
)

// tries bounds how fast keys can be guessed: who has used up theirs is not even
// told whether the next one is right.
type tries struct {
	mu    sync.Mutex
	hosts map[netip.Addr]*rate.Limiter
	all   *rate.Limiter
}

func newTries() *tries {
	return &tries{hosts: map[netip.Addr]*rate.Limiter{}, all: rate.NewLimiter(triesOfAll, triesAtOnce)}
}

// may reports whether an address has a try left.
func (t *tries) may(from netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.hosts[from]
	return (one == nil || one.Tokens() >= 1) && t.all.Tokens() >= 1
}

// miss counts a wrong key.
func (t *tries) miss(from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.hosts[from]
	if one == nil {
		if len(t.hosts) >= triesOfHost {
			clear(t.hosts)
		}
		one = rate.NewLimiter(triesOfOne, triesBurst)
		t.hosts[from] = one
	}
	one.Allow()
	t.all.Allow()
}
