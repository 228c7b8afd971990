package device

import (
	"time"
)

// Night is from when to when the screen is black, as times of day of the
// system's time zone. The zero Night never comes.
type Night struct {
	From, To time.Duration // since midnight
}

// at reports whether it is night.
func (n Night) at(t time.Time) bool {
	day := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	if n.From <= n.To {
		return n.From <= day && day < n.To
	}
	return day >= n.From || day < n.To
}

// awakeFor is how long the screen stays on at night after somebody has wished
// something.
const awakeFor = 10 * time.Minute

// tellTime brings the time of day onto the page, and night. It returns when it
// is to be told again.
func (d *Device) tellTime() (next time.Time) {
	cfg := d.cfg.Slideshow
	now := time.Now()
	if !cfg.Clock && cfg.Night == (Night{}) {
		return now.Add(time.Hour)
	}
	local := d.clock.stamp().Local()
	d.screen.update(func(v *view) {
		if cfg.Clock {
			v.clockText, v.dateText = v.lang().Clock(local), v.lang().Date(local)
		}
		v.night = cfg.Night.at(local)
		v.fallAsleep(now, func(time.Time) {})
	})
	return now.Add(local.Truncate(time.Minute).Add(time.Minute).Sub(local))
}

// fallAsleep makes the screen black at night, unless somebody is at it. sooner
// is told when that may change.
func (v *view) fallAsleep(now time.Time, sooner func(time.Time)) {
	wake := v.touched.Add(awakeFor)
	busy := v.state == Opening || v.state == Picking || v.state == Fetching || v.state == Pairing && v.visible() == 0 || !v.leavesAt.IsZero()
	v.asleep = v.night && !busy && !now.Before(wake)
	if v.night && now.Before(wake) {
		sooner(wake)
	}
}

// Touch notes that somebody is at the screen: it is not black then, even at
// night.
func (d *Device) Touch() {
	d.screen.update(func(v *view) { v.touched, v.asleep, v.leavesAt = time.Now(), false, time.Time{} })
	wake(d.untilNow)
	wake(d.hostNow)
}

// sleeping reports whether the screen is black.
func (s *screen) sleeping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view.asleep
}
