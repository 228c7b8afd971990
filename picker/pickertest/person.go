package pickertest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	g "maragu.dev/gomponents"
)

// TB is the part of testing.TB that NoLeaks needs. With it, the demo does not
// link the testing package.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
}

// NoLeaks makes a test fail if at its end a session is open or the API's rules
// were violated.
func (s *Server) NoLeaks(t TB) {
	t.Helper()
	t.Cleanup(func() {
		if open := s.Open(); len(open) > 0 {
			t.Errorf("%d sessions left open", len(open))
		}
		for _, v := range s.Violations() {
			t.Errorf("rule broken: %s", v)
		}
	})
}

// Open returns the ids of all sessions that are neither deleted nor expired.
func (s *Server) Open() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, x := range s.openLocked() {
		ids = append(ids, x.id)
	}
	return ids
}

func (s *Server) openLocked() []*session {
	var open []*session
	for _, x := range s.sessions {
		if !x.gone() {
			open = append(open, x)
		}
	}
	return open
}

// A Record is the state of one session.
type Record struct {
	ID, RequestID string
	Set, Deleted  bool
}

// Sessions returns every session ever created, oldest first.
func (s *Server) Sessions() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Record
	for _, x := range s.sessions {
		out = append(out, Record{x.id, x.requestID, x.set, x.deleted})
	}
	return out
}

// PurgeExpired deletes the records of ended sessions, all media addresses and
// the calls, to bound memory in long tests.
func (s *Server) PurgeExpired() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = s.openLocked()
	s.urls = map[string]mediaURL{}
	s.calls = nil
}

// Violations returns the violations of the API's rules so far.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Calls returns the requests received so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Choose simulates that the person picks these items and taps Done. Without ids
// they pick every item. Unknown ids are ignored.
func (s *Server) Choose(sessionID string, ids ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.usable(sessionID)
	if x == nil {
		return fmt.Errorf("session %s is not usable", sessionID)
	}
	if len(ids) == 0 {
		for _, it := range s.items {
			ids = append(ids, it.ID)
		}
	}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return s.byID[id] == nil })
	x.picked, x.set = ids[:min(len(ids), x.maxItems)], true
	return nil
}

// LoseSession simulates that Google loses a session before it expires.
func (s *Server) LoseSession(sessionID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.sessions {
		if x.id == sessionID {
			x.deleted = true
		}
	}
}

// Extend lets a session be polled for d from now on.
func (s *Server) Extend(sessionID string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.sessions {
		if x.id == sessionID {
			x.timeout = time.Now().Add(d)
		}
	}
}

// usable returns a session in which the person can still pick, or nil. A link
// stops working after Done.
func (s *Server) usable(id string) *session {
	for _, x := range s.sessions {
		if x.id == id && !x.gone() && !x.set {
			return x
		}
	}
	return nil
}

func (s *Server) pickerPage(w http.ResponseWriter, r *http.Request) {
	id, _ := strings.CutPrefix(r.PathValue("id"), Mark)
	s.mu.Lock()
	usable := s.usable(id) != nil
	s.mu.Unlock()
	if !usable {
		render(w, deadLinkPage())
		return
	}
	render(w, choicePage(s.items))
}

// continuePage receives a phone that has just signed in and knows only the
// requestId. It waits until the device has created the session.
func (s *Server) continuePage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.sessions {
		if x.requestID == r.PathValue("request") && s.usable(x.id) != nil {
			http.Redirect(w, r, s.publicURL(r)+"/picker/"+Mark+x.id, http.StatusFound)
			return
		}
	}
	w.Header().Set("Refresh", "1")
	render(w, waitPage())
}

func (s *Server) pickerDone(w http.ResponseWriter, r *http.Request) {
	id, _ := strings.CutPrefix(r.PathValue("id"), Mark)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "bad form", http.StatusBadRequest)
		return
	}
	ids := slices.DeleteFunc(r.Form["item"], func(id string) bool { return s.byID[id] == nil })
	switch {
	case len(ids) == 0:
		render(w, nothingPage())
	case s.Choose(id, ids...) != nil:
		render(w, deadLinkPage())
	default:
		render(w, donePage(len(ids)))
	}
}

func render(w http.ResponseWriter, page g.Node) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	page.Render(w)
}

const thumbSize = 240

func (s *Server) thumb(w http.ResponseWriter, r *http.Request) {
	it := s.byID[r.PathValue("id")]
	if it == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "max-age="+fmt.Sprint(int((24*time.Hour).Seconds())))
	data := it.still(thumbSize, thumbSize, true)
	w.Header().Set("Content-Type", http.DetectContentType(data))
	w.Write(data)
}
