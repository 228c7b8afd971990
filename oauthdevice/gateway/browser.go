package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	g "maragu.dev/gomponents"

	"pickerd/oauthdevice"
)

// A pageError is a page that tells a person what happened.
type pageError struct {
	status    int
	message   message
	complaint string // about a typed code: it may be typed again
}

// Error implements error.
func (e *pageError) Error() string { return "page: " + e.message.title + e.complaint }

var (
	errLinkExpired  = &pageError{status: http.StatusGone, message: msgExpired}
	errLinkUsed     = &pageError{status: http.StatusConflict, message: msgUsed}
	errOtherBrowser = &pageError{status: http.StatusForbidden, message: msgOtherBrowser}
	errUpstream     = &pageError{status: http.StatusBadGateway, message: msgUpstream}
	errMalformed    = &pageError{status: http.StatusBadRequest, message: msgFailed}
)

// page serves a page. Errors of h other than a *pageError are those of the store.
func (s *Server) page(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := error(&pageError{status: http.StatusTooManyRequests, message: msgBusy})
		if s.limits.pages.allow(s.clientPrefix(r), s.now()) {
			if err = h(w, r); err == nil {
				s.storeWorks()
				return
			}
		}
		e, ok := errors.AsType[*pageError](err)
		if !ok {
			s.storeFailed(err)
			e = &pageError{status: http.StatusServiceUnavailable, message: msgStoreAway}
		}
		if e.status == http.StatusServiceUnavailable || e.status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "5")
			if r.URL.Path == waitPath {
				w.Header().Set("Refresh", "5") // the box may have sent the address meanwhile
			}
		}
		p := s.pages(r)
		if e.complaint != "" {
			s.write(w, e.status, p.enter(e.complaint))
			return
		}
		s.write(w, e.status, p.message(e.message))
	}
}

func (s *Server) pages(r *http.Request) pages {
	return pages{s.texts(strings.Join(r.Header.Values("Accept-Language"), ","))}
}

func (s *Server) write(w http.ResponseWriter, status int, page g.Node) {
	_ = writePage(w, status, page) // a phone that has gone needs no page
}

// A question is a sign-in that a person may confirm.
type question struct {
	label
	in   *signIn
	link string // "" if the code was typed
}

// ask serves the phone's first page: it asks for a code, or whether the code is on
// the screen.
func (s *Server) ask(w http.ResponseWriter, r *http.Request) error {
	f, ok := parseForm(r.URL.RawQuery)
	if !ok {
		return errMalformed
	}
	if f["c"] == "" && f["user_code"] == "" {
		s.write(w, http.StatusOK, s.pages(r).enter(""))
		return nil
	}
	q, err := s.question(r, f)
	if err != nil {
		return err
	}
	s.write(w, http.StatusOK, s.pages(r).confirm(confirmView{Code: q.Code, Name: q.Name, Link: q.link}))
	return nil
}

// question finds what a person means by a link or a typed code.
func (s *Server) question(r *http.Request, f form) (*question, error) {
	t, l, err := s.ticket(r, f)
	if err != nil {
		return nil, err
	}
	in, err := s.load(r.Context(), t.Device)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, errLinkExpired
	case err != nil:
		return nil, err
	case in.Status != pending:
		return nil, errLinkUsed
	}
	return &question{l, in, f["c"]}, nil
}

// ticket finds a ticket by link or by typed code. Only typed codes are guessed.
func (s *Server) ticket(r *http.Request, f form) (*ticket, label, error) {
	if link := f["c"]; link != "" {
		if !isSecret(link, linkBytes) {
			return nil, label{}, errLinkExpired
		}
		t, l, err := s.ticketOf(r.Context(), kindLink+digest(link), link)
		if errors.Is(err, ErrNotFound) {
			err = errLinkExpired
		}
		return t, l, err
	}
	complain := func(status int, complaint string) (*ticket, label, error) {
		return nil, label{}, &pageError{status: status, complaint: complaint}
	}
	code, ok := parseUserCode(f["user_code"])
	if !ok {
		return complain(http.StatusUnprocessableEntity, complaintWrong)
	}
	g, ok, err := s.guess(r.Context(), s.clientPrefix(r))
	if err != nil {
		return nil, label{}, err
	}
	if !ok {
		s.metrics.Guess("limited")
		return complain(http.StatusTooManyRequests, complaintTooMany)
	}
	t, l, err := s.ticketOf(r.Context(), s.codeKeyOf(code), s.codeSecret(code))
	if errors.Is(err, ErrNotFound) {
		s.metrics.Guess("wrong")
		return complain(http.StatusUnprocessableEntity, complaintWrong)
	}
	if err == nil {
		err = g.right(r.Context())
	}
	return t, l, err
}

