package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"pickerd/device"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/tokenfile"
	"pickerd/store"
)

// An importer pairs the box with token files. What it changes, it changes in the
// loop.
type importer struct{ engine *Engine }

// errOnlyImport means that somebody wants to choose photos, and only an operator
// can pair this box.
var errOnlyImport = errors.New("this screen is paired from a computer")

// await shows what an operator has to do, until it is done.
func (i importer) await(ctx context.Context) error {
	e := i.engine
	if e.facts.photos > 0 && e.pickRequested {
		// There is nothing to wait for in front of the screen.
		e.wish = wish{}
		return errOnlyImport
	}
	e.calm()
	return e.pulse.sleep(ctx, time.Hour)
}

// identity returns the secret that token files for this box are sealed to.
func (i importer) identity() (string, error) {
	id, err := i.engine.cfg.Store.Secrets.Identity(tokenfile.NewIdentity)
	if err != nil {
		return "", storeError(err)
	}
	return id, nil
}

// publishRecipient makes the recipient of token files visible.
func (i importer) publishRecipient() error {
	id, err := i.identity()
	if err != nil {
		return err
	}
	recipient, err := tokenfile.Recipient(id)
	if err != nil {
		return err
	}
	i.engine.pub.update(func(n *device.Snapshot) { n.Recipient = recipient })
	return nil
}

// open opens a token file: sealed for this box, or plain if plainToo.
func (i importer) open(data []byte, plainToo bool) (*tokenfile.File, error) {
	if plainToo && !tokenfile.Sealed(data) {
		return tokenfile.Parse(data)
	}
	id, err := i.identity()
	if err != nil {
		return nil, err
	}
	return tokenfile.Open(data, id)
}

// Import pairs the box with a token file that is sealed for it, and tries the
// token at once. tried is false if the server could not be reached; the token is
// kept then. Errors are device.ErrPaired, ErrAlreadyPaired, ErrGuests,
// ErrPickRunning, ErrForgetting, ErrStopping and *device.TokenError, with which
// nothing is kept.
func (e *Engine) Import(ctx context.Context, sealed []byte) (tried bool, err error) {
	i := importer{e}
	f, err := i.open(sealed, false)
	if err != nil {
		return false, tokenError(err)
	}
	g := i.grantOf(f)
	err = e.ask(ctx, func() error {
		switch {
		case e.cfg.Guests:
			return device.ErrGuests
		case e.facts.pick != nil, e.facts.newAccount: // somebody is at the screen
			return device.ErrPickRunning
		case slices.ContainsFunc(e.facts.accounts, func(a store.Grant) bool { return same(a.RefreshToken, g.RefreshToken) }):
			return device.ErrAlreadyPaired
		case e.facts.isFull(e.cfg.MaxAccounts):
			return device.ErrPaired
		case e.facts.revoking():
			return device.ErrForgetting
		}
		return i.adopt(g)
	})
	if err != nil {
		return false, err
	}
	tried, err = i.try(ctx, g)
	return tried, tokenError(err)
}

// tokenError finds the words for an error of a token file. Others stay as they are.
func tokenError(err error) error {
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok {
		return device.NewTokenError(err, "api.token_refused", "error", e.Error())
	}
	if e, ok := errors.AsType[*ScopeError](err); ok {
		return device.NewTokenError(err, "api.token_scope", "scopes", e.Missing)
	}
	switch {
	case errors.Is(err, tokenfile.ErrWrongIdentity):
		return device.NewTokenError(err, "api.token_for_another")
	case errors.Is(err, tokenfile.ErrNeedsPassphrase):
		return device.NewTokenError(err, "api.token_passphrase")
	case errors.Is(err, tokenfile.ErrNotTokenFile):
		return device.NewTokenError(err, "api.not_token")
	}
	return err
}

// adopt makes an imported grant current. No pick follows: nobody is there.
func (i importer) adopt(g store.Grant) error {
	e := i.engine
	if err := e.cfg.Store.FinishPairing(g, nil); err != nil {
		return storeError(err)
	}
	e.wish = wish{}
	e.tally.pairing(device.ByImport, "paired")
	e.sweeper.wake()
	e.log.Info("paired", "method", device.ByImport)
	return nil
}

// try uses an imported token once. It is not kept if the server refuses it.
func (i importer) try(ctx context.Context, g store.Grant) (tried bool, err error) {
	e := i.engine
	callCtx, cancel := callContext(ctx)
	defer cancel()
	access, err := e.accounts.source(&g).Token(callCtx)
	if err == nil {
		err = e.accounts.lacks(g.ID)
	}
	if err == nil {
		g.AccessToken = access
		e.accounts.learn(e.runCtx, &g)
		return true, e.ask(ctx, func() error { e.accounts.merge(); return nil }) // the facts have changed
	}
	if !refusesToken(err) {
		e.log.Warn("imported token not tried yet", "err", err)
		return false, nil
	}
	e.log.Warn("imported token refused and erased", "err", err)
	dropErr := e.ask(ctx, func() error {
		e.accounts.drop(g.ID)
		defer e.sweeper.wake()
		if err := e.cfg.Store.Grants.MarkDead(g.ID, "import refused", ""); err != nil {
			return storeError(err)
		}
		return nil
	})
	return false, errors.Join(err, dropErr)
}

// refusesToken reports whether an error is the server's own word about a token, or
// what it was granted for. Anything else is no reason to forget it.
func refusesToken(err error) bool {
	if _, ok := errors.AsType[*ScopeError](err); ok {
		return true
	}
	e, ok := errors.AsType[*oauthdevice.Error](err)
	return ok && e.Code != "" && !e.Temporary()
}

// grantOf returns the grant of a token file. The token is for the server that is
// configured now.
func (i importer) grantOf(f *tokenfile.File) store.Grant {
	e := i.engine
	g := store.Grant{
		ID:           uuid.NewString(),
		Method:       device.ByImport,
		ClientID:     f.ClientID,
		ClientSecret: f.ClientSecret,
		RefreshToken: f.RefreshToken,
		Account:      f.Account,
		TokenURL:     e.cfg.OAuth.TokenURL,
		RevokeURL:    e.cfg.OAuth.RevokeURL,
		PairedAt:     e.clock.stamp(),
	}
	if f.Scope != "" {
		g.Scopes = strings.Fields(f.Scope)
	}
	return g
}

// provision imports the token that the box was delivered with, once: after it was
// forgotten it does not return. An outstanding revocation would revoke it too, so
// provision is called again when that is done.
func (i importer) provision() error {
	e := i.engine
	if e.cfg.Provisioned == nil || e.cfg.Guests { // a guest brings an account
		return nil
	}
	if err := e.load(); err != nil {
		return err
	}
	if e.facts.revoking() || e.facts.grant != nil {
		return nil
	}
	f, err := i.open(e.cfg.Provisioned, true)
	if err != nil {
		return err
	}
	g := i.grantOf(f)
	sum := sha256.Sum256(e.cfg.Provisioned)
	g.Imported = hex.EncodeToString(sum[:])
	before, err := e.cfg.Store.Grants.Imported()
	if err != nil {
		return storeError(err)
	}
	if before == g.Imported {
		return nil
	}
	return i.adopt(g)
}
