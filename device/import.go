package device

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/tokenfile"
	"pickerd/store"
)

// ErrPaired means that as many accounts are paired as may be. One has to be
// forgotten first: its sessions can be deleted with its own token only.
var ErrPaired = errors.New("as many accounts are paired as may be")

// ErrAgain means that the very token is here already.
var ErrAgain = errors.New("that account is paired already")

// ErrGuests means that nobody is paired by an operator where guests come and go.
var ErrGuests = errors.New("guests bring their own account")

// awaitImport shows what an operator has to do, until it is done.
func (d *Device) awaitImport(ctx context.Context) error {
	if d.facts.photos > 0 && d.wanted {
		// There is nothing to wait for in front of the screen.
		d.wanted, d.newcomer = false, false
		return errOnlyImport
	}
	d.calm()
	return d.sleep(ctx, time.Hour)
}

// errOnlyImport means that somebody wants to choose photos, and only an operator
// can pair this box.
var errOnlyImport = errors.New("this screen is paired from a computer")

// identity returns the secret that token files for this box are sealed to.
func (d *Device) identity() (string, error) {
	id, err := d.cfg.Store.Identity(tokenfile.NewIdentity)
	if err != nil {
		return "", &storeError{err}
	}
	return id, nil
}

// announce makes the recipient for token files visible.
func (d *Device) announce() error {
	id, err := d.identity()
	if err != nil {
		return err
	}
	recipient, err := tokenfile.Recipient(id)
	if err != nil {
		return err
	}
	d.screen.update(func(v *view) { v.recipient = recipient })
	return nil
}

// openToken opens a token file: sealed for this box, or plain where the service
// manager has kept it.
func (d *Device) openToken(data []byte, plainToo bool) (*tokenfile.File, error) {
	if plainToo && !tokenfile.Sealed(data) {
		return tokenfile.Parse(data)
	}
	id, err := d.identity()
	if err != nil {
		return nil, err
	}
	return tokenfile.Open(data, id)
}

// Import pairs the box with a token file that is sealed for it, and tries the
// token at once; tried is false where the server could not be reached, and the
// token is kept. Errors are ErrPaired, ErrAgain, ErrGuests, ErrPickRunning, ErrForgetting, ErrStopping and
// *TokenError, with which nothing is kept.
func (d *Device) Import(ctx context.Context, sealed []byte) (tried bool, err error) {
	f, err := d.openToken(sealed, false)
	if err != nil {
		return false, tokenError(err)
	}
	g := grantOf(f, d.clock.stamp())
	err = d.ask(ctx, func() error {
		switch {
		case d.cfg.ForgetAfter > 0:
			return ErrGuests
		case d.facts.pick != nil, d.facts.newcomer: // somebody is at the screen
			return ErrPickRunning
		case slices.ContainsFunc(d.facts.accounts, func(a store.Grant) bool { return same(a.RefreshToken, g.RefreshToken) }):
			return ErrAgain
		case d.isFull():
			return ErrPaired
		case d.facts.revoking:
			return ErrForgetting
		}
		return d.adopt(g)
	})
	if err != nil {
		return false, err
	}
	tried, err = d.try(ctx, g)
	return tried, tokenError(err)
}

// A TokenError is why a token file is not taken.
type TokenError struct {
	Message string // for an operator
	Err     error
}

func (e *TokenError) Error() string { return "token file: " + e.Err.Error() }
func (e *TokenError) Unwrap() error { return e.Err }

// tokenError finds the words for an error of a token file; others stay as they
// are.
func tokenError(err error) error {
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok {
		return &TokenError{english().Say("api.token_refused", "error", e.Error()), err}
	}
	if e, ok := errors.AsType[*ScopeError](err); ok {
		return &TokenError{english().Say("api.token_scope", "scopes", e.Missing), err}
	}
	switch {
	case errors.Is(err, tokenfile.ErrSealedForAnother):
		return &TokenError{english().Say("api.token_for_another"), err}
	case errors.Is(err, tokenfile.ErrNeedsPassphrase):
		return &TokenError{english().Say("api.token_passphrase"), err}
	case errors.Is(err, tokenfile.ErrNotToken):
		return &TokenError{english().Say("api.not_token"), err}
	}
	return err
}

