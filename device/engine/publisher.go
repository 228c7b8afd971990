package engine

import (
	"maps"
	"reflect"
	"sync"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/store"
)

// A publisher owns the newest Snapshot. It never touches the disk.
type publisher struct {
	board display.Board[device.Snapshot]

	mu        sync.Mutex
	version   int64                          // of the store, that the counts are from
	spent     map[device.State]time.Duration // in each state, before the current one began
	forgotten *device.Forgotten              // to be published when the account is gone
	pairing   *store.Pairing                 // that the snapshot's code is of
	onPhone   string                         // requestId of the pick that a phone was led to
}

// newPublisher returns a publisher that goes on where c ended, nil for a new start.
func newPublisher(c *device.Carryover) *publisher {
	p := &publisher{spent: map[device.State]time.Duration{}}
	first := device.Snapshot{Seq: 1, State: device.Starting, Since: time.Now()}
	if c != nil {
		maps.Copy(p.spent, c.Tally.States)
		// It stands for its whole time: no screen showed it while the program started anew.
		if c.Forgotten != nil {
			first.Forgotten = &device.Forgotten{Revocation: c.Forgotten.Revocation, At: first.Since}
		}
		if !c.Since.IsZero() {
			first.State, first.Since = device.Pairing, c.Since
		}
	}
	p.board.Set(first)
	return p
}

// carryover returns what another process needs to go on.
func (p *publisher) carryover(t device.Tally) *device.Carryover {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.board.Get()
	c := &device.Carryover{Forgotten: now.Forgotten, Tally: t}
	c.Tally.States = maps.Clone(p.spent)
	if now.State == device.Pairing {
		c.Since = now.Since
	} else {
		c.Tally.States[now.State] += time.Since(now.Since)
	}
	return c
}

// update changes the snapshot and publishes it if it is another one.
func (p *publisher) update(change func(*device.Snapshot)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.updateLocked(change)
}

func (p *publisher) updateLocked(change func(*device.Snapshot)) {
	old := p.board.Get()
	n := old
	change(&n)
	if n.State != old.State {
		now := time.Now()
		p.spent[old.State] += now.Sub(old.Since)
		n.Since = now
	}
	if reflect.DeepEqual(n, old) {
		return
	}
	n.Seq++
	p.board.Set(n)
}

// enter publishes the facts. It returns the states before and after it.
func (p *publisher) enter(f facts, change func(*device.Snapshot)) (from, to device.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from = p.board.Get().State
	p.pairing = f.pairing
	p.updateLocked(func(n *device.Snapshot) {
		change(n)
		if n.Pick != nil {
			n.Pick.OnPhone = n.Pick.RequestID == p.onPhone
		}
		p.countLocked(n, f.Facts)
		to = n.State
	})
	return from, to
}

// count publishes what is on disk: sessions, what is outstanding, and the
// collection.
func (p *publisher) count(known store.Facts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.updateLocked(func(n *device.Snapshot) { p.countLocked(n, known) })
}

// countLocked takes over counts unless newer ones were taken already.
func (p *publisher) countLocked(n *device.Snapshot, known store.Facts) {
	if known.Version < p.version {
		return
	}
	p.version = known.Version
	n.Library, n.Sessions = libraryOf(known.Library), countSessions(known.Picks)
	n.Outstanding = outstanding(known.Grants, known.Picks)
	if n.Outstanding == nil {
		p.forgottenLocked(n)
	}
}

// setForgotten says how forgetting an account is about to end; nil takes it back.
func (p *publisher) setForgotten(f *device.Forgotten) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgotten = f
}

// publishForgotten publishes how forgetting an account has ended, unless that is
// done.
func (p *publisher) publishForgotten() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.updateLocked(p.forgottenLocked)
}

func (p *publisher) forgottenLocked(n *device.Snapshot) {
	if p.forgotten != nil {
		n.Forgotten, p.forgotten = p.forgotten, nil
		n.Forgotten.At = time.Now()
	}
}

// hasProblem reports whether a problem is shown.
func (p *publisher) hasProblem() bool { return p.board.Get().Problem != nil }

// succeeded ends the problem whose notice waits for a success.
func (p *publisher) succeeded(what success) {
	p.update(func(n *device.Snapshot) {
		if n.Problem != nil && notices[n.Problem.Code].Until == what {
			n.Problem = nil
		}
	})
}

// attempted ends the problem of an earlier attempt if err is nil: somebody has begun
// anew, or has given up. A problem of the disk is of nobody's attempt. It returns err.
func (p *publisher) attempted(err error) error {
	if err == nil {
		p.update(func(n *device.Snapshot) {
			if n.Problem != nil && !n.Problem.Disk {
				n.Problem = nil
			}
		})
	}
	return err
}

// setOnPhone notes that a phone was led to a pick.
func (p *publisher) setOnPhone(requestID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onPhone = requestID
	p.updateLocked(func(n *device.Snapshot) {
		if n.Pick != nil && n.Pick.RequestID == requestID {
			pick := *n.Pick
			pick.OnPhone = true
			n.Pick = &pick
		}
	})
}

// currentPairing returns the pairing in progress, nil if there is none.
func (p *publisher) currentPairing() *store.Pairing {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pairing
}

// concerns reports whether a pairing or its pick is in progress.
func (p *publisher) concerns(requestID string) bool {
	for q := p.currentPairing(); q != nil; q = q.Previous {
		if q.RequestID == requestID {
			return true
		}
	}
	pick := p.board.Get().Pick
	return pick != nil && pick.RequestID == requestID
}

// timeInStates returns how long each state has lasted in all.
func (p *publisher) timeInStates() map[device.State]time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	spent, now := maps.Clone(p.spent), p.board.Get()
	spent[now.State] += time.Since(now.Since)
	return spent
}
