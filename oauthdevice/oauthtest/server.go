// Package oauthtest simulates Google's authorization server and the person who
// signs in. It supports the device flow (RFC 8628 with Google's deviations) and
// the authorization code flow (RFC 6749 §4.1, RFC 7636). A Server is an
// http.Handler; InProcess calls it without a network. In the demo, simulated
// sign-in pages take the place of the person's methods.
//
// The server enforces Google's rules: polling too fast returns slow_down, a used
// code returns invalid_grant, and revoking a token revokes all tokens of its
// person. Every secret token and code contains Mark, so that tests can search
// for leaks.
package oauthtest

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Mark is part of every secret that the server issues.
const Mark = "s3cr3t"

// PickerScope is the scope of the Photos Picker API.
const PickerScope = "https://www.googleapis.com/auth/photospicker.mediaitems.readonly"

// Operations, for Call.Op and Fail.
const (
	OpCode     = "device/code"
	OpPoll     = "poll"
	OpExchange = "exchange"
	OpRefresh  = "refresh"
	OpRevoke   = "revoke"
	OpUserinfo = "userinfo"
)

// Options configure a Server. The zero value behaves like Google. Once the
// server is in use, modify them with Change.
type Options struct {
	ClientID     string        // of the TV client; "" means "client.test"
	ClientSecret string        // of the TV client; "" means one with Mark in it
	WebRedirects []string      // redirect URIs registered for the Web client
	PublicURL    string        // the server's address for phones; "" means the Host of the request
	CodeLife     time.Duration // 0 means 30 min
	TokenLife    time.Duration // 0 means 1 h
	Interval     time.Duration // 0 means 5 s

	// ContinueURL, if set, is the http(s) address to which the phone is sent
	// after an approval, with the requestId of the state appended, as in
	// Google's streamlined experience.
	ContinueURL string

	StandardNames   bool   // verification_uri instead of Google's verification_url
	CompleteLink    bool   // also send verification_url_complete
	OmitInterval    bool   // omit interval
	QuotedNumbers   bool   // "expires_in":"1800"
	ShortGroups     bool   // XXX-XXX-XXX instead of XXXX-XXXX
	RefuseScope     bool   // device/code answers invalid_scope
	RefuseCodeScope bool   // the consent page redirects with invalid_scope
	WrongType       string // OpCode or OpPoll: the operation that refuses the type of the client
	PendingStatus   int    // HTTP status of authorization_pending; 0 means 428
	ExpireAsInvalid bool   // an expired code returns invalid_grant instead of expired_token
	NoIDToken       bool   // omit the ID token; userinfo still works
	RotateRefresh   bool   // each refresh returns a new refresh token and revokes the old
	RepeatRefresh   bool   // each refresh returns the unchanged refresh token
	// RotateOverlap returns a new refresh token on each refresh and revokes the
	// old one when the new one is first used, in favour of clients that lose a
	// response.
	RotateOverlap bool
	ClockSkew     time.Duration // how far the server's clock is ahead
	Date          string        // header of every response; "" means the server's clock

	// Intercept, if not 0, is the status of the web page that answers every
	// request, as from a captive portal or, with 407, a proxy.
	Intercept int
}

type decision int

const (
	pending decision = iota
	approved
	denied
	claimed
)

type code struct {
	device, user string
	scopes       []string
	state        string
	expires      time.Time
	interval     time.Duration
	lastPoll     time.Time
	decision     decision
	person       string // who approved
	refusal      string // error code for the next poll, such as org_internal
}

type token struct {
	person  string
	client  *client
	refresh string
	scopes  []string
	expires time.Time
	revoked bool
	before  *token // revoked when this token is first used
	reauth  bool   // see RequireReauth
}

// A Call is one request that the server received.
type Call struct {
	Op     string
	At     time.Time
	Status int
	Error  string
	Fields []string // names of the form's fields, in order
}

// A Server is a simulated authorization server. Create it with New.
type Server struct {
	opt     Options
	mux     *http.ServeMux
	clients []*client // by Kind

	mu        sync.Mutex
	codes     []*code
	authCodes map[string]*authCode
	consented map[string]bool
	access    map[string]*token
	refresh   map[string]*token
	faults    map[string][]http.HandlerFunc
	calls     []Call
}

