package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/display/httpserve/pipelisten"
)

// Port 80 leads to the issuer, whatever the request calls the host.
func TestRedirect(t *testing.T) {
	for _, tt := range []struct {
		method, target string
		code           int
		location       string
	}{
		{"GET", "http://evil.example/?c=a%2Fb", 301, "https://photos.example/?c=a%2Fb"},
		{"GET", "http://evil.example/x/y", 301, "https://photos.example/x/y"},
		{"GET", "http://photos.example//evil.example", 301, "https://photos.example//evil.example"},
		{"HEAD", "http://photos.example/", 301, "https://photos.example/"},
		{"OPTIONS", "*", 400, ""},
		{"POST", "http://photos.example/token", 400, ""},
	} {
		w := httptest.NewRecorder()
		redirect("https://photos.example", nil).ServeHTTP(w, httptest.NewRequest(tt.method, tt.target, nil))
		if w.Code != tt.code || w.Header().Get("Location") != tt.location {
			t.Errorf("%s %s: %d %q, want %d %q", tt.method, tt.target, w.Code, w.Header().Get("Location"), tt.code, tt.location)
		}
	}
	// A path that does not begin with a slash must not extend the host.
	r := httptest.NewRequest("GET", "/", nil)
	r.URL.Path = ".evil.example/"
	w := httptest.NewRecorder()
	redirect("https://photos.example", nil).ServeHTTP(w, r)
	if got := w.Header().Get("Location"); got != "https://photos.example/" {
		t.Errorf("it leads to %s", got)
	}
}

// A request has to come soon, and its header has to be small.
func TestSlowClients(t *testing.T) {
	for name, tt := range map[string]struct {
		text   string
		status int           // 0 for a connection that is cut
		within time.Duration // of virtual time
	}{
		"a usual one":           {"GET / HTTP/1.1\r\nHost: box\r\n\r\n", http.StatusOK, time.Second},
		"a header without end":  {"GET / HTTP/1.1\r\nHost: ", 0, headerTimeout},
		"a body without end":    {"POST / HTTP/1.1\r\nHost: box\r\nContent-Length: 10\r\n\r\nx", http.StatusRequestTimeout, readTimeout},
		"a header beyond sense": {"GET / HTTP/1.1\r\nHost: box\r\nX: " + strings.Repeat("x", 32<<10) + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				g, ctx := errgroup.WithContext(ctx)
				l := pipelisten.New()
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, err := io.ReadAll(r.Body); err != nil {
						http.Error(w, "too slow", http.StatusRequestTimeout)
					}
				})
				serve(ctx, g, site{l, h}, slog.New(slog.DiscardHandler))
				near := l.Dial()
				g.Go(func() error { _, _ = io.WriteString(near, tt.text); return nil }) // what is refused is not read to its end
				began := time.Now()
				near.SetReadDeadline(began.Add(10 * time.Minute))
				resp, err := http.ReadResponse(bufio.NewReader(near), nil)
				status := 0
				if err == nil {
					status = resp.StatusCode
					resp.Body.Close()
				}
				if took := time.Since(began); status != tt.status || took > tt.within+time.Second {
					t.Errorf("%d after %v, %v", status, took, err)
				}
				near.Close()
				cancel()
				if err := g.Wait(); err != nil && err != context.Canceled {
					t.Errorf("the end: %v", err)
				}
			})
		})
	}
}

// A stop lets a request under way finish, but not for ever.
func TestStop(t *testing.T) {
	for name, tt := range map[string]struct {
		takes  time.Duration
		status int
	}{"an exchange": {maxStop - time.Second, 200}, "one that hangs": {time.Hour, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				g, ctx := errgroup.WithContext(ctx)
				l := pipelisten.New()
				began := make(chan struct{})
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					close(began)
					select {
					case <-time.After(tt.takes):
					case <-r.Context().Done():
						panic(http.ErrAbortHandler)
					}
				})
				serve(ctx, g, site{l, h}, slog.New(slog.DiscardHandler))
				near := l.Dial()
				g.Go(func() error { _, _ = io.WriteString(near, "GET / HTTP/1.1\r\nHost: box\r\n\r\n"); return nil })
				<-began
				cancel()
				stopped := time.Now()
				resp, err := http.ReadResponse(bufio.NewReader(near), nil)
				status := 0
				if err == nil {
					status = resp.StatusCode
					resp.Body.Close()
				}
				near.Close()
				_ = g.Wait()
				if took := time.Since(stopped); status != tt.status || took > maxStop+time.Second {
					t.Errorf("%d after %v, %v", status, took, err)
				}
			})
		})
	}
}

// The log says what is wrong with the server, and not who came.
func TestServerLog(t *testing.T) {
	var b bytes.Buffer
	l := serverLog(slog.New(slog.NewTextHandler(&b, nil)))
	l.Print("http: TLS handshake error from 192.0.2.7:1: EOF")
	if b.Len() > 0 {
		t.Errorf("%s", &b)
	}
	l.Print("http: panic serving 192.0.2.7:1: runtime error\ngoroutine 1")
	l.Print("http: Accept error: too many open files; retrying in 5ms")
	if text := b.String(); strings.Contains(text, "192.0.2.7") || !strings.Contains(text, "runtime error") || !strings.Contains(text, "too many open files") {
		t.Errorf("%s", text)
	}
}
