package slideshow

import (
	"time"

	"pickerd/picker"
	"pickerd/store"
)

const (
	// maxLag is how much later than on the first display a film may end on another,
	// which began later or had to wait for the network.
	maxLag = 30 * time.Second
	// reportPatience is how long a browser may say nothing of a film that it plays. It
	// tells of it every 10 seconds.
	reportPatience = 30 * time.Second
	// maxLoading is how long browsers may say nothing of a film before it plays.
	maxLoading = 90 * time.Second
)

// A playback is what a display tells of the film on the screen. The zero playback is
// that of one that tells nothing.
type playback struct {
	file  string
	first time.Time // the end that it expected first; zero while it knows none
	end   time.Time // the end that it expects now, or that has been; zero while it knows none
	heard time.Time // when it told of it last
	over  bool
}

// due returns when the film is over on the display, if it tells no more of it. The box's
// own screen tells only of its beginning and its end.
func (p *playback) due(screen bool) time.Time {
	due, latest := p.end, p.heard.Add(reportPatience)
	if !p.over {
		due = due.Add(filmSlack)
	}
	if !p.over && (p.end.IsZero() || !screen && latest.Before(due)) {
		return latest
	}
	return due
}

// Plays reports that the display plays a film, and how much of it is left: 0 at its end,
// and a negative number while that is unknown.
func (v *Viewer) Plays(film string, left time.Duration) {
	v.audience.mu.Lock()
	defer v.audience.mu.Unlock()
	if v.playback.file != film {
		v.playback = playback{file: film}
	}
	if v.lacks[film].still { // it couldn't before
		delete(v.lacks, film)
	}
	p := &v.playback
	p.heard, p.end, p.over = time.Now(), time.Time{}, left == 0
	if left >= 0 {
		p.end = p.heard.Add(left)
	}
	if p.first.IsZero() {
		p.first = p.end
	}
	v.audience.wake()
}

// forgetFilm drops what displays have told of a film.
func (a *audience) forgetFilm() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for v := range a.viewers {
		v.playback = playback{}
	}
}

// shift moves the ends of a film that was paused.
func (a *audience) shift(pause time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for v := range a.viewers {
		p := &v.playback
		for _, t := range []*time.Time{&p.first, &p.end, &p.heard} {
			if !t.IsZero() {
				*t = t.Add(pause)
			}
		}
	}
}

// filmEnd returns when a film that began at a time is over on the displays that tell of
// it: on the slowest one, but not much later than on the first. told is false if none
// tells. browsers says that there are browsers and no other displays.
func (a *audience) filmEnd(film store.Photo, began time.Time) (end time.Time, told, browsers bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	bound := began.Add(longest(film))
	browsers = len(a.viewers) > 0
	for v := range a.viewers {
		p := v.playback
		browsers = browsers && !v.screen
		if _, lacks := v.lacks[film.File]; lacks || p.file != film.File {
			continue
		}
		if due := p.due(v.screen); due.After(end) {
			end = due
		}
		if latest := p.first.Add(maxLag); !p.first.IsZero() && latest.Before(bound) {
			bound = latest
		}
		told = true
	}
	if end.After(bound) {
		end = bound
	}
	return end, told, browsers
}

// expected returns when the film is over on the slowest display that tells of it, if none
// falls silent before.
func (a *audience) expected(film store.Photo) (end time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for v := range a.viewers {
		p := v.playback
		if _, lacks := v.lacks[film.File]; lacks || p.file != film.File {
			continue
		}
		ends := p.due(v.screen)
		if !p.over && !p.end.IsZero() { // however long it may be silent until then
			ends = p.end.Add(filmSlack)
		}
		if ends.After(end) {
			end = ends
		}
	}
	return end
}

// followFilm has a film stay as long as displays tell, and as long as a photo at least.
func (s *Slideshow) followFilm(st *state) {
	st.ends = time.Time{}
	if st.paused || !st.isFilm() || st.stills || st.unplayed {
		return
	}
	film := st.photos[st.at]
	end, told, browsers := s.audience.filmEnd(film, st.began)
	switch stays := st.time(false); {
	case told:
		st.ends = st.began.Add(max(st.Interval, min(s.audience.expected(film).Sub(st.began), longest(film))))
		st.due = st.began.Add(max(st.Interval, end.Sub(st.began)))
	case browsers:
		st.ends = st.began.Add(stays)
		st.due = st.began.Add(min(stays, maxLoading))
	default:
		st.due = st.began.Add(stays)
	}
}

// isFilm reports whether the slide on the screen is a film.
func (st *state) isFilm() bool {
	return st.at < len(st.photos) && st.photos[st.at].Type == picker.Video
}
