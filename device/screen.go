package device

import (
	"reflect"
	"sync"
	"time"

	"pickerd/display"
	"pickerd/display/words"
	"pickerd/store"
)

// A view is everything that a screen or a status is composed of.
type view struct {
	name      string
	state     State
	since     time.Time
	spent     map[State]time.Duration // in each state, before this one began
	paired    bool
	accounts  []store.Grant // that are paired
	mayJoin   bool          // somebody else could be paired too
	newcomer  bool          // somebody else is being paired
	pairing   *store.Pairing
	pairUntil time.Time
	pick      *store.Pick
	pickUntil time.Time
	ended     bool // the code or link of this page is past its time
	fetch     *Fetch
	library   Library
	sessions  Sessions
	problem   *Problem
	slide     *display.Slide
	nextSlide *display.Slide
	receipt   *receipt

	account     *AccountStatus
	recipient   string
	displayKey  string
	refused     []RefusedMethod
	method      string // in which the box is being paired
	warning     string
	granted     bool
	full        bool // the disk has no room but for what must not be lost
	outstanding *Outstanding
	farewell    *farewell

	words      *words.Words // nil means English
	screen     *ScreenStatus
	about      about
	menu       menu
	paused     bool
	unshowable bool // there are photos, and none can be shown
	clockText  string
	dateText   string
	night      bool      // it is night by the configuration
	touched    time.Time // when somebody wished something last
	asleep     bool      // the screen is black

	remote remoteKey // of a phone

	guests   bool      // everybody here is one
	visit    string    // changes when somebody is forgotten
	leavesAt time.Time // when an inactive guest is forgotten, zero while that is far
	overdue  bool      // that has failed: what is a guest's is not shown any more
}

// A farewell tells that a forgotten account is forgotten at Google too. It is
// shown for receiptFor.
type farewell struct {
	asked, revoked bool
	since          time.Time
}

// A receipt tells that a pick is complete. It is not shown for longer than
// receiptFor after its session was deleted.
type receipt struct {
	pick           string
	photos, videos int // that were added
	failed         int // items that could not be
	deleted        bool
	since          time.Time
}

const receiptFor = 12 * time.Second

func (f *farewell) revocation() string {
	switch {
	case f.revoked:
		return "done"
	case f.asked:
		return "refused"
	}
	return "none"
}

// A screen composes the newest page and status and puts them on their boards.
type screen struct {
	mu       sync.Mutex
	view     view
	pages    display.Board[display.Page]
	statuses display.Board[Status]
}

func newScreen(name string, w *words.Words, a about) *screen {
	s := &screen{view: view{name: name, words: w, about: a, state: Starting, since: time.Now(), touched: time.Now()}}
	s.update(func(*view) {})
	return s
}

// update changes the view and tells those who watch, if there is news.
func (s *screen) update(change func(*view)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.view)
	if page := s.view.page(); !reflect.DeepEqual(page, s.pages.Get()) {
		s.pages.Set(page)
	}
	if status := s.view.status(); !reflect.DeepEqual(status, s.statuses.Get()) {
		s.statuses.Set(status)
	}
}

// show takes over the facts.
func (v *view) show(s State, f facts) {
	if s != v.state {
		if v.spent == nil {
			v.spent = map[State]time.Duration{}
		}
		v.spent[v.state] += time.Since(v.since)
		v.state, v.since = s, time.Now()
	}
	v.paired, v.pairing, v.pick = f.grant != nil, f.pairing, f.pick
	v.library = libraryOf(f.library)
	v.accounts, v.newcomer = f.accounts, f.newcomer
	v.account, v.warning, v.granted = accountOf(f.grant), f.warning, f.granted
	v.refused = nil
	for _, r := range f.refusals {
		v.refused = append(v.refused, RefusedMethod{r.Method, r.Code, r.Description})
	}
	if f.pick != nil {
		v.receipt, v.farewell = nil, nil
	}
	if f.photos == 0 {
		v.slide, v.nextSlide = nil, nil
	}
	if s != Fetching {
		v.fetch = nil
	}
}

// countSessions takes over what the sweeper has left.
func (v *view) countSessions(picks []store.Pick) {
	v.sessions = Sessions{}
	for _, p := range picks {
		switch {
		case p.Over != "":
			v.sessions.PendingDeletion++
		case p.SessionID != "":
			v.sessions.Open++
		}
	}
}

// deleted completes the receipt of a pick whose session is gone.
func (v *view) deleted(requestID string) {
	if v.receipt != nil && v.receipt.pick == requestID {
		r := *v.receipt
		r.deleted, r.since = true, time.Now()
		v.receipt = &r
	}
}

// setUntil takes over when the code and the link of the page end.
func (v *view) setUntil(pair, pick time.Time) {
	v.pairUntil, v.pickUntil = pair, pick
	v.ended = over(pair) || over(pick)
}

// expire takes away what has been shown long enough, and returns when there is
// something to take away next; zero when there isn't.
func (v *view) expire(now time.Time) (next time.Time) {
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if v.receipt != nil {
		if end := v.receipt.since.Add(receiptFor); now.Before(end) {
			sooner(end)
		} else {
			v.receipt = nil
		}
	}
	if v.farewell != nil {
		if end := v.farewell.since.Add(receiptFor); now.Before(end) {
			sooner(end)
		} else {
			v.farewell = nil
		}
	}
	v.expireMenu(now, sooner)
	v.fallAsleep(now, sooner)
	for _, end := range []time.Time{v.pairUntil, v.pickUntil} {
		if end.IsZero() {
			continue
		}
		if now.Before(end) {
			sooner(end)
		} else {
			v.ended = true
		}
	}
	return next
}

// unfit reports whether somebody who signs in now would do so in vain: a token
// could not be kept.
func (v *view) unfit() bool { return v.problem != nil && v.problem.disk }

// trouble is the problem to be told: the one at hand, or why the box waits to
// be paired again.
func (v *view) trouble() *Problem {
	switch {
	case v.problem != nil:
		return v.problem
	case v.full:
		return notices["disk_full"].problem()
	case v.paired && !v.newcomer:
		return nil
	}
	if n, ok := notices[v.warning]; ok {
		return n.problem()
	}
	if v.state == Showing {
		return notices["pair_again"].problem()
	}
	return nil
}

// pairing returns the authorization under way, nil when there is none.
func (s *screen) pairing() *store.Pairing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view.pairing
}

// concerns reports whether a pairing or its pick is still under way.
func (s *screen) concerns(requestID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := s.view.pairing; p != nil; p = p.Before {
		if p.RequestID == requestID {
			return true
		}
	}
	return s.view.pick != nil && s.view.pick.RequestID == requestID
}

// troubled reports whether a problem is on the screen.
func (s *screen) troubled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view.problem != nil
}

// words returns the texts of the interface.
func (s *screen) words() *words.Words {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view.lang()
}
