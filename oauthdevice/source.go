package oauthdevice

import (
	"context"
	"time"
)

// refreshMargin is how long before its end an access token is replaced, so
// that none dies between the look at the clock and the server's.
const refreshMargin = 60 * time.Second

// A TokenSource keeps one person's token fresh. Its methods may be called at the
// same time; one refresh runs at a time.
type TokenSource struct {
	client *Client
	ready  func() error
	save   func(*Token) error
	lock   chan struct{} // holds one element while free, so that waiting ends with the context
	token  Token
	// unsaved is a refreshed token that save did not take yet. It is the only
	// good one where the server rotates, so it is neither used nor thrown away.
	unsaved *Token
}

// NewTokenSource returns a TokenSource that starts with t. ready is called before a refresh
// and says whether its answer could be kept: the server may end the old token with
// it. save is called with each new
// token before anybody gets to use it; when it fails the token is not used.
func NewTokenSource(c *Client, t Token, ready func() error, save func(*Token) error) *TokenSource {
	s := &TokenSource{client: c, ready: ready, save: save, lock: make(chan struct{}, 1), token: t}
	s.lock <- struct{}{}
	return s
}

// Token returns an access token that should be good for another minute. Its
// errors are those of Refresh; with InvalidGrant the person must pair again.
func (s *TokenSource) Token(ctx context.Context) (string, error) {
	select {
	case <-s.lock:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { s.lock <- struct{}{} }()

	if s.unsaved != nil {
		return s.keep(s.unsaved)
	}
	if s.token.Access != "" && time.Until(s.token.ExpiresAt) > refreshMargin {
		return string(s.token.Access), nil
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err := s.ready(); err != nil {
		return "", err
	}
	// A server that rotates has ended the old refresh token by the time it
	// answers: an answer on its way is waited for.
	lingering, cancel := WithGrace(ctx)
	defer cancel()
	t, err := s.client.Refresh(lingering, s.token.Refresh)
	if err != nil {
		return "", err
	}
	if t.ExpiresAt.IsZero() {
		// RFC 6749 §5.1 only recommends expires_in; a 401 tells the rest.
		t.ExpiresAt = time.Now().Add(time.Hour)
	}
	return s.keep(t)
}

// Flush saves a token that could not be saved when it came. While the TokenSource is
// at work, that does it itself.
func (s *TokenSource) Flush() error {
	select {
	case <-s.lock:
	default:
		return nil
	}
	defer func() { s.lock <- struct{}{} }()
	if s.unsaved == nil {
		return nil
	}
	_, err := s.keep(s.unsaved)
	return err
}

// keep saves a token and lets it be used.
func (s *TokenSource) keep(t *Token) (string, error) {
	if err := s.save(t); err != nil {
		s.unsaved = t
		return "", err
	}
	s.token, s.unsaved = *t, nil
	return string(t.Access), nil
}

// Invalidate tells the TokenSource that an API answered 401 to this access token. The
// next call of Token refreshes, unless somebody else's call has done so.
func (s *TokenSource) Invalidate(access string) {
	<-s.lock
	if string(s.token.Access) == access {
		s.token.Access = ""
	}
	s.lock <- struct{}{}
}

// grace is how long an exchange goes on after nobody wants it any more: well
// within the five seconds that a stop may take.
const grace = 3 * time.Second

// WithGrace returns a context that ends three seconds after ctx does. It is for a
// request whose answer is given only once and must not be lost on its way.
func WithGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	on, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(grace, cancel)
		context.AfterFunc(on, func() { t.Stop() })
	})
	return on, func() {
		stop()
		cancel()
	}
}
