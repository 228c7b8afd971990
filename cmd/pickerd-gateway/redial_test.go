package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// A request for which no connection could be made is made again, with its body, twice;
// one that may have reached a server is not.
func TestRedial(t *testing.T) {
	for name, tt := range map[string]struct {
		refusals  int // connections that can't be made
		silent    bool
		dials     int
		delivered bool
	}{
		"at once":           {0, false, 1, true},
		"the third time":    {2, false, 3, true},
		"never":             {9, false, 3, false},
		"without an answer": {0, true, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dials := 0
				transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
					if dials++; dials <= tt.refusals {
						return nil, errors.New("handshake timeout")
					}
					near, far := net.Pipe()
					go func() {
						defer far.Close()
						b := make([]byte, 4096)
						n := 0
						for !strings.Contains(string(b[:n]), "code=x") {
							m, err := far.Read(b[n:])
							if n += m; err != nil {
								return
							}
						}
						if !tt.silent {
							io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
						}
					}()
					return near, nil
				}}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://google.test/token", strings.NewReader("code=x"))
				if err != nil {
					t.Fatal(err)
				}
				resp, err := (&http.Client{Transport: redial{transport}}).Do(req)
				if err == nil {
					resp.Body.Close()
				}
				if dials != tt.dials || (err == nil) != tt.delivered {
					t.Errorf("%d connections, %v; want %d, delivered %v", dials, err, tt.dials, tt.delivered)
				}
			})
		})
	}
}

// An end of the request ends the tries.
func TestRedialEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		dials := 0
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			dials++
			cancel()
			return nil, errors.New("refused")
		}}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://google.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (redial{transport}).RoundTrip(req); err == nil || dials != 1 {
			t.Errorf("%d connections, %v", dials, err)
		}
	})
}
