package metrics

import (
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func goVersion() string { return runtime.Version() }

// Calls counts requests to servers and measures how long each took to answer.
type Calls struct {
	took      *prometheus.HistogramVec
	endpoints []endpoint
	picker    string
}

// An endpoint is an address that has a name.
type endpoint struct{ url, name string }

// Endpoints are the servers' addresses, as in the configuration.
type Endpoints struct{ DeviceAuthorization, Token, Revocation, Userinfo, Picker string }

// NewCalls returns a Calls that tells requests apart by where they go.
func NewCalls(e Endpoints) *Calls {
	return &Calls{
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "pickerd_api_request_duration_seconds",
			Help:    "How long servers took to answer, by what was asked and the answer's status, or error without one.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "code"}),
		endpoints: []endpoint{{e.DeviceAuthorization, "device_authorization"}, {e.Token, "token"}, {e.Revocation, "revoke"}, {e.Userinfo, "userinfo"}},
		picker:    strings.TrimSuffix(e.Picker, "/") + "/v1/",
	}
}

// Transport returns next with its requests counted.
func (c *Calls) Transport(next http.RoundTripper) http.RoundTripper {
	return counted{c, next}
}

type counted struct {
	calls *Calls
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (c counted) RoundTrip(r *http.Request) (*http.Response, error) {
	method, began := c.calls.method(r), time.Now()
	resp, err := c.next.RoundTrip(r)
	code := "error"
	if err == nil {
		code = strconv.Itoa(resp.StatusCode)
	}
	c.calls.took.WithLabelValues(method, code).Observe(time.Since(began).Seconds())
	return resp, err
}

// method names what a request asks for. What is no API's is media.
func (c *Calls) method(r *http.Request) string {
	at := r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
	if rest, ok := strings.CutPrefix(at, c.picker); ok {
		what, id, _ := strings.Cut(rest, "/")
		switch {
		case what == "mediaItems":
			return "mediaItems.list"
		case what == "sessions" && id == "":
			return "sessions.create"
		case what == "sessions" && r.Method == http.MethodDelete:
			return "sessions.delete"
		case what == "sessions":
			return "sessions.get"
		}
	}
	for _, e := range c.endpoints {
		if at != e.url {
			continue
		}
		if e.name == "token" {
			return e.name + "." + grantType(r)
		}
		return e.name
	}
	return "media"
}

// grantType is what a token is asked for with (RFC 6749 §4.5), in one word.
func grantType(r *http.Request) string {
	if r.GetBody == nil {
		return "other"
	}
	body, err := r.GetBody()
	if err != nil {
		return "other"
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, 64<<10))
	if err != nil {
		return "other"
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return "other"
	}
	switch form.Get("grant_type") {
	case "refresh_token":
		return "refresh"
	case "authorization_code":
		return "code"
	case "urn:ietf:params:oauth:grant-type:device_code":
		return "device_code"
	}
	return "other"
}