// New returns a Server with one client of each Kind.
func New(opt Options) *Server {
	if opt.ClientID == "" {
		opt.ClientID = "client.test"
	}
	if opt.ClientSecret == "" {
		opt.ClientSecret = "client-" + Mark
	}
	if opt.CodeLife == 0 {
		opt.CodeLife = 30 * time.Minute
	}
	if opt.TokenLife == 0 {
		opt.TokenLife = time.Hour
	}
	if opt.Interval == 0 {
		opt.Interval = 5 * time.Second
	}
	s := &Server{opt: opt, mux: http.NewServeMux(), authCodes: map[string]*authCode{}, consented: map[string]bool{},
		access: map[string]*token{}, refresh: map[string]*token{}, faults: map[string][]http.HandlerFunc{}}
	s.clients = []*client{
		{kind: TV, id: opt.ClientID, secret: opt.ClientSecret},
		{kind: Web, id: "web.test", secret: "web-" + Mark, redirects: opt.WebRedirects},
		{kind: Desktop, id: "desktop.test", secret: "desktop-" + Mark},
	}
	s.mux.HandleFunc("POST /device/code", s.op(OpCode, s.issueCode))
	s.mux.HandleFunc("/auth", s.consentPages)
	s.mux.HandleFunc("POST /token", s.token)
	s.mux.HandleFunc("POST /revoke", s.op(OpRevoke, s.revoke))
	s.mux.HandleFunc("GET /userinfo", s.op(OpUserinfo, s.userinfo))
	s.mux.HandleFunc("GET /device", s.devicePage)
	s.mux.HandleFunc("POST /device", s.decide)
	return s
}

// ForgetCalls clears the list that Calls returns.
func (s *Server) ForgetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// PurgeExpired clears the calls and deletes expired codes and access tokens, to
// bound memory in long tests.
func (s *Server) PurgeExpired() {
	s.ForgetCalls()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(s.access, func(_ string, t *token) bool { return now.After(t.expires) })
	s.codes = slices.DeleteFunc(s.codes, func(c *code) bool { return now.After(c.expires) })
}

// Calls returns the requests received so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Change modifies the options of a server in use.
func (s *Server) Change(f func(*Options)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.opt)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	now, date, intercept := time.Now().Add(s.opt.ClockSkew), s.opt.Date, s.opt.Intercept
	s.mu.Unlock()
	w.Header().Set("Date", cmp.Or(date, now.UTC().Format(http.TimeFormat)))
	if intercept != 0 {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(intercept)
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Sign in</title>")
		return
	}
	s.mux.ServeHTTP(w, r)
}

// A recorder records the outcome of a request for Calls.
type recorder struct {
	http.ResponseWriter
	status int
	err    string
}

