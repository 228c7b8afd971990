package picker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"pickerd/oauthdevice/httperror"
)

// DefaultBaseURL is the address of Google's API.
const DefaultBaseURL = "https://photospicker.googleapis.com"

// Bounds of the bodies of responses, in bytes. A full page of 100 items has about
// 100 kB, a session less than one.
const (
	maxPage = 4 << 20
	maxBody = 256 << 10 // of every response except pages and downloads
)

// A TokenSource supplies access tokens.
type TokenSource interface {
	// Token returns an access token that does not expire on its way to the API.
	Token(ctx context.Context) (string, error)
	// Invalidate reports that the API answered 401 to this token.
	Invalidate(access string)
}

// A Client calls the Picker API for one person. Its methods may be called
// concurrently.
type Client struct {
	HTTP    *http.Client // nil means http.DefaultClient
	BaseURL string       // empty means DefaultBaseURL
	Tokens  TokenSource  // required
	// Timeout bounds each API call but not downloads; 0 means no bound. A call
	// that takes longer returns an *Error without HTTPStatus.
	Timeout time.Duration
}

func (c *Client) http() *http.Client {
	if c.HTTP == nil {
		return http.DefaultClient
	}
	return c.HTTP
}

func (c *Client) base() string {
	if c.BaseURL == "" {
		return DefaultBaseURL
	}
	return strings.TrimSuffix(c.BaseURL, "/")
}

// call sends one request and decodes the response. Errors are of type *Error or
// come from ctx or the TokenSource.
func call[T any](ctx context.Context, c *Client, op, method, path string, in any) (*T, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, &Error{Op: op, Err: err}
		}
	}
	callCtx := ctx
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		callCtx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	resp, err := c.authorized(callCtx, op, method, c.base()+path, body, nil)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = &Error{Op: op, Err: err}
		}
		return nil, err
	}
	defer resp.Body.Close()
	limit := maxBody
	if op == opList {
		limit = maxPage
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, newError(op, resp, data)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case callCtx.Err() != nil:
		return nil, &Error{Op: op, Err: callCtx.Err()}
	case err != nil, len(data) > limit, string(bytes.TrimSpace(data)) == "null": // an empty list is {}
		return nil, &Error{Op: op, HTTPStatus: resp.StatusCode, Err: ErrMalformedResponse}
	case httperror.IsHTML(data):
		return nil, &Error{Op: op, HTTPStatus: resp.StatusCode, Err: ErrNotAPI}
	}
	out := new(T)
	if err := json.Unmarshal(data, out); err != nil {
		return nil, &Error{Op: op, HTTPStatus: resp.StatusCode, Err: ErrMalformedResponse}
	}
	return out, nil
}

// authorized sends a request with the access token. After a 401 it repeats the
// request once with a new token, because a wrong clock may have made an expired
// token look valid.
func (c *Client) authorized(ctx context.Context, op, method, url string, body []byte, header http.Header) (*http.Response, error) {
	for attempt := 0; ; attempt++ {
		token, err := c.Tokens.Token(ctx)
		if err != nil {
			return nil, err
		}
		resp, err := c.send(ctx, op, method, url, body, token, header)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusUnauthorized || attempt > 0 {
			return resp, nil
		}
		resp.Body.Close()
		c.Tokens.Invalidate(token)
	}
}

// send sends a request with additional header fields, and with the access token
// unless it is empty.
func (c *Client) send(ctx context.Context, op, method, url string, body []byte, token string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Op: op, Err: httperror.WithoutURL(err)}
	}
	maps.Copy(req.Header, header)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	// OpenMedia follows redirects itself, without the token.
	hc := *c.http()
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := hc.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &Error{Op: op, Err: httperror.WithoutURL(err)}
	}
	return resp, nil
}
