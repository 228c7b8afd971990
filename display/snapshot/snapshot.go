// Package snapshot serves the screen as a picture, for clients without a browser:
// e-paper, microcontrollers, home automation, scripts. It draws only when a client asks,
// once for all that want the same.
package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"pickerd/display"
	"pickerd/display/httpserve"
	"pickerd/display/paint"
	"pickerd/display/pixel"
	"pickerd/display/stage"
)

// Config is what a Server needs. All fields must be set.
type Config struct {
	Pages *display.Board[display.Page]
	Media func(file string) (*os.File, error) // opens a display.Media's File
	Copy  stage.Copy                          // nil if there are no copies
	// Transient forbids clients to keep anything.
	Transient bool
	Log       *slog.Logger
}

// A Server serves pictures of the screen. It is an http.Handler.
type Server struct {
	cfg     Config
	drawing chan struct{} // full while a picture is drawn

	mu    sync.Mutex
	sizes map[options]*size
	bytes int // of all pictures
}

// New returns a Server.
func New(cfg Config) *Server {
	return &Server{cfg: cfg, drawing: make(chan struct{}, 1), sizes: map[options]*size{}}
}

const (
	// waitFor is how long a client that has the newest picture waits for another one.
	waitFor = 50 * time.Second
	// retryAfter is when a client may try again that was refused, in seconds.
	retryAfter = "10"
	// maxSend is how long a client may receive a picture, and the time of one write more.
	maxSend = 2 * time.Minute
	// pieceSize is how many bytes of a picture are written at once.
	pieceSize = 64 << 10
)

var (
	// errBusy means that there is no room for another picture.
	errBusy = errors.New("as many pictures are drawn as can be")
	// errForgotten means that the person on a picture was forgotten while it was drawn.
	errForgotten = errors.New("the picture's person was forgotten")
)

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	if s.cfg.Transient {
		w.Header().Set("Cache-Control", "no-store")
	}
	o, after, err := parse(r.URL.RawQuery)
	o.png = strings.HasSuffix(r.URL.Path, ".png")
	if err != nil {
		http.Error(w, "The picture can't be drawn: "+err.Error()+".", http.StatusBadRequest)
		return
	}
	z := s.enter(o)
	if z == nil {
		refuse(w)
		return
	}
	defer s.leave(z)
	p, err := s.await(r, z, after)
	switch {
	case errors.Is(err, errBusy):
		refuse(w)
		return
	case err != nil:
		if r.Context().Err() == nil && !errors.Is(err, errForgotten) { // else the client has gone, or pickerd ends
			s.cfg.Log.Error("screen picture not drawn", "err", err)
		}
		w.Header().Set("Retry-After", retryAfter)
		http.Error(w, "The picture can't be drawn now.", http.StatusServiceUnavailable)
		return
	}
	defer s.drop(p)
	w.Header().Set("ETag", strconv.Quote(p.tag))
	if p.file == nil {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	kind := "image/jpeg"
	if o.png {
		kind = "image/png"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(p.file)))
	if r.Method != http.MethodHead {
		send(w, p.file)
	}
}

// send sends a file in pieces, because the time for each write is bounded. A client that
// takes longer than maxSend gets only a part: its size is needed for others.
func send(w io.Writer, file []byte) {
	for end := time.Now().Add(maxSend); len(file) > 0 && time.Now().Before(end); {
		n, err := w.Write(file[:min(len(file), pieceSize)])
		if err != nil {
			return // a client that has gone needs none
		}
		file = file[n:]
	}
}

func refuse(w http.ResponseWriter) {
	w.Header().Set("Retry-After", retryAfter)
	http.Error(w, fmt.Sprintf("Pictures of %d sizes are in use. Try again later.", maxSizes), http.StatusTooManyRequests)
}

// await returns the picture of the screen, without a file if the client has it. A client
// that has the picture after waits for another one.
func (s *Server) await(r *http.Request, z *size, after string) (*picture, error) {
	ctx := r.Context()
	end := time.NewTimer(waitFor)
	defer end.Stop()
	for {
		p, replaced, err := s.current(ctx, z, func(tag string) bool {
			return tag == after || matches(r.Header.Get("If-None-Match"), tag)
		})
		if err != nil || p.tag != after {
			return p, err
		}
		select {
		case <-replaced:
		case <-end.C:
			return p, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// redact removes from a page what no picture shows. The codes with which a box is set up,
// or with which a phone becomes its remote, are for people in front of it. A countdown
// would be wrong a second later.
func redact(p *display.Page) {
	p.Own, p.Ends = nil, display.Ends{}
	if p.Menu != nil {
		m := *p.Menu // others have the same menu
		m.QR, m.QRLabel = "", ""
		p.Menu = &m
	}
}

// current returns the picture of the page that is on the screen now, without a file if
// the client has it, and a channel that is closed when the page is replaced. The picture
// must be dropped.
func (s *Server) current(ctx context.Context, z *size, has func(tag string) bool) (p *picture, replaced <-chan struct{}, err error) {
	if err := acquire(ctx, z.turn); err != nil {
		return nil, nil, err
	}
	defer func() { <-z.turn }()
	page, replaced := s.cfg.Pages.Current()
	if now := time.Now(); z.page != replaced || !now.Before(z.until) {
		z.tag, z.page, z.until = "", replaced, paint.NextPlace(now)
	}
	if z.tag != "" {
		if has(z.tag) {
			return &picture{tag: z.tag}, replaced, nil
		}
		if p := s.newest(z); p != nil {
			return p, replaced, nil
		}
	}
	if err := acquire(ctx, s.drawing); err != nil {
		return nil, nil, err
	}
	defer func() { <-s.drawing }()
	redact(&page)
	p, err = s.draw(ctx, z, page, has)
	return p, replaced, err
}

// draw draws the picture of a page, unless the client or its size has it.
func (s *Server) draw(ctx context.Context, z *size, page display.Page, has func(tag string) bool) (*picture, error) {
	w, h := pixel.RotatedSize(z.w, z.h, z.rotate)
	still := stage.NewStill(stage.StillConfig{W: w, H: h, Media: s.cfg.Media, Copy: s.cfg.Copy, Log: s.cfg.Log})
	id, err := still.LayOut(page, time.Now())
	if err != nil {
		return nil, err
	}
	if z.tag = httpserve.Digest(fmt.Append(id, z.options)); has(z.tag) {
		return &picture{tag: z.tag}, nil
	}
	if p := s.newest(z); p != nil {
		return p, nil
	}
	if !s.makeRoom() {
		return nil, errBusy
	}
	defer debug.FreeOSMemory() // drawing takes many times the memory of the file
	m, err := still.Draw(ctx)
	if err != nil {
		return nil, err
	}
	file, err := encode(m, z.options)
	if err != nil {
		return nil, err
	}
	p := &picture{tag: z.tag, file: file}
	if !s.keep(z, p, page.Visit) {
		return nil, errForgotten
	}
	return p, nil
}

func acquire(ctx context.Context, turn chan<- struct{}) error {
	select {
	case turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
