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

	"pickerd/httperror"
)

// maxBody bounds what is read of any answer; real ones have about 1 kB.
const maxBody = 64 << 10

var errTooLong = errors.New("the answer is longer than 64 kB")

// A wire carries one exchange for x/oauth2 and mends what that library gets
// wrong for a box on a wall: DeviceAuth ignores its context and never closes
// the body, and a failed read loses the status that says whether a code was
// spent. The wire therefore reads the body itself and hands over a copy.
type wire struct {
	ctx        context.Context
	base       http.RoundTripper
	basic      string // the Authorization header to add; "" for none
	status     int    // 0 until an answer came
	retryAfter time.Duration
	body       []byte
}

// bind returns a context under which x/oauth2 sends its request over w.
func (w *wire) bind(ctx context.Context, c *http.Client) context.Context {
	if c == nil {
		c = http.DefaultClient
	}
	w.ctx, w.base = ctx, c.Transport
	if w.base == nil {
		w.base = http.DefaultTransport
	}
	own := *c
	own.Transport = w
	// A token endpoint has no business redirecting: following would send
	// the secrets to wherever it points.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return context.WithValue(ctx, oauth2.HTTPClient, &own)
}

// send sends a request that x/oauth2 has no call for, over w like its own.
func (w *wire) send(req *http.Request, c *http.Client) (*http.Response, error) {
	return w.bind(req.Context(), c).Value(oauth2.HTTPClient).(*http.Client).Do(req)
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	// The client's own deadline arrives in req's context, the caller's in w.ctx.
	defer context.AfterFunc(req.Context(), cancel)()

	out := req.Clone(ctx) // a RoundTripper must not change what it was given
	if w.basic != "" {
		out.Header.Set("Authorization", w.basic)
	}
	resp, err := w.base.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	w.status = resp.StatusCode
	w.retryAfter = httperror.RetryAfter(resp.Header, time.Now())
	w.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(w.body) > maxBody {
		err = errTooLong
	}
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(w.body), []byte("{")) {
		// The library reads JSON labelled text/plain as a query string.
		resp.Header.Set("Content-Type", "application/json")
		w.body = unquoteNumbers(w.body)
	}
	resp.Body = io.NopCloser(bytes.NewReader(w.body))
	return resp, nil
}

func (w *wire) ok() bool { return w.status >= 200 && w.status <= 299 }

// googleErrorCode reads the body of Google's rate limit, which has error_code
// where every other answer has error.
func (w *wire) googleErrorCode() string {
	var b struct {
		ErrorCode string `json:"error_code"`
	}
	if json.Unmarshal(w.body, &b) != nil {
		return ""
	}
	return b.ErrorCode
}

// unquoteNumbers turns {"expires_in":"1800"} into {"expires_in":1800}: some
// servers quote, and x/oauth2's DeviceAuth accepts only numbers. A number with
// a fraction loses it. What is not a number is left for the library to refuse.
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

// errorCode reads RFC 6749 §5.2's error member.
func (w *wire) errorCode() string {
	var b struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(w.body, &b) != nil {
		return ""
	}
	return b.Error
}
