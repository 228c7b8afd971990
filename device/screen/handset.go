package screen

import (
	"context"
	"io/fs"
	"maps"
	"slices"
	"time"

	"pickerd/device"
	"pickerd/display"
)

const (
	// maxShown is how many items the phone remote knows: several slides of two.
	maxShown = 32
	// thumbSize bounds a thumbnail in pixels, maxThumb in bytes. maxThumbs of them are
	// kept.
	thumbSize = 480
	maxThumb  = 512 << 10
	maxThumbs = 4
)

// A handset makes what a phone remote shows.
type handset struct{ *view }

// thumbs are the thumbnails that were made last, the newest last.
type thumbs []thumb

type thumb struct {
	item string
	jpeg []byte
}

// get returns the thumbnail of an item, nil if there is none.
func (t thumbs) get(item string) []byte {
	if i := slices.IndexFunc(t, func(t thumb) bool { return t.item == item }); i >= 0 {
		return t[i].jpeg
	}
	return nil
}

// put adds a thumbnail in place of the oldest.
func (t *thumbs) put(item string, jpeg []byte) {
	if len(*t) >= maxThumbs {
		*t = slices.Delete(*t, 0, 1)
	}
	*t = append(*t, thumb{item, jpeg})
}

// photos returns the photos of a page. From then on the phone remote may ask for
// them.
func (v handset) photos(p *display.Page) (list []device.RemotePhoto) {
	if p.Slide == nil {
		return nil
	}
	for i, m := range p.Slide.Media {
		if m.Item == "" {
			continue
		}
		r := device.RemotePhoto{Item: m.Item}
		if v.snap.State == device.Showing {
			if r.Hide, r.Delete = photoWords(p.Slide, i); v.isWithheld() {
				r.Delete = ""
			}
		}
		list = append(list, r)
		shown := &v.remote.shown
		if slices.Contains(*shown, m.Item) {
			continue
		}
		if len(*shown) >= maxShown {
			*shown = slices.Delete(*shown, 0, 1)
		}
		*shown = append(*shown, m.Item)
	}
	return list
}

// mayTouch reports whether the phone remote with a key may hide or delete an item. Its
// errors are those of Control.
func (s *Screen) mayTouch(key string, w display.Wish) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &s.view
	switch {
	case !v.remote.opens(key, time.Now()):
		return device.ErrRemoteGone
	case !slices.Contains(v.remote.shown, w.Item):
		return device.ErrNotOffered
	case w == display.Wish{Verb: display.Hide, Item: w.Item}:
		return nil
	case w == display.Wish{Verb: display.Remove, Item: w.Item}:
		return handset{v}.lock()
	}
	return device.ErrNotOffered
}

// lock returns device.ErrPINNeeded if the phone remote needs the PIN for a guarded
// page, and device.ErrNotOffered if it doesn't get any.
func (v handset) lock() error {
	switch {
	case v.isWithheld():
		return device.ErrNotOffered
	case v.cfg.PIN != nil && !time.Now().Before(v.remote.unlocked):
		return device.ErrPINNeeded
	}
	return nil
}

// Thumbnail returns a small JPEG of an item that the phone remote with a key has seen on
// the screen. It is made once. Errors are device.ErrRemoteGone, fs.ErrNotExist, ctx's
// and those of Config.Thumbnail.
func (s *Screen) Thumbnail(ctx context.Context, key, item string) ([]byte, error) {
	if jpeg, _, err := s.knownThumb(key, item); jpeg != nil || err != nil {
		return jpeg, err
	}
	select {
	case s.thumb <- struct{}{}:
		defer func() { <-s.thumb }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	jpeg, generation, err := s.knownThumb(key, item) // another request may have made it
	if jpeg != nil || err != nil {
		return jpeg, err
	}
	if jpeg, err = s.cfg.Thumbnail(ctx, item, thumbSize, thumbSize); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refreshLocked()
	switch v := &s.view; {
	case v.snap.Generation != generation || !v.remote.opens(key, time.Now()): // of somebody who has left
		return nil, device.ErrRemoteGone
	case len(jpeg) > maxThumb:
		return nil, fs.ErrNotExist
	default:
		v.remote.thumbs.put(item, jpeg)
	}
	return jpeg, nil
}

// knownThumb returns the thumbnail of an item, nil if it is to be made.
func (s *Screen) knownThumb(key, item string) (jpeg []byte, generation int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refreshLocked()
	v := &s.view
	switch {
	case !v.remote.opens(key, time.Now()):
		return nil, 0, device.ErrRemoteGone
	case s.cfg.Thumbnail == nil || !slices.Contains(v.remote.shown, item):
		return nil, 0, fs.ErrNotExist
	}
	return v.remote.thumbs.get(item), v.snap.Generation, nil
}

// unlocked checks the key of a phone remote that asks for a guarded page, and prolongs
// it. Errors are device.ErrRemoteGone, device.ErrNotOffered and device.ErrPINNeeded.
func (s *Screen) unlocked(key string) error {
	if err := s.enterRemote(key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refreshLocked()
	if !s.view.remote.opens(key, time.Now()) {
		return device.ErrRemoteGone
	}
	return handset{&s.view}.lock()
}

// MayDelete reports whether the phone remote with a key may delete an item now. Errors
// are device.ErrRemoteGone, device.ErrNotOffered and device.ErrPINNeeded.
func (s *Screen) MayDelete(key, item string) error {
	if err := s.enterRemote(key); err != nil {
		return err
	}
	return s.mayTouch(key, display.Wish{Verb: display.Remove, Item: item})
}

// RemoteSettings returns the settings that the phone remote with a key may change.
// Errors are device.ErrRemoteGone, device.ErrNotOffered and device.ErrPINNeeded.
func (s *Screen) RemoteSettings(key string) ([]device.Choice, error) {
	if err := s.unlocked(key); err != nil {
		return nil, err
	}
	list := s.cfg.choices()
	if list == nil {
		return nil, device.ErrNotOffered
	}
	return list, nil
}

// ChangeRemote sets settings from the phone remote with a key, all or none, to values of
// their options. Others are ignored. Errors are those of RemoteSettings and of
// device.Settings.
func (s *Screen) ChangeRemote(ctx context.Context, key string, values map[string]string) error {
	list, err := s.RemoteSettings(key)
	if err != nil {
		return err
	}
	all, changes := maps.Clone(s.cfg.Settings.Settings()), map[string]any{}
	for i := 0; i < len(list); i++ {
		c := list[i]
		value, given := values[c.Key]
		if o := c.Option(value); given && o != nil && value != c.Value && !c.Locked {
			changes[c.Sets] = o.Set
			set := all[c.Sets] // another choice may set another part of it
			set.Value = o.Set
			all[c.Sets] = set
			list = device.ChoicesOf(all, s.cfg.Snapshots.Get().Collections...)
		}
	}
	if len(changes) == 0 {
		return nil
	}
	err = s.cfg.Settings.Change(ctx, changes)
	s.update(func(*view) {})
	return err
}

// EnterRemotePIN checks a PIN from the phone remote with a key. Errors are
// device.ErrRemoteGone, device.ErrNotOffered and those of PIN.
func (s *Screen) EnterRemotePIN(key, pin string) error {
	if err := s.enterRemote(key); err != nil {
		return err
	}
	if s.cfg.PIN == nil {
		return device.ErrNotOffered
	}
	if err := s.cfg.PIN.Enter(pin); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refreshLocked()
	now := time.Now()
	if !s.view.remote.opens(key, now) {
		return device.ErrRemoteGone
	}
	s.view.remote.unlocked = now.Add(pinFor)
	return nil
}
