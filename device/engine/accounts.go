package engine

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

// accounts acts for the paired accounts: it owns their token sources.
type accounts struct {
	store   *store.Store
	methods *methods
	picker  picker.Client
	log     *slog.Logger
	swept   func() // wakes the sweeper

	mu      sync.Mutex
	sources map[string]*oauthdevice.TokenSource // by grant ID
}

func newAccounts(e *Engine) *accounts {
	return &accounts{store: e.cfg.Store, methods: e.methods, picker: e.cfg.Picker, log: e.log,
		swept: func() { e.sweeper.wake() }, sources: map[string]*oauthdevice.TokenSource{}}
}

// source returns the token source of a grant.
func (a *accounts) source(g *store.Grant) *oauthdevice.TokenSource {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sources[g.ID]
	if s == nil {
		id := g.ID
		s = oauthdevice.NewTokenSource(a.methods.clientOf(g), oauthdevice.Token{
			Access:    oauthdevice.Secret(g.AccessToken),
			Refresh:   oauthdevice.Secret(g.RefreshToken),
			ExpiresAt: g.ExpiresAt,
			Scopes:    g.Scopes,
		}, func() error { return a.canKeep(id) }, func(t *oauthdevice.Token) error { return a.keep(id, t) })
		a.sources[g.ID] = s
	}
	return s
}

// keep stores a refreshed token.
func (a *accounts) keep(id string, t *oauthdevice.Token) error {
	err := a.store.Grants.Update(id, func(g *store.Grant) {
		g.AccessToken, g.RefreshToken, g.ExpiresAt = string(t.Access), string(t.Refresh), t.ExpiresAt
		if !g.Retired {
			g.Account = cmp.Or(t.Account, g.Account)
		}
		if t.Scopes != nil {
			g.Scopes = t.Scopes
		}
	})
	if err != nil {
		return storeError(err)
	}
	return nil
}

// canKeep tries to write a grant. That a disk looks well is no proof.
func (a *accounts) canKeep(id string) error {
	if err := checkStore(a.store); err != nil {
		return err
	}
	if err := a.store.Grants.Update(id, func(*store.Grant) {}); err != nil {
		return storeError(err)
	}
	return nil
}

// flush stores the tokens that the disk did not take when they came.
func (a *accounts) flush() error {
	a.mu.Lock()
	sources := slices.Collect(maps.Values(a.sources))
	a.mu.Unlock()
	var errs []error
	for _, s := range sources {
		errs = append(errs, s.Flush())
	}
	return errors.Join(errs...)
}

// drop forgets the token source of a grant.
func (a *accounts) drop(grantID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.sources, grantID)
}

// api returns the Picker client that acts for a grant.
func (a *accounts) api(g *store.Grant) *picker.Client {
	c := a.picker
	c.Tokens, c.Timeout = a.source(g), callTimeout
	return &c
}

// merge ends the older pairings of people who have paired again. Only the loop
// does that.
func (a *accounts) merge() {
	grants, err := a.store.Grants.All()
	newest := map[string]string{} // grants by account
	for _, g := range slices.Backward(inForce(grants)) {
		by := newest[g.Account]
		switch {
		case g.Account == "":
		case by == "":
			newest[g.Account] = g.ID
		default:
			if err = errors.Join(err, a.store.Supersede(g.ID, by)); err == nil {
				a.log.Info("account paired again")
				a.swept()
			}
		}
	}
	if err != nil {
		a.log.Warn("account paired twice", "err", err)
	}
}

// learn asks for the e-mail address of an account if the operator wants that and
// the token did not bring it.
func (a *accounts) learn(ctx context.Context, g *store.Grant) {
	c := a.methods.clientOf(g)
	if g.Account != "" || g.AccessToken == "" || c.UserinfoURL == "" || !slices.Contains(c.Scopes, "email") {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, accountTimeout)
	defer cancel()
	email, err := c.Account(ctx, oauthdevice.Secret(g.AccessToken))
	if err == nil && email != "" {
		err = a.store.Grants.Update(g.ID, func(g *store.Grant) {
			if g.InForce() { // not if it was forgotten meanwhile
				g.Account = email
			}
		})
	}
	if err != nil {
		a.log.Warn("account name unknown", "err", err)
	}
}

// lacks reports whether a grant is known to have less than the configured scopes.
func (a *accounts) lacks(grantID string) error {
	g, err := a.store.Grants.Get(grantID)
	if err != nil {
		return storeError(err)
	}
	if g.Scopes == nil {
		return nil // neither the file nor the server has said
	}
	return a.methods.lacking(g.Scopes)
}
