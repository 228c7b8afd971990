// Package phone serves the pages for phones. While the box is being paired it
// leads to the consent page, takes a copied address and receives the authorization
// server's answer. It also serves a remote control to phones that scanned the code
// in the menu. It is the only part of pickerd that the local network may reach
// without a key. Everything in it is bounded, and it does nothing for a visitor
// that does not know a link on the screen.
package phone

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	g "maragu.dev/gomponents"

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/httpserve"
	"pickerd/display/words"
)

//go:embed assets/phone.css assets/handset.js
var assets embed.FS

// Links serve phones that sign in.
type Links interface {
	Visit(link string) (device.Visit, error)
	Redirected(ctx context.Context, answer url.Values) (pickerURI string, err error)
}

// Remotes serve phones that are a remote control.
type Remotes interface {
	Remote(key string) (device.Remote, error)
	Control(ctx context.Context, key string, w display.Wish) (to string, err error)
	Handset
}

// The paths of the pages begin with these.
const (
	Prefix       = device.LinkPath
	RemotePrefix = device.RemotePath
)

const (
	maxBody       = 16 << 10
	maxAnswerTime = 40 * time.Second // for the whole of one answer
)

// Handler serves the pages, to clients on any network. The pages are in the language
// that the phone asks for (Accept-Language), or else in that of lang, the screen's.
func Handler(l Links, r Remotes, lang func() *words.Words, log *slog.Logger) http.Handler {
	h := &handler{l, r, lang, NewLimits(), log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Prefix+"callback", h.callback)
	mux.Handle("GET "+Prefix+"phone.css", Style())
	mux.HandleFunc("GET "+Prefix+"{link}", h.visit)
	mux.HandleFunc("POST "+Prefix+"{link}", h.paste)
	mux.HandleFunc("GET "+RemotePrefix+"{key}", h.remote)
	mux.HandleFunc("POST "+RemotePrefix+"{key}", h.control)
	h.handset(mux)
	return h.bounded(http.NewCrossOriginProtection().Handler(mux))
}

type handler struct {
	links   Links
	remotes Remotes
	lang    func() *words.Words
	limits  *Limits
	log     *slog.Logger
}

// Accepted returns the texts in the language that a browser asks for, or fallback.
func Accepted(r *http.Request, fallback *words.Words) *words.Words {
	return words.Accepted(strings.Join(r.Header.Values("Accept-Language"), ","), fallback)
}

