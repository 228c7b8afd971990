package oauthdevice_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
)

func ready() error { return nil }

func TestTokenSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := oauthtest.New(oauthtest.Options{})
		c, tok := signIn(t, s)
		var saved []oauthdevice.Token
		diskFull := false
		src := oauthdevice.NewTokenSource(c, *tok, ready, func(n *oauthdevice.Token) error {
			if diskFull {
				return io.ErrShortWrite
			}
			saved = append(saved, *n)
			return nil
		})
		get := func() string {
			t.Helper()
			v, err := src.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		first := get()
		time.Sleep(58 * time.Minute)
		if get() != first || len(saved) != 0 {
			t.Error("a valid token was refreshed")
		}
		time.Sleep(90 * time.Second) // within the margin
		second := get()
		if second == first || len(saved) != 1 || string(saved[0].Access) != second {
			t.Errorf("refreshed and saved: %d", len(saved))
		}
		src.Invalidate(first) // replaced already
		if get() != second {
			t.Error("a valid token was refreshed again")
		}
		src.Invalidate(second)
		diskFull = true
		if _, err := src.Token(t.Context()); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("an unsaved token was used: %v", err)
		}
		diskFull = false
		if get() == second {
			t.Error("an invalidated token was returned")
		}
		s.RevokeAll()
		src.Invalidate(get())
		if _, err := src.Token(t.Context()); code(err) != oauthdevice.InvalidGrant {
			t.Errorf("after revocation: %v", err)
		}
	})
}

// An access token is replaced a minute before it expires, but never in the first
// nine tenths of its life.
func TestRefreshMargin(t *testing.T) {
	for life, margin := range map[time.Duration]time.Duration{
		time.Minute:      6 * time.Second,
		5 * time.Minute:  30 * time.Second,
		10 * time.Minute: time.Minute,
		time.Hour:        time.Minute,
	} {
		t.Run(life.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := oauthtest.New(oauthtest.Options{TokenLife: life})
				c, tok := signIn(t, s)
				src := oauthdevice.NewTokenSource(c, *tok, ready, func(*oauthdevice.Token) error { return nil })
				current := string(tok.Access)
				for range 3 {
					time.Sleep(life - margin - time.Second)
					if access(t, src) != current {
						t.Errorf("replaced more than %v before it expires", margin)
					}
					time.Sleep(time.Second)
					next := access(t, src)
					if next == current {
						t.Errorf("not replaced %v before it expires", margin)
					}
					current = next
				}
			})
		})
	}
}

