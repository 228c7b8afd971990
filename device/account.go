package device

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"pickerd/oauthdevice"
	"pickerd/store"
)

// isFull reports whether nobody else can be paired.
func (d *Device) isFull() bool { return len(d.facts.accounts) >= max(d.cfg.MaxAccounts, 1) }

// account returns one of those who are paired, nil where there is none of that ID.
func (d *Device) account(id string) *store.Grant {
	i := slices.IndexFunc(d.facts.accounts, func(g store.Grant) bool { return g.ID == id })
	if i < 0 {
		return nil
	}
	return &d.facts.accounts[i]
}

// inForce are the accounts that are paired, in the order of that.
func inForce(grants []store.Grant) []store.Grant {
	list := slices.DeleteFunc(slices.Clone(grants), func(g store.Grant) bool { return !g.InForce() })
	slices.SortFunc(list, func(a, b store.Grant) int {
		return cmp.Or(a.PairedAt.Compare(b.PairedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Unpair forgets everybody on this box: the tokens are erased as soon as the
// sessions made with them are deleted, with everywhere also revoked at the
// server, and the photos are erased unless they are to be kept. Without a network
// the rest is outstanding, and done later. Guests are always forgotten everywhere.
// Its error is ErrNotPaired or ErrStopping.
func (d *Device) Unpair(ctx context.Context, everywhere bool) error {
	everywhere = everywhere || d.cfg.ForgetAfter > 0
	return d.ask(ctx, func() error {
		f := d.facts
		if f.grant == nil && (f.library.Photos == 0 || d.cfg.KeepPhotos) && !d.cfg.Store.KeyLost() && (f.pairing == nil || !f.pairing.Answered()) {
			return d.revokeToo(everywhere)
		}
		return d.forgetAll(everywhere)
	})
}

func (d *Device) forgetAll(everywhere bool) error {
	return d.forget(everywhere, d.facts.pick != nil, func() error {
		return d.cfg.Store.Unpair("unpaired", everywhere, d.cfg.KeepPhotos)
	})
}

// UnpairOne is Unpair for one of several people, by AccountStatus.ID: the others
// stay paired, and keep their photos. Its error is ErrNoAccount or ErrStopping.
func (d *Device) UnpairOne(ctx context.Context, id string, everywhere bool) error {
	everywhere = everywhere || d.cfg.ForgetAfter > 0
	return d.ask(ctx, func() error {
		if d.account(id) == nil {
			return ErrNoAccount
		}
		if len(d.facts.accounts) == 1 {
			return d.forgetAll(everywhere)
		}
		p := d.facts.pick
		return d.forget(everywhere, p != nil && p.GrantID == id, func() error {
			return d.cfg.Store.UnpairOne(id, "unpaired", everywhere, d.cfg.KeepPhotos)
		})
	})
}

// forget makes a change of the store after which somebody is forgotten.
func (d *Device) forget(everywhere, midPick bool, change func() error) error {
	// Also where it failed half-way: there may be something to be done.
	defer wake(d.sweepNow)
	defer wake(d.slideNow)
	if err := change(); err != nil {
		return &storeError{err}
	}
	if midPick {
		d.tally.pick("unpaired")
	}
	d.wanted, d.newcomer = false, false
	d.screen.update(func(v *view) {
		v.receipt, v.problem, v.overdue, v.menu = nil, nil, false, menu{}
		v.visit, v.remote = rand.Text(), remoteKey{} // browsers drop what they keep, and phones their remote
	})
	d.log.Info("account forgotten", "everywhere", everywhere)
	return nil
}

// revokeToo adds a revocation to accounts that were forgotten on this box only
// and are not gone yet. The code on the screen, which may be approved by the same
// person, goes as soon as the facts are read again. Its error is ErrNotPaired.
func (d *Device) revokeToo(everywhere bool) error {
	grants, err := d.cfg.Store.Grants.All()
	if err != nil {
		return &storeError{err}
	}
	some := false
	for _, g := range grants {
		if !everywhere || !g.Retired || g.Dead {
			continue
		}
		err := d.cfg.Store.Grants.Update(g.ID, func(g *store.Grant) { g.Revoke = true })
		switch {
		case errors.Is(err, store.ErrNotFound): // in this very moment
			continue
		case err != nil:
			return &storeError{err}
		}
		some = true
	}
	if !some {
		return ErrNotPaired
	}
	wake(d.sweepNow)
	return nil
}

// accountWait is how long the name of an account is worth waiting for.
const accountWait = 5 * time.Second

// mergeAccounts ends the older pairings of people who have paired again. The loop
// alone does that.
func (d *Device) mergeAccounts() {
	grants, err := d.cfg.Store.Grants.All()
	newest := map[string]string{} // grants by account
	for _, g := range slices.Backward(inForce(grants)) {
		by := newest[g.Account]
		switch {
		case g.Account == "":
		case by == "":
			newest[g.Account] = g.ID
		default:
			if err = errors.Join(err, d.cfg.Store.Supersede(g.ID, by)); err == nil {
				d.log.Info("the same account was paired again")
				wake(d.sweepNow)
			}
		}
	}
	if err != nil {
		d.log.Warn("an account is paired twice", "err", err)
	}
}

// learnAccount asks who has signed in where the operator wants that to be told
// and the token did not say. No wish cuts it short.
func (d *Device) learnAccount(g *store.Grant) {
	c := d.clientOf(g)
	if g.Account != "" || g.AccessToken == "" || c.UserinfoURL == "" || !slices.Contains(c.Scopes, "email") {
		return
	}
	ctx, cancel := context.WithTimeout(d.life, accountWait)
	defer cancel()
	who, err := c.Account(ctx, oauthdevice.Secret(g.AccessToken))
	if err == nil && who != "" {
		err = d.cfg.Store.Grants.Update(g.ID, func(g *store.Grant) {
			if g.InForce() { // not of who has gone meanwhile
				g.Account = who
			}
		})
	}
	if err != nil {
		d.log.Warn("the name of the account is not known", "err", err)
	}
}

// ErrForgetting means that Google is still to be told to forget the last
// account, which would take the next one's permission with it.
var ErrForgetting = errors.New("the last account is still being forgotten at Google")

// revokeWait is how long the first try to revoke may keep the next person
// waiting in silence.
const revokeWait = 10 * time.Second

// awaitRevocation hurries the sweeper, and takes what had to wait with it.
func (d *Device) awaitRevocation(ctx context.Context) error {
	d.revocations.wait(true)
	wake(d.sweepNow)
	ctx, cancel := context.WithTimeout(ctx, revokeWait)
	defer cancel()
	for s := range d.Statuses().Watch(ctx) {
		if s.Outstanding == nil || !s.Outstanding.Revocation {
			d.revocations.wait(false)
			return d.provision()
		}
	}
	if err := context.Cause(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return d.revocations.why()
}

// lose notes that the server no longer accepts a grant.
func (d *Device) lose(g *store.Grant) error {
	d.log.Warn("grant lost", "why", oauthdevice.InvalidGrant)
	warning := ""
	if looksLikeTesting(g, d.clock.stamp()) {
		warning = "testing_project"
		p := notices[warning].problem()
		d.log.Warn(p.Message + " " + p.Remedy)
	}
	d.dropSource(g.ID)
	wake(d.sweepNow)
	if err := d.cfg.Store.Grants.MarkDead(g.ID, "grant lost", warning); err != nil {
		return &storeError{err}
	}
	if p := d.facts.pick; p != nil && p.GrantID == g.ID {
		d.tally.pick("grant lost")
	}
	if d.cfg.ForgetAfter > 0 { // the next one must not see what is theirs
		return d.forgetAll(true)
	}
	return nil
}

// Google ends refresh tokens of projects in Testing seven days after consent.
const (
	testingLife  = 7 * 24 * time.Hour
	testingSlack = 12 * time.Hour
)

// looksLikeTesting reports whether a grant that is found dead now died as those
// of a project in Testing do: its last access token is from before the seventh
// day's end, and the discovery from about then.
func looksLikeTesting(g *store.Grant, now time.Time) bool {
	age, used := now.Sub(g.PairedAt), g.ExpiresAt.Sub(g.PairedAt)
	return age > testingLife-testingSlack && age < testingLife+2*testingSlack && used < testingLife+testingSlack
}

// Outstanding is what of forgotten accounts is still to be told to the server.
type Outstanding struct {
	Sessions   int  `json:"sessions"`   // to be deleted
	Revocation bool `json:"revocation"` // of a token
}

// outstanding counts what the sweeper still has to do for grants that were
// retired; nil when there is nothing.
func outstanding(grants []store.Grant, picks []store.Pick) *Outstanding {
	var o Outstanding
	found := false
	for _, g := range grants {
		if !g.Retired || g.Dead {
			continue
		}
		found = true
		o.Revocation = o.Revocation || g.Revoke
		for _, p := range picks {
			if p.GrantID == g.ID {
				o.Sessions++
			}
		}
	}
	if !found {
		return nil
	}
	return &o
}
