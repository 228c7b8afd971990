package screen

import (
	"context"
	"time"

	"pickerd/display"
)

const (
	// eraseHold is how long OK is held down until the box is erased.
	eraseHold = 10 * time.Second
	// eraseShown is how long it is held down until the screen counts down.
	eraseShown = 2 * time.Second
	// eraseRetry is the pause after an order that the disk did not take.
	eraseRetry = 5 * time.Second
)

// erasing is how far somebody is with erasing the box by holding OK down.
type erasing struct {
	since   time.Time // when OK went down; zero while it is up
	ordered bool      // it was held down long enough
	now     bool      // that happened, and nobody knows yet
	left    int       // seconds that the screen counts down; 0 without
}

// Hold notes that a key is held down, "" that none is. Holding OK down just after the
// start, until Config.EraseUntil, erases the box.
func (s *Screen) Hold(k Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &s.view.erasing
	switch now := time.Now(); {
	case e.ordered:
	case k == KeyOK && s.cfg.Erase != nil && now.Before(s.cfg.EraseUntil):
		s.updateLocked(func(v *view) { v.erasing.since = now })
	case e.left > 0: // the menu, which holding OK down has opened, is not wanted
		s.updateLocked(func(v *view) { v.erasing, v.menu = erasing{}, menu{} })
	default:
		s.updateLocked(func(v *view) { v.erasing = erasing{} })
	}
}

// count counts down while OK is held. sooner is told when that changes.
func (e *erasing) count(now time.Time, sooner func(time.Time)) {
	held := now.Sub(e.since)
	switch {
	case e.since.IsZero() || e.ordered:
		return
	case held >= eraseHold:
		e.ordered, e.now = true, true
		return
	case held < eraseShown:
		sooner(e.since.Add(eraseShown))
		return
	}
	left := (eraseHold - held + time.Second - 1) / time.Second
	e.left = int(left)
	sooner(e.since.Add(eraseHold - (left-1)*time.Second))
}

// page returns the page of the countdown, false while there is none.
func (e *erasing) page(v *view) (display.Page, bool) {
	p := display.Page{State: string(v.snap.State), Device: v.cfg.Name, Viewers: display.Viewers{Visit: v.visit}, Style: v.cfg.Style}
	switch {
	case e.ordered:
		p.Title = v.say("erasing")
	case e.left > 0:
		p.Title, p.Text, p.Hint = v.say("erase_title", "n", e.left), v.say("erase_text"), v.say("erase_hint")
	default:
		return p, false
	}
	return p, true
}

// runErase orders that the box be erased once OK was held down long enough, until ctx
// ends. The order is repeated until the disk takes it.
func (s *Screen) runErase(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.erase:
		}
		s.cfg.Log.Warn("OK was held down: erasing the box", "for", eraseHold)
		err := s.cfg.Erase()
		if err == nil {
			continue
		}
		s.cfg.Log.Error("order to erase the box not stored", "err", err, "retry_in", eraseRetry)
		select {
		case <-ctx.Done():
		case <-time.After(eraseRetry):
			wake(s.erase)
		}
	}
}
