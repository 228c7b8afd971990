package screen

import (
	"time"

	"pickerd/device"
)

// Night is when the screen is black, as times of day in the system's time zone.
// The zero Night never comes.
type Night struct {
	From, To time.Duration // since midnight
}

// contains reports whether t is at night.
func (n Night) contains(t time.Time) bool {
	day := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	if n.From <= n.To {
		return n.From <= day && day < n.To
	}
	return day >= n.From || day < n.To
}

// awakeFor is how long the screen stays on at night after somebody used it.
const awakeFor = 10 * time.Minute

// tellTime sets the clock and whether it is night. sooner is told when that
// changes.
func (v *view) tellTime(now time.Time, sooner func(time.Time)) {
	if !v.cfg.Clock && v.cfg.Night == (Night{}) {
		return
	}
	local := v.cfg.Now().Local()
	if v.cfg.Clock {
		v.clock, v.date = v.cfg.lang().Clock(local), v.cfg.lang().Date(local)
	}
	v.night = v.cfg.Night.contains(local)
	sooner(now.Add(local.Truncate(time.Minute).Add(time.Minute).Sub(local)))
}

// fallAsleep makes the screen black at night, unless somebody uses it. sooner is
// told when that may change.
func (v *view) fallAsleep(now time.Time, sooner func(time.Time)) {
	if !v.night {
		v.asleep = false
		return
	}
	end := v.touched.Add(awakeFor)
	if now.Before(end) {
		sooner(end)
	}
	v.asleep = !now.Before(end) && !v.isBusy()
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
