package screen

import (
	"cmp"
	"context"
	"slices"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// volumeFor is how long the volume is shown after somebody changed it.
const volumeFor = 2 * time.Second

// volumeKey is the setting that volume keys change.
const volumeKey = "slideshow.volume"

// A slideView makes what pages and statuses say of the slide that is seen.
type slideView struct{ *view }

// A loudness is shown for a moment.
type loudness struct {
	changed time.Time // when somebody last changed it
	shown   bool
}

// isHeld reports whether the slide of the page is no longer that of the slideshow:
// somebody decides about it.
func (v slideView) isHeld() bool {
	held, now := v.menu.slide, v.frame.Slide
	return held != nil && (now == nil || !slices.Equal(held.Media, now.Media))
}

// held returns the slide that somebody decides about. Its film is paused and resumed with
// the slideshow.
func (v slideView) held() *display.Slide {
	s := *v.menu.slide
	if !s.Began.IsZero() {
		s.Position.Held = v.frame.Held
	}
	return &s
}

// shown returns what is known of the slide of the page.
func (v slideView) shown() device.Shown {
	if !v.isHeld() {
		return v.frame.Shown
	}
	held := v.menu.shown
	held.Until = time.Time{}
	return held
}

// playing adds to a page with a slide how that is played.
func (v slideView) playing(p *display.Page) {
	if p.Slide == nil {
		return
	}
	shown := v.shown()
	p.Since, p.NextAt, p.Muted = shown.Since, shown.Until, v.frame.Muted
	if v.frame.Paused {
		p.Paused = v.say("paused")
	}
	if v.loudness.shown {
		p.Volume = v.volume()
	}
}

// volume is what the page shows while somebody changes the volume.
func (v slideView) volume() *display.Volume {
	n := v.cfg.Style.Volume
	if v.frame.Muted {
		n = 0
	}
	value := v.cfg.setting("percent", "n", n)
	if n == 0 {
		value = v.cfg.setting("off")
	}
	name := v.cfg.lang().Say(device.SettingWords(volumeKey))
	return &display.Volume{Label: v.cfg.setting("line", "setting", name, "value", value), Percent: n}
}

// expireVolume ends what volume adds to the page.
func (v slideView) expireVolume(now time.Time, sooner func(time.Time)) {
	end := v.loudness.changed.Add(volumeFor)
	if v.loudness.shown = now.Before(end); v.loudness.shown {
		sooner(end)
	}
}

// showVolume shows the volume for a moment.
func (s *Screen) showVolume() { s.update(func(v *view) { v.loudness.changed = time.Now() }) }

// changeVolume makes films louder or quieter. Who makes them louder wants to hear them.
// Nobody needs the PIN for that: lock it in the configuration where people must not.
// Guests can't: what they set would outlive them.
// Errors are device.ErrNotOffered and those of device.Settings and the slideshow.
func (s *Screen) changeVolume(ctx context.Context, up bool) error {
	defer s.showVolume()
	c := s.cfg.choice(volumeKey)
	if c == nil {
		return device.ErrNotOffered
	}
	o := c.Step(-1)
	if up {
		o = c.Step(1)
	}
	var err error
	switch loudest := &c.Options[len(c.Options)-1]; {
	case s.cfg.ForgetAfter > 0:
		err = device.ErrNotOffered
	case c.Locked:
		err = &device.SettingError{Code: device.SettingLocked, Key: volumeKey, Message: "the value is fixed"}
	case up && c.Value == loudest.Value, o.Value == c.Value:
	default:
		err = s.cfg.Settings.Change(ctx, map[string]any{volumeKey: o.Set})
	}
	if !up {
		return err
	}
	return cmp.Or(err, s.cfg.Slides.Do(ctx, display.Wish{Verb: display.Unmute}))
}
