package stage

import (
	"context"
	"errors"
	"image"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"pickerd/display/film"
	"pickerd/display/photo"
	"pickerd/display/pixel"
)

// Films plays the films of slides. All fields must be set, or none.
type Films struct {
	// Open begins to play a film, whose file it does not close. Its error is about this
	// film.
	Open func(ctx context.Context, r film.Request) (Film, error)
	// Plays is called now and then while a film plays, with how much of it is left: 0 at
	// its end, and a negative number while that is unknown.
	Plays func(file string, left time.Duration)
	// Failed is called when a film can't be played, or no further.
	Failed func(file string, why error)
}

// A Film is a *film.Film, or that of a test.
type Film interface {
	Next(ctx context.Context) (film.Frame, error)
	Pause(paused bool)
	SetVolume(volume int)
	Info() film.Info
	Close() error
}

const (
	// maxSilence is how long a film may say nothing. Package film gives up earlier and says
	// why.
	maxSilence = 30 * time.Second
	// minFrameStep is a little less than a frame stays at 60 frames per second. Of
	// faster films some frames are left out.
	minFrameStep = time.Second / 75
	// filmRetry is the time between attempts to play a film that no other slide follows.
	filmRetry = time.Minute
	// joinAfter is how far a film is elsewhere where this screen does not show its beginning,
	// as in the morning. It is longer than a slow box takes for the slide.
	joinAfter = 10 * time.Second
	// tellEvery is how often others are told that a film still plays.
	tellEvery = 5 * time.Second
)

var (
	errSilent   = errors.New("the decoder stopped answering")
	errNoFrames = errors.New("film without pictures")
)

// A filmState is what became of a slide's film since the slide was decoded.
type filmState struct {
	begun  bool          // it was opened since the slide came
	seen   bool          // frames of it were drawn over the still
	marked bool          // the still has a mark
	at     time.Duration // of the frame seen last
	over   bool          // that was the last one
	again  time.Time     // when to play it again if no other slide follows
}

// filmFile returns the file of a slide's film, "" without one.
func (s *scene) filmFile() string {
	if s == nil || len(s.slide.Media) != 1 || !s.slide.Media[0].Video {
		return ""
	}
	return s.slide.Media[0].File
}

// A playback is a film that plays. Its goroutine runs until the film has ended or ctx
// has.
type playback struct {
	scene  *scene
	file   string
	events chan filmEvent
	next   chan struct{} // the event has been dealt with
	cancel context.CancelFunc

	film   Film            // nil until it is open
	last   time.Time       // that it said something
	told   time.Time       // that others were
	part   image.Rectangle // of the screen, that frames cover
	late   bool            // it was not opened at its beginning
	drawn  bool
	paused bool
	volume int
}

// A filmEvent is a film that was opened, a frame of it, or its end.
type filmEvent struct {
	film  Film
	frame film.Frame
	err   error
}

// playbacks are the goroutines of all films. One is closed before the next is opened,
// so that no two are heard at once.
type playbacks struct {
	wg   sync.WaitGroup
	last chan struct{} // closed when the one before has ended
}

// incoming returns the channel for what the film has to say, nil without a film.
func (r *playback) incoming() <-chan filmEvent {
	if r == nil {
		return nil
	}
	return r.events
}

// length returns the length of the film that plays, 0 if unknown.
func (r *playback) length() time.Duration {
	if r == nil || r.film == nil {
		return 0
	}
	return r.film.Info().Duration
}

// run opens a film and hands over its frames.
func (r *playback) run(ctx context.Context, open func(ctx context.Context) (Film, error)) {
	f, err := open(ctx)
	if err != nil {
		r.say(ctx, filmEvent{err: err})
		return
	}
	defer debug.FreeOSMemory() // of frames, as large as the screen
	defer f.Close()
	e := filmEvent{film: f}
	for e.err == nil {
		next := time.Now().Add(minFrameStep)
		if !r.say(ctx, e) {
			return
		}
		wait(ctx, time.Until(next))
		e = filmEvent{}
		e.frame, e.err = f.Next(ctx)
	}
	r.say(ctx, e)
}

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// say hands an event over and waits until it has been dealt with: its frame is valid no
// longer. It reports false if ctx has ended before.
func (r *playback) say(ctx context.Context, e filmEvent) bool {
	select {
	case <-ctx.Done():
		return false
	case r.events <- e:
	}
	<-r.next
	return true
}