// adopt puts an imported grant in force. No pick follows: nobody is there.
func (d *Device) adopt(g store.Grant) error {
	if err := d.cfg.Store.Paired(g, nil); err != nil {
		return &storeError{err}
	}
	d.wanted, d.newcomer = false, false
	d.tally.pairing(ByImport, "paired")
	wake(d.sweepNow)
	d.log.Info("paired", "method", ByImport)
	return nil
}

// try uses an imported token once. What the server has refused is not kept.
func (d *Device) try(ctx context.Context, g store.Grant) (tried bool, err error) {
	callCtx, cancel := callContext(ctx)
	defer cancel()
	access, err := d.source(&g).Token(callCtx)
	if err == nil {
		err = d.lacks(g.ID)
	}
	if err == nil {
		g.AccessToken = access
		d.learnAccount(&g)
		return true, d.ask(ctx, func() error { d.mergeAccounts(); return nil }) // the facts have changed
	}
	if !refusesToken(err) {
		d.log.Warn("the imported token could not be tried yet", "err", err)
		return false, nil
	}
	d.log.Warn("the imported token is refused, and erased", "err", err)
	dropErr := d.ask(ctx, func() error {
		d.dropSource(g.ID)
		defer wake(d.sweepNow)
		if err := d.cfg.Store.KillGrant(g.ID, "import refused", ""); err != nil {
			return &storeError{err}
		}
		return nil
	})
	return false, errors.Join(err, dropErr)
}

// refusesToken reports whether an error is the server's own word about a token,
// or what it was granted for. Anything else is no reason to forget it.
func refusesToken(err error) bool {
	if _, ok := errors.AsType[*ScopeError](err); ok {
		return true
	}
	e, ok := errors.AsType[*oauthdevice.Error](err)
	return ok && e.Code != "" && !e.Temporary()
}

// lacks reports whether a grant is known to have less than the configured scopes.
func (d *Device) lacks(grantID string) error {
	g, err := d.cfg.Store.GrantByID(grantID)
	if err != nil {
		return &storeError{err}
	}
	if g.Scopes == nil {
		return nil // neither the file nor the server has said
	}
	return d.lacking(g.Scopes)
}

func grantOf(f *tokenfile.File, now time.Time) store.Grant {
	g := store.Grant{
		ID:           uuid.NewString(),
		Method:       ByImport,
		ClientID:     f.ClientID,
		ClientSecret: f.ClientSecret,
		RefreshToken: f.RefreshToken,
		Account:      f.Account,
		PairedAt:     now,
	}
	if f.Scope != "" {
		g.Scopes = strings.Fields(f.Scope)
	}
	return g
}

// provision imports the token that the box was delivered with, once: after it
// was forgotten it does not come back by itself. A revocation that is outstanding
// would take it along; it is called again when that is over.
func (d *Device) provision() error {
	if d.cfg.Provisioned == nil || d.cfg.ForgetAfter > 0 { // a guest brings an account
		return nil
	}
	if err := d.load(); err != nil {
		return err
	}
	if d.facts.revoking || d.facts.grant != nil {
		return nil
	}
	f, err := d.openToken(d.cfg.Provisioned, true)
	if err != nil {
		return err
	}
	g := grantOf(f, d.clock.stamp())
	sum := sha256.Sum256(d.cfg.Provisioned)
	g.Imported = hex.EncodeToString(sum[:])
	before, err := d.cfg.Store.Imported()
	if err != nil {
		return &storeError{err}
	}
	if before == g.Imported {
		return nil
	}
	return d.adopt(g)
}
