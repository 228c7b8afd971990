package web

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display/httpserve/pipelisten"
)

// slowly serves h to one connection from elsewhere that has sent text, in a bubble.
// done is closed when h has done what it was asked.
func slowly(t *testing.T, h http.Handler, text string, f func(t *testing.T, c net.Conn, done <-chan struct{})) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := pipelisten.New()
		ended, done := make(chan struct{}), make(chan struct{})
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(done)
			h.ServeHTTP(w, r)
		})}
		go func() { defer close(ended); srv.Serve(l) }()
		near := l.Dial()
		if _, err := io.WriteString(near, text); err != nil {
			t.Fatal(err)
		}
		f(t, near, done)
		near.Close()
		l.Close()
		srv.Close()
		<-ended
	})
}

// A form that never comes is not waited for.
func TestSlowForm(t *testing.T) {
	text := "POST /signin HTTP/1.1\r\nHost: box.local\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n\r\nkey="
	slowly(t, testGuard(t, testKey).Handler(http.NotFoundHandler()), text, func(t *testing.T, c net.Conn, _ <-chan struct{}) {
		began := time.Now()
		c.SetReadDeadline(began.Add(10 * maxBodyTime))
		if _, err := c.Read(make([]byte, 1)); err != nil || time.Since(began) > maxBodyTime {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// Who does not read what they ask for does not keep it, be it a photo or the news.
func TestSlowReaders(t *testing.T) {
	g := testGuard(t, testKey)
	for name, tt := range map[string]struct {
		next   http.Handler
		within time.Duration
	}{
		"a photo": {g.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1<<20)) })), maxWriteTime},
		// By itself, as it is for the box's own browser.
		"the news": {New(Config{Screen: &rig{}, Log: slog.New(slog.DiscardHandler)}), 2 * keepAlive},
	} {
		t.Run(name, func(t *testing.T) {
			text := fmt.Sprintf("GET /events HTTP/1.1\r\nHost: box.local\r\nCookie: %s=%s\r\n\r\n", cookieName, g.cookie)
			slowly(t, tt.next, text, func(t *testing.T, _ net.Conn, done <-chan struct{}) {
				select {
				case <-done:
				case <-time.After(tt.within + time.Second):
					t.Errorf("it is still being written after %v", tt.within)
				}
			})
		})
	}
}

// A form as large as somebody likes is not read to its end.
func TestLargeForm(t *testing.T) {
	g := testGuard(t, testKey)
	for pad, want := range map[int]int{maxBody / 2: http.StatusSeeOther, 2 * maxBody: http.StatusUnauthorized} {
		v := visit{method: "POST", path: "/signin", from: lanPhone, host: lanBox, form: map[string][]string{"a": {strings.Repeat("x", pad)}, "key": {testKey}}}
		if w := g.answer(v); w.Code != want {
			t.Errorf("with %d bytes more: %d, not %d", pad, w.Code, want)
		}
	}
}
