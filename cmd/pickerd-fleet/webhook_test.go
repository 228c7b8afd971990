package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func numbered(n string) notice {
	return notice{Event: offline, For: n, At: afternoon, Since: afternoon}
}

// running runs a webhook beside a test.
func (h *webhook) running(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); h.run(ctx) }()
	return func() { cancel(); <-ended }
}

// A notice is posted as JSON, with the user in the address, and over redirects on the
// same host.
func TestWebhook(t *testing.T) {
	got := make(chan string, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hook" {
			http.Redirect(w, r, "/there?key=secret", http.StatusTemporaryRedirect)
			return
		}
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		got <- r.Method + " " + r.URL.RequestURI() + " " + user + password + " " + r.Header.Get("Content-Type") + " " + string(body)
	}))
	defer srv.Close()
	h, err := newWebhook(strings.Replace(srv.URL, "://", "://me:secret@", 1)+"/hook?token=secret", t.Output())
	if err != nil {
		t.Fatal(err)
	}
	stop := h.running(t)
	defer stop()
	n := numbered("12m")
	n.Box.ID, n.Box.Name, n.Box.Labels = "0a", "Hall", map[string]string{"site": "lobby"}
	h.post(n)
	const want = `{"event":"offline","ended":false,"at":"2026-11-29T13:00:00Z","since":"2026-11-29T13:00:00Z","for":"12m","box":{"id":"0a","name":"Hall","labels":{"site":"lobby"}}}`
	if got := <-got; got != "POST /there?key=secret  application/json "+want && got != "POST /there?key=secret mesecret application/json "+want {
		t.Errorf("%s", got)
	}
}

// A redirect to another host, or one that would not post, is refused.
func TestWebhookRedirects(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	defer other.Close()
	for _, tt := range []struct {
		to   string
		code int
	}{{other.URL, http.StatusTemporaryRedirect}, {"/there", http.StatusSeeOther}, {"/hook", http.StatusPermanentRedirect}} {
		asked := 0
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked++; r.URL.Path == "/there" {
				t.Error("a redirect to GET was followed")
			}
			http.Redirect(w, r, tt.to, tt.code)
		}))
		h, err := newWebhook(srv.URL+"/hook", t.Output())
		if err != nil {
			t.Fatal(err)
		}
		if err := h.try(t.Context(), nil); !errors.Is(err, errRefused) || asked > maxRedirects+1 {
			t.Errorf("%s: %v after %d requests", tt.to, err, asked)
		}
		srv.Close()
	}
}

// A roundTripper answers without a network.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Failures are tried again in order, refusals are not, and nothing secret is printed.
func TestWebhookRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log buffer
		h, err := newWebhook("https://me:hidden@hook.test/hidden?token=hidden", &log)
		if err != nil {
			t.Fatal(err)
		}
		answers := []int{0, 503, 429, 404, 200}
		var posted []string
		h.client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			var n notice
			if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
				t.Error(err)
			}
			posted = append(posted, n.For)
			code := answers[len(posted)-1]
			if code == 0 {
				return nil, &url.Error{Op: "Post", URL: "inner", Err: errors.New("connection refused")}
			}
			return &http.Response{StatusCode: code, Body: http.NoBody, Request: r}, nil
		})
		stop := h.running(t)
		h.post(numbered("first"))
		h.post(numbered("second"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := strings.Join(posted, " "); got != "first first first first second" {
			t.Errorf("%s", got)
		}
		text := log.take()
		if strings.Contains(text, "hidden") || !strings.Contains(text, "connection refused; trying again") || !strings.Contains(text, "status 503; trying again") || !strings.Contains(text, "refused with status 404") {
			t.Errorf("%s", text)
		}
		stop()
	})
}

// What waits is bounded, and what is left at the end is told.
func TestWebhookQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log buffer
		h, err := newWebhook("https://hook.test/", &log)
		if err != nil {
			t.Fatal(err)
		}
		posted := make(chan string, maxNotices+10)
		up := make(chan struct{})
		h.client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			select {
			case <-up:
			case <-r.Context().Done(): // after postWait
				return nil, r.Context().Err()
			}
			var n notice
			err := json.NewDecoder(r.Body).Decode(&n)
			posted <- n.For
			return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, err
		})
		stop := h.running(t)
		h.post(numbered("0"))
		synctest.Wait()
		for range maxNotices + 2 {
			h.post(numbered("more"))
		}
		time.Sleep(postWait + time.Second)
		close(up)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(posted) != maxNotices+1 || <-posted != "0" {
			t.Errorf("%d posted", len(posted))
		}
		if text := log.take(); !strings.Contains(text, "2 notices dropped") || !strings.Contains(text, "exceeded") {
			t.Errorf("%s", text)
		}
		h.client.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("down") })
		h.post(numbered("late"))
		synctest.Wait()
		stop()
		if text := log.take(); !strings.Contains(text, "not posted:") {
			t.Errorf("%s", text)
		}
	})
}

// The program posts what it watches.
func TestWatchWebhook(t *testing.T) {
	got := make(chan notice, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n notice
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Error(err)
		}
		got <- n
	}))
	defer srv.Close()
	b := newFakeBroker()
	b.box("0a", "Hall", "offline", nil)
	s := newShell(b)
	stop := s.watching(t, "watch", "--offline", "1ms", "--webhook", srv.URL)
	if n := <-got; n.Event != offline || n.Ended || n.Box.Name != "Hall" {
		t.Errorf("%+v", n)
	}
	b.put("pickerd/0a/availability", "online", true)
	if n := <-got; n.Event != offline || !n.Ended {
		t.Errorf("%+v", n)
	}
	stop()
	if text := s.out.take(); text != "" {
		t.Errorf("printed %s", text)
	}
}
