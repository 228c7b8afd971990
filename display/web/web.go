// Package web shows a device's pages in a browser, as one full-screen web page that
// follows the device over server-sent events. All its files are embedded. The web page
// lays out a display.Page and sends the wishes of its buttons and keys back.
package web

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"pickerd/display"
	"pickerd/display/httpserve"
	"pickerd/display/qr"
)

//go:embed assets
var assets embed.FS

// A Screen provides the pages to show, and carries out what buttons and keys request.
type Screen interface {
	Pages() *display.Board[display.Page]
	Do(ctx context.Context, w display.Wish) error
	Choose(ctx context.Context, id string) error // a line of the menu
}

// Config is what a Server needs. Fields must be set unless they say otherwise.
type Config struct {
	Screen Screen
	Media  func(file string) (*os.File, error) // opens a display.Media's File
	// Copy opens a JPEG of a File that some browsers can't show; nil if there are none.
	Copy  func(ctx context.Context, file string) (*os.File, error)
	Key   func(ctx context.Context, name string) error // of a remote control: "up", "ok", …
	Font  func(name string) ([]byte, error)            // a font of the style sheet, compressed with gzip
	Alive func() bool
	// Picture serves the screen as a picture; nil serves none.
	Picture http.Handler
	// Framing may be empty: then no page may frame this one.
	Framing Framing
	// Join is called for each browser that shows the page; it may be nil.
	Join func() Viewer
	// Sounds reports whether another output of the box plays the sound of films. Browsers
	// on this machine are muted then. It may be nil.
	Sounds func() bool
	// Transient forbids browsers to cache anything.
	Transient bool
	Log       *slog.Logger
}

// A Server serves the page. It is an http.Handler.
type Server struct {
	cfg     Config
	handler http.Handler

	mu      sync.Mutex
	screens map[*http.Request][2]int // sizes of the connected screens
	streams int                      // of all screens, with or without a known size
	last    [2]int

	viewers *viewers
}

// maxStreams bounds the screens that one box serves.
const maxStreams = 256

// New returns a Server.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, screens: map[*http.Request][2]int{}, viewers: newViewers()}
	static, err := fs.Sub(assets, "assets")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	files := http.FileServerFS(static)
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", files)
	for _, name := range []string{"pickerd.css", "waiting.css", "icon.png", "watchdog.js", "ask.js", "stream.js", "films.js", "layout.js", "slides.js", "pickerd.js", "keys.js", "waiting.js", "link.js"} {
		mux.Handle("GET /"+name, files)
	}
	mux.HandleFunc("GET /manifest.webmanifest", s.manifest)
	mux.HandleFunc("GET /fonts/{file}", s.font)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /qr.svg", s.qr(func(p *display.Page) string { return p.QR }))
	mux.HandleFunc("GET /menu.svg", s.qr(func(p *display.Page) string {
		if p.Menu == nil {
			return ""
		}
		return p.Menu.QR
	}))
	mux.HandleFunc("GET /clear", clearCache)
	mux.HandleFunc("GET /media/{file}", s.media)
	mux.HandleFunc("GET /still/{file}", s.still)
	mux.HandleFunc("GET /turn/{file}", s.orientation)
	mux.HandleFunc("POST /cannot/{file}", s.cannot)
	mux.HandleFunc("POST /plays/{file}", s.plays)
	mux.HandleFunc("POST /key/{name}", s.act(func(r *http.Request) error { return cfg.Key(r.Context(), r.PathValue("name")) }))
	mux.HandleFunc("POST /menu/{item}", s.act(func(r *http.Request) error { return cfg.Screen.Choose(r.Context(), r.PathValue("item")) }))
	for path, verb := range map[string]display.Verb{"pick": display.Pick, "cancel": display.Cancel, "renew": display.Renew,
		"next": display.Next, "previous": display.Previous, "pause": display.Pause, "volume-up": display.VolumeUp, "volume-down": display.VolumeDown, "mute": display.Mute, "touch": display.Stay, "forget": display.AskForget} {
		mux.HandleFunc("POST /"+path, s.act(func(r *http.Request) error { return cfg.Screen.Do(r.Context(), display.Wish{Verb: verb}) }))
	}
	mux.HandleFunc("GET /screen.json", s.screen)
	if cfg.Picture != nil {
		mux.Handle("GET /screen.jpg", cfg.Picture)
		mux.Handle("GET /screen.png", cfg.Picture)
	}
	mux.Handle("GET /healthz", Health(cfg.Alive))
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	// Pages on other sites must not be able to start or stop a pick.
	s.handler = http.NewCrossOriginProtection().Handler(mux)
	return s
}

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; media-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'"

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.cfg.Framing.headers(w.Header(), policy)
	s.handler.ServeHTTP(w, r)
}