// bounded limits the size, the number and the duration of requests.
func (h *handler) bounded(next http.Handler) http.Handler {
	next = h.limits.Handler(maxBody, h.busy, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpserve.SecurityHeaders(w.Header(), policy)
		// With no-referrer a browser would send Origin: null with the form. Without
		// TLS nothing else tells where the form came from.
		w.Header().Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// busy answers a request beyond the limits.
func (h *handler) busy(w http.ResponseWriter, r *http.Request) {
	Busy(w, r, h.lang())
}

// Busy answers a request beyond the limits, in the language that the phone asks for or
// else in that of fallback.
func Busy(w http.ResponseWriter, r *http.Request, fallback *words.Words) {
	w.Header().Set("Retry-After", "5")
	explain(w, Accepted(r, fallback), http.StatusTooManyRequests, "phone.busy")
}

// visit sends a phone that scanned the code to the consent page, or shows how to
// copy the answer by hand.
func (h *handler) visit(w http.ResponseWriter, r *http.Request) {
	v, err := h.links.Visit(r.PathValue("link"))
	if err != nil {
		h.explainError(w, r, err)
		return
	}
	if v.Paste {
		h.askForAddress(w, r, v, "")
		return
	}
	http.Redirect(w, r, v.AuthURL, http.StatusSeeOther)
}

// callback takes the answer from a phone that a relay page sent here.
func (h *handler) callback(w http.ResponseWriter, r *http.Request) {
	h.redirected(w, r, r.URL.Query())
}

// paste takes an address that a person copied.
func (h *handler) paste(w http.ResponseWriter, r *http.Request) {
	v, err := h.links.Visit(r.PathValue("link"))
	if err != nil {
		h.explainError(w, r, err)
		return
	}
	answer, ok := parsePasted(r.PostFormValue("address"))
	if !ok || !v.Paste {
		h.askForAddress(w, r, v, "phone.not_address")
		return
	}
	to, err := h.links.Redirected(r.Context(), answer)
	if errors.Is(err, device.ErrLinkUnknown) {
		h.askForAddress(w, r, v, "phone.old_address")
		return
	}
	h.finish(w, r, to, err)
}

// redirected passes the answer to the box and sends the phone to Google Photos.
func (h *handler) redirected(w http.ResponseWriter, r *http.Request, answer url.Values) {
	to, err := h.links.Redirected(r.Context(), answer)
	h.finish(w, r, to, err)
}

func (h *handler) finish(w http.ResponseWriter, r *http.Request, to string, err error) {
	if err != nil {
		h.explainError(w, r, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// askForAddress shows the page that takes a copied address. complaint is the key
// of a text about the previous one, or "".
func (h *handler) askForAddress(w http.ResponseWriter, r *http.Request, v device.Visit, complaint string) {
	status := http.StatusOK
	if complaint != "" {
		status = http.StatusUnprocessableEntity
	}
	h.render(w, status, pages{Accepted(r, h.lang())}.address(v, complaint))
}

// explanations are the texts, by key, that tell a person what to do after an error.
var explanations = []struct {
	err    error
	status int
	key    string
}{
	{device.ErrLinkUnknown, http.StatusNotFound, "phone.link_unknown"},
	{device.ErrLinkLate, http.StatusGone, "phone.link_late"},
	{device.ErrLinkUsed, http.StatusConflict, "phone.link_used"},
	{device.ErrNoAnswer, http.StatusBadRequest, "phone.no_answer"},
	{device.ErrStopping, http.StatusServiceUnavailable, "phone.stopping"},
}

// explainError answers with the page that fits an error.
func (h *handler) explainError(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, device.ErrLinkUnknown) && !h.limits.Guess(httpserve.RemoteAddr(r)) {
		h.busy(w, r)
		return
	}
	lang := Accepted(r, h.lang())
	if p, ok := errors.AsType[*device.Problem](err); ok {
		h.render(w, http.StatusOK, pages{lang}.problem(p))
		return
	}
	if errors.Is(err, device.ErrNotThrough) {
		h.render(w, http.StatusOK, pages{lang}.lookAtScreen())
		return
	}
	for _, m := range explanations {
		if errors.Is(err, m.err) {
			explain(w, lang, m.status, m.key)
			return
		}
	}
	h.log.Error("phone page failed", "err", err)
	explain(w, lang, http.StatusInternalServerError, "phone.failed")
}

// render answers with a page.
func (h *handler) render(w http.ResponseWriter, status int, page g.Node) {
	if err := write(w, status, page); err != nil {
		h.log.Debug("phone page not delivered", "err", err)
	}
}

func write(w http.ResponseWriter, status int, page g.Node) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Add("Vary", "Accept-Language")
	w.WriteHeader(status)
	return page.Render(w)
}

// explain answers with the title and the text of a key.
func explain(w http.ResponseWriter, lang *words.Words, status int, key string) {
	_ = write(w, status, pages{lang}.message(lang.Say(key+".title"), lang.Say(key+".text"))) // a phone that has gone needs no page
}

// Say answers a browser with the title and the text of a key, in the language
// that it asks for, or else in English.
func Say(w http.ResponseWriter, r *http.Request, status int, key string) {
	explain(w, Accepted(r, words.English()), status, key)
}

// Style serves the style sheet of the pages, at Prefix + "phone.css".
func Style() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, assets, "assets/phone.css")
	})
}

// policy has no form-action: the answer to the form redirects to Google Photos.
const policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
