package engine

import (
	"errors"
	"fmt"
	"log/slog"

	"pickerd/device"
	"pickerd/store"
)

// forget forgets an account, or with "" everybody. The tokens are erased as soon
// as the sessions created with them are deleted, with everywhere they are also
// revoked at the server, and the photos are erased unless they are to be kept.
// Without a network the rest is outstanding and done later. Other accounts stay
// paired and keep their photos.
func (e *Engine) forget(account string, everywhere bool) error {
	f := e.facts
	switch {
	case account == "" && f.grant == nil && (f.Library.Photos == 0 || e.cfg.KeepPhotos) && !e.cfg.Store.KeyLost() && (f.pairing == nil || !f.pairing.Answered()):
		return e.sweeper.revokeForgotten(e.facts.Grants, everywhere)
	case account == "":
		return e.forgetAll(everywhere)
	case f.account(account) == nil:
		return device.ErrNoAccount
	case len(f.accounts) == 1:
		return e.forgetAll(everywhere)
	}
	return e.afterForgetting(everywhere, f.pick != nil && f.pick.GrantID == account, func() error {
		return e.cfg.Store.UnpairOne(account, "unpaired", everywhere, e.cfg.KeepPhotos)
	})
}

func (e *Engine) forgetAll(everywhere bool) error {
	return e.afterForgetting(everywhere, e.facts.pick != nil, func() error {
		return e.cfg.Store.Unpair("unpaired", everywhere, e.cfg.KeepPhotos)
	})
}

// afterForgetting makes a change of the store and what follows from it.
func (e *Engine) afterForgetting(everywhere, endsPick bool, change func() error) error {
	// Also if it failed half-way: there may be something to be done.
	defer e.sweeper.wake()
	defer e.cfg.PhotosChanged()
	if err := change(); err != nil {
		return storeError(err)
	}
	if endsPick {
		e.pickEnded(e.facts.pick.RequestID, "unpaired")
	}
	e.wish = wish{}
	e.pub.update(func(n *device.Snapshot) {
		n.Receipt, n.LastPick, n.Problem = nil, nil, nil
		n.Generation++
	})
	e.log.Info("account forgotten", "everywhere", everywhere)
	return nil
}

// revokeForgotten adds a revocation to accounts that were forgotten on this box
// only and are not gone yet. The code on the screen, which the same person may
// approve, goes as soon as the facts are read again. Its error is
// device.ErrNotPaired.
func (s *sweeper) revokeForgotten(grants []store.Grant, everywhere bool) error {
	some := false
	for _, g := range grants {
		if !everywhere || !g.Retired || g.Dead {
			continue
		}
		err := s.store.Grants.Update(g.ID, func(g *store.Grant) { g.Revoke = true })
		switch {
		case errors.Is(err, store.ErrNotFound): // just now
			continue
		case err != nil:
			return storeError(err)
		}
		some = true
	}
	if !some {
		return device.ErrNotPaired
	}
	s.wake()
	return nil
}

// ForgetGuest erases what a guest has left in a state directory, before anything
// of it can be shown: after a power cut the next person is another one. What
// Google must still be told stays until that is done.
func ForgetGuest(st *store.Store, log *slog.Logger) error {
	known, err := st.Facts()
	if err != nil {
		return err
	}
	if err := st.DeleteDamaged(); err != nil {
		return err
	}
	if len(inForce(known.Grants)) == 0 && known.Pairing == nil && known.Library.Photos == 0 && known.Collections == nil && !st.KeyLost() {
		return nil
	}
	if err := st.Unpair("guest gone", true, false); err != nil {
		return fmt.Errorf("forget the last guest: %w", err)
	}
	log.Info("account forgotten", "everywhere", true, "why", "guests do not return after a restart")
	return nil
}
