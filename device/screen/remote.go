package screen

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// How long the key of a phone remote is good: after the code was shown, after
// each use, and in all.
const (
	remoteFresh = 5 * time.Minute
	remoteIdle  = 15 * time.Minute
	remoteMax   = 2 * time.Hour
)

// A remoteKey lets a phone act as a remote control. The zero one opens nothing.
type remoteKey struct {
	key, address string
	until, end   time.Time
	shown        []string  // items that the phone has seen on the screen, the last ones
	unlocked     time.Time // until when the PIN that was entered is valid
	thumbs       thumbs
}

func (r remoteKey) isGood(now time.Time) bool { return r.key != "" && now.Before(r.until) }

// openPhones opens the phone listener where a key may show the code for a phone
// remote. It returns the base address that phones use, "" if they can't. done
// lets the listener be closed again if there is no remote.
func (s *Screen) openPhones(k Key) (base string, done func()) {
	if k != KeyMenu || s.cfg.Phones == nil {
		return "", func() {}
	}
	s.mu.Lock()
	opens := s.view.menu.page == menuClosed && !s.view.asleep && s.view.leavesAt.IsZero()
	if opens {
		s.opening++
	}
	s.mu.Unlock()
	if !opens {
		return "", func() {}
	}
	done = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.opening--
		s.closePhonesLocked()
	}
	base, err := s.cfg.Phones.Open()
	if err != nil {
		s.cfg.Log.Debug("no phone remote", "err", err)
		return "", done
	}
	return base, done
}

// addressInterval is how often the box checks that phones still reach it at the
// address of a remote.
const addressInterval = 30 * time.Second

// runPhones keeps the phone listener at the box's address while there is a phone
// remote, until ctx ends.
func (s *Screen) runPhones(ctx context.Context) {
	if s.cfg.Phones == nil {
		return
	}
	tick := time.NewTicker(addressInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		r := s.view.remote
		good := r.isGood(time.Now())
		if good {
			s.opening++
		}
		s.mu.Unlock()
		if !good {
			continue
		}
		base, err := s.cfg.Phones.Open()
		address := base + device.RemotePath + r.key
		s.mu.Lock()
		s.opening--
		if err == nil && s.view.remote.key == r.key && s.view.remote.address != address {
			s.updateLocked(func(v *view) { v.remote.address = address })
		}
		s.closePhonesLocked()
		s.mu.Unlock()
	}
}

// closePhonesLocked closes the phone listener once no phone remote is good.
func (s *Screen) closePhonesLocked() {
	if s.cfg.Phones != nil && s.opening == 0 && !s.view.remote.isGood(time.Now()) {
		s.cfg.Phones.Close()
	}
}

// offerRemote makes the menu show a code for a phone remote. A key that is good
// already stays good.
func (v *view) offerRemote(base string, now time.Time) {
	if base == "" {
		v.remote = remoteKey{}
		return
	}
	fresh := now.Add(remoteFresh)
	if !v.remote.isGood(now) || fresh.After(v.remote.end) {
		v.remote = remoteKey{key: strings.ToLower(rand.Text()), end: now.Add(remoteMax)}
	}
	if v.remote.until.Before(fresh) {
		v.remote.until = fresh
	}
	v.remote.address = base + device.RemotePath + v.remote.key
}

// opens reports whether a key is that of the phone remote.
func (r remoteKey) opens(key string, now time.Time) bool {
	return r.isGood(now) && subtle.ConstantTimeCompare([]byte(r.key), []byte(strings.ToLower(key))) == 1
}

// enterRemote checks the key of a phone remote, and prolongs it.
func (s *Screen) enterRemote(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, now := &s.view.remote, time.Now()
	if !r.opens(key, now) {
		return device.ErrRemoteGone
	}
	if idle := now.Add(remoteIdle); r.until.Before(idle) {
		r.until = idle
	}
	if r.until.After(r.end) {
		r.until = r.end
	}
	return nil
}

// Remote returns what the phone remote with that key shows. Its error is
// device.ErrRemoteGone.
func (s *Screen) Remote(key string) (device.Remote, error) {
	if err := s.enterRemote(key); err != nil {
		return device.Remote{}, err
	}
	return s.Glance(key)
}

// Glance is Remote for a phone that nobody has touched: it does not prolong the key.
func (s *Screen) Glance(key string) (device.Remote, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refreshLocked()
	v := &s.view
	if !v.remote.opens(key, time.Now()) {
		return device.Remote{}, device.ErrRemoteGone
	}
	p := v.page()
	r := device.Remote{Name: v.cfg.Name, Now: p.Title, Buttons: handset{v}.buttons(&p), Photos: handset{v}.photos(&p), Settings: v.cfg.Settings != nil && !v.isWithheld(),
		Collections: shelves{v}.mainEntry(&p) != nil}
	if p.Slide != nil {
		r.Now, r.Film, r.Playing = p.Slide.Alt, isFilm(p.Slide), p.Playing
	}
	return r, nil
}

