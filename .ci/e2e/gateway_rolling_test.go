package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
)

// TestGatewayRollingRestart restarts two instances of the gateway behind HAProxy one
// after another while boxes are paired. No sign-in is lost.
func TestGatewayRollingRestart(t *testing.T) {
	t.Parallel()
	const people, restarts = 40, 12
	c := newHAProxyCluster(t)
	server, err := oauthdevice.Discover(t.Context(), c.client("127.0.0.1"), c.issuer)
	if err != nil {
		t.Fatal(err)
	}
	var signIns, retries atomic.Int64
	done := make(chan struct{})
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				case <-t.Context().Done():
					return
				default:
				}
				s := newSignIn(c, server, fmt.Sprintf("127.1.%d.%d", n%250, i+1), &retries)
				if err := s.run(t.Context()); err != nil {
					t.Errorf("sign-in lost: %v", err)
					return
				}
				signIns.Add(1)
			}
		})
	}
	for range restarts {
		began := signIns.Load()
		c.one.stop()
		c.one.start()
		c.one, c.two = c.two, c.one
		for deadline := time.Now().Add(maxWait); signIns.Load() < began+people/2 && !t.Failed(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("no sign-ins are completed")
			}
		}
	}
	close(done)
	wg.Wait()
	t.Logf("%d sign-ins through %d restarts, %d requests repeated", signIns.Load(), restarts, retries.Load())
	issued := 0
	for _, call := range c.g.auth.Calls() {
		if call.Op == oauthtest.OpExchange && call.Status == http.StatusOK {
			issued++
		}
	}
	if int64(issued) != signIns.Load() {
		t.Errorf("%d tokens issued for %d sign-ins", issued, signIns.Load())
	}
}

// A signIn is one of many at the same time, by a box and a phone without screens.
type signIn struct {
	*cluster
	server  *oauthdevice.Metadata
	box     *oauthdevice.Client
	phone   *handset
	retries *atomic.Int64
}

func newSignIn(c *cluster, server *oauthdevice.Metadata, address string, retries *atomic.Int64) *signIn {
	s := &signIn{cluster: c, server: server, phone: c.newHandset(address), retries: retries}
	s.box = &oauthdevice.Client{ID: "pickerd", Scopes: []string{oauthtest.PickerScope}, DeviceAuthURL: server.DeviceAuthURL, TokenURL: server.TokenURL,
		HTTP: c.client(address)}
	return s
}

// maxRetries bounds how often a box or a person repeats what failed, four times a second.
const maxRetries = 4 * int(maxWait/time.Second)

// repeat repeats a box's request while its error is temporary.
func (s *signIn) repeat(ctx context.Context, f func() error) error {
	for n := 0; ; n++ {
		err := f()
		e, ok := errors.AsType[*oauthdevice.Error](err)
		if !ok || !e.Temporary() || n == maxRetries {
			return err
		}
		s.retries.Add(1)
		if !pause(ctx, 250*time.Millisecond) {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *signIn) run(ctx context.Context) error {
	defer s.box.HTTP.CloseIdleConnections()
	defer s.phone.HTTP.CloseIdleConnections()
	var a *oauthdevice.Authorization
	err := s.repeat(ctx, func() (err error) {
		a, err = s.box.Authorize(ctx, "")
		return err
	})
	if err != nil {
		return err
	}
	pause(ctx, rand.N(time.Second))
	consent := s.phone.confirm(a.QRURI())
	for n := 0; consent == "" && s.phone.Status >= http.StatusInternalServerError && n < maxRetries; n++ {
		s.retries.Add(1)
		pause(ctx, 250*time.Millisecond)
		consent = s.phone.confirm(a.QRURI())
	}
	if consent == "" {
		return fmt.Errorf("the phone shows %s instead of the question", s.phone.shown())
	}
	pause(ctx, rand.N(time.Second))
	to, err := s.g.auth.Allow(consent, "person")
	if err != nil {
		return err
	}
	s.phone.open(to)
	for n := 0; s.phone.Status >= http.StatusInternalServerError && n < maxRetries; n++ {
		s.retries.Add(1)
		pause(ctx, 250*time.Millisecond)
		s.phone.open(s.phone.At.String()) // reloads the page
	}
	if !s.phone.waits() {
		return fmt.Errorf("the phone shows %s after signing in", s.phone.shown())
	}
	var token *oauthdevice.Token
	err = s.repeat(ctx, func() (err error) {
		token, err = s.box.Poll(ctx, a.DeviceCode)
		return err
	})
	if err != nil {
		return fmt.Errorf("poll: %w", err)
	}
	if token.Refresh == "" {
		return errors.New("no refresh token")
	}
	return s.repeat(ctx, func() error { return s.box.Received(ctx, s.server.ReceivedURL, a.DeviceCode) })
}
