package wifi

import (
	"context"
	"errors"
	"time"

	"pickerd/device"
)

// A session is the work with one radio. One goroutine owns it.
type session struct {
	*Controller
	radio Radio
	now   device.WiFi // published
	state State

	since     time.Time // when it began
	connected bool      // the box was in a Wi-Fi network
	online    bool      // the box had a network
	offline   time.Time // since when there is none; zero while there is one
	pressed   bool      // somebody asked for an access point and nothing was done about it yet
	failed    time.Time // when joining failed last

	access *device.AccessPoint // that is open, or opens again; nil for none
	opened time.Time           // when it opened last
	used   time.Time           // when a phone was there last
	opens  time.Time           // when it is tried again after a failure; zero means by the rules
	ended  bool                // it has ended for want of a phone: it opens only if somebody asks for it

	look look
}

// A look is the looking for a captive portal.
type look struct {
	found   chan string // gets the address of its page, "" for none
	busy    bool        // found will get one
	next    time.Time   // when to look again; zero means not
	network string      // that was looked at last
	told    bool        // NetworkManager has found one
}

func newSession(c *Controller, r Radio) *session {
	return &session{Controller: c, radio: r, since: time.Now(), look: look{found: make(chan string, 1)}}
}

// run works until ctx ends or the radio has gone.
func (s *session) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		if s.look.busy {
			<-s.look.found
		}
	}()
	for {
		due, err := s.step(ctx)
		if err != nil {
			return err
		}
		t := time.NewTimer(due)
		select {
		case <-ctx.Done():
		case _, ok := <-s.radio.Changes():
			if !ok {
				err = errBusGone
			}
		case j := <-s.joins:
			j.done <- s.join(ctx, j)
		case <-s.Controller.pressed:
			s.pressed = true
		case <-s.Controller.used:
			s.used = time.Now()
			s.now.Joined = s.access != nil
		case page := <-s.look.found:
			s.look.busy, s.look.next = false, time.Time{}
			if s.now.Portal = page; page != "" || s.state.Portal {
				s.look.next = time.Now().Add(portalRetry)
			}
		case <-t.C:
		}
		t.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// publish shows what the box knows.
func (s *session) publish() {
	s.now.Usable = s.state.Usable
	s.now.Online, s.now.Connected = s.online && s.offline.IsZero(), s.state.Connected
	if s.now != s.board.Get() {
		s.board.Set(s.now)
	}
}

// step does what is due, and returns when the next thing is.
func (s *session) step(ctx context.Context) (time.Duration, error) {
	st, err := s.radio.State(ctx)
	if err != nil {
		return 0, err
	}
	s.state = st
	now := time.Now()
	defer s.publish()
	if st.Connected != "" {
		s.connected = true
	}
	if st.Online || st.Connected != "" || s.cfg.Routed != nil && s.cfg.Routed() {
		return s.stepOnline(ctx, now)
	}
	return s.stepOffline(ctx, now)
}

func (s *session) stepOnline(ctx context.Context, now time.Time) (time.Duration, error) {
	s.online, s.offline, s.pressed, s.opens, s.ended = true, time.Time{}, false, time.Time{}, false
	if s.access != nil {
		s.shut(ctx, "another network has come")
	}
	s.lookForPortal(ctx, now)
	due := time.Hour
	if !s.look.next.IsZero() {
		due = max(s.look.next.Sub(now), time.Second)
	}
	if left := s.failed.Add(resultTime).Sub(now); !s.failed.IsZero() && left > 0 {
		return min(due, left), nil
	}
	s.now.Problem, s.failed = "", time.Time{}
	if s.now.Portal != "" || s.state.Portal {
		s.now.Problem = problemPortal
	}
	return due, nil
}

// lookForPortal looks for a captive portal, once in each network and again while there
// is one.
func (s *session) lookForPortal(ctx context.Context, now time.Time) {
	l, st := &s.look, s.state
	if st.Connected != l.network || st.Portal && !l.told {
		s.now.Portal, l.network, l.next = "", st.Connected, now
	}
	if l.told = st.Portal; !st.Portal && !st.Unproven {
		s.now.Portal, l.next = "", time.Time{}
	}
	if l.busy || s.cfg.Portal == nil || st.Connected == "" || l.next.IsZero() || now.Before(l.next) {
		return
	}
	l.busy, l.next = true, now.Add(portalRetry)
	go func() { l.found <- s.cfg.Portal(ctx) }() // run waits for it
}

func (s *session) stepOffline(ctx context.Context, now time.Time) (time.Duration, error) {
	if s.offline.IsZero() {
		s.offline = now
	}
	s.now.Portal, s.look.network = "", ""
	settled := s.online || now.Sub(s.since) >= bootTime
	if !settled {
		return s.since.Add(bootTime).Sub(now), nil
	}
	lost := s.connected || s.state.Known
	if lost && s.now.Problem == "" && (!s.state.Starting || s.connected) {
		s.now.Problem = problemLost
	}
	if s.access != nil {
		return s.keepAccess(ctx, now)
	}
	due := s.opens
	if due.IsZero() {
		due = now
		if lost || s.online {
			due = s.offline.Add(lostTime)
		}
	}
	if s.pressed && s.state.Usable {
		due = now
	}
	switch {
	case !s.state.Usable, !s.state.Shares, s.ended && !s.pressed, s.cfg.MayOpen != nil && !s.cfg.MayOpen():
		s.pressed = false
		return time.Hour, nil
	case now.Before(due):
		return due.Sub(now), nil
	case s.state.Starting && !s.pressed: // it may come yet
		return bootTime, nil
	}
	s.pressed = false
	s.open(ctx, &device.AccessPoint{SSID: AccessName(s.cfg.Name()), Passphrase: NewPassphrase()})
	if s.access == nil {
		return openRetry, nil
	}
	return tick, nil
}

// keepAccess ends the access point when no phone has been there for a while.
func (s *session) keepAccess(ctx context.Context, now time.Time) (time.Duration, error) {
	s.pressed = false
	if !s.state.Access && now.Sub(s.opened) > tick {
		s.cfg.Log.Warn("access point ended by NetworkManager")
		s.access, s.now.Access, s.now.Joined, s.opens = nil, nil, false, now.Add(openRetry)
		s.setHeard(nil)
		return openRetry, nil
	}
	n, err := s.radio.Phones(ctx)
	if err != nil {
		s.cfg.Log.Debug("phones not counted", "err", err)
	}
	if s.now.Joined = n > 0; s.now.Joined {
		s.used = now
	}
	if now.Sub(s.used) < maxIdle {
		return tick, nil
	}
	s.ended = true
	s.shut(ctx, "no phone")
	return time.Hour, nil
}

// open opens an access point. The radio listens before: it can't while it is one.
func (s *session) open(ctx context.Context, a *device.AccessPoint) {
	heard, err := s.radio.Networks(ctx, true)
	if err != nil {
		s.cfg.Log.Info("networks not heard", "err", err)
	}
	if heard == nil {
		heard = []device.WiFiNetwork{}
	}
	if err := s.radio.Open(ctx, *a); err != nil {
		if ctx.Err() == nil {
			s.cfg.Log.Warn("access point not opened", "err", err, "retry_in", openRetry)
		}
		s.opens = time.Now().Add(openRetry)
		return
	}
	s.setHeard(heard)
	s.cfg.Log.Info("access point opened", "ssid", a.SSID)
	s.opened = time.Now()
	s.used = s.opened
	s.access, s.now.Access = a, a
	s.opens = time.Time{}
}

func (s *session) shut(ctx context.Context, why string) {
	s.access, s.now.Access, s.now.Joined = nil, nil, false
	s.setHeard(nil)
	if err := s.radio.Shut(ctx); err != nil {
		s.cfg.Log.Warn("access point not ended", "err", err)
		return
	}
	s.cfg.Log.Info("access point ended", "why", why)
}

// join joins a network. The access point ends meanwhile, as there is one radio. If joining
// fails, it opens again with the same passphrase, so that the phone finds it again.
func (s *session) join(ctx context.Context, j joining) error {
	before := s.access
	if before != nil {
		s.shut(ctx, "joining a network")
	}
	s.now.Joining, s.now.Problem, s.failed = j.network.SSID, "", time.Time{}
	s.publish()
	s.cfg.Log.Info("joining Wi-Fi")
	err := s.radio.Join(ctx, j.network, j.password)
	s.now.Joining = ""
	if err == nil {
		s.connected = true
		s.cfg.Log.Info("Wi-Fi joined")
		return nil
	}
	s.cfg.Log.Debug("Wi-Fi not joined", "err", err) // the caller logs it
	s.failed = time.Now()
	s.now.Problem = problemLost
	if errors.Is(err, device.ErrWiFiPassword) {
		s.now.Problem = problemPassword
	}
	if before != nil && ctx.Err() == nil {
		s.open(ctx, before)
	}
	s.publish()
	return err
}
