package screen

import (
	"time"

	"pickerd/device"
	"pickerd/display"
)

// Nights are when the screen is black, by the day on which each night begins.
type Nights [7]Night

// Night is a night as times of day. One that does not end after it has begun ends on
// the next day. The zero Night never comes.
type Night struct {
	From, To time.Duration // since midnight
}

// contain reports whether t, in the zone of the box, is at night. A night is one span
// of time also where clocks change during it: hours that come twice end it once.
func (n *Nights) contain(t time.Time) bool {
	for _, ago := range []int{0, 1} {
		night := n[(t.Weekday()+7-time.Weekday(ago))%7]
		if night == (Night{}) {
			continue
		}
		at := func(days int, d time.Duration) time.Time {
			return time.Date(t.Year(), t.Month(), t.Day()+days-ago, 0, int(d/time.Minute), 0, 0, t.Location())
		}
		days := 0
		if night.To <= night.From {
			days = 1
		}
		if !t.Before(at(0, night.From)) && t.Before(at(days, night.To)) {
			return true
		}
	}
	return false
}

// light is what makes the screen black, or keeps it from that.
type light struct {
	night    bool      // by the configuration
	touched  time.Time // when somebody was last at the screen
	busy     bool      // see isBusy
	released time.Time // when the screen was last no longer busy
	offSince time.Time // when somebody switched the screen off; zero if it is on
	asleep   bool      // the screen is black
}

// awakeFor is how long the screen stays on at night after somebody used it.
const awakeFor = 10 * time.Minute

// tellTime sets the clock and whether it is night. sooner is told when that
// changes.
func (v *view) tellTime(now time.Time, sooner func(time.Time)) {
	v.time = display.TimeOfDay{}
	night := false
	if v.cfg.Clock != NoClock || v.cfg.Date == AlwaysDate || v.cfg.Nights != (Nights{}) {
		local := v.cfg.in(v.cfg.Now())
		v.time = v.cfg.timeOfDay(local)
		night = v.cfg.Nights.contain(local)
		sooner(now.Add(local.Truncate(time.Minute).Add(time.Minute).Sub(local)))
	}
	if v.night && !night { // in the morning
		v.offSince = time.Time{}
	}
	v.night = night
}

// justOff is how long after the screen was switched off somebody who is still moving
// a pointer does not switch it on.
const justOff = 2 * time.Second

// isJustOff reports whether the screen has just been switched off.
func (s *Screen) isJustOff() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.view.offSince) < justOff
}

// fallAsleep makes the screen black at somebody's wish, or when nobody has used it for
// a while: awakeFor at night, and Options.SleepAfter at any time. sooner is told when
// that may change.
func (v *view) fallAsleep(now time.Time, sooner func(time.Time)) {
	busy := v.isBusy()
	if v.busy && !busy {
		v.released = now
	}
	v.busy = busy
	v.asleep = !v.offSince.IsZero()
	rest := v.cfg.SleepAfter
	if v.night && (rest == 0 || rest > awakeFor) {
		rest = awakeFor
	}
	if v.asleep || busy || rest == 0 {
		return
	}
	end := v.touched
	if v.released.After(end) {
		end = v.released
	}
	end = end.Add(rest)
	if v.asleep = !now.Before(end); !v.asleep {
		sooner(end)
	}
}

// isBusy reports whether somebody may be waiting in front of the screen.
func (v *view) isBusy() bool {
	switch v.snap.State {
	case device.Opening, device.Picking, device.Fetching:
		return true
	case device.Pairing:
		if v.snap.Library.Visible() == 0 {
			return true
		}
	}
	return !v.leavesAt.IsZero()
}
