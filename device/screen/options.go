package screen

import (
	"time"

	"pickerd/display"
	"pickerd/display/words"
)

// Options are the part of a Config that may change while the screen runs.
type Options struct {
	Name   string // of the box
	Style  display.Style
	Clock  Clock
	Date   Date
	Dates  words.DateFormat
	Nights Nights
	// SleepAfter is how long nobody is there until the screen goes dark; 0 means never.
	SleepAfter time.Duration
	Zone       *time.Location // of clock, night and days; nil means the system's
}

// A Clock is a way to show the time of day over photos and words.
type Clock int

// The ways to show the time.
const (
	NoClock Clock = iota
	Clock12       // hours from 1 to 12, with the half of the day
	Clock24
)

// A Date says when the date is shown over photos and words.
type Date int

// When the date is shown.
const (
	NoDate     Date = iota
	ClockDate       // beside the clock
	AlwaysDate      // also without a clock
)

// Configure replaces the options, in any goroutine. Page and status follow at once.
func (s *Screen) Configure(o Options) {
	s.update(func(v *view) {
		if o.SleepAfter != s.cfg.SleepAfter {
			v.released = time.Now() // whoever set it sees the screen for that long
		}
		s.cfg.Options = o
	})
}

// lang returns the texts of the screen.
func (o *Options) lang() *words.Words { return o.Style.Lang() }

// timeOfDay returns what the clock shows.
func (o *Options) timeOfDay(t time.Time) (shown display.TimeOfDay) {
	switch o.Clock {
	case Clock12:
		shown.Clock = o.lang().Clock12(t)
	case Clock24:
		shown.Clock = o.lang().Clock(t)
	}
	if o.Date == AlwaysDate || o.Date == ClockDate && o.Clock != NoClock {
		shown.Date = o.lang().Date(o.Dates, t)
	}
	return shown
}

// in returns a time in the zone of the box.
func (o *Options) in(t time.Time) time.Time {
	if o.Zone == nil {
		return t.Local()
	}
	return t.In(o.Zone)
}
