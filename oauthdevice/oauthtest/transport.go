package oauthtest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
)

// ErrConnection is the error for a client whose request a handler aborts.
var ErrConnection = errors.New("connection reset by peer")

// InProcess returns an http.RoundTripper that calls h without a socket, so that
// it works in a testing/synctest bubble. If a handler's Content-Length exceeds
// its body, reading the body fails like that of a broken connection. If a
// handler panics with http.ErrAbortHandler, the request fails with
// ErrConnection.
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

// cut fails like a broken connection.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
