package picker_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker"
	"pickerd/picker/pickertest"
)

// tokens always returns a valid token and counts calls of Invalidate.
type tokens struct{ invalidated int }

func (t *tokens) Token(context.Context) (string, error) { return "token-" + pickertest.Mark, nil }
func (t *tokens) Invalidate(string)                     { t.invalidated++ }

func newClient(h http.Handler) (*picker.Client, *tokens) {
	tk := &tokens{}
	return &picker.Client{HTTP: &http.Client{Transport: oauthtest.InProcess(h)}, BaseURL: "http://p.test/", Tokens: tk}, tk
}

const requestID = "0b2f6f0e-5a65-4b43-9d0f-2d8c0a7f3f11"

func TestUnauthorized(t *testing.T) {
	srv := pickertest.New(pickertest.Options{})
	c, tk := newClient(srv)
	srv.Fail(pickertest.OpCreate, pickertest.Refuse(401, "UNAUTHENTICATED", ""))
	s, err := c.CreateSession(t.Context(), requestID, 0)
	if err != nil || tk.invalidated != 1 {
		t.Fatalf("401 once: %v, invalidated %d", err, tk.invalidated)
	}
	srv.Fail(pickertest.OpGet, pickertest.Refuse(401, "UNAUTHENTICATED", ""), pickertest.Refuse(401, "UNAUTHENTICATED", ""))
	if _, err := c.GetSession(t.Context(), s.ID); err == nil || tk.invalidated != 2 {
		t.Errorf("401 twice: %v, invalidated %d", err, tk.invalidated)
	}
}

// respond returns a handler that always sends this response.
func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

var errNoToken = errors.New("no token")

type noTokens struct{}

func (noTokens) Token(context.Context) (string, error) { return "", errNoToken }
func (noTokens) Invalidate(string)                     {}

func TestNoToken(t *testing.T) {
	c, _ := newClient(respond(200, `{}`))
	c.Tokens = noTokens{}
	_, err := c.GetSession(t.Context(), "s")
	_, mediaErr := c.OpenMedia(t.Context(), "http://p.test/x", "")
	for _, err := range []error{err, mediaErr} {
		if err != errNoToken {
			t.Errorf("got %v, want the error of Token", err)
		}
	}
}

// The zero values of HTTP and BaseURL are Google's API.
func TestDefaults(t *testing.T) {
	old := http.DefaultClient
	defer func() { http.DefaultClient = old }()
	http.DefaultClient = &http.Client{Transport: oauthtest.InProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.String(); got != picker.DefaultBaseURL+"/v1/sessions/s" {
			t.Errorf("requested %s", got)
		}
		io.WriteString(w, `{"id":"s"}`)
	}))}
	c := &picker.Client{Tokens: &tokens{}}
	if s, err := c.GetSession(t.Context(), "s"); err != nil || s.ID != "s" {
		t.Errorf("%v, %v", s, err)
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		c, _ := newClient(http.HandlerFunc(hang))
		c.Timeout = time.Second
		_, err := c.GetSession(t.Context(), "s")
		e, ok := errors.AsType[*picker.Error](err)
		if !ok || e.HTTPStatus != 0 || !e.Temporary() || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("timeout: %v", err)
		}
		c.Timeout = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.GetSession(ctx, "s"); err != context.DeadlineExceeded {
			t.Errorf("the caller's deadline: %v", err)
		}
	})
}

// A timeout or a cancellation may also end the reading of a body.
func TestTimeoutInBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newClient(nil)
		c.HTTP.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(slowBody{r.Context()})}, nil
		})
		c.Timeout = time.Second
		_, err := c.GetSession(t.Context(), "s")
		if _, ok := errors.AsType[*picker.Error](err); !ok || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("timeout: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		if _, err := c.GetSession(ctx, "s"); err != context.Canceled {
			t.Errorf("canceled: %v", err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A slowBody has no data until its request ends.
type slowBody struct{ ctx context.Context }

func (b slowBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func TestInvalidBaseURL(t *testing.T) {
	c, _ := newClient(respond(200, `{}`))
	c.BaseURL = "http://%zz" + pickertest.Mark
	_, err := c.GetSession(t.Context(), "s")
	if _, ok := errors.AsType[*picker.Error](err); !ok || strings.Contains(err.Error(), "parse") {
		t.Errorf("got %v", err)
	}
}
