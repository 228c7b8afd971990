package web

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"pickerd/display"
)

// A Viewer is told what one browser can't show: a file, or, of a film, more than its
// still. It is told too how much of a film is left that plays: 0 at its end, and a
// negative number while the browser doesn't know.
type Viewer interface {
	Cannot(file string, still bool, why error)
	Plays(film string, left time.Duration)
	Leave()
}

// errBrowser is the reason that a browser gives: it knows no other.
var errBrowser = errors.New("the browser can't show it")

// Limits of what all browsers together may report: two things each, per second.
const (
	reportRate  = 2 * maxStreams
	reportBurst = 4 * maxStreams
)

// viewers are the browsers that show slides, by the name of their stream.
type viewers struct {
	mu      sync.Mutex
	all     map[string]Viewer
	reports *rate.Limiter
}

func newViewers() *viewers {
	return &viewers{all: map[string]Viewer{}, reports: rate.NewLimiter(reportRate, reportBurst)}
}

// add names a stream. Nobody else can guess the name.
func (s *viewers) add(v Viewer) (name string, leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name = rand.Text()
	s.all[name] = v
	return name, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.all, name)
		v.Leave()
	}
}

func (s *viewers) get(name string) Viewer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[name]
}

// cannot takes in that a browser can't show a file of the slide.
func (s *Server) cannot(w http.ResponseWriter, r *http.Request) {
	if v := s.reporter(w, r); v != nil {
		v.Cannot(r.PathValue("file"), r.URL.Query().Has("still"), errBrowser)
		w.WriteHeader(http.StatusNoContent)
	}
}

// maxLeft is above what is left of any film, in seconds.
const maxLeft = 24 * 60 * 60

// plays takes in how many seconds are left of a film of the slide.
func (s *Server) plays(w http.ResponseWriter, r *http.Request) {
	v := s.reporter(w, r)
	if v == nil {
		return
	}
	left := -1.0
	if q := r.URL.Query(); q.Has("left") {
		var err error
		if left, err = strconv.ParseFloat(q.Get("left"), 64); err != nil || !(left >= 0 && left <= maxLeft) {
			http.Error(w, "left is a number of seconds, at most a day", http.StatusBadRequest)
			return
		}
	}
	v.Plays(r.PathValue("file"), time.Duration(left*float64(time.Second)))
	w.WriteHeader(http.StatusNoContent)
}

// reporter returns the browser that reports something of a file. Only those that show
// the page may do so, and only of the slide on it: else it answers and returns nil.
func (s *Server) reporter(w http.ResponseWriter, r *http.Request) Viewer {
	if !s.viewers.reports.Allow() {
		http.Error(w, "too many reports", http.StatusTooManyRequests)
		return nil
	}
	v := s.viewers.get(r.URL.Query().Get("stream"))
	if v == nil || !isOn(s.cfg.Screen.Pages().Get().Slide, r.PathValue("file")) {
		http.NotFound(w, r)
		return nil
	}
	return v
}

// isOn reports whether a slide has a file.
func isOn(s *display.Slide, file string) bool {
	if s != nil {
		for _, m := range s.Media {
			if m.File == file {
				return true
			}
		}
	}
	return false
}
