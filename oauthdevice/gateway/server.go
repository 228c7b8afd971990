package gateway

import (
	"cmp"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"pickerd/oauthdevice"
)

// The paths of the endpoints.
const (
	MetadataPath      = "/.well-known/oauth-authorization-server" // RFC 8414 §3
	authorizationPath = "/device/code"
	tokenPath         = "/token"
	revocationPath    = "/revoke"
	continuePath      = "/continue"
	receivedPath      = "/received"
	callbackPath      = "/callback"
	waitPath          = "/wait"
)

// A Server is a gateway. It is an http.Handler; its methods may be called
// concurrently, and it has no goroutines of its own.
type Server struct {
	issuer      *url.URL
	upstream    Upstream
	clients     map[string]*client
	prefixes    []*url.URL
	proxies     []netip.Prefix
	store       Store
	texts       func(acceptLanguage string) Text
	log         *slog.Logger
	metrics     Metrics
	now         func() time.Time
	mux         *http.ServeMux
	codeKey     []byte // user codes are stored as their digests under it
	limits      *limits
	calls       chan struct{} // one element for each request to the upstream server
	complaints  rate.Sometimes
	unavailable atomic.Bool // the store
	untrusted   sync.Once   // says that a proxy is not trusted
}

// New returns a Server. Its errors are of type *ConfigError.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	clients, err := newClients(cfg.Clients)
	if err != nil {
		return nil, err
	}
	prefixes, err := parsePrefixes(cfg.ContinuePrefixes)
	if err != nil {
		return nil, err
	}
	issuer, err := url.Parse(cfg.Issuer)
	if err != nil {
		return nil, &ConfigError{"Issuer", "not an address"}
	}
	// A user code has only 39 bits. Without this key, all of them could be tried
	// on a stolen store. It comes from the client secret, which several gateways
	// on one store share, and which is not in the store.
	codeKey, err := hkdf.Key(sha256.New, []byte(cfg.Upstream.Client.Secret), nil, forCodes, 32)
	if err != nil {
		return nil, &ConfigError{"Upstream.Client.Secret", err.Error()}
	}
	s := &Server{
		issuer: issuer, upstream: cfg.Upstream, clients: clients, prefixes: prefixes, proxies: slices.Clone(cfg.TrustedProxies),
		store: cfg.Store, texts: cfg.Texts, log: cmp.Or(cfg.Log, slog.Default()), metrics: cfg.Metrics, now: cfg.Now,
		codeKey: codeKey, limits: newLimits(), calls: make(chan struct{}, maxCalls),
		complaints: rate.Sometimes{Interval: complaintInterval},
	}
	if s.metrics == nil {
		s.metrics = noMetrics{}
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.mux = s.routes()
	return s, nil
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+MetadataPath, s.metadata)
	mux.HandleFunc("POST "+authorizationPath, s.api(s.authorize))
	mux.HandleFunc("POST "+tokenPath, s.api(s.token))
	if s.upstream.Client.RevokeURL != "" {
		mux.HandleFunc("POST "+revocationPath, s.api(s.revoke))
	}
	mux.HandleFunc("POST "+continuePath, s.api(s.continueAt))
	mux.HandleFunc("POST "+receivedPath, s.api(s.received))
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /{$}", s.page(s.ask))
	mux.HandleFunc("POST /confirm", s.page(s.confirm))
	mux.HandleFunc("GET "+callbackPath, s.page(s.callback))
	mux.HandleFunc("GET "+waitPath, s.page(s.wait))
	mux.HandleFunc("GET "+stylePath, serveStyle)
	mux.HandleFunc("GET /", s.page(func(http.ResponseWriter, *http.Request) error {
		return &pageError{status: http.StatusNotFound, message: msgNotFound}
	}))
	return mux
}

// health reports whether the store can be used.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), maxPing)
	defer cancel()
	status, text := http.StatusOK, "ok\n"
	if err := s.store.Ping(ctx); err != nil {
		s.storeFailed(err)
		status, text = http.StatusServiceUnavailable, "the store is unavailable\n"
	} else {
		s.storeWorks()
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a prober that has gone needs no answer
}

// complaintInterval is how often trouble with the upstream server is logged.
const complaintInterval = time.Minute

// storeFailed logs that the store went away. Thousands of boxes notice it.
func (s *Server) storeFailed(err error) {
	if errors.Is(err, context.Canceled) {
		return // the client has hung up
	}
	if !s.unavailable.Swap(true) {
		s.log.Error("store unavailable", "err", err)
	}
}

func (s *Server) storeWorks() {
	if s.unavailable.Load() && s.unavailable.Swap(false) {
		s.log.Info("store available again")
	}
}

// upstreamFailed logs a request to the upstream server that failed in a way that
// the operator should know.
func (s *Server) upstreamFailed(err error) {
	s.complaints.Do(func() { s.log.Warn("upstream request failed", "err", err) })
}

// callUpstream calls f with a context that ends soon, but not with a client that
// hangs up: what the upstream server answers can't be had twice.
func (s *Server) callUpstream(ctx context.Context, f func(context.Context) error) error {
	select {
	case s.calls <- struct{}{}:
	default:
		return errBusy
	}
	defer func() { <-s.calls }()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxCallTime)
	defer cancel()
	return f(ctx)
}

// upstreamError returns the *oauthdevice.Error in err.
func upstreamError(err error) (*oauthdevice.Error, bool) {
	return errors.AsType[*oauthdevice.Error](err)
}
