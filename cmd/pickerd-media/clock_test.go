package main

import (
	"testing"
	"time"
)

// A testClock is a clock whose time the test sets.
func testClock(at time.Duration) (*clock, *time.Time) {
	now := time.Unix(1000, 0)
	c := newClock(func() time.Time { return now }, at, func() {})
	return c, &now
}

func TestClock(t *testing.T) {
	c, now := testClock(3 * time.Second)
	check := func(what string, want time.Duration, running bool) {
		t.Helper()
		if got, runs := c.position(); got != want || runs != running {
			t.Errorf("%s: at %v, running %v; want %v, %v", what, got, runs, want, running)
		}
	}
	pass := func(d time.Duration) { *now = now.Add(d) }
	pass(time.Second)
	check("before the start", 3*time.Second, false)
	c.run(true)
	pass(time.Second)
	check("after a second", 4*time.Second, true)
	c.run(false)
	pass(time.Hour)
	check("paused", 4*time.Second, false)
	c.run(true)
	c.wait(true)
	pass(time.Second)
	check("waiting for sound", 4*time.Second, false)
	c.follow(4*time.Second - 1)
	check("before the sound", 4*time.Second, false)
	c.follow(4 * time.Second)
	check("with the sound", 4*time.Second, true)
	pass(time.Second)
	c.follow(5*time.Second - maxBehind - 1)
	pass(time.Second)
	check("sound is late", 5*time.Second, false)
	c.wait(false)
	check("sound has failed", 5*time.Second, true)
}

// A sound card that is a little fast or slow sets the pace. One without a clock does not.
func TestClockSlew(t *testing.T) {
	for _, tt := range []struct {
		name  string
		sound func(real time.Duration) time.Duration
		most  time.Duration // between clock and real time
		least time.Duration
	}{
		{"fast", func(d time.Duration) time.Duration { return d + d/5000 }, 130 * time.Millisecond, 100 * time.Millisecond},
		{"slow", func(d time.Duration) time.Duration { return d - d/5000 }, -100 * time.Millisecond, -130 * time.Millisecond},
		{"without a clock", func(d time.Duration) time.Duration { return d + time.Hour }, 300 * time.Millisecond, 290 * time.Millisecond},
	} {
		c, now := testClock(0)
		c.run(true)
		start := *now
		for range 10 * 60 * 50 {
			*now = now.Add(20 * time.Millisecond)
			c.follow(tt.sound(now.Sub(start)))
		}
		at, running := c.position()
		if off := at - now.Sub(start); !running || off > tt.most || off < tt.least {
			t.Errorf("%s: off by %v after 10 minutes", tt.name, off)
		}
	}
}