// maxStates bounds how often one code can be confirmed.
const maxStates = 20

// confirm serves the answer to the question. After a yes, it ties the sign-in to
// the browser and leads to the consent page.
func (s *Server) confirm(w http.ResponseWriter, r *http.Request) error {
	if !s.isSameOrigin(r) {
		return &pageError{status: http.StatusForbidden, message: msgNotAllowed}
	}
	f, err := readForm(r)
	if err != nil {
		return errMalformed
	}
	if f["answer"] != "yes" {
		s.write(w, http.StatusOK, s.pages(r).message(msgNotThis))
		return nil
	}
	q, err := s.question(r, f)
	if err != nil {
		return err
	}
	device, state, verifier := q.in.device, newSecret(stateBytes), oauthdevice.NewVerifier()
	ttl := s.ttl(&q.in.deviceRecord)
	joined, err := s.store.Join(r.Context(), "states:"+device, digest(state), maxStates, ttl)
	if err != nil {
		return err
	}
	if !joined {
		return &pageError{status: http.StatusTooManyRequests, message: msgBusy}
	}
	c := newCookie(device)
	b, err := c.browser(q.label)
	if err != nil {
		return err
	}
	sealed, err := seal(state, forVerifier, device, []byte(verifier))
	if err != nil {
		return err
	}
	record, err := json.Marshal(stateRecord{Device: device, Browser: *b, Verifier: sealed})
	if err != nil {
		return err
	}
	if err := s.store.Create(r.Context(), map[string][]byte{kindState + digest(state): record}, ttl); err != nil {
		return err
	}
	upstream := s.upstream.Client
	upstream.Scopes = q.in.Scopes
	s.setCookie(w, c)
	s.write(w, http.StatusOK, s.pages(r).leave(upstream.AuthCodeURL(s.at(callbackPath), state, verifier)))
	return nil
}

// isSameOrigin reports whether a form comes from a page of the gateway. Browsers
// send Sec-Fetch-Site, older ones Origin. A program sends what it likes, but has no
// person's cookies.
func (s *Server) isSameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	return r.Header.Get("Origin") == s.issuer.String()
}

// Bounds of the page that waits for the box.
const (
	maxWait  = 2 * time.Minute // after the approval; then the screen goes on alone
	maxShown = time.Minute     // for which a page can be loaded again after it had the address
)

// wait serves the page of the browser in which the person signed in, until the box
// has sent an address for it.
func (s *Server) wait(w http.ResponseWriter, r *http.Request) error {
	c, ok := s.readCookie(r)
	if !ok {
		return errLinkExpired
	}
	in, err := s.load(r.Context(), c.device())
	switch {
	case errors.Is(err, ErrNotFound):
		return errLinkExpired
	case err != nil:
		return err
	case !in.Browser.holds(c):
		return errOtherBrowser
	}
	l, err := openLabel(string(c), in.device, in.Browser.Label)
	if err != nil {
		return err
	}
	view := waitView{Name: l.Name}
	if in.Continued != "" {
		if view.Next, err = s.next(r.Context(), in, c); err != nil {
			return err
		}
	}
	switch {
	case view.Next != "":
	case in.Continued != "":
		s.write(w, http.StatusOK, s.pages(r).message(msgDone))
		return nil
	case s.now().Sub(time.Unix(in.Approved, 0)) > maxWait: // the screen has a code for the picker
		s.write(w, http.StatusOK, s.pages(r).message(msgScanPicker))
		return nil
	}
	if seconds := view.refresh(); seconds != "" {
		w.Header().Set("Refresh", seconds)
	}
	s.write(w, http.StatusOK, s.pages(r).wait(view))
	return nil
}

// next returns the address that the box has sent, "" if it was shown more than a
// minute ago. When it is shown first, it is moved to an entry that ends then.
func (s *Server) next(ctx context.Context, in *signIn, c cookie) (string, error) {
	key, sealed := kindShown+in.device, in.Continue
	if sealed == nil {
		var err error
		if sealed, err = s.store.Get(ctx, key); errors.Is(err, ErrNotFound) {
			return "", nil
		} else if err != nil {
			return "", err
		}
	}
	uri, err := openAs(string(c), forContinue, in.device, sealed)
	if err != nil {
		return "", err
	}
	if in.Continue != nil {
		if err := s.store.Create(ctx, map[string][]byte{key: sealed}, maxShown); err != nil && !errors.Is(err, ErrExists) {
			return "", err
		}
		in.Continue = nil
		if err := s.save(ctx, in); err != nil && !errors.Is(err, ErrChanged) && !errors.Is(err, ErrNotFound) {
			return "", err
		}
	}
	return string(uri), nil
}
