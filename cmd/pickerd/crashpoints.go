//go:build crashpoints

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"pickerd/store"
)

// A pickerd built with this tag counts its disk and network operations, and kills
// itself with SIGKILL at the one whose number is in $PICKERD_CRASH_AT.

var operations atomic.Int64

var crashAt = func() int64 {
	n, err := strconv.ParseInt(os.Getenv("PICKERD_CRASH_AT"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}()

func crashPoint(what string) {
	if n := operations.Add(1) - 1; n == crashAt {
		fmt.Fprintf(os.Stderr, "crash point %d: %s\n", n, what)
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal arrives
	}
}

func crashDisk(c store.Op) error {
	if c.Kind != store.OpStatfs {
		crashPoint(c.Kind + " " + c.Name)
	}
	return nil
}

func crashNetwork(rt http.RoundTripper) http.RoundTripper { return crashTransport{rt} }

type crashTransport struct{ next http.RoundTripper }

func (t crashTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	crashPoint("before " + r.Method + " " + r.URL.Path)
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	crashPoint("after " + r.Method + " " + r.URL.Path)
	if strings.Contains(r.URL.Path, "/media/") {
		resp.Body = &crashBody{resp.Body}
	}
	return resp, nil
}

type crashBody struct{ io.ReadCloser }

func (b *crashBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), 512)])
	crashPoint("during a download")
	return n, err
}
