package slideshow

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"pickerd/device"
)

// An audience is the displays that show slides, and what each of them can't show. One
// display's lack takes nothing from the others.
type audience struct {
	mu      sync.Mutex
	viewers map[*Viewer]bool
	came    bool          // a display has come since it was last asked for
	heard   chan struct{} // level trigger
}

// A Viewer is one display that shows slides. Its methods may be called from any
// goroutine.
type Viewer struct {
	audience *audience
	screen   bool            // the box's own, all of whose lacks are kept
	lacks    map[string]lack // by file
	playback playback
}

// A lack is why a display can't show a file. still says that it shows the still of a
// film instead.
type lack struct {
	why   error
	still bool
}

// maxLacks bounds what is kept of one browser. A slide has at most two files.
const maxLacks = 4

// ErrNoPlayer means that a display plays no films, as without a decoder for them.
var ErrNoPlayer = errors.New("films are not played")

// errUnknown stands for an output that does not say why it can't show a photo.
var errUnknown = errors.New("it can't be shown")

func newAudience() *audience {
	return &audience{viewers: map[*Viewer]bool{}, heard: make(chan struct{}, 1)}
}

func (a *audience) wake() {
	select {
	case a.heard <- struct{}{}:
	default:
	}
}

// Join adds a display. Photos that no display could show so far are tried again.
func (s *Slideshow) Join() *Viewer {
	v := &Viewer{audience: s.audience, lacks: map[string]lack{}}
	v.join()
	return v
}

func (v *Viewer) join() {
	v.audience.mu.Lock()
	defer v.audience.mu.Unlock()
	if !v.audience.viewers[v] {
		v.audience.viewers[v], v.audience.came = true, true
		v.audience.wake()
	}
}

// Leave removes the display.
func (v *Viewer) Leave() {
	v.audience.mu.Lock()
	defer v.audience.mu.Unlock()
	delete(v.audience.viewers, v)
	v.audience.wake()
}

// Cannot reports that the display can't show a file, or, of a film, no more than its
// still.
func (v *Viewer) Cannot(file string, still bool, why error) { v.lack(file, still, why) }

// lack is Cannot. It reports whether that is new.
func (v *Viewer) lack(file string, still bool, why error) bool {
	v.audience.mu.Lock()
	defer v.audience.mu.Unlock()
	_, known := v.lacks[file]
	if !known && !v.screen && len(v.lacks) >= maxLacks {
		clear(v.lacks)
	}
	v.lacks[file] = lack{cmp.Or(why, errUnknown), still}
	v.audience.wake()
	return !known
}

// ScreenFound reports whether the box's own screen is in use.
func (s *Slideshow) ScreenFound(found bool) {
	if found {
		s.screen.join()
	} else {
		s.screen.Leave()
	}
}

// Unshowable reports that the box's own screen can't show a file. If no other display
// can, it is skipped until another one comes.
func (s *Slideshow) Unshowable(ctx context.Context, file string, why error) {
	s.screen.Cannot(file, false, why)
	s.screen.join()
	_ = s.act(ctx, func(*state) {})
}

// FilmPlays reports that the box's own screen plays a film: see Viewer.Plays.
func (s *Slideshow) FilmPlays(film string, left time.Duration) { s.screen.Plays(film, left) }

// FilmFailed reports that the box's own screen shows no more than the still of a film, or
// its last picture. The film is named once in the log, and not because of ErrNoPlayer.
func (s *Slideshow) FilmFailed(film string, why error) {
	if s.screen.lack(film, true, why) && !errors.Is(why, ErrNoPlayer) {
		s.cfg.Log.Warn("film not played", "file", film, "err", why)
	}
}

// newcomer reports whether a display has come since the last call.
func (a *audience) newcomer() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	came := a.came
	a.came = false
	return came
}

// unshowable returns the files that no display can show.
func (a *audience) unshowable() map[string]error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var none map[string]error
	for v := range a.viewers { // any of them: all must lack it
		for file, l := range v.lacks {
			if !l.still && a.all(func(v *Viewer) bool { other, ok := v.lacks[file]; return ok && !other.still }) {
				if none == nil {
					none = map[string]error{}
				}
				none[file] = l.why
			}
		}
		break
	}
	return none
}

// plays reports whether a display may play a film, or there is none.
func (a *audience) plays(film string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.viewers) == 0 || !a.all(func(v *Viewer) bool { _, ok := v.lacks[film]; return ok })
}

func (a *audience) all(f func(*Viewer) bool) bool {
	for v := range a.viewers {
		if !f(v) {
			return false
		}
	}
	return true
}

// hear takes in what displays can't show: photos that none can are skipped, and a film
// that none plays stays no longer than a photo. One that is played stays to its end.
func (s *Slideshow) hear(st *state) {
	before := st.shownID()
	if s.audience.newcomer() && len(st.bad) > 0 {
		clear(st.bad)
		s.take(st, &collection{st.all, st.generation}, st.read)
	}
	for file, why := range s.audience.unshowable() {
		if id := st.drop(file, why); id != "" {
			s.cfg.Log.Warn("photo skipped: it can't be shown", "item", id, "file", file, "err", why)
		}
	}
	if st.shownID() != before {
		s.restart(st, time.Now())
	}
	unplayed := st.isFilm() && !s.audience.plays(st.photos[st.at].File)
	if unplayed != st.unplayed {
		st.unplayed = unplayed
		st.due = st.began.Add(st.time(st.stills || unplayed))
	}
	s.followFilm(st)
}

// maxNames bounds the photos that are named among those that a screen can't show.
const maxNames = 3

// lacking counts the photos of the collection that the box's own screen can't show, and
// forgets files that are no longer in it.
func (s *Slideshow) lacking(st *state) (out device.Lacking) {
	s.audience.mu.Lock()
	defer s.audience.mu.Unlock()
	if len(s.screen.lacks) == 0 || len(st.all) == 0 {
		return out
	}
	seen := map[string]bool{}
	for _, p := range st.all {
		l, ok := s.screen.lacks[p.File]
		if !ok {
			continue
		}
		seen[p.File] = true
		if errors.Is(l.why, ErrNoPlayer) {
			continue
		}
		if out.Count++; len(out.Names) < maxNames {
			out.Names = append(out.Names, cmp.Or(p.Filename, p.ID))
		}
	}
	for file := range s.screen.lacks {
		if !seen[file] {
			delete(s.screen.lacks, file)
		}
	}
	return out
}
