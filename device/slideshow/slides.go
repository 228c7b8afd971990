package slideshow

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"pickerd/display"
	"pickerd/picker"
	"pickerd/store"
)

// slides is the order in which photos are shown, and the place in it.
type slides struct {
	Options
	all    []store.Photo // in the order picked
	photos []store.Photo // in the order shown
	at     int           // of photos
	bad    map[string]error
	screen func() (width, height int)
}

// configure takes over other options. Another order begins with the photo on the
// screen.
func (s *slides) configure(o Options) {
	mixed := o.Shuffle && !s.Shuffle
	reordered := mixed || o.Shuffle != s.Shuffle || o.Newest != s.Newest
	s.Options = o
	if !reordered {
		return
	}
	if mixed && s.at < len(s.photos) { // the others get other places
		s.photos, s.at = s.photos[s.at:s.at+1], 0
	}
	s.take(s.all)
}

// take goes over to a new collection. The photo on the screen stays if it is
// still part of it. Photos that were shown in this round are not shown again
// before the round is over.
func (s *slides) take(all []store.Photo) {
	for file := range s.bad {
		if !slices.ContainsFunc(all, func(p store.Photo) bool { return p.File == file }) {
			delete(s.bad, file)
		}
	}
	s.all = all
	all = slices.DeleteFunc(slices.Clone(all), func(p store.Photo) bool { return p.Hidden || s.bad[p.File] != nil })
	shown := s.shownID()
	switch {
	case s.Shuffle:
		all = s.mix(all)
	case s.Newest:
		all = newestFirst(all)
	}
	s.photos = all
	s.at = max(0, slices.IndexFunc(all, func(p store.Photo) bool { return p.ID == shown }))
}

// newestFirst reverses the order of the picks and keeps the order within each.
func newestFirst(all []store.Photo) []store.Photo {
	out := make([]store.Photo, 0, len(all))
	for end := len(all); end > 0; {
		begin := end - 1
		for begin > 0 && all[begin-1].Pick == all[end-1].Pick {
			begin--
		}
		out = append(out, all[begin:end]...)
		end = begin
	}
	return out
}

// mix keeps the order of photos that have a place and gives new ones a random
// place among those that follow.
func (s *slides) mix(all []store.Photo) []store.Photo {
	fresh := map[string]store.Photo{}
	for _, p := range all {
		fresh[p.ID] = p
	}
	var mixed []store.Photo
	behind := 0 // photos up to and with the one on the screen
	for i, p := range s.photos {
		if now, ok := fresh[p.ID]; ok {
			mixed = append(mixed, now)
			delete(fresh, p.ID)
			if i <= s.at {
				behind++
			}
		}
	}
	for _, p := range all {
		if _, ok := fresh[p.ID]; ok {
			mixed = slices.Insert(mixed, behind+rand.IntN(len(mixed)-behind+1), p)
		}
	}
	return mixed
}

// shownID names the photo on the screen.
func (s *slides) shownID() string {
	if s.at >= len(s.photos) {
		return ""
	}
	return s.photos[s.at].ID
}

// forward goes to the next slide, and from the last one to the first. A new round
// of shuffled photos has a new order.
func (s *slides) forward() {
	if len(s.photos) == 0 {
		return
	}
	if s.at = s.after(s.at); s.at != 0 || !s.Shuffle {
		return
	}
	last := s.photos[len(s.photos)-1].ID
	rand.Shuffle(len(s.photos), func(i, j int) { s.photos[i], s.photos[j] = s.photos[j], s.photos[i] })
	if n := len(s.photos); n > 1 && s.photos[0].ID == last {
		s.photos[0], s.photos[n-1] = s.photos[n-1], s.photos[0]
	}
}

// back goes to the previous slide, and from the first one to the last.
func (s *slides) back() {
	end := s.at
	if end == 0 {
		end = len(s.photos)
	}
	// Pairs are counted from the first photo.
	for i := 0; i < end; {
		s.at = i
		if i = s.after(i); i == 0 {
			break
		}
	}
}

// after returns where the slide after the one at i begins.
func (s *slides) after(i int) int {
	if s.pair(i) {
		i++
	}
	return (i + 1) % max(len(s.photos), 1)
}

// pair reports whether the photos at i and i+1 are shown together: upright ones on a wide
// screen, or wide ones on an upright screen.
func (s *slides) pair(i int) bool {
	if i+1 >= len(s.photos) || !s.Pairs {
		return false
	}
	w, h := s.screen()
	return crosses(s.photos[i], w, h) && crosses(s.photos[i+1], w, h)
}

// crosses reports whether a photo is upright and a screen of w by h pixels is wide, or the
// other way round.
func crosses(p store.Photo, w, h int) bool {
	if p.Type == picker.Video || p.Width <= 0 || p.Height <= 0 {
		return false
	}
	return w > h && 10*p.Height > 11*p.Width || h > w && 10*p.Width > 11*p.Height
}

// slide returns what is shown at i, nil if nothing.
func (s *slides) slide(i int) *display.Slide {
	if i >= len(s.photos) {
		return nil
	}
	p := s.photos[i]
	key := "page.photo_of"
	if p.Type == picker.Video {
		key = "page.video_of"
	}
	out := &display.Slide{Media: []display.Media{mediaOf(p)}, Alt: s.Words.Say(key, "n", i+1, "total", len(s.photos)), Caption: s.captionOf(p)}
	if s.pair(i) {
		q := s.photos[i+1]
		out.Media = append(out.Media, mediaOf(q))
		w, h := s.screen()
		out.Stacked = h > w
		out.Alt += ", " + s.Words.Say(key, "n", i+2, "total", len(s.photos))
		if c := s.captionOf(q); c != out.Caption {
			out.Caption += " · " + c
		}
	}
	return out
}

// now and next are the slide on the screen and the one after it.
func (s *slides) now() *display.Slide { return s.slide(s.at) }

func (s *slides) next() *display.Slide {
	if i := s.after(s.at); i != s.at {
		return s.slide(i)
	}
	return nil
}

func mediaOf(p store.Photo) display.Media {
	return display.Media{File: p.File, Video: p.Type == picker.Video, Item: p.ID}
}

// captionOf returns when a photo was taken, or else its name.
func (s *slides) captionOf(p store.Photo) string {
	switch {
	case !s.Captions:
		return ""
	case p.CreateTime.IsZero():
		return p.Filename
	}
	return s.Words.Day(p.CreateTime.In(s.Zone))
}

// time returns how long the slide on the screen stays: a film until the end that its
// header says, if films are played. What displays tell of it comes before: see hear.
func (s *slides) time(stills bool) time.Duration {
	if s.at >= len(s.photos) {
		return time.Hour
	}
	if stills {
		return s.Interval
	}
	p := s.photos[s.at]
	film := min(p.Duration, longest(p))
	if film <= 0 {
		return s.Interval
	}
	return max(s.Interval, film+filmSlack)
}

// longest returns a time that a film is over after, whatever its header says.
func longest(film store.Photo) time.Duration {
	return time.Duration(film.Bytes/minFilmRate) * time.Second
}

// drop skips a photo that can't be shown. It returns its ID, "" if that is not new.
func (s *slides) drop(file string, why error) (id string) {
	i := slices.IndexFunc(s.photos, func(p store.Photo) bool { return p.File == file })
	if i < 0 { // skipped already, or gone
		return ""
	}
	id = s.photos[i].ID
	s.bad[file] = cmp.Or(why, errUnknown)
	s.photos = slices.Delete(s.photos, i, i+1)
	if i < s.at {
		s.at--
	} else if s.at >= len(s.photos) {
		s.at = 0
	}
	return id
}
