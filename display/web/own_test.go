package web_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"pickerd/display"
	"pickerd/display/web"
)

// A still is a web.Screen that does nothing.
type still struct{ pages display.Board[display.Page] }

func (s *still) Pages() *display.Board[display.Page]  { return &s.pages }
func (*still) Do(context.Context, display.Wish) error { return nil }
func (*still) Choose(context.Context, string) error   { return nil }
func (*still) media(string) (*os.File, error)         { return nil, os.ErrNotExist }
func (*still) key(context.Context, string) error      { return nil }
func (*still) font(string) ([]byte, error)            { return nil, os.ErrNotExist }
func (*still) log() *slog.Logger                      { return slog.New(slog.DiscardHandler) }

// TestOwn checks that the part of a page for the box's own outputs reaches browsers on
// this machine alone, by whatever path, and that they are muted where another output of
// the box plays the sound.
func TestOwn(t *testing.T) {
	const key = "k7m2qpxw4hrt9cva"
	s := &still{}
	s.pages.Set(display.Page{State: "setup", Title: "This box is not set up yet", Steps: []string{"for everybody"}, Viewers: display.Viewers{Own: &display.Own{
		QR: "http://192.0.2.7:8420/setup/" + key, Link: "http://192.0.2.7:8420/setup/" + key, Spoken: "say " + key, Hint: "hint " + key, Steps: []string{"step " + key}}}})
	server := web.New(web.Config{Screen: s, Media: s.media, Key: s.key, Font: s.font, Alive: func() bool { return true }, Sounds: func() bool { return true }, Log: s.log()})
	for from, own := range map[string]bool{"127.0.0.1:4711": true, "[::1]:4711": true, "192.0.2.7:4711": true, "192.0.2.9:4711": false, "[2001:db8::1]:4711": false} {
		for _, path := range []string{"/events", "/qr.svg", "/menu.svg", "/", "/screen.json", "/screen.jpg", "/healthz"} {
			ctx, cancel := context.WithCancel(context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8420}))
			r := httptest.NewRequestWithContext(ctx, "GET", path, nil)
			r.RemoteAddr = from
			pr, pw := io.Pipe()
			w := &piped{httptest.NewRecorder(), pw}
			done := make(chan struct{})
			go func() {
				defer close(done)
				server.ServeHTTP(w, r)
				pw.Close()
			}()
			var body strings.Builder
			lines := bufio.NewScanner(pr)
			for lines.Scan() {
				body.WriteString(lines.Text() + "\n")
				if strings.HasPrefix(lines.Text(), "data: {") {
					break // a stream has no end
				}
			}
			cancel()
			pr.Close()
			<-done
			text := body.String()
			if muted := strings.Contains(text, `"muted":true`); muted != (own && path == "/events") {
				t.Errorf("%s of %s: muted %v", path, from, muted)
			}
			switch {
			case path == "/events" && own:
				if strings.Count(text, key) < 5 || strings.Contains(text, "for everybody") {
					t.Errorf("%s of %s lacks what is for it: %s", path, from, text)
				}
			case path == "/qr.svg" && own:
				if !strings.Contains(text, "<svg") {
					t.Errorf("%s of %s: %d", path, from, w.Code)
				}
			case path == "/qr.svg":
				if w.Code != http.StatusNotFound {
					t.Errorf("%s of %s: %d %s", path, from, w.Code, text)
				}
			case strings.Contains(text, key):
				t.Errorf("%s of %s has the key: %s", path, from, text)
			case path == "/events" && !strings.Contains(text, "for everybody"):
				t.Errorf("%s of %s: %s", path, from, text)
			}
		}
	}
}

// piped records the head of an answer and pipes its body.
type piped struct {
	*httptest.ResponseRecorder
	body *io.PipeWriter
}

func (p *piped) Write(b []byte) (int, error) { return p.body.Write(b) }
