// Package phone is what a person's phone sees of the box: while it is being
// paired the way to the consent page, a page that takes a copied address, and
// where the authorization server's answer arrives; and a remote control, for who
// has scanned the code in the menu. It is the only part of pickerd that the local
// network may reach without a key; everything in it is bounded, and nothing is
// done for who doesn't know a link on the screen.
package phone

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"pickerd/device"
	"pickerd/display/words"
)

//go:embed assets/phone.css assets/relay.html
var assets embed.FS

// A Device is what phones may reach of one. *device.Device is one.
type Device interface {
	Visit(link string) (device.Visit, error)
	Redirected(ctx context.Context, answer url.Values) (pickerURI string, err error)
	Remote(key string) (device.Remote, error)
	Control(ctx context.Context, key, wish, account string) (to string, err error)
}

// What is here is under these paths.
const (
	Prefix       = "/pair/"
	RemotePrefix = device.RemotePath
)

const (
	maxBody  = 16 << 10
	atOnce   = 16               // requests that are being answered
	perHost  = 4                // of those, of one address
	patience = 40 * time.Second // for all of one answer
)

// Handler serves the pages. It may be reached from anywhere.
// Remotes speak in w.
func Handler(d Device, w *words.Words, log *slog.Logger) http.Handler {
	h := &handler{d, w, log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Prefix+"callback", h.callback)
	mux.Handle("GET "+Prefix+"phone.css", Style())
	mux.HandleFunc("GET "+Prefix+"{link}", h.visit)
	mux.HandleFunc("POST "+Prefix+"{link}", h.paste)
	mux.HandleFunc("GET "+RemotePrefix+"{key}", h.remote)
	mux.HandleFunc("POST "+RemotePrefix+"{key}", h.control)
	return bounded(http.NewCrossOriginProtection().Handler(mux), newLimits())
}

type handler struct {
	device Device
	words  *words.Words
	log    *slog.Logger
}

// bounded keeps what comes from the network small and slow enough to bear.
func bounded(next http.Handler, l *limits) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		// With no-referrer a browser would say Origin: null of the form below,
		// and without TLS it says nothing else about where that came from.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		leave, ok := l.enter(r.RemoteAddr)
		if !ok {
			h.Set("Retry-After", "5")
			render(w, http.StatusTooManyRequests, message{Title: "One moment, please", Text: "Too many visits at once. Try again in a few seconds."})
			return
		}
		defer leave()
		rc := http.NewResponseController(w)
		// Not every writer in front of this has deadlines.
		_ = rc.SetReadDeadline(time.Now().Add(patience))
		_ = rc.SetWriteDeadline(time.Now().Add(patience))
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// visit sends a phone that scanned the code on to the consent page, or shows it
// how to bring the answer back by hand.
func (h *handler) visit(w http.ResponseWriter, r *http.Request) {
	v, err := h.device.Visit(r.PathValue("link"))
	if err != nil {
		h.fail(w, err)
		return
	}
	if v.Paste {
		h.askForAddress(w, v, "")
		return
	}
	http.Redirect(w, r, v.AuthURL, http.StatusSeeOther)
}

// callback is where a relay page sends the phone.
func (h *handler) callback(w http.ResponseWriter, r *http.Request) {
	h.goOn(w, r, r.URL.Query())
}

// paste takes an address that a person has copied.
func (h *handler) paste(w http.ResponseWriter, r *http.Request) {
	v, err := h.device.Visit(r.PathValue("link"))
	if err != nil {
		h.fail(w, err)
		return
	}
	answer, ok := parsePasted(r.PostFormValue("address"))
	if !ok || !v.Paste {
		h.askForAddress(w, v, "That is not the address. Copy all of it; it begins with http://127.0.0.1 and has “code=” in it.")
		return
	}
	to, err := h.device.Redirected(r.Context(), answer)
	if errors.Is(err, device.ErrLinkUnknown) {
		h.askForAddress(w, v, "That address is an older one. Sign in again with the button above, and copy what you get then.")
		return
	}
	h.finish(w, r, to, err)
}

// goOn hands the answer to the box and sends the phone to Google Photos.
func (h *handler) goOn(w http.ResponseWriter, r *http.Request, answer url.Values) {
	to, err := h.device.Redirected(r.Context(), answer)
	h.finish(w, r, to, err)
}

func (h *handler) finish(w http.ResponseWriter, r *http.Request, to string, err error) {
	if err != nil {
		h.fail(w, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (h *handler) askForAddress(w http.ResponseWriter, v device.Visit, complaint string) {
	status := http.StatusOK
	if complaint != "" {
		status = http.StatusUnprocessableEntity
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := addressPage(v, complaint).Render(w); err != nil {
		h.log.Debug("phone: the page was not taken", "err", err)
	}
}

type message struct{ Title, Text string }

// explanations are what a person reads when it does not go on.
var explanations = []struct {
	err    error
	status int
	message
}{
	{device.ErrLinkUnknown, http.StatusNotFound, message{"This link is not from this screen", "Scan the code that is on the screen now."}},
	{device.ErrLinkLate, http.StatusGone, message{"That took too long", "Scan the code that is on the screen now."}},
	{device.ErrLinkUsed, http.StatusConflict, message{"This link was used already", "Perhaps another phone was faster. If the screen still shows a code, scan that."}},
	{device.ErrNoAnswer, http.StatusBadRequest, message{"There is no answer from Google in this address", "Scan the code on the screen and try again."}},
	{device.ErrStopping, http.StatusServiceUnavailable, message{"The screen is just starting again", "Scan its code when it is back."}},
	{device.ErrNotThrough, http.StatusOK, message{"Look at your screen", "It goes on there."}},
}

func (h *handler) fail(w http.ResponseWriter, err error) {
	if p, ok := errors.AsType[*device.Problem](err); ok {
		render(w, http.StatusOK, message{p.Message, p.Remedy})
		return
	}
	for _, m := range explanations {
		if errors.Is(err, m.err) {
			render(w, m.status, m.message)
			return
		}
	}
	h.log.Error("phone", "err", err)
	render(w, http.StatusInternalServerError, message{"Something went wrong", "Scan the code on the screen and try again."})
}

func render(w http.ResponseWriter, status int, m message) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = messagePage(m).Render(w) // a phone that has gone needs no page
}

// Say shows a person's browser a title and a sentence.
func Say(w http.ResponseWriter, status int, title, text string) {
	render(w, status, message{title, text})
}

// Style serves the style sheet of the pages, at Prefix + "phone.css".
func Style() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, assets, "assets/phone.css")
	})
}

// RelayPage is the page that an integrator puts on a static host: it sends a
// phone that comes back from the authorization server on to the box.
func RelayPage() []byte {
	data, err := assets.ReadFile("assets/relay.html")
	if err != nil {
		panic(err) // it is embedded above
	}
	return data
}

// policy lets a form go where the answer to it redirects: to Google Photos.
const policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
