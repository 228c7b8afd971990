// Package pickertest simulates the Google Photos Picker API and the person who
// picks. A Server is an http.Handler. In the demo, a simulated picker page takes
// the place of the person's methods.
//
// The server enforces the API's rules and records violations, such as polling
// too fast or sending the access token to the target of a redirect. NoLeaks
// fails a test that leaves a session open.
package pickertest

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Mark is part of every secret address, so that tests can search for leaks.
const Mark = "s3cr3t"

// Operations, for Call.Op and Fail.
const (
	OpCreate = "sessions.create"
	OpGet    = "sessions.get"
	OpDelete = "sessions.delete"
	OpList   = "mediaItems.list"
	OpMedia  = "media"
	OpVideo  = "video"  // where =dv redirects to
	OpStream = "stream" // where =m37, =m22 and =m18 redirect to
)

// Values of Options.RepeatedRequest.
const (
	SameSession = iota // the session of the first request
	NewSession         // another session
	Conflict           // ALREADY_EXISTS
	// MadeAtConsent is Conflict, and Google has made the first session of each person
	// before sessions.create. Its id is the requestId.
	MadeAtConsent
	// MadeAtConsentHidden is MadeAtConsent with a session that can be deleted but not
	// read.
	MadeAtConsentHidden
)

// Options configure a Server. The zero value behaves like Google with the API
// enabled. Once the server is in use, modify them with Change.
type Options struct {
	// Check validates an access token; see oauthtest.Server.Check. nil accepts
	// every token.
	Check     func(access string) (person, problem string)
	PublicURL string // the server's address for phones; "" means the Host of the request

	PollInterval string        // "" means "5s"
	TimeoutIn    time.Duration // how long a session may be polled; 0 means 30 min
	SessionLife  time.Duration // 0 means 7 days
	MaxSessions  int           // open at the same time; 0 means 20
	PageLimit    int           // items on a page; 0 means 100
	Listing      int           // FaithfulList, EmptyFirstPage, EndlessList, RepeatingList or LoopingList
	URLLife      time.Duration // of a baseUrl; 0 means 60 min

	OmitFalse       bool                        // omit mediaItemsSet while it is false
	OmitPolling     bool                        // omit pollingConfig
	ZeroTimeout     bool                        // timeoutIn is "0s"
	OmitTimeout     bool                        // omit timeoutIn
	StringNumbers   bool                        // width and height as strings
	RepeatedRequest int                         // response to a repeated requestId: SameSession, NewSession …
	NoAccount       bool                        // sessions.create returns FAILED_PRECONDITION
	Answers         map[string]http.HandlerFunc // responses to every call of an operation, in place of the real ones
	Disabled        bool                        // every call returns SERVICE_DISABLED
	SlowVideo       time.Duration               // delay of each video download
	// RefusedSuffixes has the status that answers each request for a baseUrl with a
	// suffix such as "m37". 200 brings a still image.
	RefusedSuffixes map[string]int
	MediaLimit      Limit         // of downloads; the zero value means none
	MediaCut        Cut           // of downloads; the zero value means none
	ClockSkew       time.Duration // how far the server's clock is ahead
	Date            string        // header of every response; "" means the server's clock
	ForeignMedia    string        // address without a path, in the baseUrl of every second item instead of the server's
}

// A Limit is how many requests are served within a time. Others are refused.
type Limit struct {
	N          int
	Per        time.Duration
	Status     int  // of the refusals; 0 means 429
	RetryAfter bool // they say when the next request is served
}

// A Cut ends the connections of downloads early.
type Cut struct {
	Times int     // for each item
	Share float64 // of what a response is to bring, that it brings
	// Whole means that every media host ignores Range, as that of =dv does: a download
	// that was cut starts anew.
	Whole bool
}

type session struct {
	id, requestID, person string
	created, expires      time.Time
	timeout               time.Time
	maxItems              int
	picked                []string
	set, deleted          bool
	hidden                bool // can be deleted but not read
	deletedAt             time.Time
	lastGet               time.Time
}

// A Call is one request that the server received.
type Call struct {
	Op     string
	At     time.Time
	Status int
	ID     string // of the session or the item
	Bytes  int64  // of the response's body
}

