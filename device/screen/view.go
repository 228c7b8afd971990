package screen

import (
	"crypto/rand"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// A view is everything that the page and the status are composed of.
type view struct {
	cfg   *Config
	snap  device.Snapshot
	frame device.Frame
	wifi  device.WiFi

	access accessPoint

	menu   menu
	remote remoteKey
	screen *device.ScreenStatus
	broker *device.BrokerStatus // nil if none is configured

	loudness loudness

	misconfigured *device.Problem // with the configuration; nil if nothing is

	troubles

	ended     bool              // the code or link has expired
	receipt   *device.Receipt   // nil once it has been shown long enough
	forgotten *device.Forgotten // likewise

	time display.TimeOfDay
	light

	erasing erasing

	visit    string    // changes when somebody is forgotten
	leavesAt time.Time // when an inactive guest is forgotten, once the countdown has begun
	overstay
}

// troubles are the problems of a page.
type troubles struct {
	step, lasting trouble // the problem of the snapshot, and what stands while there is none
	told          bool    // a bar has told the problem for long enough
}

// An overstay is a guest whose time is over and who has not been forgotten yet.
type overstay struct {
	overdue   bool      // forgetting them failed: nothing of theirs is shown
	retryAt   time.Time // when it is tried again
	loggedAt  time.Time // when that it failed was last logged
	forgetNow bool      // their time is over, and nobody knows yet
}

// take takes over the newest snapshot and frame.
func (v *view) take(snap device.Snapshot, frame device.Frame) {
	if snap.State == "" {
		snap.State = device.Starting
	}
	before := v.snap
	v.snap, v.frame = snap, frame
	if snap.Generation != before.Generation {
		// Browsers drop what they keep, and phones their remote.
		v.visit, v.menu, v.remote, v.overdue, v.retryAt = rand.Text(), menu{}, remoteKey{}, false, time.Time{}
	}
	if v.hasGuests() && snap.Account != nil && (before.Account == nil || before.Account.ID != snap.Account.ID) {
		v.remote = remoteKey{} // that of whoever was here before
	}
}

// hasGuests reports whether everybody here is a guest.
func (v *view) hasGuests() bool { return v.cfg.ForgetAfter > 0 }

// slide returns the slide to be shown and the one after it, nil where there is
// none. Slides from before somebody was forgotten may be theirs.
func (v *view) slide() (now, next *display.Slide) {
	if v.frame.Generation != v.snap.Generation || v.snap.Library.Visible() == 0 {
		return nil, nil
	}
	if p := (slideView{v}); p.isHeld() {
		return p.held(), v.frame.Next
	}
	return v.frame.Slide, v.frame.Next
}

// cannotKeepToken reports whether signing in would be in vain.
func (v *view) cannotKeepToken() bool { return v.snap.Problem != nil && v.snap.Problem.Disk }

// problem returns what is to be told, nil if there is nothing.
func (v *view) problem() *device.Problem {
	if p := stepProblem(v); p != nil {
		return p
	}
	return v.standing()
}

// standing returns what is to be told while there is no problem of a step.
func (v *view) standing() *device.Problem {
	if v.snap.Standing != nil {
		return v.snap.Standing
	}
	return v.misconfigured
}

// barFor is how long a bar over the photos tells of a problem. After that it is in the
// menu and in the status.
const barFor = time.Minute

// trouble is a problem and when it began. The zero trouble is none.
type trouble struct {
	code  string
	since time.Time
}

// follow makes it the trouble of a problem, which is nil if there is none.
func (t *trouble) follow(p *device.Problem, now time.Time) {
	switch {
	case p == nil:
		*t = trouble{}
	case p.Code != t.code:
		*t = trouble{p.Code, now}
	}
}

// followTrouble notes for how long there has been a problem. sooner is told when its
// bar ends.
func (v *view) followTrouble(now time.Time, sooner func(time.Time)) {
	v.step.follow(stepProblem(v), now)
	v.lasting.follow(v.standing(), now)
	current := v.step
	if current.code == "" {
		current = v.lasting
	}
	end := current.since.Add(barFor)
	v.told = current.code != "" && !now.Before(end)
	if current.code != "" && !v.told {
		sooner(end)
	}
}

// advance brings the view up to now. It returns when it will change by itself.
func (v *view) advance(now time.Time) (due time.Time) {
	due = now.Add(time.Hour)
	sooner := func(t time.Time) {
		if t.Before(due) {
			due = t
		}
	}
	v.receipt, v.forgotten = nil, nil
	if r := v.snap.Receipt; r != nil && now.Before(r.Since.Add(device.ReceiptFor)) {
		v.receipt = r
		sooner(r.Since.Add(device.ReceiptFor))
	}
	if f := v.snap.Forgotten; f != nil && now.Before(f.At.Add(device.ReceiptFor)) {
		v.forgotten = &device.Forgotten{Revocation: f.Revocation}
		sooner(f.At.Add(device.ReceiptFor))
	}
	v.ended = false
	for _, end := range v.expiries() {
		if now.Before(end) {
			sooner(end)
		} else {
			v.ended = true
		}
	}
	v.followAccess(now)
	v.followTrouble(now, sooner)
	v.expireMenu(now, sooner)
	slideView{v}.expireVolume(now, sooner)
	if v.remote.isGood(now) {
		sooner(v.remote.until)
	}
	v.tellTime(now, sooner)
	v.countDown(now, sooner)
	v.fallAsleep(now, sooner)
	v.erasing.count(now, sooner)
	return due
}

// expiries are when the codes and links of the page expire.
func (v *view) expiries() (list []time.Time) {
	if c := v.snap.Code; c != nil && !c.ExpiresAt.IsZero() {
		list = append(list, c.ExpiresAt)
	}
	if p := v.snap.Pick; p != nil && !p.ExpiresAt.IsZero() {
		list = append(list, p.ExpiresAt)
	}
	return list
}