// updateFilm begins and stops films as the page demands. A menu leaves them playing below.
func (p *player) updateFilm(ctx context.Context, now time.Time) error {
	if p.playback != nil && (p.playback.scene != p.scene || !p.wantsFilm()) {
		p.stopFilm()
	}
	if limit := p.filmDue(); p.playback != nil && !limit.IsZero() && !now.Before(limit) {
		return p.fail(p.playback, errSilent)
	}
	if p.wantsFilm() {
		p.rewind(now)
	}
	if p.playback == nil && p.wantsFilm() {
		if f := &p.scene.film; !f.begun || p.page.Next == nil && !f.again.IsZero() && !now.Before(f.again) {
			p.startFilm(ctx, now)
		}
	}
	p.follow(now)
	return nil
}

// rewindBy is more than clocks that follow the same film differ by.
const rewindBy = 3 * time.Second

// rewind begins the film anew if the slideshow has, as when somebody goes back to its
// beginning.
func (p *player) rewind(now time.Time) {
	s := p.scene
	if at := s.slide.Position; !s.film.begun || at.Began.IsZero() || at.At(now)+rewindBy > s.film.at {
		return
	}
	if p.playback != nil {
		p.stopFilm()
	}
	s.film.begun, s.film.at = false, 0
}

// startAt returns where a film is to begin.
func (s *scene) startAt(now time.Time) time.Duration {
	switch at := s.slide.At(now); {
	case s.film.over:
		return 0
	case s.film.at == 0 && at > joinAfter && s.film.again.IsZero():
		return at
	}
	return s.film.at
}

// wantsFilm reports whether the screen is to show a film.
func (p *player) wantsFilm() bool {
	return p.cfg.Films.Open != nil && p.scene.filmFile() != "" && p.shown && !p.dark && !p.page.Night && p.key(p.page.Slide) == p.scene.key
}

// filmDue returns when the film that plays has failed without a sign of life, or when to
// play one again.
func (p *player) filmDue() time.Time {
	switch r := p.playback; {
	case r == nil && p.wantsFilm() && p.page.Next == nil:
		return p.scene.film.again
	case r == nil || r.paused:
		return time.Time{}
	default:
		return r.last.Add(maxSilence)
	}
}

// volume returns the volume that films play at.
func (p *player) volume() int {
	if p.page.Muted {
		return 0
	}
	return p.page.Style.Volume
}

// startFilm begins to play the film of the slide.
func (p *player) startFilm(ctx context.Context, now time.Time) {
	s := p.scene
	ctx, cancel := context.WithCancel(ctx)
	r := &playback{scene: s, file: s.filmFile(), events: make(chan filmEvent), next: make(chan struct{}, 1), cancel: cancel, last: now, volume: p.volume()}
	start := s.startAt(now)
	s.film.begun, s.film.at, s.film.over, s.film.again = true, start, false, time.Time{}
	r.late = start > 0
	p.playback = r
	before, over := p.playbacks.last, make(chan struct{})
	p.playbacks.last = over
	request := film.Request{Cover: s.Places[0].Cover, Start: start, Volume: r.volume}
	request.W, request.H = layoutOf(s.slide, p.page.Style.Look).Share(p.w, p.h, 1) // the still may have another shape
	p.playbacks.wg.Go(func() {
		defer close(over)
		if before != nil {
			<-before
		}
		r.run(ctx, func(ctx context.Context) (Film, error) {
			f, err := p.cfg.Media(r.file)
			if err != nil {
				return nil, err
			}
			defer f.Close()
			request.File = f
			return p.cfg.Films.Open(ctx, request)
		})
	})
}

// stopFilm stops the film at once. It goes on there if the same slide is wanted again
// before another has come.
func (p *player) stopFilm() {
	p.playback.cancel()
	p.playback.scene.film.begun = false
	p.playback = nil
}

// follow has the film follow the page: pause and volume.
func (p *player) follow(now time.Time) {
	r := p.playback
	if r == nil || r.film == nil {
		return
	}
	if paused := p.page.Paused != ""; paused != r.paused {
		r.paused, r.last = paused, now
		r.film.Pause(paused)
	}
	if volume := p.volume(); volume != r.volume {
		r.volume = volume
		r.film.SetVolume(volume)
	}
}

