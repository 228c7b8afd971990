package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// errRequest ends a step because of a request from outside.
var errRequest = errors.New("a request came")

// A request is applied to the facts between two steps.
type request struct {
	change func() error
	done   chan<- error
}

// do runs one step. A request from outside stops the step, waits until it has
// returned, and only then changes the facts: that needs no lock.
func (e *Engine) do(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- step(ctx) }()
	select {
	case err := <-done:
		return err
	case r := <-e.requests:
		cancel(errRequest)
		<-done
		e.apply(r)
		return errRequest
	}
}

// apply applies a request. It is answered once its outcome is published.
func (e *Engine) apply(r request) {
	// What the step did before it returned may bear on the request.
	err := errors.Join(e.keepGrant(), e.load())
	if err == nil {
		err = r.change()
	}
	e.answer = func() { r.done <- err }
}

// reply answers the last request.
func (e *Engine) reply() {
	if e.answer != nil {
		e.answer()
		e.answer = nil
	}
}

// ask hands a change to the loop and waits for its outcome.
func (e *Engine) ask(ctx context.Context, change func() error) error {
	done := make(chan error, 1)
	select {
	case e.requests <- request{change, done}:
	case <-ctx.Done():
		return device.ErrStopping
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return device.ErrStopping
	}
}

// Do grants a wish, and returns when a Snapshot shows the outcome. Errors are
// those of package device, fs.ErrNotExist for an unknown item, and a
// *device.StoreError.
func (e *Engine) Do(ctx context.Context, w display.Wish) error {
	return e.ask(ctx, func() error { return e.grant(w) })
}

// grant changes the facts as a wish says.
func (e *Engine) grant(w display.Wish) error {
	switch w.Verb {
	case display.Pick:
		return e.pub.attempted(e.pickFor(w.Account, w.Collection))
	case display.Cancel:
		return e.pub.attempted(e.cancelPick())
	case display.Renew:
		return e.renewCode()
	case display.Forget:
		return e.forget(w.Account, w.Everywhere || e.cfg.Guests)
	case display.Hide, display.Unhide:
		return e.records.hideItem(w.Item, w.Verb == display.Hide)
	case display.Remove, display.RemoveCollection:
		if e.facts.pick != nil && e.facts.pick.Done { // it would be fetched again
			return device.ErrPickRunning
		}
		if w.Verb == display.RemoveCollection {
			return e.records.removeCollection(w.Collection)
		}
		return e.records.removeItem(w.Item)
	case display.RenameCollection:
		return e.records.renameCollection(w.Collection, w.Name)
	}
	return fmt.Errorf("the engine does not grant %q", w.Verb)
}

// ForgetIf forgets everybody everywhere if still returns true when the loop gets
// to it: a guest may have come back by then. Its error is device.ErrNotPaired,
// device.ErrStopping or a *device.StoreError.
func (e *Engine) ForgetIf(ctx context.Context, still func() bool) error {
	return e.ask(ctx, func() error {
		if !still() {
			return nil
		}
		return e.forget("", true)
	})
}

// pickFor begins a pick of an account; "" is the current one, or a new one if
// none is paired. The photos are for a collection by its ID or name, which may be new;
// "" is the default one, or that of the pairing in progress.
func (e *Engine) pickFor(account, collection string) error {
	if e.facts.newAccount && account == "" {
		account = device.NewAccount // whoever is being paired tries again
	}
	if err := checkStore(e.cfg.Store); err != nil {
		return err
	}
	full := e.facts.isFull(e.cfg.MaxAccounts)
	switch {
	case e.facts.pick != nil:
		return device.ErrPickRunning
	case account == device.NewAccount && full && e.cfg.Guests:
		return device.ErrGuestHere
	case account == device.NewAccount && full:
		return device.ErrPaired
	case account != "" && account != device.NewAccount && e.facts.account(account) == nil:
		return device.ErrNoAccount
	}
	id, err := e.records.collectionFor(collection, e.cfg.Guests)
	if err != nil {
		return err
	}
	if account == device.NewAccount || account == "" && e.facts.grant == nil {
		e.pickRequested, e.newAccount = true, true // a pick follows the pairing
		if collection != "" {
			e.collection = id
			if err := e.records.pairFor(e.facts.pairing, id); err != nil {
				return err
			}
		}
		if e.methods.next(e.facts.refusals) == nil {
			return e.methods.forgetRefusals()
		}
		return nil
	}
	if account == "" {
		account = e.facts.grant.ID
	}
	e.wish = wish{}
	if err := e.cfg.Store.Picks.Add(e.records.newPick(account, id, 0)); err != nil {
		return storeError(err)
	}
	if e.facts.pairing == nil {
		return nil
	}
	return e.records.dropPairing(e.facts.pairing) // of another account
}

// cancelPick ends the current pick, or the pairing that somebody asked for while
// photos were shown. What has been fetched stays.
func (e *Engine) cancelPick() error {
	f := e.facts
	e.wish = wish{}
	switch {
	case f.pick != nil:
		return e.records.endPicks(f.pick, "cancelled")
	case f.photos > 0 && (f.pairing != nil || f.pickRequested), f.newAccount:
		return e.records.dropPairing(f.pairing)
	}
	return device.ErrNoPick
}

// renewCode asks for a new code or link, for somebody who can't use the current
// one. That one stays good until it expires.
func (e *Engine) renewCode() error {
	p := e.facts.pairing
	if p == nil || p.Answered() {
		return device.ErrNoCode
	}
	if time.Since(p.StartedAt) > minRenewInterval {
		e.renewal.requested = p.RequestID
	}
	return nil
}