// Bounds of the width and height that a browser may report for its screen.
const (
	minSide = 320
	maxSide = 3840
)

// ScreenSize returns the size of the largest connected browser, or that of the last
// one while none is connected, or 0 by 0 if there has been none.
func (s *Server) ScreenSize() (width, height int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	best := s.last
	if len(s.screens) > 0 {
		best = [2]int{}
	}
	for _, size := range s.screens {
		best[0], best[1] = max(best[0], size[0]), max(best[1], size[1])
	}
	return best[0], best[1]
}

// enter counts a stream, unless there are maxStreams already.
func (s *Server) enter() (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams >= maxStreams {
		return nil, false
	}
	s.streams++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.streams--
	}, true
}

// Screens returns how many browsers show the page.
func (s *Server) Screens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.screens)
}

// connect registers a screen until the returned function is called. name is that of its
// stream, "" if nobody is to be told what it can't show.
func (s *Server) connect(r *http.Request) (name string, leave func()) {
	w, errW := strconv.Atoi(r.URL.Query().Get("w"))
	h, errH := strconv.Atoi(r.URL.Query().Get("h"))
	if errW != nil || errH != nil {
		return "", func() {}
	}
	left := func() {}
	if s.cfg.Join != nil {
		name, left = s.viewers.add(s.cfg.Join())
	}
	size := [2]int{min(max(w, minSide), maxSide), min(max(h, minSide), maxSide)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.screens[r], s.last = size, size
	return name, func() {
		left()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.screens, r)
	}
}

// A message is a display.Page as browsers get it. Absent fields are left out.
// Times are seconds from now, because the browser's clock may be wrong.
type message struct {
	display.Page
	QR      string    `json:"qr,omitempty"` // the picture's address, with a digest of the content
	QRLink  string    `json:"qr_link,omitempty"`
	Modules int       `json:"qr_modules,omitempty"` // in a row, with the quiet zone
	Left    int       `json:"left,omitempty"`       // until QR code and code expire
	RetryIn int       `json:"retry_in,omitempty"`
	Leaves  int       `json:"leaves,omitempty"` // until an inactive guest is forgotten
	Slide   *slideMsg `json:"slide,omitempty"`
	Next    *slideMsg `json:"next,omitempty"`
	Menu    *menuMsg  `json:"menu,omitempty"`
	Since   int64     `json:"since,omitempty"`   // names the time that the slide is on: another one begins its film anew
	NextIn  int       `json:"next_in,omitempty"` // until the next slide comes

	Style  string `json:"style"`            // differs for pages whose /screen.json differs
	Stream string `json:"stream,omitempty"` // name for reports of what can't be shown

	// Labels of the buttons.
	Pick   string `json:"pick,omitempty"`
	Cancel string `json:"cancel,omitempty"`
	Renew  string `json:"renew,omitempty"`
	Forget string `json:"forget,omitempty"`
	Stay   string `json:"stay,omitempty"`
}