// A Server simulates the API and its media hosts. Create it with New.
type Server struct {
	opt Options
	mux *http.ServeMux

	mu         sync.Mutex
	items      []*Item
	byID       map[string]*Item
	sessions   []*session
	urls       map[string]mediaURL
	faults     map[string][]http.HandlerFunc
	itemFaults map[string]http.HandlerFunc
	calls      []Call
	violations []string
	served     []time.Time    // the last MediaLimit.N downloads
	cuts       map[string]int // downloads that MediaCut ended, by the ID of the item
}

type mediaURL struct {
	item    *Item
	expires time.Time
}

// New returns a Server for a library of items.
func New(opt Options, items ...*Item) *Server {
	if opt.PollInterval == "" {
		opt.PollInterval = "5s"
	}
	if opt.TimeoutIn == 0 {
		opt.TimeoutIn = 30 * time.Minute
	}
	if opt.SessionLife == 0 {
		opt.SessionLife = 7 * 24 * time.Hour
	}
	if opt.MaxSessions == 0 {
		opt.MaxSessions = 20
	}
	if opt.PageLimit == 0 {
		opt.PageLimit = 100
	}
	if opt.URLLife == 0 {
		opt.URLLife = time.Hour
	}
	s := &Server{opt: opt, mux: http.NewServeMux(), items: items, byID: map[string]*Item{},
		urls: map[string]mediaURL{}, cuts: map[string]int{}, faults: map[string][]http.HandlerFunc{}, itemFaults: map[string]http.HandlerFunc{}}
	for _, it := range items {
		s.byID[it.ID] = it
	}
	s.mux.HandleFunc("POST /v1/sessions", s.op(OpCreate, s.create))
	s.mux.HandleFunc("GET /v1/sessions/{id}", s.op(OpGet, s.get))
	s.mux.HandleFunc("DELETE /v1/sessions/{id}", s.op(OpDelete, s.delete))
	s.mux.HandleFunc("GET /v1/mediaItems", s.op(OpList, s.list))
	s.mux.HandleFunc("GET /media/{ref}", s.op(OpMedia, s.media))
	s.mux.HandleFunc("GET /video/{ref}", s.op(OpVideo, s.video(false)))
	s.mux.HandleFunc("GET /stream/{ref}", s.op(OpStream, s.video(true)))
	s.mux.HandleFunc("GET /thumb/{id}", s.thumb)
	s.mux.HandleFunc("GET /picker/{id}", s.pickerPage)
	s.mux.HandleFunc("POST /picker/{id}", s.pickerDone)
	s.mux.HandleFunc("GET /continue/{request}", s.continuePage)
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	now, date := time.Now().Add(s.opt.ClockSkew), s.opt.Date
	s.mu.Unlock()
	w.Header().Set("Date", cmp.Or(date, now.UTC().Format(http.TimeFormat)))
	s.mux.ServeHTTP(w, r)
}

// Fail queues responses for an operation. Each replaces one real response; nil
// leaves one real response unchanged.
func (s *Server) Fail(op string, responses ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[op] = append(s.faults[op], responses...)
}

// ForgetCalls clears the list that Calls returns.
func (s *Server) ForgetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// ClearFaults drops the responses that Fail queued for an operation.
func (s *Server) ClearFaults(op string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.faults, op)
}

// FailItem replaces the response to every download of an item by h. nil ends
// this.
func (s *Server) FailItem(id string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.itemFaults[id] = h
}

// Change modifies the options of a server in use.
func (s *Server) Change(f func(*Options)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.opt)
}

// A recorder records the outcome of a request for Calls.
type recorder struct {
	http.ResponseWriter
	status int
	id     string
	bytes  int64
}

func (a *recorder) Write(b []byte) (int, error) {
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

func (a *recorder) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// op returns a handler that sends a queued fault instead of h's response, and
// records the call.
func (s *Server) op(name string, h func(*recorder, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a := &recorder{ResponseWriter: w, status: http.StatusOK, id: r.PathValue("id")}
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.calls = append(s.calls, Call{name, time.Now(), a.status, a.id, a.bytes})
		}()
		s.mu.Lock()
		var fault http.HandlerFunc
		fault = s.opt.Answers[name]
		if q := s.faults[name]; len(q) > 0 {
			fault, s.faults[name] = q[0], q[1:]
		}
		s.mu.Unlock()
		if fault != nil {
			fault(a, r)
			return
		}
		h(a, r)
	}
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// Refuse returns a handler that sends Google's error envelope, for Fail.
func Refuse(status int, code, message string, details ...any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, code, message, details...) }
}

