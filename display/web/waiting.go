package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"pickerd/display"
	"pickerd/display/httpserve"
	"pickerd/display/words"
)

// Displays are the browsers on other machines that are let in one by one.
type Displays interface {
	// Enter reports whether a key lets a browser in. removed ends when it no longer
	// does, and leave must be called when the request has been answered.
	Enter(key string, from netip.Addr) (removed context.Context, leave func(), ok bool)
	// Wait returns what a browser shows until it is let in. page is where the QR code
	// leads, without the code at its end. Errors are display.ErrAddressTaken and
	// ErrManyWaiting, and others that are the box's.
	Wait(key string, from netip.Addr, page string) (display.Waiting, error)
	// UseLink returns a key for the browser that brings the token of a link. Errors
	// are display.ErrLinkGone, and others that are the box's.
	UseLink(token string, from netip.Addr) (key string, err error)
}

// Paths that need no key.
const (
	waitPath = "/waiting" // POST: a browser asks whether it is let in
	linkPath = "/link"    // a link that lets a browser in
	helpPath = "/allow"   // where the QR code leads
)

// isPublic reports whether a request is for a file that pages without a key use.
func isPublic(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	switch r.URL.Path {
	case "/pickerd.css", "/waiting.css", "/ask.js", "/waiting.js", "/link.js", "/icon.png": // an icon is asked for without a cookie
		return true
	}
	return strings.HasPrefix(r.URL.Path, "/fonts/")
}

// A proof is what a request has shown of itself.
type proof struct {
	status  int             // 200, or that of checkKey
	removed context.Context // ends when its display is removed; nil for a request that is none's
	leave   func()          // must be called when it has been answered
}

// admit answers what the pages of a browser ask that is not let in yet. It reports
// whether it did.
func (gd *Guard) admit(w http.ResponseWriter, r *http.Request, p proof) bool {
	in := p.status == http.StatusOK
	switch route := r.Method + " " + r.URL.Path; {
	case gd.cfg.Displays == nil:
		return false
	case route == "GET "+helpPath:
		lang, _ := gd.screen()
		gd.write(w, http.StatusOK, helpPolicy, gd.helpPage(words.Accepted(r.Header.Get("Accept-Language"), lang), display.WaitCode(r.URL.Query().Get("code"))))
	case route == "GET "+linkPath && in:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case route == "GET "+linkPath:
		gd.write(w, http.StatusOK, waitPolicy, gd.linkPage())
	case route == "POST "+waitPath, route == "POST "+linkPath:
		if err := gd.origin.Check(r); err != nil { // a page on another site could take a code
			http.Error(w, "Only this page itself may ask that.", http.StatusForbidden)
			return true
		}
		switch {
		case in:
			gd.reply(w, map[string]any{"allowed": true})
		case r.URL.Path == waitPath:
			gd.wait(w, r)
		default:
			gd.useLink(w, r)
		}
	default:
		return false
	}
	return true
}

// wait answers a browser that asks whether it is let in: not yet.
func (gd *Guard) wait(w http.ResponseWriter, r *http.Request) {
	old := cookieOf(r)
	waiting, err := gd.cfg.Displays.Wait(old, httpserve.RemoteAddr(r), gd.scheme()+r.Host+helpPath+"?code=")
	switch {
	case errors.Is(err, display.ErrAddressTaken):
		http.Error(w, "Another browser at this address waits.", http.StatusConflict)
		return
	case errors.Is(err, display.ErrManyWaiting):
		http.Error(w, "Too many browsers wait.", http.StatusServiceUnavailable)
		return
	case err != nil:
		gd.cfg.Log.Error("display can't wait", "err", err)
		http.Error(w, "The box has a problem.", http.StatusInternalServerError)
		return
	}
	if waiting.Key != old {
		gd.setCookie(w, waiting.Key)
	}
	gd.reply(w, map[string]any{"code": waiting.Code, "picture": waiting.Picture, "left": secondsTo(waiting.Until, time.Now())})
}

// useLink lets the browser in that brings the token of a link.
func (gd *Guard) useLink(w http.ResponseWriter, r *http.Request) {
	key, err := gd.cfg.Displays.UseLink(r.PostFormValue("token"), httpserve.RemoteAddr(r))
	switch {
	case errors.Is(err, display.ErrLinkGone):
		gd.rejected.Do(func() { gd.cfg.Log.Warn("display link rejected", "from", httpserve.RemoteAddr(r)) })
		http.Error(w, "The link was used or has expired.", http.StatusGone)
		return
	case err != nil:
		gd.cfg.Log.Error("display not let in", "err", err)
		http.Error(w, "The box has a problem.", http.StatusServiceUnavailable)
		return
	}
	gd.setCookie(w, key)
	gd.reply(w, map[string]any{"allowed": true})
}

func (gd *Guard) reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a browser that has gone needs no answer
}

func (gd *Guard) scheme() string {
	if gd.cfg.Secure {
		return "https://"
	}
	return "http://"
}

// setCookie gives a browser its key. In a page of another site, which only
// http.frame_ancestors allows, browsers send a cookie only if it is Secure with
// SameSite=None, and some only if it is partitioned.
func (gd *Guard) setCookie(w http.ResponseWriter, key string) {
	c := &http.Cookie{Name: cookieName, Value: key, Path: "/", MaxAge: int(maxCookieAge / time.Second), HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: gd.cfg.Secure}
	if gd.cfg.Secure && len(gd.cfg.Framing) > 0 {
		c.SameSite, c.Partitioned = http.SameSiteNoneMode, true
	}
	http.SetCookie(w, c)
}

// cookieOf returns the key that a browser sends, "" without.
func cookieOf(r *http.Request) string {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return ""
	}
	return c.Value
}

// Framing are the origins of the pages that may frame this one.
type Framing []string

// headers restricts a browser to a policy, and pages that may frame this one to these.
func (f Framing) headers(h http.Header, policy string) {
	ancestors := "'none'"
	if len(f) > 0 {
		ancestors = strings.Join(f, " ")
	}
	httpserve.SecurityHeaders(h, policy+"; frame-ancestors "+ancestors)
	if len(f) > 0 {
		h.Del("X-Frame-Options") // it can't name origins
	}
}
