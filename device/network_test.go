package device_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"pickerd/oauthdevice/oauthtest"
)

// A network carries requests to the simulators by host. It can fail.
type network struct {
	auth, photos http.RoundTripper
	hosts        map[string]http.RoundTripper // further servers
	mu           sync.Mutex
	before       func(*http.Request) error
	after        func(*http.Request) error
	during       func(*http.Request) error // called at each read of a body
	instead      http.RoundTripper         // answers all requests if not nil
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	before, after, during, photos, instead := n.before, n.after, n.during, n.photos, n.instead
	n.mu.Unlock()
	if before != nil {
		if err := before(r); err != nil {
			return nil, err
		}
	}
	if instead != nil {
		return instead.RoundTrip(r)
	}
	rt := photos
	if r.URL.Host == "auth.test" {
		rt = n.auth
	}
	if other := n.hosts[r.URL.Host]; other != nil {
		rt = other
	}
	resp, err := rt.RoundTrip(r)
	if err == nil && after != nil {
		if err := after(r); err != nil {
			resp.Body.Close()
			return nil, err
		}
	}
	if err == nil && during != nil {
		resp.Body = &watchedBody{resp.Body, func() error { return during(r) }}
	}
	return resp, err
}

func (n *network) hook(before, after func(*http.Request) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.before, n.after = before, after
}

// media returns the transport to the simulator of Google Photos. setMedia replaces
// it.
func (n *network) media() http.RoundTripper {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.photos
}

func (n *network) setMedia(rt http.RoundTripper) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.photos = rt
}

// cut makes each request fail without an answer.
func (n *network) cut() {
	n.hook(func(*http.Request) error { return oauthtest.ErrConnection }, nil)
}

// delayFirst delays the answer to the first request with a method and path by d, or
// until the client gives up.
func (n *network) delayFirst(method, path string, d time.Duration) {
	var delayed atomic.Bool
	n.hook(nil, func(r *http.Request) error {
		if r.Method != method || r.URL.Path != path || delayed.Swap(true) {
			return nil
		}
		waitOrDone(r, d)
		return r.Context().Err()
	})
}

func (n *network) mend() {
	n.hook(nil, nil)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.during, n.instead = nil, nil
}

// replace makes rt answer all requests.
func (n *network) replace(rt http.RoundTripper) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.instead = rt
}

type watchedBody struct {
	io.ReadCloser
	read func() error
}

func (b *watchedBody) Read(p []byte) (int, error) {
	if err := b.read(); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p[:min(len(p), 512)])
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A faultyNetwork gives all requests the same answer and counts them.
type faultyNetwork struct {
	answer http.RoundTripper
	mu     sync.Mutex
	times  []time.Time
}

func (f *faultyNetwork) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.times = append(f.times, time.Now())
	f.mu.Unlock()
	return f.answer.RoundTrip(r)
}

// maxPerMinute returns the highest number of requests within one minute.
func (f *faultyNetwork) maxPerMinute() (most int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := 0
	for i, at := range f.times {
		for at.Sub(f.times[from]) > time.Minute {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

func failWith(err error) http.RoundTripper {
	return roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, err })
}

func respond(status int, header, contentType, body string) http.RoundTripper {
	return oauthtest.InProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if header != "" {
			w.Header().Set("Retry-After", header)
		}
		answer(status, contentType, body)(w, r)
	}))
}

const unavailable = `{"error":{"code":503,"status":"UNAVAILABLE","message":"later"}}`

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", contentType)
		rw.WriteHeader(status)
		rw.Write([]byte(body))
	}
}

func refuse(status int, code string) http.HandlerFunc {
	return answer(status, "application/json", `{"error":"`+code+`","error_description":"why"}`)
}

func repeat(n int, h http.HandlerFunc) []http.HandlerFunc {
	list := make([]http.HandlerFunc, n)
	for i := range list {
		list[i] = h
	}
	return list
}

// cutOff answers 200 with half a body.
func cutOff(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Content-Length", "500")
	rw.Write([]byte(`{"access_token":"ya29.`))
}

func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func silent(rw http.ResponseWriter, r *http.Request) {
	select {
	case <-time.After(time.Hour):
	case <-r.Context().Done():
	}
}

func hugeAnswer(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	for range 10 {
		rw.Write([]byte(strings.Repeat(" ", 1<<20)))
	}
	rw.Write([]byte("{}"))
}

// waitOrDone delays an answer by d, or until the client gives up.
func waitOrDone(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}
