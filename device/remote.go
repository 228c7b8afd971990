package device

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"pickerd/display"
)

// How long the key of a phone's remote is good: for who has just seen the code,
// after each use, and in all.
const (
	remoteFresh = 5 * time.Minute
	remoteIdle  = 15 * time.Minute
	remoteLife  = 2 * time.Hour
)

// RemotePath is what a remote's address on this box begins with.
const RemotePath = "/remote/"

// ErrRemoteGone means that a remote's key is not one of this box, or no longer.
var ErrRemoteGone = errors.New("this remote no longer works")

// ErrNotOffered means that a remote does not have that wish, or no longer.
var ErrNotOffered = errors.New("the remote does not offer that now")

// A remoteKey is what lets a phone do what a remote control does. The zero one
// opens nothing.
type remoteKey struct {
	key, address string
	until, end   time.Time
}

func (r remoteKey) isGood(now time.Time) bool { return r.key != "" && now.Before(r.until) }

// offerRemote puts a code for a phone into the menu, where phones can reach this
// box. Who scans it has some minutes, also where there is a key already.
func (d *Device) offerRemote() {
	if d.cfg.Door == nil || d.cfg.NoRemote {
		return
	}
	now := time.Now()
	d.screen.update(func(v *view) { // before the door is open, or the loop would close it
		fresh := now.Add(remoteFresh)
		if !v.remote.isGood(now) || fresh.After(v.remote.end) {
			v.remote = remoteKey{key: strings.ToLower(rand.Text()), end: now.Add(remoteLife)}
		}
		if v.remote.until.Before(fresh) {
			v.remote.until = fresh
		}
	})
	base, err := d.cfg.Door.Open()
	d.screen.update(func(v *view) {
		if v.remote.address = base + RemotePath + v.remote.key; err != nil {
			d.log.Debug("no remote for phones", "err", err)
			v.remote = remoteKey{}
		}
	})
}

// remoteLives reports whether phones are to reach their remote.
func (s *screen) remoteLives() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view.remote.isGood(time.Now())
}

// enterRemote lets in who knows the key, which is good for longer then.
func (s *screen) enterRemote(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, now := &s.view.remote, time.Now()
	if !r.isGood(now) || !same(r.key, strings.ToLower(key)) {
		return ErrRemoteGone
	}
	if idle := now.Add(remoteIdle); r.until.Before(idle) {
		r.until = idle
	}
	if r.until.After(r.end) {
		r.until = r.end
	}
	return nil
}

// A Remote is what a phone's remote shows. An empty label means that it can't be
// had now.
type Remote struct {
	Name   string
	Now    string             // what is on the screen
	Turns  bool               // there are slides to be turned
	Pause  string             // what to call the wish for the slideshow to stand still, or to go on
	Pick   string             // what to call the wish to choose photos
	People []display.MenuItem // who may choose, where that has to be asked
	Cancel string
	Finish string // what to call a guest's wish to be forgotten
}

// Remote returns what the remote with that key shows. Its error is ErrRemoteGone.
func (d *Device) Remote(key string) (Remote, error) {
	if err := d.screen.enterRemote(key); err != nil {
		return Remote{}, err
	}
	d.screen.mu.Lock()
	defer d.screen.mu.Unlock()
	v := &d.screen.view
	p := v.page()
	r := Remote{Name: v.name, Now: p.Title, Pick: p.PickLabel, Cancel: p.CancelLabel, Turns: p.Slide != nil}
	if p.Slide != nil {
		r.Now = p.Slide.Alt
	}
	if v.state == Showing && p.Slide != nil {
		r.Pause = v.lang().Say("remote.pause")
		if v.paused {
			r.Pause = v.lang().Say("remote.go_on")
		}
	}
	if len(v.accounts) > 1 && r.Pick != "" {
		for _, e := range (menu{page: menuWho}).entries(v, &p) {
			if e.wish != nil {
				r.People = append(r.People, display.MenuItem{ID: e.id, Label: e.label})
			}
		}
	}
	if v.guests {
		r.Finish = p.ForgetLabel
	}
	return r, nil
}

// offers reports whether a wish is one that the remote shows.
func (r *Remote) offers(wish, account string) bool {
	switch wish {
	case "previous", "next":
		return r.Turns
	case "pause":
		return r.Pause != ""
	case "pick":
		known := func(p display.MenuItem) bool { return p.ID == account }
		return r.Pick != "" && (len(r.People) == 0 && account == "" || slices.ContainsFunc(r.People, known))
	case "cancel":
		return r.Cancel != ""
	case "finish":
		return r.Finish != ""
	}
	return wish == "away"
}

// Control does what somebody wishes with the remote of that key, if Remote offers
// it: "previous", "next", "pause", "pick" (as one of the people), "cancel",
// "finish", with which a guest is forgotten everywhere, or "away" to end the
// remote. to is where the phone can go on, "" for the remote. Errors are
// ErrRemoteGone, ErrNotOffered, *Problem, ErrNotThrough and those of the wishes.
func (d *Device) Control(ctx context.Context, key, wish, account string) (to string, err error) {
	r, err := d.Remote(key)
	if err != nil {
		return "", err
	}
	if !r.offers(wish, account) {
		return "", ErrNotOffered
	}
	switch wish {
	case "previous":
		err = d.Previous(ctx)
	case "next":
		err = d.Next(ctx)
	case "pause":
		err = d.Pause(ctx)
	case "pick":
		if err = d.PickAs(ctx, account); err == nil {
			return d.followPick(ctx)
		}
	case "cancel":
		err = d.Cancel(ctx)
	case "finish":
		err = d.Unpair(ctx, true)
	case "away":
		d.screen.update(func(v *view) { v.remote = remoteKey{} })
	}
	return "", err
}

// followPick waits for the address where the person with the phone can go on: to
// choose, or to sign in before.
func (d *Device) followPick(ctx context.Context) (to string, err error) {
	ctx, cancel := context.WithTimeout(ctx, followFor)
	defer cancel()
	for s := range d.Statuses().Watch(ctx) {
		switch {
		case s.Pick != nil && s.Pick.PickerURI != "":
			return s.Pick.PickerURI, nil
		case s.State == Pairing && s.Pairing != nil && s.Pairing.QRURI != "":
			return s.Pairing.QRURI, nil
		case s.Problem != nil && s.State != Showing:
			return "", s.Problem
		}
	}
	return "", ErrNotThrough
}
