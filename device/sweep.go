package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

const (
	// sweepLongest is the longest pause of the sweeper: nobody waits for it,
	// but a session should not outlive an outage by much.
	sweepLongest = 5 * time.Minute
	// sessionLife is how long Google keeps a session that nobody deletes.
	sessionLife = 7 * 24 * time.Hour
)

// sweeper deletes the sessions of picks that are over, until ctx ends.
func (d *Device) sweeper(ctx context.Context) {
	tried := map[string]string{} // pick → the grant, not its own, that failed on it
	for n := 0; ; {
		left := d.sweep(ctx, tried)
		n++
		if left == 0 {
			n = 0
		}
		wait := min(backoff(n)*time.Duration(max(1, n-4)), sweepLongest)
		if left == 0 {
			wait = time.Hour
		}
		if asked := d.sweepBreak; asked > 0 {
			// Nobody's wish makes a server that asks for a break faster.
			d.sweepBreak = 0
			if !pause(ctx, asked) {
				return
			}
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-d.sweepNow:
			t.Stop()
		case <-t.C:
		}
	}
}

// sweep tries each pick that is over once and returns how many are worth
// another try soon.
func (d *Device) sweep(ctx context.Context, tried map[string]string) (left int) {
	picks, err := d.cfg.Store.Picks.All()
	if err != nil {
		d.log.Error("sweep", "err", err)
		return 1
	}
	grants, err := d.cfg.Store.Grants.All()
	if err != nil {
		d.log.Error("sweep", "err", err)
		return 1
	}
	byID := make(map[string]*store.Grant, len(grants))
	for i := range grants {
		byID[grants[i].ID] = &grants[i]
	}
	held := map[string]int{} // picks that still need a grant
	for _, p := range picks {
		if ctx.Err() != nil {
			return 1
		}
		if p.EndReason != "" && d.sweepPick(ctx, byID[p.GrantID], p, tried) {
			d.screen.update(func(v *view) { v.deleted(p.RequestID) })
			wake(d.slideNow) // the receipt's time begins
			continue
		}
		held[p.GrantID]++
		if p.EndReason != "" && d.grantFor(byID[p.GrantID], p, tried) != nil {
			left++
		}
	}
	for _, g := range grants {
		if !g.Retired && !g.Dead || g.Locked {
			continue
		}
		// Sessions that can't be deleted end by themselves; the next person
		// does not wait for that.
		settled := held[g.ID] == 0 || g.Revoke && d.revocations.over(g.ID)
		if settled && !d.forgetGrant(ctx, g.ID) {
			left++
		}
	}
	d.countPicks()
	return left
}

// countPicks makes the number of sessions that wait for their deletion visible.
// It reads under the screen's lock: of two goroutines that count, the later one
// has read later too.
func (d *Device) countPicks() {
	d.screen.update(d.countInto)
}

func (d *Device) countInto(v *view) {
	stored, err := d.cfg.Store.Facts()
	if err != nil {
		return
	}
	v.countSessions(stored.Picks)
	v.outstanding = outstanding(stored.Grants, stored.Picks)
}

// sweepPick deletes a pick's session and reports whether its record is gone.
func (d *Device) sweepPick(ctx context.Context, own *store.Grant, p store.Pick, tried map[string]string) bool {
	if p.SessionID == "" && !p.CreateSent {
		return d.forgetPick(p) // Google never heard of it
	}
	log := d.log.With("request_id", p.RequestID, "session_id", p.SessionID)
	if d.sweepUnder(ctx, own, p, tried, log) {
		return d.forgetPick(p)
	}
	if ctx.Err() == nil && d.expired(&p) {
		log.Warn("session left to expire", "reason", "it could not be deleted in time")
		d.tally.deletion("expired")
		return d.forgetPick(p)
	}
	return false
}

// sweepUnder tries to delete a session under its own grant, or under the one in
// force where that is dead, and reports whether it is known to be gone.
func (d *Device) sweepUnder(ctx context.Context, own *store.Grant, p store.Pick, tried map[string]string, log *slog.Logger) bool {
	g := d.grantFor(own, p, tried)
	if g == nil {
		return false
	}
	if p.SessionID == "" {
		return g == own && d.sweepIntent(ctx, g, p)
	}
	err := d.api(g).DeleteSession(ctx, p.SessionID)
	e, _ := errors.AsType[*picker.Error](err)
	switch {
	case err == nil, e != nil && e.Code == picker.NotFound && g == own:
		log.Info("session deleted", "reason", p.EndReason)
		d.tally.deletion("deleted")
		return true
	case isInvalidGrant(err):
		d.loseLater(ctx, g)
	case ctx.Err() == nil:
		d.sweepBreak = max(d.sweepBreak, retryAfter(err))
		if own != nil && own.Revoke {
			d.revocations.failed(own.ID, err, answers(err))
		}
		d.logOnce(p.RequestID, "session not deleted yet", "err", err, "request_id", p.RequestID, "session_id", p.SessionID)
		if g != own && e != nil && !e.Temporary() {
			tried[p.RequestID] = g.ID
		}
	}
	return false
}

