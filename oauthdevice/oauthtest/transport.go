package oauthtest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
)

// ErrConnection is what the client sees when a handler aborts.
var ErrConnection = errors.New("connection reset by peer")

// InProcess returns an http.RoundTripper that hands requests to h without a
// socket, so that it works in a testing/synctest bubble. A Content-Length that
// is longer than the body ends as a connection would that is cut; a handler
// that panics with http.ErrAbortHandler gives no answer at all.
func InProcess(h http.Handler) http.RoundTripper { return inProcess{h} }

type inProcess struct{ h http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if e := recover(); e == http.ErrAbortHandler {
				done <- ErrConnection
			} else if e != nil {
				panic(e)
			}
		}()
		in := req.Clone(req.Context())
		if in.Host == "" {
			in.Host = in.URL.Host
		}
		if in.Body == nil {
			in.Body = http.NoBody
		}
		t.h.ServeHTTP(rec, in)
		done <- nil
	}()
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	resp := rec.Result()
	resp.Request = req
	resp.ContentLength = int64(rec.Body.Len())
	if want, err := strconv.ParseInt(resp.Header.Get("Content-Length"), 10, 64); err == nil && want > resp.ContentLength {
		resp.ContentLength = want
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(rec.Body.String()), cut{}))
	}
	return resp, nil
}

type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
