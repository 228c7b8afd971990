package metrics

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"pickerd/device/metrics/exposition"
)

var callDuration = exposition.Histogram("pickerd_api_request_duration_seconds",
	"How long servers took to answer, by what was asked and the answer's status, or error without one.")

// callBuckets are the upper bounds of the histogram's buckets, in seconds.
var callBuckets = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// Calls counts requests to servers and measures their response times.
type Calls struct {
	set       *metrics.Set
	endpoints []endpoint
	picker    string // the prefix of all addresses of the Picker API
	gateway   string // the prefix of all addresses of the gateway, "" without one
}

// An endpoint is an address with the name of its method.
type endpoint struct{ url, name string }

// Endpoints are the URLs of the servers, as in the configuration. Gateway is the
// issuer of the gateway, "" without one. Picker is the base URL of the Picker API,
// without its version.
type Endpoints struct{ DeviceAuthorization, Token, Revocation, Userinfo, Gateway, Picker string }

// NewCalls returns a Calls that names requests by these endpoints.
func NewCalls(e Endpoints) *Calls {
	c := &Calls{
		set:       metrics.NewSet(),
		endpoints: []endpoint{{e.DeviceAuthorization, "device_authorization"}, {e.Token, "token"}, {e.Revocation, "revoke"}, {e.Userinfo, "userinfo"}},
		picker:    strings.TrimSuffix(e.Picker, "/") + "/v1/",
	}
	if e.Gateway != "" {
		c.gateway = strings.TrimSuffix(e.Gateway, "/") + "/"
	}
	return c
}

// observe records how long a server took to answer.
func (c *Calls) observe(method, code string, took time.Duration) {
	name := callDuration.Name() + `{code="` + code + `",method="` + method + `"}`
	c.set.GetOrCreatePrometheusHistogramExt(name, callBuckets).Update(took.Seconds())
}

func (c *Calls) addTo(e exposition.Scrape) { c.set.WritePrometheus(e.Buffer(callDuration)) }

// Transport returns a RoundTripper that sends requests by next and counts them.
func (c *Calls) Transport(next http.RoundTripper) http.RoundTripper {
	return countingTransport{c, next}
}

type countingTransport struct {
	calls *Calls
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t countingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	method, began := t.calls.method(r), time.Now()
	resp, err := t.next.RoundTrip(r)
	code := "error"
	if err == nil {
		code = strconv.Itoa(resp.StatusCode)
	}
	t.calls.observe(method, code, time.Since(began))
	return resp, err
}

// method returns the name of the API method that a request calls, or "media" for
// every other request.
func (c *Calls) method(r *http.Request) string {
	at := r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
	if rest, ok := strings.CutPrefix(at, c.picker); ok {
		collection, id, _ := strings.Cut(rest, "/")
		switch {
		case collection == "mediaItems":
			return "mediaItems.list"
		case collection == "sessions" && id == "":
			return "sessions.create"
		case collection == "sessions" && r.Method == http.MethodDelete:
			return "sessions.delete"
		case collection == "sessions":
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
	if c.gateway != "" && (strings.HasPrefix(at, c.gateway) || strings.HasPrefix(r.URL.Path, wellKnown)) {
		return "gateway"
	}
	return "media"
}

// wellKnown begins the paths of metadata (RFC 8615).
const wellKnown = "/.well-known/"

// maxTokenRequest bounds how much of a token request is read for its grant type.
const maxTokenRequest = 64 << 10

// grantType returns a short name for the grant_type of a token request (RFC 6749
// §4.5), or "other".
func grantType(r *http.Request) string {
	if r.GetBody == nil {
		return "other"
	}
	body, err := r.GetBody()
	if err != nil {
		return "other"
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxTokenRequest))
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
