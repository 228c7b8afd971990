package engine

import (
	"context"
	"log/slog"
	"time"

	"pickerd/oauthdevice"
	"pickerd/store"
)

// A handover tells the server that issued a token that the token is stored, and
// where the phone goes on. Both are a duty on disk and best effort: without the
// first the server keeps its copy until that expires, without the second the
// person scans a second code.
type handover struct {
	store   *store.Store
	methods *methods
	clock   *clock
	pub     *publisher
	log     *slog.Logger
	woken   chan struct{} // level trigger
}

func newHandover(e *Engine) *handover {
	return &handover{store: e.cfg.Store, methods: e.methods, clock: e.clock, pub: e.pub, log: e.log, woken: make(chan struct{}, 1)}
}

// wake makes the handover look now.
func (h *handover) wake() { wake(h.woken) }

// run works until ctx ends.
func (h *handover) run(ctx context.Context) {
	logged := newRepeats(h.log)
	for n := 1; ; n++ {
		next, err := h.work(ctx)
		logged.warn("gateway not told yet", err)
		if err == nil {
			n = 0
		} else {
			next = max(backoff(n), retryAfter(err))
		}
		if !h.wait(ctx, next) {
			return
		}
	}
}

// wait waits until it is woken, or for a time unless that is 0. It reports whether
// ctx goes on.
func (h *handover) wait(ctx context.Context, d time.Duration) bool {
	var due <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-h.woken:
	case <-due:
	}
	return true
}

// work tries what is due for each grant once. It returns the first error after
// which it is to be tried again, and otherwise when something expires; 0 for
// nothing.
func (h *handover) work(ctx context.Context) (next time.Duration, err error) {
	grants, err := h.store.Grants.All()
	if err != nil {
		return 0, storeError(err)
	}
	for _, g := range grants {
		if g.Handover == nil {
			continue
		}
		if herr := h.advance(ctx, &g); herr != nil && err == nil {
			err = herr
		}
		if g.Handover != nil {
			if left := g.Handover.Until.Sub(h.clock.stamp()); next == 0 || left < next {
				next = max(left, time.Second)
			}
		}
	}
	return next, err
}

// advance does what is due for one grant, and takes it off the record. Its error
// is worth another try.
func (h *handover) advance(ctx context.Context, g *store.Grant) error {
	ho := g.Handover
	if !h.clock.stamp().Before(ho.Until) {
		return h.change(g, func(*store.Handover) bool { return false })
	}
	code := oauthdevice.Secret(ho.DeviceCode)
	if ho.ReceivedURL != "" {
		err := h.tell(ctx, "received", func(ctx context.Context) error { return h.methods.clientOf(g).Received(ctx, ho.ReceivedURL, code) })
		if err != nil {
			return err
		}
		if err := h.change(g, func(o *store.Handover) bool { o.ReceivedURL = ""; return o.ContinueURL != "" }); err != nil {
			return err
		}
	}
	if ho = g.Handover; ho == nil {
		return nil
	}
	pick, over, err := h.pickOf(g)
	switch {
	case err != nil:
		return err
	case over:
		return h.change(g, func(*store.Handover) bool { return false })
	case pick == nil:
		return nil // it is made next, and wakes the handover
	}
	var told bool
	err = h.tell(ctx, "continue", func(ctx context.Context) error {
		err := h.methods.clientOf(g).Continue(ctx, ho.ContinueURL, code, oauthdevice.Secret(pick.PickerURI))
		told = err == nil
		return err
	})
	if err != nil {
		return err
	}
	if told {
		h.pub.setOnPhone(pick.RequestID)
	}
	return h.change(g, func(*store.Handover) bool { return false })
}

// tell makes one request. A refusal is final and therefore no error.
func (h *handover) tell(ctx context.Context, what string, request func(context.Context) error) error {
	call, cancel := callContext(ctx)
	defer cancel()
	err := request(call)
	if err == nil || isTemporary(err) {
		return err
	}
	h.log.Warn("gateway refuses to be told", "what", what, "err", err)
	return nil
}

// pickOf returns the session that a grant's phone can go on to, nil if there is
// none yet. over means that the person has chosen already.
func (h *handover) pickOf(g *store.Grant) (pick *store.Pick, over bool, err error) {
	picks, err := h.store.Picks.All()
	if err != nil {
		return nil, false, storeError(err)
	}
	for _, p := range picks {
		switch {
		case p.GrantID != g.ID || p.EndReason != "" && !p.Done:
		case p.Done:
			return nil, true, nil
		case p.PickerURI != "":
			pick = &p
		}
	}
	return pick, false, nil
}

// change changes the record of a handover, and erases it if keep returns false.
func (h *handover) change(g *store.Grant, keep func(*store.Handover) bool) error {
	err := h.store.Grants.Update(g.ID, func(stored *store.Grant) {
		if stored.Handover != nil && !keep(stored.Handover) {
			stored.Handover = nil
		}
		g.Handover = stored.Handover
	})
	if err != nil {
		g.Handover = nil
		return storeError(err)
	}
	return nil
}
