package main

import (
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

const (
	// redials is how often a request is made again.
	redials = 2
	// redialAfter is the pause before that.
	redialAfter = 500 * time.Millisecond
)

// A redial makes a request again for which no connection could be made. No server has
// seen it, so that a code that can be used once is still good.
type redial struct{ base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (r redial) RoundTrip(req *http.Request) (*http.Response, error) {
	for n := 0; ; n++ {
		var connected atomic.Bool
		ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
		try := req.WithContext(ctx)
		if n > 0 && req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			try.Body = body
		}
		resp, err := r.base.RoundTrip(try)
		if err == nil || connected.Load() || n == redials || req.Body != nil && req.GetBody == nil {
			return resp, err
		}
		t := time.NewTimer(redialAfter)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, err
		}
	}
}
