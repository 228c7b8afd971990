package web

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"pickerd/display"
)

// A screenless is a Screen that shows nothing.
type screenless struct{ pages display.Board[display.Page] }

func (s *screenless) Pages() *display.Board[display.Page]    { return &s.pages }
func (s *screenless) Do(context.Context, display.Wish) error { return nil }
func (s *screenless) Choose(context.Context, string) error   { return nil }

// TestPicture checks that whoever may see the page, and nobody else, gets the screen as a
// picture, and that the server has none without Config.Picture.
func TestPicture(t *testing.T) {
	basic := func(password string) [2]string {
		return [2]string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("pickerd:"+password))}
	}
	g := testGuard(t, testKey)
	picture := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "picture") })
	cfg := Config{Screen: &screenless{}, Log: slog.New(slog.DiscardHandler)}
	without := New(cfg)
	cfg.Picture = picture
	with := New(cfg)
	for name, tt := range map[string]struct {
		visit
		code int
	}{
		"the box itself":        {visit{method: "GET", from: boxItself, host: "localhost:8420"}, 200},
		"a stranger":            {visit{method: "GET", from: lanPhone, host: lanBox}, 401},
		"a made-up cookie":      {visit{method: "GET", from: lanPhone, host: lanBox, cookie: testKey}, 401},
		"the cookie":            {visit{method: "GET", from: lanPhone, host: lanBox, cookie: g.cookie}, 200},
		"the cookie, HEAD":      {visit{method: "HEAD", from: lanPhone, host: lanBox, cookie: g.cookie}, 200},
		"a wish":                {visit{method: "POST", from: lanPhone, host: lanBox, cookie: g.cookie}, 405},
		"the key":               {visit{method: "GET", from: lanPhone, host: lanBox, header: [2]string{"Authorization", "Bearer " + testKey}}, 200},
		"another key":           {visit{method: "GET", from: lanPhone, host: lanBox, header: [2]string{"Authorization", "Bearer other"}}, 401},
		"the key as a password": {visit{method: "GET", from: lanPhone, host: lanBox, header: basic(testKey)}, 200},
		"another password":      {visit{method: "GET", from: lanPhone, host: lanBox, header: basic("other")}, 401},
		"no password":           {visit{method: "GET", from: lanPhone, host: lanBox, header: basic("")}, 401},
		"another machine":       {visit{method: "GET", from: lanPhone, host: "evil.example", header: basic(testKey)}, 421},
	} {
		for _, tt.path = range []string{"/screen.jpg", "/screen.png"} {
			w := httptest.NewRecorder()
			guard := testGuard(t, testKey) // with no failed keys
			guard.Handler(with).ServeHTTP(w, tt.request())
			if w.Code != tt.code || (w.Body.String() == "picture") != (tt.code == 200) {
				t.Errorf("%s: %s %s: %d %q, want %d", name, tt.method, tt.path, w.Code, w.Body, tt.code)
			}
			if tt.code != 200 {
				continue
			}
			w = httptest.NewRecorder()
			if guard.Handler(without).ServeHTTP(w, tt.request()); w.Code != http.StatusNotFound {
				t.Errorf("%s without pictures: %d", tt.path, w.Code)
			}
		}
	}
}