type slideMsg struct {
	Media   []mediaMsg `json:"media"`
	Alt     string     `json:"alt"`
	Caption string     `json:"caption,omitempty"`
	At      float64    `json:"at,omitempty"`    // seconds of the film that have played
	Held    bool       `json:"held,omitempty"`  // the film is paused
	Drift   []int      `json:"drift,omitempty"` // of a mat: right and down
}

type mediaMsg struct {
	Src   string          `json:"src"`
	Video bool            `json:"video,omitempty"`
	Turn  int             `json:"turn,omitempty"` // Exif orientation that browsers ignore, 2 to 8
	Wide  bool            `json:"wide,omitempty"` // before that: wider than high
	Move  *display.Motion `json:"move,omitempty"`
}

type menuMsg struct {
	Title    string             `json:"title"`
	Text     string             `json:"text,omitempty"`
	Facts    [][2]string        `json:"facts,omitempty"`
	Items    []display.MenuItem `json:"items"`
	Selected int                `json:"selected"`
	Columns  int                `json:"columns,omitempty"`
	QR       string             `json:"qr,omitempty"` // the picture's address
	QRLink   string             `json:"qr_link,omitempty"`
	QRLabel  string             `json:"qr_label,omitempty"`
}

func messageOf(p display.Page, now time.Time) message {
	m := message{Page: p, Style: styleID(p.Style),
		Left: secondsTo(p.Until, now), RetryIn: secondsTo(p.RetryAt, now), Leaves: secondsTo(p.LeavesAt, now),
		Slide: slideOf(p.Slide, p.Style.Look, now), Next: slideOf(p.Next, p.Style.Look, now), Menu: menuOf(p.Menu),
		Since: sinceOf(p.Since), NextIn: secondsTo(p.NextAt, now),
		Pick: p.Label(display.Pick), Cancel: p.Label(display.Cancel), Renew: p.Label(display.Renew),
		Forget: p.Label(display.AskForget), Stay: p.Label(display.Stay)}
	if p.QR != "" {
		m.QR = "qr.svg?" + httpserve.Digest([]byte(p.QR))
		if p.Link != "" { // a code for joining a Wi-Fi network has none
			m.QRLink = p.QR
		}
		if code, err := qr.New(p.QR); err == nil {
			m.Modules = len(code)
		}
	}
	return m
}

func sinceOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func secondsTo(t, now time.Time) int {
	if t.IsZero() {
		return 0
	}
	return max(1, int(t.Sub(now).Round(time.Second)/time.Second))
}

func slideOf(s *display.Slide, look display.Look, now time.Time) *slideMsg {
	if s == nil {
		return nil
	}
	out := &slideMsg{Alt: s.Alt, Caption: s.Caption, At: s.At(now).Seconds(), Held: !s.Held.IsZero()}
	for _, m := range s.Media {
		msg := mediaMsg{Src: "media/" + m.File, Video: m.Video}
		if look.Zoom && !m.Video {
			motion := m.Motion()
			msg.Move = &motion
		}
		out.Media = append(out.Media, msg)
	}
	if look.Mat {
		d := s.Drift()
		out.Drift = []int{d.X, d.Y}
	}
	return out
}

func menuOf(m *display.Menu) *menuMsg {
	if m == nil {
		return nil
	}
	out := &menuMsg{Title: m.Title, Text: m.Text, Items: m.Items, Selected: m.Selected, Columns: m.Columns}
	if m.QR != "" {
		out.QR, out.QRLink, out.QRLabel = "menu.svg?"+httpserve.Digest([]byte(m.QR)), m.QR, m.QRLabel
	}
	for _, f := range m.Facts {
		out.Facts = append(out.Facts, [2]string{f.Name, f.Value})
	}
	return out
}

// styleID names a style.
func styleID(s display.Style) string {
	return httpserve.Digest(fmt.Append(nil, s.Lang().Code, s.Look))
}

