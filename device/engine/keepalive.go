package engine

import (
	"context"
	"hash/fnv"
	"log/slog"
	"time"

	"pickerd/store"
)

// A keepalive refreshes the tokens that nobody uses: Google ends those that are not
// used for six months. A grant that is found lost is told at once, not when
// somebody wants to choose photos. Its goroutine owns the field next.
type keepalive struct {
	store    *store.Store
	accounts *accounts
	log      *slog.Logger
	lose     func(ctx context.Context, g *store.Grant, why error) // tells the loop that a grant is lost
	born     time.Time
	next     map[string]time.Time // by grant: no refresh before that
}

func newKeepalive(e *Engine) *keepalive {
	return &keepalive{store: e.cfg.Store, accounts: e.accounts, log: e.log, lose: e.loseLater, born: time.Now(), next: map[string]time.Time{}}
}

// run refreshes tokens until ctx ends.
func (k *keepalive) run(ctx context.Context) {
	logged := newRepeats(k.log)
	for pause(ctx, keepaliveCheck) {
		grants, err := k.store.Grants.All()
		for _, g := range inForce(grants) {
			if ctx.Err() != nil {
				return
			}
			if k.isDue(&g) {
				err = k.refresh(ctx, &g)
			}
		}
		if ctx.Err() == nil {
			logged.warn("token not refreshed", err)
		}
	}
}

// isDue reports whether a grant is to be refreshed now.
func (k *keepalive) isDue(g *store.Grant) bool {
	now := time.Now()
	if now.Before(k.next[g.ID]) {
		return false
	}
	now = now.Round(0) // what is on disk is wall-clock time
	if g.ExpiresAt.After(now.Add(keepaliveRetry)) {
		// The clock is wrong, or was. Only this process's time counts.
		return time.Since(k.born) >= keepaliveRetry
	}
	due := g.ExpiresAt.Add(keepaliveInterval - jitter(g.ID, keepaliveInterval/5))
	// A project in Testing is recognised by what happens at the end of the week.
	if week := g.PairedAt.Add(testingLife + time.Hour + jitter(g.ID, testingSlack)); g.ExpiresAt.Before(week) {
		due = earliest(due, week)
	}
	return !now.Before(due)
}

// refresh refreshes a grant once. A failure is tried again a day later.
func (k *keepalive) refresh(ctx context.Context, g *store.Grant) error {
	k.next[g.ID] = time.Now().Add(keepaliveRetry)
	callCtx, cancel := callContext(ctx)
	defer cancel()
	err := k.accounts.source(g).Refresh(callCtx)
	switch {
	case err == nil:
		k.log.Info("token refreshed", "why", "not used for a week")
	case k.accounts.methods.isLost(g, err):
		k.lose(ctx, g, err)
		return nil
	}
	return err
}

// jitter returns a time below most that differs between grants, so that boxes which
// were paired together do not ask together.
func jitter(grantID string, most time.Duration) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(grantID))
	return time.Duration(h.Sum64() % uint64(most))
}
