package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/configs"
	"pickerd/display"
	"pickerd/display/httpserve"
	"pickerd/display/httpserve/pipelisten"
	"pickerd/display/web"
	"pickerd/store"
)

// A header has to come soon, and to be small.
func TestHeaders(t *testing.T) {
	for name, tt := range map[string]struct {
		text   string
		status int // 0 for a connection that is cut
	}{
		"a usual one":           {"GET / HTTP/1.1\r\nHost: box\r\n\r\n", http.StatusNotFound},
		"one that has no end":   {"GET / HTTP/1.1\r\nHost: ", 0},
		"one larger than sense": {"GET / HTTP/1.1\r\nHost: box\r\nX: " + strings.Repeat("x", 128<<10) + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				g, ctx := errgroup.WithContext(ctx)
				l := pipelisten.New()
				serve(ctx, g, l, http.NotFoundHandler())
				near := l.Dial()
				g.Go(func() error { _, _ = io.WriteString(near, tt.text); return nil }) // what is refused is not read to its end
				near.SetReadDeadline(time.Now().Add(time.Minute))
				resp, err := http.ReadResponse(bufio.NewReader(near), nil)
				status := 0
				if err == nil {
					status = resp.StatusCode
					resp.Body.Close()
				}
				if ne, ok := err.(net.Error); status != tt.status || ok && ne.Timeout() {
					t.Errorf("%d, %v", status, err)
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

// The page's connections are bounded. When there is no room, the oldest one without a
// request is closed.
func TestDisplayConns(t *testing.T) {
	l, err := env{}.listen(configs.HTTP{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	in := make(chan net.Conn)
	go func() {
		defer close(in)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			in <- c
		}
	}()
	defer func() {
		l.Close()
		for c := range in {
			c.Close()
		}
	}()
	var first net.Conn
	for range displayLimits.Local + 1 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if first == nil {
			first = c
		}
		accepted := <-in
		defer accepted.Close()
	}
	first.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := first.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the first of too many connections: %v", err)
	}
}

// Strangers with silent connections keep out neither the box's own browser, nor a
// screen, nor a phone.
func TestStrangers(t *testing.T) {
	lan := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 5000)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		g, ctx := errgroup.WithContext(ctx)
		l := pipelisten.New()
		mux := http.NewServeMux()
		mux.Handle("/", web.NewGuard(web.GuardConfig{Key: "abcd-efgh-ijkl-mnop", Pages: &display.Board[display.Page]{}, Log: slog.New(slog.DiscardHandler)}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the page") })))
		mux.HandleFunc("/remote/{key}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the remote") })
		serve(ctx, g, httpserve.NewConns(l, displayLimits), mux)
		request := func(from netip.AddrPort, host, path string) int {
			c := l.DialFrom(from)
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Second))
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer abcd-efgh-ijkl-mnop\r\n\r\n", path, host)
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Log(err)
				return 0
			}
			resp.Body.Close()
			return resp.StatusCode
		}
		var silent []net.Conn
		for i := range 1200 {
			silent = append(silent, l.DialFrom(lan(50+i%2)))
		}
		for name, status := range map[string]int{
			"the box's own browser": request(netip.MustParseAddrPort("127.0.0.1:5000"), "localhost", "/"),
			"a screen":              request(lan(10), pipelisten.LocalAddr.String(), "/"),
			"a phone":               request(lan(11), pipelisten.LocalAddr.String(), "/remote/k"),
		} {
			if status != http.StatusOK {
				t.Errorf("%s: %d", name, status)
			}
		}
		time.Sleep(maxUnknownIdle + time.Millisecond)
		for i, c := range silent {
			c.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := c.Read(make([]byte, 1)); err != io.EOF {
				t.Fatalf("silent connection %d: %v", i, err)
			}
			c.Close()
		}
		cancel()
		if err := g.Wait(); err != nil && err != context.Canceled {
			t.Errorf("the end: %v", err)
		}
	})
}

// A display key is generated where other machines reach the page, and a configured one
// that could be guessed is warned of.
func TestDisplayKeys(t *testing.T) {
	for name, tt := range map[string]struct {
		listen, key  string
		want         string // "" means the generated one
		none, warned bool
	}{
		"none, on the network":   {listen: "0.0.0.0:0"},
		"none, on loopback":      {listen: "127.0.0.1:0", none: true},
		"weak, on the network":   {listen: "0.0.0.0:0", key: "sesame-open", want: "sesame-open", warned: true},
		"weak, on loopback":      {listen: "127.0.0.1:0", key: "sesame-open", want: "sesame-open", none: true},
		"strong, on the network": {listen: "0.0.0.0:0", key: "twenty-five characters long", want: "twenty-five characters long"},
	} {
		t.Run(name, func(t *testing.T) {
			st, err := store.Open(t.TempDir(), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			l, err := net.Listen("tcp", tt.listen)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			var text bytes.Buffer
			b := &box{store: st, display: l, log: slog.New(slog.NewTextHandler(&text, nil))}
			key, generated := b.displayKeys(configs.HTTP{Key: tt.key})
			if (generated == "") != tt.none || key != cmp.Or(tt.want, generated) {
				t.Errorf("key %q, generated %q", key, generated)
			}
			if warned := strings.Contains(text.String(), "http.key is short"); warned != tt.warned {
				t.Errorf("warned: %v, want %v: %s", warned, tt.warned, &text)
			}
		})
	}
}