// screen serves the style of the page: its language and its look. A page with another
// message.Style needs another one.
func (s *Server) screen(w http.ResponseWriter, _ *http.Request) {
	style := s.cfg.Screen.Pages().Get().Style
	lang, look, dir := style.Lang(), style.Look, "ltr"
	if lang.RightToLeft {
		dir = "rtl"
	}
	texts := lang.Texts("screen")
	texts["unshowable"], texts["unshowable_text"] = lang.Say("page.unshowable"), lang.Say("page.unshowable_text")
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{ // a browser that has gone needs no answer
		"style": styleID(style), "transient": s.cfg.Transient,
		"lang": lang.Code, "dir": dir, "texts": texts, "digits": lang.Digits("0123456789"),
		"look": map[string]any{"fade": look.Fade.Seconds(), "interval": look.Interval.Seconds(), "plain": look.Plain, "mat": look.Mat, "fill": look.Fill, "auto": look.Auto, "volume": look.Volume},
	})
}

// keepAlive is the interval of messages on an idle stream. Without them proxies would
// close it, and a browser would not notice a dead box.
const keepAlive = 15 * time.Second

// events streams pages, the newest one first. A slow browser skips.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	leave, ok := s.enter()
	if !ok {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "This box serves as many screens as it can.", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	rc := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	name, left := s.connect(r)
	defer left()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	pages, fed := s.cfg.Screen.Pages().Feed(ctx)
	defer fed()
	defer cancel()
	if _, err := fmt.Fprint(w, "retry: 1000\n\n"); err != nil {
		return
	}
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		// Close the stream of a browser that stopped reading.
		err := rc.SetWriteDeadline(time.Now().Add(2 * keepAlive))
		if errors.Is(err, http.ErrNotSupported) {
			err = nil
		}
		select {
		case <-ctx.Done():
			return
		case p := <-pages:
			m := messageOf(s.pageFor(r, p), time.Now())
			m.Stream = name
			s.turn(m.Slide)
			s.turn(m.Next)
			var data []byte
			if data, err = json.Marshal(m); err == nil {
				_, err = fmt.Fprintf(w, "event: page\ndata: %s\n\n", data)
			}
		case <-tick.C:
			_, err = fmt.Fprint(w, "event: here\ndata:\n\n")
		}
		if err := errors.Join(err, rc.Flush()); err != nil {
			return
		}
	}
}

// qr serves a QR code of the current page.
func (s *Server) qr(of func(*display.Page) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page := s.pageFor(r, s.cfg.Screen.Pages().Get())
		s.draw(w, of(&page))
	}
}

// pageFor returns what a browser may see of a page: one on this machine is an output
// of the box itself.
func (s *Server) pageFor(r *http.Request, p display.Page) display.Page {
	if httpserve.FromThisMachine(r) {
		p = p.OnBox()
		p.Muted = p.Muted || s.cfg.Sounds != nil && s.cfg.Sounds()
	}
	return p
}

func (s *Server) draw(w http.ResponseWriter, text string) {
	if text == "" {
		http.Error(w, "there is no QR code on the screen", http.StatusNotFound)
		return
	}
	code, err := qr.New(text)
	if err != nil {
		s.cfg.Log.Error("QR code not drawn", "err", err)
		http.Error(w, "the QR code can't be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	fmt.Fprint(w, code.SVG())
}

// font serves a font of the style sheet. Every browser that loads fonts accepts
// gzip.
func (s *Server) font(w http.ResponseWriter, r *http.Request) {
	data, err := s.cfg.Font(r.PathValue("file"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "private, max-age=86400")
	w.Header().Set("Content-Type", "font/sfnt")
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(data) // a browser that has gone needs none
}

// clearCache makes a browser clear its cache and load the page again, after a person
// was forgotten. The cookie stays.
func clearCache(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	http.Redirect(w, r, "./", http.StatusSeeOther)
}

// act returns a handler that runs f.
func (s *Server) act(f func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f(r); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}
}

// Health serves only GET /healthz, for a box without a web page.
func Health(alive func() bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if !alive() {
			http.Error(w, "the loop has stopped", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}