// isFilm reports whether a slide plays.
func isFilm(s *display.Slide) bool {
	return slices.ContainsFunc(s.Media, func(m display.Media) bool { return m.Video })
}

// buttons are what a phone remote offers on a page.
func (v handset) buttons(p *display.Page) (list []device.Button) {
	add := func(verb display.Verb, key string) {
		main := verb == display.Pause || verb == display.Pick && p.Slide == nil
		if p.Night {
			main = verb == display.ScreenOn
		}
		list = append(list, device.Button{Wish: display.Wish{Verb: verb}, Key: key, Main: main})
	}
	if p.Night {
		add(display.ScreenOn, "settings.screen_on")
	}
	if p.Slide != nil {
		add(display.Previous, "remote.previous")
		add(display.Next, "remote.next")
		if v.frame.Paused {
			add(display.Pause, "remote.go_on")
		} else {
			add(display.Pause, "remote.pause")
		}
		if isFilm(p.Slide) {
			if !v.hasGuests() {
				add(display.VolumeDown, "phone.quieter")
				add(display.VolumeUp, "phone.louder")
			}
			if v.frame.Muted {
				add(display.Mute, "phone.unmute")
			} else {
				add(display.Mute, "phone.mute")
			}
		}
	}
	switch pick, ok := p.Offer(display.Pick); {
	case ok && len(v.snap.Accounts) > 1:
		list = append(list, v.whoButtons()...)
	case ok:
		add(display.Pick, pick.Key)
	}
	if o, ok := p.Offer(display.Cancel); ok {
		add(display.Cancel, o.Key)
	}
	if v.snap.Library.Hidden > 0 {
		add(display.Unhide, "settings.show_hidden")
	}
	if !p.Night && p.Slide != nil {
		add(display.ScreenOff, "settings.screen_off")
	}
	if o, ok := p.Offer(display.AskForget); ok && v.hasGuests() {
		add(display.AskForget, o.Key)
	}
	return list
}

// whoButtons are one for each person who may choose.
func (v handset) whoButtons() (list []device.Button) {
	for i, a := range v.snap.Accounts {
		b := device.Button{Wish: *pickAs(a.ID), Name: a.Email}
		if a.Email == "" {
			b.Key, b.Number = "page.person", i+1
		}
		list = append(list, b)
	}
	if v.snap.CanAdd {
		list = append(list, device.Button{Wish: *pickAs(device.NewAccount), Key: "page.somebody_else"})
	}
	return list
}

// Control grants a wish of the phone remote with that key, if Remote offers it or
// it is to end the remote. Items that it has shown can be hidden or deleted also when
// another is on the screen by now. to is where the phone goes on: to the picker, to sign
// in, or back to the remote if it is "". Errors are device.ErrRemoteGone,
// device.ErrNotOffered, device.ErrPINNeeded, a *device.Problem, device.ErrNotThrough
// and those of Do.
func (s *Screen) Control(ctx context.Context, key string, w display.Wish) (to string, err error) {
	r, err := s.Remote(key)
	if err != nil {
		return "", err
	}
	plain := w
	plain.Collection = "" // any may be chosen
	offered := slices.ContainsFunc(r.Buttons, func(b device.Button) bool { return b.Wish == plain })
	switch {
	case w.Verb == display.RenameCollection || w.Verb == display.RemoveCollection:
		if err := s.mayChange(key, w); err != nil {
			return "", err
		}
		offered = true
	case w.Item != "":
		if err := s.mayTouch(key, w); err != nil {
			return "", err
		}
		offered = true
	}
	if !offered && w.Verb != display.CloseRemote {
		return "", device.ErrNotOffered
	}
	if err := s.Do(ctx, w); err != nil || w.Verb != display.Pick {
		return "", err
	}
	return s.followPick(ctx)
}

// followFor is how long a phone waits for the picker.
const followFor = 30 * time.Second

// followPick waits for the address where the person with the phone goes on: the
// picker, or the sign-in before it.
func (s *Screen) followPick(ctx context.Context) (to string, err error) {
	ctx, cancel := context.WithTimeout(ctx, followFor)
	defer cancel()
	for st := range s.statuses.Watch(ctx) {
		switch {
		case st.Pick != nil && st.Pick.PickerURI != "":
			return st.Pick.PickerURI, nil
		case st.State == device.Pairing && st.Pairing != nil && st.Pairing.QRURI != "":
			return st.Pairing.QRURI, nil
		case st.Problem != nil && st.State != device.Showing:
			s.mu.Lock()
			p := s.view.problem()
			s.mu.Unlock()
			if p != nil {
				return "", p
			}
		}
	}
	return "", device.ErrNotThrough
}