func (a *recorder) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// op returns a handler that sends a queued fault instead of h's response, and
// records the call.
func (s *Server) op(name string, h func(*recorder, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a := &recorder{ResponseWriter: w, status: http.StatusOK}
		_ = r.ParseForm() // for Calls, also if a fault does not read it
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.calls = append(s.calls, Call{name, time.Now(), a.status, a.err, fields(r)})
		}()
		s.mu.Lock()
		var fault http.HandlerFunc
		if q := s.faults[name]; len(q) > 0 {
			fault, s.faults[name] = q[0], q[1:]
		}
		s.mu.Unlock()
		if fault != nil {
			fault(a, r)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		h(a, r)
	}
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	switch r.FormValue("grant_type") {
	case "refresh_token":
		s.op(OpRefresh, s.refreshToken)(w, r)
	case "authorization_code":
		s.op(OpExchange, s.exchange)(w, r)
	default:
		s.op(OpPoll, s.pollCode)(w, r)
	}
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func (a *recorder) refuse(status int, code, description string) {
	a.err = code
	reply(a, status, map[string]string{"error": code, "error_description": description})
}

func (s *Server) issueCode(a *recorder, r *http.Request) {
	if s.checkClient(a, r, OpCode) == nil {
		return
	}
	scope := r.FormValue("scope")
	if s.opt.RefuseScope {
		a.refuse(http.StatusBadRequest, "invalid_scope", "Invalid device flow scope: "+scope)
		return
	}
	state := r.FormValue("state")
	if !acceptsState(state) {
		a.refuse(http.StatusBadRequest, "invalid_request", "Invalid state")
		return
	}
	c := &code{
		device:   "dc-" + Mark + rand.Text(),
		user:     s.userCode(),
		scopes:   strings.Fields(scope),
		state:    state,
		expires:  time.Now().Add(s.opt.CodeLife),
		interval: s.opt.Interval,
	}
	s.codes = append(s.codes, c)
	out := map[string]any{"device_code": c.device, "user_code": c.user}
	out["expires_in"] = s.number(s.opt.CodeLife)
	if !s.opt.OmitInterval {
		out["interval"] = s.number(s.opt.Interval)
	}
	at := s.publicURL(r) + "/device"
	name := "verification_url"
	if s.opt.StandardNames {
		name = "verification_uri"
	}
	out[name] = at
	if s.opt.CompleteLink {
		out[name+"_complete"] = at + "?user_code=" + c.user
	}
	reply(a, http.StatusOK, out)
}

func (s *Server) number(d time.Duration) any {
	n := int(d / time.Second)
	if s.opt.QuotedNumbers {
		return strconv.Itoa(n)
	}
	return n
}

func (s *Server) userCode() string {
	const letters = "BCDFGHJKLMNPQRSTVWXZ" // RFC 8628 §6.1
	group := func(n int) string {
		b := make([]byte, n)
		rand.Read(b)
		for i := range b {
			b[i] = letters[int(b[i])%len(letters)]
		}
		return string(b)
	}
	if s.opt.ShortGroups {
		return group(3) + "-" + group(3) + "-" + group(3)
	}
	return group(4) + "-" + group(4)
}

func (s *Server) publicURL(r *http.Request) string {
	if s.opt.PublicURL != "" {
		return strings.TrimSuffix(s.opt.PublicURL, "/")
	}
	scheme := "http"
	if r.TLS != nil || r.URL.Scheme == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func (s *Server) pollCode(a *recorder, r *http.Request) {
	client := s.checkClient(a, r, OpPoll)
	if client == nil {
		return
	}
	if r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:device_code" {
		a.refuse(http.StatusBadRequest, "unsupported_grant_type", "Invalid grant_type: "+r.FormValue("grant_type"))
		return
	}
	i := slices.IndexFunc(s.codes, func(c *code) bool { return c.device == r.FormValue("device_code") })
	if i < 0 {
		a.refuse(http.StatusBadRequest, "invalid_grant", "Malformed device code")
		return
	}
	c := s.codes[i]
	early := !c.lastPoll.IsZero() && time.Since(c.lastPoll) < c.interval-100*time.Millisecond
	c.lastPoll = time.Now()
	switch {
	case c.decision == claimed:
		a.refuse(http.StatusBadRequest, "invalid_grant", "Code was already redeemed.")
	case !time.Now().Before(c.expires) && s.opt.ExpireAsInvalid:
		a.refuse(http.StatusBadRequest, "invalid_grant", "Code has expired.")
	case !time.Now().Before(c.expires):
		a.refuse(http.StatusBadRequest, "expired_token", "The code has expired.")
	case c.refusal != "":
		status := http.StatusBadRequest
		if c.refusal == "org_internal" {
			status = http.StatusForbidden
		}
		a.refuse(status, c.refusal, "Refused")
	case c.decision == denied:
		a.refuse(http.StatusForbidden, "access_denied", "Forbidden")
	case early:
		c.interval += 5 * time.Second
		a.refuse(http.StatusForbidden, "slow_down", "Forbidden")
	case c.decision == pending:
		status := s.opt.PendingStatus
		if status == 0 {
			status = http.StatusPreconditionRequired
		}
		a.refuse(status, "authorization_pending", "Precondition Required")
	default:
		c.decision = claimed
		s.issueToken(a, &token{person: c.person, client: client, scopes: c.scopes}, true)
	}
}
