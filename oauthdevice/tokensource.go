package oauthdevice

import (
	"context"
	"errors"
	"time"
)

// maxRefreshMargin is how long before its expiry an access token is replaced, so
// that it does not expire on its way to the API. One that lives less than ten
// minutes is replaced after nine tenths of its life.
const maxRefreshMargin = 60 * time.Second

// A TokenSource supplies valid access tokens for one person and refreshes them.
// Its methods may be called concurrently; at most one refresh is in flight.
type TokenSource struct {
	client *Client
	ready  func() error
	save   func(*Token) error
	lock   chan struct{} // holds one element while unlocked; a channel lets a context end the wait
	token  Token
	margin time.Duration // before the expiry of token, when it is to be replaced
	// unsaved is a refreshed token that save rejected. If the server rotates
	// refresh tokens, no other token is valid, so it is neither used before it
	// is saved nor dropped.
	unsaved *Token
}

// NewTokenSource returns a TokenSource that starts with t.
//
// It calls ready before each refresh. If ready returns an error, nothing is
// requested: the server may end the old token when it issues a new one, so the
// new one must not be requested unless it can be saved.
//
// It calls save with each new token before the token is used. If save returns
// an error, Token returns that error and calls save again the next time.
func NewTokenSource(c *Client, t Token, ready func() error, save func(*Token) error) *TokenSource {
	s := &TokenSource{client: c, ready: ready, save: save, lock: make(chan struct{}, 1), token: t, margin: refreshMargin(&t)}
	s.lock <- struct{}{}
	return s
}

// refreshMargin returns how long before its expiry a token is replaced: at most a
// tenth of the life that it still has.
func refreshMargin(t *Token) time.Duration {
	return min(max(time.Until(t.ExpiresAt)/10, 0), maxRefreshMargin)
}

// Token returns an access token that does not expire on its way to the API, or one
// that is about to expire if a new one can't be had now. It returns the errors of
// Client.Refresh, ready, save and ctx. After an *Error with code InvalidGrant the
// person must sign in again.
func (s *TokenSource) Token(ctx context.Context) (string, error) {
	if err := s.acquire(ctx); err != nil {
		return "", err
	}
	defer s.release()
	if s.unsaved == nil && s.lasts(s.margin) {
		return string(s.token.Access), nil
	}
	access, err := s.refresh(ctx)
	if err != nil && s.unsaved == nil && s.lasts(0) && ctx.Err() == nil {
		if e, ok := errors.AsType[*Error](err); !ok || e.Temporary() {
			return string(s.token.Access), nil
		}
	}
	return access, err
}

// Refresh requests a new access token even if the current one is valid, to use
// the refresh token and to learn whether it still works. Its errors are those of
// Token.
func (s *TokenSource) Refresh(ctx context.Context) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	_, err := s.refresh(ctx)
	return err
}

// acquire takes the lock, unless ctx ends first.
func (s *TokenSource) acquire(ctx context.Context) error {
	select {
	case <-s.lock:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *TokenSource) release() { s.lock <- struct{}{} }

// lasts reports whether the current access token is valid for longer than margin.
func (s *TokenSource) lasts(margin time.Duration) bool {
	return s.token.Access != "" && time.Until(s.token.ExpiresAt) > margin
}

// refresh returns a new access token, or the one that was not saved before.
func (s *TokenSource) refresh(ctx context.Context) (string, error) {
	if s.unsaved != nil {
		return s.keep(s.unsaved)
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err := s.ready(); err != nil {
		return "", err
	}
	// A server that rotates has ended the old refresh token by the time it
	// responds, so a response in flight must not be lost.
	extended, cancel := WithGrace(ctx)
	defer cancel()
	t, err := s.client.Refresh(extended, s.token.Refresh)
	if err != nil {
		return "", err
	}
	if t.ExpiresAt.IsZero() {
		// RFC 6749 §5.1 only recommends expires_in. If an hour is too long,
		// the API answers 401 and the caller calls Invalidate.
		t.ExpiresAt = time.Now().Add(time.Hour)
	}
	return s.keep(t)
}

// Flush saves a token that could not be saved when it was issued. It does
// nothing while another method is running, because Token saves it too.
func (s *TokenSource) Flush() error {
	select {
	case <-s.lock:
	default:
		return nil
	}
	defer s.release()
	if s.unsaved == nil {
		return nil
	}
	_, err := s.keep(s.unsaved)
	return err
}

// keep saves a token and then makes it the current one.
func (s *TokenSource) keep(t *Token) (string, error) {
	if err := s.save(t); err != nil {
		s.unsaved = t
		return "", err
	}
	s.token, s.unsaved, s.margin = *t, nil, refreshMargin(t)
	return string(t.Access), nil
}

// Invalidate reports that an API answered 401 to this access token. The next
// call of Token refreshes, unless the token has been replaced meanwhile.
func (s *TokenSource) Invalidate(access string) {
	<-s.lock
	defer s.release()
	if string(s.token.Access) == access {
		s.token.Access = ""
	}
}
