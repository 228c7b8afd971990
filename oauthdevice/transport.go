package oauthdevice

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"pickerd/oauthdevice/httperror"
)

// maxBody bounds the body of every response. Real ones have about 1 kB.
const maxBody = 64 << 10

var errTooLong = errors.New("response body exceeds 64 kB")

// A transport sends one request, usually for x/oauth2, and keeps what that
// library loses. The library's DeviceAuth ignores its context and never closes
// the body, and a failed read hides the status, which tells whether a code may
// be used up. The transport therefore reads the body and passes on a copy.
type transport struct {
	ctx           context.Context
	base          http.RoundTripper
	authorization string        // the Authorization header to add; "" for none
	status        int           // 0 until there is a response
	retryAfter    time.Duration // from the response
	body          []byte        // from the response
}

// context returns a context that makes x/oauth2 send its request through tr.
func (tr *transport) context(ctx context.Context, c *http.Client) context.Context {
	if c == nil {
		c = http.DefaultClient
	}
	tr.ctx, tr.base = ctx, c.Transport
	if tr.base == nil {
		tr.base = http.DefaultTransport
	}
	own := *c
	own.Transport = tr
	// A token endpoint never redirects. Following would send the secrets to
	// an address of the responder's choice.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return context.WithValue(ctx, oauth2.HTTPClient, &own)
}

// send sends a request for which x/oauth2 has no function.
func (tr *transport) send(req *http.Request, c *http.Client) (*http.Response, error) {
	resp, err := tr.context(req.Context(), c).Value(oauth2.HTTPClient).(*http.Client).Do(req)
	if err == nil {
		resp.Body.Close() // tr has read it; this ends the timer of a client with a timeout
	}
	return resp, err
}

// RoundTrip implements http.RoundTripper.
func (tr *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(tr.ctx)
	defer cancel()
	// The http.Client's timeout is in req's context, the caller's in tr.ctx.
	defer context.AfterFunc(req.Context(), cancel)()

	out := req.Clone(ctx) // a RoundTripper must not modify the request
	if tr.authorization != "" {
		out.Header.Set("Authorization", tr.authorization)
	}
	resp, err := tr.base.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	tr.status = resp.StatusCode
	tr.retryAfter = httperror.RetryAfter(resp.Header, time.Now())
	tr.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(tr.body) > maxBody {
		err = errTooLong
	}
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(tr.body), []byte("{")) {
		// The library parses JSON that is labelled text/plain as a query.
		resp.Header.Set("Content-Type", "application/json")
		tr.body = unquoteNumbers(tr.body)
	}
	resp.Body = io.NopCloser(bytes.NewReader(tr.body))
	return resp, nil
}

func (tr *transport) ok() bool { return tr.status >= 200 && tr.status <= 299 }

// errorCode returns the member "error" of the response (RFC 6749 §5.2), or "".
func (tr *transport) errorCode() string {
	var b struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(tr.body, &b) != nil {
		return ""
	}
	return b.Error
}

// googleErrorCode returns the member "error_code", or "". Only Google's rate
// limit uses it instead of "error".
func (tr *transport) googleErrorCode() string {
	var b struct {
		ErrorCode string `json:"error_code"`
	}
	if json.Unmarshal(tr.body, &b) != nil {
		return ""
	}
	return b.ErrorCode
}

// unquoteNumbers turns {"expires_in":"1800"} into {"expires_in":1800}. Some
// servers quote these numbers, but x/oauth2's DeviceAuth accepts only integers.
// Fractions are cut off. The library refuses what is not a number.
func unquoteNumbers(body []byte) []byte {
	var m map[string]json.RawMessage
	if json.Unmarshal(body, &m) != nil {
		return body
	}
	changed := false
	for _, k := range []string{"expires_in", "interval"} {
		n := json.Number(strings.Trim(string(m[k]), `"`))
		f, err := n.Float64()
		if err != nil || string(m[k]) == "null" {
			continue
		}
		if _, err := json.Number(m[k]).Int64(); err == nil {
			continue
		}
		f = min(max(f, 0), 1<<31-1)
		m[k], _ = json.Marshal(int64(f))
		changed = true
	}
	if !changed {
		return body
	}
	out, err := json.Marshal(m)
	if err != nil {
		return body
	}
	return out
}
