package engine

import (
	"context"
	"log/slog"
	"time"

	"pickerd/picker"
	"pickerd/store"
)

const (
	// lateFor is how long a session is polled after it has left the screen.
	lateFor = 30 * time.Minute
	// maxReplaced bounds how many sessions of one account are polled that have left
	// the screen: Google limits how many may be open.
	maxReplaced = 15
)

// A replacedSessions polls the sessions that have left the screen while somebody
// may still be choosing in one of them. That they are to be polled is on disk.
type replacedSessions struct {
	engine *Engine
	store  *store.Store
	log    *slog.Logger
	woken  chan struct{} // level trigger
	logged *repeats
}

func newReplacedSessions(e *Engine) *replacedSessions {
	return &replacedSessions{engine: e, store: e.cfg.Store, log: e.log, woken: make(chan struct{}, 1), logged: newRepeats(e.log)}
}

// add notes that a pick leaves the screen. until is when polling of it had to stop.
func (r *replacedSessions) add(p *store.Pick, until time.Time) error {
	e := r.engine
	end := e.clock.stampOf(latest(until, time.Now()).Add(lateFor))
	if !p.ExpireTime.IsZero() {
		end = earliest(end, p.ExpireTime)
	}
	r.log.Info("pick replaced", "reason", "time-out", "request_id", p.RequestID, "session_id", p.SessionID)
	err := e.records.updatePick(p.RequestID, func(p *store.Pick) {
		p.Replaced, p.PollUntil, p.PickerURI = true, end, "" // nobody is shown the link any more
	})
	if err != nil {
		return err
	}
	wake(r.woken)
	picks, err := r.list()
	if err != nil {
		return err
	}
	if oldest, n := oldestOf(picks, p.GrantID); n > maxReplaced {
		return r.end(oldest, "time-out")
	}
	return nil
}

// makeRoom ends the oldest session of an account that has left the screen, so that
// another one can be created.
func (r *replacedSessions) makeRoom(grantID string) error {
	picks, err := r.list()
	if err != nil {
		return err
	}
	oldest, _ := oldestOf(picks, grantID)
	if oldest == nil {
		return nil
	}
	return r.end(oldest, "too many sessions")
}

// oldestOf returns the first pick of a grant that waits for Done, nil if there is
// none, and their number.
func oldestOf(picks []store.Pick, grantID string) (oldest *store.Pick, n int) {
	for i := range picks {
		p := &picks[i]
		if p.GrantID != grantID || p.Done {
			continue
		}
		if n++; oldest == nil {
			oldest = p
		}
	}
	return oldest, n
}

func (r *replacedSessions) end(p *store.Pick, reason string) error {
	err := r.engine.records.endPick(p, reason)
	r.engine.sweeper.wake()
	return err
}

// list returns the picks to poll, oldest first.
func (r *replacedSessions) list() (list []store.Pick, err error) {
	picks, err := r.store.Picks.All()
	if err != nil {
		return nil, storeError(err)
	}
	for _, p := range picks {
		if p.Live() && p.Replaced {
			list = append(list, p)
		}
	}
	return list, nil
}

// run polls until ctx ends. Each interval it polls one session, however many there
// are.
func (r *replacedSessions) run(ctx context.Context) {
	var asked time.Duration // by a server
	for turn, failures := 0, 0; ; turn++ {
		picks, err := r.list()
		if err == nil && len(picks) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-r.woken:
				continue
			}
		}
		interval := picker.DefaultPollInterval
		for _, p := range picks {
			interval = max(interval, p.Interval)
		}
		if failures > 0 {
			interval = max(interval, backoff(failures))
		}
		// The last poll may have been a moment ago, also before a restart.
		if !pause(ctx, max(interval, asked)) {
			return
		}
		if err == nil {
			err = r.poll(ctx, picks[turn%len(picks)].RequestID)
		}
		r.logged.warn("replaced session not polled", err)
		asked = retryAfter(err)
		if failures++; err == nil {
			failures = 0
		}
	}
}

// poll asks once whether the person is done with a pick.
func (r *replacedSessions) poll(ctx context.Context, requestID string) error {
	e := r.engine
	known, err := r.store.Facts() // it may have ended meanwhile
	if err != nil {
		return storeError(err)
	}
	f := factsOf(known)
	p := pickOf(known.Picks, requestID)
	if p == nil || !p.Live() || !p.Replaced {
		return nil
	}
	g := f.account(p.GrantID)
	if g == nil {
		return r.end(p, "gone")
	}
	if p.Done {
		if now := f.pick; now != nil && (now.Done || now.GrantID != p.GrantID) {
			return nil // a request would stop what is under way
		}
		return r.take(ctx, requestID)
	}
	s, err := e.accounts.api(g).GetSession(ctx, p.SessionID)
	if ctx.Err() != nil {
		return nil
	}
	gone, gerr := e.records.isGone(p, err)
	if gerr != nil {
		return gerr
	}
	over := !e.clock.stamp().Before(p.PollUntil)
	switch {
	case err == nil && s.MediaItemsSet:
		return r.take(ctx, requestID)
	case err == nil && over:
		return r.end(p, "time-out")
	case gone, over && isRefusal(err):
		return r.end(p, "gone")
	case e.methods.isLost(g, err):
		e.loseLater(ctx, g, err)
		return nil
	}
	return err
}

// take makes a pick that the person is done with the current one. While another one
// is fetched, or somebody else is choosing, it waits.
func (r *replacedSessions) take(ctx context.Context, requestID string) error {
	e := r.engine
	return e.ask(ctx, func() error {
		p := pickOf(e.facts.Picks, requestID)
		if p == nil || !p.Live() {
			return nil
		}
		if now := e.facts.pick; now != nil && (now.Done || now.GrantID != p.GrantID) {
			if p.Done {
				return nil
			}
			return e.records.updatePick(requestID, func(p *store.Pick) { p.Done = true })
		}
		e.pickRequested = e.pickRequested && e.newAccount
		e.pulse.progress()
		return e.records.choosePick(p)
	})
}

// pickOf returns the pick with a request ID, nil if there is none.
func pickOf(picks []store.Pick, requestID string) *store.Pick {
	for i := range picks {
		if picks[i].RequestID == requestID {
			return &picks[i]
		}
	}
	return nil
}