// handleFilm deals with what a film says.
func (p *player) handleFilm(r *playback, e filmEvent) error {
	defer func() { r.next <- struct{}{} }()
	r.last = time.Now()
	switch {
	case e.film != nil:
		r.film = e.film
		p.follow(r.last)
		return nil
	case e.err == io.EOF && (r.drawn || r.late):
		p.endFilm(r)
		p.cfg.Films.Plays(r.file, 0)
		return nil
	case e.err == io.EOF:
		return p.fail(r, errNoFrames)
	case e.err != nil:
		return p.fail(r, e.err)
	case e.frame.Image == nil || e.frame.Image.W <= 0 || e.frame.Image.H <= 0:
		return p.fail(r, errNoFrames)
	}
	return p.drawFrame(r, e.frame)
}

// endFilm ends the film that plays. Its last frame stays. A film that no other slide
// follows begins anew, at intervals.
func (p *player) endFilm(r *playback) {
	r.cancel()
	p.playback = nil
	r.scene.film.over = true
	r.scene.film.again = p.began.Add(p.page.Style.Interval)
	if now := time.Now(); r.scene.film.again.Before(now) {
		r.scene.film.again = now
	}
}

// fail gives a film up. What was seen last stays, with a mark.
func (p *player) fail(r *playback, why error) error {
	p.endFilm(r)
	s := r.scene
	s.film.again = time.Now().Add(filmRetry)
	p.cfg.Films.Failed(r.file, why)
	if s.film.marked {
		return nil
	}
	s.film.marked = true
	playMark(s.Scene)
	return p.moved(s.Still.Bounds())
}

// drawFrame draws a frame of the film in the middle of its place.
func (p *player) drawFrame(r *playback, f film.Frame) error {
	s, m := r.scene, f.Image
	place := s.Places[0]
	at := place.Min.Add(place.Max).Sub(image.Pt(m.W, m.H)).Div(2)
	part := m.Bounds().Add(at).Intersect(s.Still.Bounds())
	if !r.drawn {
		r.drawn, r.part = true, place.Rectangle
	}
	if r.last.Sub(r.told) >= tellEvery {
		r.told = r.last
		left := r.length() - f.At
		if left <= 0 {
			left = -1
		}
		p.cfg.Films.Plays(r.file, left)
	}
	s.film.seen, s.film.marked, s.film.at = true, false, f.At
	if !r.part.In(part) { // the still had another shape, or none
		p.lay(s, m)
		r.part = part
		part = s.Still.Bounds()
	} else {
		s.Still.Copy(m, at)
	}
	return p.moved(part)
}

// lay draws a slide anew, with a frame of its film.
func (p *player) lay(s *scene, m *pixel.Image) {
	layout := layoutOf(s.slide, p.page.Style.Look)
	layout.Fill, layout.Auto = false, false // the frame is as large as it is seen
	laid := photo.Compose(p.w, p.h, []*photo.Photo{photo.FromImage(m)}, layout)
	s.Still.Copy(laid.Still, image.Point{})
	s.Places = laid.Places
}

// moved shows a part of the slide's picture that has changed. A fade shows it with its
// next step.
func (p *player) moved(part image.Rectangle) error {
	still, frame := p.scene.Still, p.frame
	if p.fade != nil {
		frame = p.fade.frame
	}
	if frame != still {
		frame.Sub(part).Copy(still.Sub(part), image.Point{})
		p.list.Draw(frame, part)
	}
	if f := p.fade; f != nil {
		if f.to != f.frame {
			turnPart(f.to, f.frame, p.cfg.Rotate, part)
		}
		return nil
	}
	return p.show([]image.Rectangle{part})
}

// changeFilm goes over from one slide to the next. A film goes on where it was if only its look
// has changed.
func (p *player) changeFilm(from, to *scene) {
	if p.playback != nil {
		p.stopFilm()
	}
	if to == nil {
		return
	}
	to.film.begun, to.film.again = false, time.Time{}
	if from != nil && from != to && from.filmFile() == to.filmFile() {
		to.film.at, to.film.over = from.film.at, from.film.over
	}
}
