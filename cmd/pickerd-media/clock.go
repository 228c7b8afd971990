package main

import (
	"sync"
	"time"
)

const (
	// maxSlew is how much faster or slower than this computer's clock a film may run, to
	// follow the clock of a sound card: a part of 2000, which nobody hears. Cards differ by
	// a part of 10,000. A sound device that takes everything at once has no clock.
	maxSlew = 2000
	// maxBehind is how far sound may be behind the frames before these wait for it.
	maxBehind = 40 * time.Millisecond
)

// A clock says how far a film is. It runs with this computer's clock, and follows the
// sound when there is some.
type clock struct {
	now func() time.Time

	mu      sync.Mutex
	at      time.Duration // at the time since
	since   time.Time
	running bool
	waiting bool      // for the sound
	steered time.Time // when the sound was compared last
	changed func()    // called when the clock starts or stops
}

func newClock(now func() time.Time, at time.Duration, changed func()) *clock {
	return &clock{now: now, at: at, since: now(), changed: changed}
}

// position returns how far the film is, and whether it goes on.
func (c *clock) position() (at time.Duration, running bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance()
	return c.at, c.running && !c.waiting
}

// advance brings at up to date.
func (c *clock) advance() {
	now := c.now()
	if c.running && !c.waiting {
		c.at += now.Sub(c.since)
	}
	c.since = now
}

// run starts or stops the clock.
func (c *clock) run(running bool) { c.set(func() { c.running = running }) }

// wait stops the clock until sound is heard, or lets it go on without.
func (c *clock) wait(waiting bool) {
	c.set(func() {
		c.waiting = waiting
		c.steered = time.Time{}
	})
}

// set changes the clock's state.
func (c *clock) set(change func()) {
	c.mu.Lock()
	c.advance()
	before := c.running && !c.waiting
	change()
	after := c.running && !c.waiting
	c.mu.Unlock()
	if before != after {
		c.changed()
	}
}

// follow compares the clock with the position of the sound that is heard now.
func (c *clock) follow(sound time.Duration) {
	c.set(func() {
		off := sound - c.at
		switch {
		case c.waiting:
			c.waiting = off < 0
		case off < -maxBehind:
			c.waiting = true
		case !c.steered.IsZero():
			most := c.since.Sub(c.steered) / maxSlew
			c.at += min(max(off, -most), most)
		}
		c.steered = c.since
	})
}
