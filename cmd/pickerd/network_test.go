package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/configs"
	"pickerd/display/httpserve/pipelisten"
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

// The network can hold so many connections, and no more.
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
	for n := range maxDisplayConns + 1 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if n == maxDisplayConns {
			break
		}
		c = <-in
		defer c.Close()
		if first == nil {
			first = c
		}
	}
	select {
	case c := <-in:
		c.Close()
		t.Fatal("there is no bound")
	case <-time.After(100 * time.Millisecond):
	}
	first.Close()
	c := <-in
	c.Close()
}
