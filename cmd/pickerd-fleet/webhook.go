package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"pickerd/cmd/command"
	"pickerd/device/mqtt"
)

const (
	// maxNotices bounds the notices that wait for a webhook. The oldest go first.
	maxNotices = 1000
	// postWait bounds one try to post.
	postWait = 10 * time.Second
	// maxRedirects bounds the redirects of one try.
	maxRedirects = 3
)

// A webhook posts notices, one after another. It tries again until one is accepted, or
// refused for good.
type webhook struct {
	url    *url.URL
	client *http.Client
	log    io.Writer

	mu      sync.Mutex
	waiting []notice      // oldest first
	dropped int           // notices
	wake    chan struct{} // holds a value if there may be something to post
}

// newWebhook returns the webhook at an address, which may be a secret and is never shown
// but for its host.
func newWebhook(address string, log io.Writer) (*webhook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, &command.UsageError{Msg: "--webhook is not an address like https://example.org/hook"}
	}
	h := &webhook{url: u, log: log, wake: make(chan struct{}, 1)}
	h.client = &http.Client{Timeout: postWait, CheckRedirect: h.redirect,
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true}}
	return h, nil
}

// redirect follows a redirect that keeps method, scheme and host.
func (h *webhook) redirect(r *http.Request, via []*http.Request) error {
	if r.Method != http.MethodPost || r.URL.Scheme != h.url.Scheme || r.URL.Host != h.url.Host || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// post queues a notice.
func (h *webhook) post(n notice) {
	h.mu.Lock()
	h.waiting = append(h.waiting, n)
	if more := len(h.waiting) - maxNotices; more > 0 {
		h.waiting = append(h.waiting[:0], h.waiting[more:]...)
		h.dropped += more
	}
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// next takes the oldest notice out of the queue. It returns how many were dropped before.
func (h *webhook) next() (n notice, dropped int, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) == 0 {
		return n, 0, false
	}
	n, dropped = h.waiting[0], h.dropped
	h.waiting, h.dropped = h.waiting[1:], 0
	return n, dropped, true
}

// run posts what is queued until ctx ends.
func (h *webhook) run(ctx context.Context) {
	for ctx.Err() == nil {
		n, dropped, ok := h.next()
		if dropped > 0 {
			h.say("webhook %s: %d notices dropped", h.url.Host, dropped)
		}
		if ok {
			h.deliver(ctx, n)
			continue
		}
		select {
		case <-h.wake:
		case <-ctx.Done():
		}
	}
	for n, _, ok := h.next(); ok; n, _, ok = h.next() {
		h.say("not posted: %s", n.text())
	}
}

// deliver posts a notice until it is accepted, refused for good, or ctx ends.
func (h *webhook) deliver(ctx context.Context, n notice) {
	body, err := json.Marshal(n)
	if err != nil {
		panic(err) // it has only texts and times
	}
	for try := 0; ; try++ {
		err := h.try(ctx, body)
		switch {
		case err == nil:
			return
		case ctx.Err() != nil:
			h.say("not posted: %s", n.text())
			return
		case errors.Is(err, errRefused):
			h.say("webhook %s: %v: %s", h.url.Host, err, n.text())
			return
		}
		pause := mqtt.Backoff(try)
		h.say("webhook %s: %v; trying again in %s", h.url.Host, err, pause.Round(time.Second))
		if !mqtt.Pause(ctx, pause) {
			h.say("not posted: %s", n.text())
			return
		}
	}
}

// errRefused means that a try again would not help.
var errRefused = errors.New("refused")

// try posts once.
func (h *webhook) try(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url.String(), bytes.NewReader(body))
	if err != nil {
		return errRefused
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", program)
	resp, err := h.client.Do(r)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the address
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch s := resp.StatusCode; {
	case s < 300:
		return nil
	case s == http.StatusRequestTimeout, s == http.StatusTooManyRequests, s >= 500:
		return fmt.Errorf("status %d", s)
	default:
		return fmt.Errorf("%w with status %d", errRefused, s)
	}
}

func (h *webhook) say(format string, args ...any) {
	fmt.Fprintf(h.log, program+": "+format+"\n", args...)
}

// print prints a notice.
func (n notice) print(w io.Writer, asJSON bool) {
	if !asJSON {
		fmt.Fprintln(w, n.text())
		return
	}
	writeJSONLine(w, n)
}
