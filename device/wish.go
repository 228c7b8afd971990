package device

import (
	"context"
	"errors"

	"pickerd/store"
)

// Errors of the wishes.
var (
	// ErrPickRunning means that a pick is under way already.
	ErrPickRunning = errors.New("a pick is under way already")
	// ErrNoPick means that there is nothing to cancel.
	ErrNoPick = errors.New("no pick is under way")
	// ErrNotPaired means that there is no account to forget.
	ErrNotPaired = errors.New("no account is paired")
	// ErrGuestHere means that somebody else has to finish first.
	ErrGuestHere = errors.New("a guest is here")
	// ErrNoAccount means that no account of that ID is paired.
	ErrNoAccount = errors.New("no such account is paired")
	// ErrNoCode means that there is no code on the screen to be replaced.
	ErrNoCode = errors.New("no code is on the screen")
	// ErrStopping means that the daemon is on its way out.
	ErrStopping = errors.New("pickerd is stopping")
)

// errWish ends a step because somebody outside wished something.
var errWish = errors.New("a wish came")

// A wish changes the facts between two steps.
type wish struct {
	change func() error
	done   chan<- error
}

// do runs one step. A wish from outside stops it, waits until it has let go,
// and only then changes the facts: that needs no lock.
func (d *Device) do(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- step(ctx) }()
	select {
	case err := <-done:
		return err
	case w := <-d.wishes:
		cancel(errWish)
		<-done
		d.grant(w)
		return errWish
	}
}

func (d *Device) grant(w wish) {
	// What the step did while it let go may bear on the wish.
	err := errors.Join(d.keepGranted(), d.load())
	if err == nil {
		err = w.change()
	}
	w.done <- err
}

// ask hands a wish to the loop and waits for its outcome.
func (d *Device) ask(ctx context.Context, change func() error) error {
	done := make(chan error, 1)
	select {
	case d.wishes <- wish{change, done}:
	case <-ctx.Done():
		return ErrStopping
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ErrStopping
	}
}

// Pick asks for a pick: a new session with a new requestId, after pairing where
// that is needed. Where several people are paired the screen asks who it is. Its
// error is ErrPickRunning or ErrStopping.
func (d *Device) Pick(ctx context.Context) error {
	d.Touch()
	return d.ask(ctx, func() error {
		if d.facts.newcomer {
			return d.pickFor(Newcomer) // who is being paired tries again
		}
		if len(d.facts.accounts) > 1 && d.facts.pick == nil {
			d.screen.update(func(v *view) { v.menu = openAt(menuWho) })
			wake(d.untilNow)
			return nil
		}
		return d.pickFor("")
	})
}

// PickAs is Pick for one of those who are paired, by AccountStatus.ID, or with
// Newcomer for somebody who is not. Its errors are also ErrNoAccount, ErrPaired and
// ErrGuestHere.
func (d *Device) PickAs(ctx context.Context, account string) error {
	d.Touch()
	return d.ask(ctx, func() error { return d.pickFor(account) })
}

// Newcomer is who is not paired yet.
const Newcomer = "new"

// pickFor begins a pick of an account; "" is the only one.
func (d *Device) pickFor(account string) error {
	if err := d.health(); err != nil {
		return err
	}
	switch {
	case d.facts.pick != nil:
		return ErrPickRunning
	case account == Newcomer && d.isFull() && d.cfg.ForgetAfter > 0:
		return ErrGuestHere
	case account == Newcomer && d.isFull():
		return ErrPaired
	case account == Newcomer, account == "" && d.facts.grant == nil:
		d.wanted, d.newcomer = true, true // pairing leads to a pick by itself
		if d.way() == nil {
			return d.askAgain()
		}
		return nil
	case account == "":
		account = d.facts.grant.ID
	case d.account(account) == nil:
		return ErrNoAccount
	}
	d.wanted, d.newcomer = false, false
	if err := d.cfg.Store.Picks.Add(d.newPick(account, 0)); err != nil {
		return &storeError{err}
	}
	if d.facts.pairing == nil {
		return nil
	}
	return d.dropPairing() // of somebody else, who has given way
}

func (d *Device) newPick(grantID string, replaces int) store.Pick {
	return store.Pick{RequestID: newRequestID(), GrantID: grantID, CreatedAt: d.clock.stamp(), UnusedBefore: replaces}
}

// Cancel ends the pick under way, the pairing that somebody asked for while
// photos were shown, or the question who is choosing. What has been fetched stays.
// Its error is ErrNoPick or ErrStopping.
func (d *Device) Cancel(ctx context.Context) error {
	d.Touch()
	return d.ask(ctx, func() error {
		f := d.facts
		d.wanted, d.newcomer = false, false
		switch {
		case f.pick != nil:
			defer wake(d.sweepNow)
			return d.endPick(f.pick, "cancelled")
		case f.photos > 0 && (f.pairing != nil || f.wanted), f.newcomer:
			return d.dropPairing()
		}
		asked := false
		d.screen.update(func(v *view) {
			if asked = v.menu.page == menuWho; asked {
				v.menu = menu{}
			}
		})
		if asked {
			return nil
		}
		return ErrNoPick
	})
}

// endPick marks a pick over and says so in the log.
func (d *Device) endPick(p *store.Pick, reason string) error {
	d.log.Info("pick over", "reason", reason, "request_id", p.RequestID, "session_id", p.SessionID)
	if err := d.cfg.Store.Picks.End(p.RequestID, reason); err != nil {
		return &storeError{err}
	}
	d.tally.pick(reason)
	return nil
}
