package snapshot_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	_ "image/jpeg"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"pickerd/display"
	"pickerd/display/snapshot"
)

// A gallery is a Server with a page and photos.
type gallery struct {
	pages  display.Board[display.Page]
	dir    string
	opened atomic.Int64 // photos, each of them once for a drawing
	opens  func()       // is called with each of them, if it is not nil
	server *snapshot.Server
}

func newGallery(t *testing.T, transient bool) *gallery {
	t.Helper()
	g := &gallery{dir: t.TempDir()}
	media := func(file string) (*os.File, error) {
		g.opened.Add(1)
		if g.opens != nil {
			g.opens()
		}
		return os.Open(filepath.Join(g.dir, file))
	}
	g.server = snapshot.New(snapshot.Config{Pages: &g.pages, Media: media, Transient: transient, Log: slog.New(slog.DiscardHandler)})
	return g
}

// put makes a photo of one color and returns a slide with it.
func (g *gallery) put(t *testing.T, name string, w, h int, c color.Color) *display.Slide {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		m.Set(i%w, i/w, c)
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(g.dir, name), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return slide(name)
}

func slide(file string) *display.Slide {
	return &display.Slide{Media: []display.Media{{File: file, Video: filepath.Ext(file) == ".mp4"}}}
}

// ask answers a request.
func (g *gallery) ask(ctx context.Context, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	g.server.ServeHTTP(w, r)
	return w
}

// get returns the picture at an address, and its ETag.
func (g *gallery) get(t *testing.T, target string) (m image.Image, etag string) {
	t.Helper()
	w := g.ask(t.Context(), http.MethodGet, target)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", target, w.Code, w.Body)
	}
	m, _, err := image.Decode(w.Body)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	return m, w.Header().Get("ETag")
}

// A client is a request that waits.
type client struct {
	cancel context.CancelFunc
	answer chan *httptest.ResponseRecorder
}

// wait starts a request, until it is answered or waits.
func (g *gallery) wait(t *testing.T, target string) *client {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	c := &client{cancel, make(chan *httptest.ResponseRecorder, 1)}
	go func() { c.answer <- g.ask(ctx, http.MethodGet, target) }()
	synctest.Wait()
	return c
}

// code returns the status of the answer, 0 while there is none.
func (c *client) code() int {
	synctest.Wait()
	select {
	case w := <-c.answer:
		return w.Code
	default:
		return 0
	}
}