// grantFor returns the grant to delete a session with, nil when there is none:
// its own, or else the one in force, perhaps another person's, which is worth
// asking until it has said no.
func (d *Device) grantFor(own *store.Grant, p store.Pick, tried map[string]string) *store.Grant {
	if own != nil && !own.Dead {
		return own
	}
	current, err := d.cfg.Store.Grants.Current()
	if err != nil || current == nil || p.SessionID == "" || tried[p.RequestID] == current.ID {
		return nil
	}
	return current
}

// sweepIntent deals with a pick that may or may not have a session: the same
// requestId asks Google for the one that an answer we never saw has made.
func (d *Device) sweepIntent(ctx context.Context, g *store.Grant, p store.Pick) bool {
	_, err := d.create(ctx, g, &p)
	if err == nil {
		wake(d.sweepNow) // the record now has a session to delete
		return false
	}
	if isInvalidGrant(err) {
		d.loseLater(ctx, g)
		return false
	}
	d.sweepBreak = max(d.sweepBreak, retryAfter(err))
	e, _ := errors.AsType[*picker.Error](err)
	if e == nil || !deniesSession(e.Code) {
		return false // it may be there: the API is switched off, or the network is not Google's
	}
	d.log.Info("intent dropped", "err", err, "request_id", p.RequestID)
	return true
}

// deniesSession reports whether an answer to sessions.create means that there is
// no session for that requestId, or none that could ever be named.
func deniesSession(code string) bool {
	switch code {
	case picker.AlreadyExists, picker.InvalidArgument, picker.FailedPrecondition, picker.NotFound:
		return true
	}
	return false
}

// expired reports whether Google has let a session end by itself. This box's own
// clock is no proof of that. Where the end is not known because the session's
// answer never came, it is counted from the first time that is sure.
func (d *Device) expired(p *store.Pick) bool {
	now, sure := d.clock.now()
	if !sure {
		return false
	}
	if p.ExpireTime.IsZero() {
		err := d.updatePick(p.RequestID, func(p *store.Pick) { p.ExpireTime = now.Add(sessionLife) })
		if err != nil {
			d.log.Error("sweep", "err", err, "request_id", p.RequestID)
		}
		return false
	}
	return now.After(p.ExpireTime.Add(time.Hour))
}

func (d *Device) forgetPick(p store.Pick) bool {
	if err := d.cfg.Store.Picks.Delete(p.RequestID); err != nil {
		d.log.Error("sweep", "err", err, "request_id", p.RequestID)
		return false
	}
	d.made.put(p.RequestID, nil)
	return true
}

// loseLater tells the loop, which owns the facts, that a grant is dead.
func (d *Device) loseLater(ctx context.Context, g *store.Grant) {
	_ = d.ask(ctx, func() error {
		p := d.facts.pick
		if err := d.lose(g); err != nil {
			return err
		}
		if p != nil && p.GrantID == g.ID && !p.Done {
			d.wanted, d.newcomer = true, true // somebody is choosing
		}
		return nil
	})
}

// logOnce leaves out what was the last word about a thing already: the sweeper
// goes on for days.
func (d *Device) logOnce(about, msg string, args ...any) {
	line := fmt.Sprint(msg, args)
	if d.said[about] == line {
		return
	}
	if d.said == nil || len(d.said) > 1000 {
		d.said = map[string]string{}
	}
	d.said[about] = line
	d.log.Warn(msg, args...)
}

// forgetGrant erases a grant that nothing needs any more, after revoking it
// where the person asked for that.
func (d *Device) forgetGrant(ctx context.Context, id string) bool {
	g, err := d.cfg.Store.Grants.Get(id) // deleting sessions may have rotated its token
	if err != nil {
		d.log.Error("sweep", "err", err)
		return false
	}
	bye := &farewell{asked: g.Revoke && !g.Dead}
	if bye.asked {
		callCtx, cancel := callContext(ctx)
		defer cancel()
		err := d.clientOf(g).Revoke(callCtx, oauthdevice.Secret(cmp.Or(g.RefreshToken, g.AccessToken)))
		if err != nil && isTemporary(err) {
			d.sweepBreak = max(d.sweepBreak, retryAfter(err))
			// That the one endpoint is silent is no proof of an outage.
			d.revocations.failed(id, err, answers(err) || d.revocations.isWaiting() && d.clientOf(g).Reachable(callCtx))
			if !d.revocations.over(id) {
				d.logOnce(id, "token not revoked yet", "err", err)
				return false
			}
		}
		if bye.revoked = err == nil; bye.revoked {
			d.log.Info("token revoked")
		} else {
			d.log.Warn("the server refuses to revoke the token", "err", err)
		}
	}
	d.dropSource(g.ID)
	// At once, so that nobody sees an account that is gone without a word of how.
	d.screen.update(func(v *view) {
		if err = d.cfg.Store.Grants.Delete(g.ID); err == nil && g.Retired {
			bye.since, v.farewell = time.Now(), bye
		}
	})
	if err != nil {
		d.log.Error("sweep", "err", err)
		return false
	}
	d.log.Info("grant erased")
	wake(d.slideNow) // a farewell's time begins
	return true
}