func refuse(w http.ResponseWriter, status int, code, message string, details ...any) {
	e := map[string]any{"code": status, "message": message, "status": code}
	if len(details) > 0 {
		e["details"] = details
	}
	reply(w, status, map[string]any{"error": e})
}

func errorInfo(reason string) map[string]any {
	return map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
}

// person returns the owner of the request's token. If the token or the project
// is refused, it sends the response and returns false.
func (s *Server) person(a *recorder, r *http.Request) (person string, ok bool) {
	access, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	problem := ""
	if s.opt.Check != nil {
		person, problem = s.opt.Check(access)
	} else if access == "" {
		problem = "unauthenticated"
	}
	switch {
	case problem == "unauthenticated":
		refuse(a, 401, "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.")
	case problem == "scope":
		refuse(a, 403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.", errorInfo("ACCESS_TOKEN_SCOPE_INSUFFICIENT"))
	case s.opt.Disabled:
		refuse(a, 403, "PERMISSION_DENIED", "Google Photos Picker API has not been used in project 123456789012 before or it is disabled.", errorInfo("SERVICE_DISABLED"))
	default:
		return person, true
	}
	return "", false
}

func (s *Server) create(a *recorder, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	person, ok := s.person(a, r)
	if !ok {
		return
	}
	requestID := r.URL.Query().Get("requestId")
	if id, err := uuid.Parse(requestID); requestID != "" && (err != nil || id.Version() != 4 || len(requestID) != 36) {
		refuse(a, 400, "INVALID_ARGUMENT", "requestId is not a UUIDv4")
		return
	}
	var in struct {
		PickingConfig struct {
			MaxItemCount string `json:"maxItemCount"`
		} `json:"pickingConfig"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(a, 400, "INVALID_ARGUMENT", "the body is not JSON")
		return
	}
	maxItems, _ := strconv.Atoi(in.PickingConfig.MaxItemCount)
	if n := s.newSession(requestID, person); s.opt.RepeatedRequest >= MadeAtConsent && !slices.ContainsFunc(s.sessions, func(x *session) bool { return x.person == person }) {
		n.id, n.hidden, n.lastGet = requestID, s.opt.RepeatedRequest == MadeAtConsentHidden, time.Time{}
		s.sessions = append(s.sessions, n)
	}
	open := s.openLocked()
	for _, old := range s.sessions {
		if requestID == "" || old.requestID != requestID || s.opt.RepeatedRequest == NewSession {
			continue
		}
		if s.opt.RepeatedRequest >= Conflict || old.deleted || old.person != person {
			refuse(a, 409, "ALREADY_EXISTS", "requestId was used before")
			return
		}
		a.id = old.id
		reply(a, 200, s.render(r, old))
		return
	}
	switch {
	case maxItems < 0:
		refuse(a, 400, "INVALID_ARGUMENT", "maxItemCount is negative")
		return
	case s.opt.NoAccount:
		refuse(a, 400, "FAILED_PRECONDITION", "The user does not have an active Google Photos account.")
		return
	case len(open) >= s.opt.MaxSessions:
		refuse(a, 429, "RESOURCE_EXHAUSTED", "Too many sessions.")
		return
	}
	n := s.newSession(requestID, person)
	if maxItems > 0 {
		n.maxItems = min(maxItems, n.maxItems)
	}
	s.sessions = append(s.sessions, n)
	a.id = n.id
	reply(a, 200, s.render(r, n))
}

func (s *Server) newSession(requestID, person string) *session {
	now := time.Now()
	return &session{id: "sess-" + rand.Text(), requestID: requestID, person: person, maxItems: 2000,
		created: now, expires: now.Add(s.opt.SessionLife), timeout: now.Add(s.opt.TimeoutIn), lastGet: now}
}

// find returns a session that belongs to the request's person. If there is none,
// it sends the response and returns nil.
func (s *Server) find(a *recorder, r *http.Request, id string) *session {
	a.id = id
	person, ok := s.person(a, r)
	if !ok {
		return nil
	}
	i := slices.IndexFunc(s.sessions, func(x *session) bool { return x.id == id })
	if i < 0 || s.sessions[i].gone() || s.sessions[i].person != person {
		refuse(a, 404, "NOT_FOUND", "Requested entity was not found.")
		return nil
	}
	return s.sessions[i]
}

func (x *session) gone() bool { return x.deleted || !time.Now().Before(x.expires) }

func (s *Server) get(a *recorder, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.find(a, r, r.PathValue("id"))
	if x == nil {
		return
	}
	if x.hidden {
		refuse(a, 403, "PERMISSION_DENIED", "The caller does not have permission.")
		return
	}
	want, err := time.ParseDuration(s.opt.PollInterval)
	if gap := time.Since(x.lastGet); err == nil && gap < want-want/10 {
		s.violations = append(s.violations, fmt.Sprintf("session polled after %v, less than %v", gap, want))
	}
	x.lastGet = time.Now()
	reply(a, 200, s.render(r, x))
}

func (s *Server) delete(a *recorder, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.find(a, r, r.PathValue("id"))
	if x == nil {
		return
	}
	x.deleted, x.deletedAt = true, time.Now()
	reply(a, 200, struct{}{})
}

func (s *Server) render(r *http.Request, x *session) map[string]any {
	out := map[string]any{
		"id":         x.id,
		"pickerUri":  s.publicURL(r) + "/picker/" + Mark + x.id,
		"expireTime": x.expires.Add(s.opt.ClockSkew).UTC().Format("2006-01-02T15:04:05.000000Z"),
	}
	if x.set || !s.opt.OmitFalse {
		out["mediaItemsSet"] = x.set
	}
	if x.set || s.opt.OmitPolling {
		return out
	}
	polling := map[string]any{"pollInterval": s.opt.PollInterval}
	switch {
	case s.opt.OmitTimeout:
	case s.opt.ZeroTimeout:
		polling["timeoutIn"] = "0s"
	default:
		left := max(time.Until(x.timeout), 0)
		polling["timeoutIn"] = strconv.FormatFloat(left.Seconds(), 'f', -1, 64) + "s"
	}
	out["pollingConfig"] = polling
	return out
}

func (s *Server) publicURL(r *http.Request) string {
	if s.opt.PublicURL != "" {
		return strings.TrimSuffix(s.opt.PublicURL, "/")
	}
	return "http://" + r.Host
}

func (s *Server) list(a *recorder, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	x := s.find(a, r, q.Get("sessionId"))
	if x == nil {
		return
	}
	if !x.set {
		refuse(a, 400, "FAILED_PRECONDITION", "The user has not finished picking.")
		return
	}
	from, ok := 0, true
	if t := q.Get("pageToken"); t != "" {
		var n string
		if n, ok = strings.CutPrefix(t, "page-"); ok {
			var err error
			from, err = strconv.Atoi(n)
			ok = err == nil && from >= 0 && (from <= len(x.picked) || s.opt.Listing > EmptyFirstPage)
		}
	}
	size, err := strconv.Atoi(q.Get("pageSize"))
	if err != nil || size <= 0 {
		size = 50
	}
	if !ok {
		refuse(a, 400, "INVALID_ARGUMENT", "bad pageToken")
		return
	}
	size = min(size, s.opt.PageLimit)
	out := map[string]any{}
	if s.opt.Listing == EmptyFirstPage && q.Get("pageToken") == "" {
		out["nextPageToken"] = "page-0"
		reply(a, 200, out)
		return
	}
	if s.opt.Listing > EmptyFirstPage && len(x.picked) > 0 {
		reply(a, 200, s.strayPage(r, x, from, size))
		return
	}
	to := min(from+size, len(x.picked))
	var items []any
	for _, id := range x.picked[from:to] {
		items = append(items, s.renderItem(r, s.byID[id]))
	}
	if len(items) > 0 {
		out["mediaItems"] = items
	}
	if to < len(x.picked) {
		out["nextPageToken"] = "page-" + strconv.Itoa(to)
	}
	reply(a, 200, out)
}