// An access token is used to its end while a new one can't be had, and not a second
// longer.
func TestTokenUsedToItsEnd(t *testing.T) {
	refuse := func(status int, body string) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return w.Result(), nil
		}
	}
	for name, tt := range map[string]struct {
		transport func(*http.Request) (*http.Response, error)
		notReady  error
		used      bool
	}{
		"no network":         {transport: func(*http.Request) (*http.Response, error) { return nil, oauthtest.ErrConnection }, used: true},
		"server in trouble":  {transport: refuse(503, ""), used: true},
		"disk full":          {notReady: io.ErrShortWrite, used: true},
		"permission revoked": {transport: refuse(400, `{"error":"invalid_grant"}`)},
		"client deleted":     {transport: refuse(401, `{"error":"deleted_client"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, tok := signIn(t, oauthtest.New(oauthtest.Options{}))
				if tt.transport != nil {
					c.HTTP.Transport = roundTrip(tt.transport)
				}
				src := oauthdevice.NewTokenSource(c, *tok, func() error { return tt.notReady }, func(*oauthdevice.Token) error { return nil })
				time.Sleep(time.Hour - time.Second)
				if v, err := src.Token(t.Context()); (err == nil) != tt.used || tt.used && v != string(tok.Access) {
					t.Errorf("a second before its end: %v", err)
				}
				if err := src.Refresh(t.Context()); err == nil {
					t.Error("Refresh did not fail")
				}
				time.Sleep(time.Second)
				if _, err := src.Token(t.Context()); err == nil {
					t.Error("used after its end")
				}
			})
		})
	}
}

// Refresh uses the refresh token although the access token is valid.
func TestForcedRefresh(t *testing.T) {
	s := oauthtest.New(oauthtest.Options{RotateRefresh: true})
	c, tok := signIn(t, s)
	saves := 0
	src := oauthdevice.NewTokenSource(c, *tok, ready, func(*oauthdevice.Token) error { saves++; return nil })
	if err := src.Refresh(t.Context()); err != nil || saves != 1 || access(t, src) == string(tok.Access) {
		t.Errorf("%v after %d saves", err, saves)
	}
	s.RequireReauth()
	err := src.Refresh(t.Context())
	if e, ok := errors.AsType[*oauthdevice.Error](err); !ok || e.Code != oauthdevice.InvalidGrant || e.Subtype != oauthdevice.InvalidRAPT {
		t.Errorf("got %v", err)
	}
}

// If the server rotates refresh tokens, a token that could not be saved is the
// only valid one.
func TestUnsavedToken(t *testing.T) {
	for name, o := range map[string]oauthtest.Options{
		"old token ends at once":           {RotateRefresh: true},
		"old token ends with the next use": {RotateOverlap: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := oauthtest.New(o)
				c, tok := signIn(t, s)
				saves := 0
				src := oauthdevice.NewTokenSource(c, *tok, ready, func(*oauthdevice.Token) error {
					if saves++; saves < 3 {
						return io.ErrShortWrite
					}
					return nil
				})
				time.Sleep(2 * time.Hour)
				for range 2 {
					if _, err := src.Token(t.Context()); !errors.Is(err, io.ErrShortWrite) {
						t.Errorf("got %v", err)
					}
				}
				access, err := src.Token(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, problem := s.Check(access); problem != "" {
					t.Errorf("the token is %s", problem)
				}
				src.Invalidate(access)
				if _, err := src.Token(t.Context()); err != nil {
					t.Errorf("the next refresh: %v", err)
				}
			})
		})
	}
}

// signIn returns a client of s and a token for it.
func signIn(t *testing.T, s *oauthtest.Server) (*oauthdevice.Client, *oauthdevice.Token) {
	t.Helper()
	c := newClient(s)
	a, err := c.Authorize(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s.Approve(a.UserCode)
	tok, err := c.Poll(t.Context(), a.DeviceCode)
	if err != nil {
		t.Fatal(err)
	}
	return c, tok
}

// Nothing is requested while the store cannot be written.
func TestStoreNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := oauthtest.New(oauthtest.Options{RotateRefresh: true})
		c, tok := signIn(t, s)
		s.ForgetCalls()
		err := io.ErrShortWrite
		src := oauthdevice.NewTokenSource(c, *tok, func() error { return err }, func(*oauthdevice.Token) error { return nil })
		time.Sleep(2 * time.Hour)
		if _, got := src.Token(t.Context()); got != err || len(s.Calls()) != 0 {
			t.Errorf("%v after %d requests", got, len(s.Calls()))
		}
		err = nil
		if _, err := src.Token(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := oauthtest.New(oauthtest.Options{RotateRefresh: true})
		c, tok := signIn(t, s)
		var diskErr error
		saves := 0
		src := oauthdevice.NewTokenSource(c, *tok, ready, func(*oauthdevice.Token) error { saves++; return diskErr })
		if err := src.Flush(); err != nil || saves != 0 {
			t.Errorf("without an unsaved token: %v, %d saves", err, saves)
		}
		time.Sleep(2 * time.Hour)
		diskErr = io.ErrShortWrite
		if _, err := src.Token(t.Context()); err != diskErr {
			t.Errorf("got %v", err)
		}
		if err := src.Flush(); err != diskErr {
			t.Errorf("disk full: %v", err)
		}
		diskErr = nil
		if err := src.Flush(); err != nil || saves != 3 {
			t.Errorf("%v, %d saves", err, saves)
		}
		s.ForgetCalls()
		if _, err := src.Token(t.Context()); err != nil || len(s.Calls()) != 0 {
			t.Errorf("after the flush: %v, %d requests", err, len(s.Calls()))
		}
	})
}

// One refresh serves all concurrent callers. A caller's context ends its wait,
// and a refresh in flight completes within the grace period.
func TestConcurrentRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := oauthtest.New(oauthtest.Options{RotateRefresh: true})
		c, tok := signIn(t, s)
		next := c.HTTP.Transport
		refreshes := 0
		c.HTTP.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			refreshes++
			time.Sleep(2 * time.Second)
			return next.RoundTrip(r)
		})
		saved := 0
		src := oauthdevice.NewTokenSource(c, *tok, ready, func(*oauthdevice.Token) error { saved++; return nil })
		time.Sleep(2 * time.Hour)

		canceled, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() { _, err := src.Token(canceled); first <- err }()
		synctest.Wait()
		if err := src.Flush(); err != nil || saved != 0 {
			t.Errorf("flush during a refresh: %v", err)
		}
		impatient, cancelImpatient := context.WithTimeout(t.Context(), time.Second)
		defer cancelImpatient()
		cancel()
		if _, err := src.Token(impatient); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting caller: %v", err)
		}
		if _, err := src.Token(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-first; err != nil || refreshes != 1 || saved != 1 {
			t.Errorf("%v after %d refreshes and %d saves", err, refreshes, saved)
		}
		src.Invalidate(access(t, src))
		if _, err := src.Token(canceled); !errors.Is(err, context.Canceled) || refreshes != 1 {
			t.Errorf("%v after %d refreshes", err, refreshes)
		}
	})
}

func access(t *testing.T, src *oauthdevice.TokenSource) string {
	t.Helper()
	v, err := src.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		extended, release := oauthdevice.WithGrace(ctx)
		defer release()
		cancel()
		start := time.Now()
		<-extended.Done()
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("ended after %v", d)
		}
		extended, release = oauthdevice.WithGrace(t.Context())
		release()
		if extended.Err() == nil {
			t.Error("still open after release")
		}
	})
}
