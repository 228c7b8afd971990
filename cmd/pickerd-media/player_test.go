package main

import (
	"net"
	"slices"
	"testing"
	"time"

	"pickerd/display/film"
	"pickerd/display/photo/outside/outsidetest"
)

// A stepper is a player without a decoder, at a time that the test sets, and what it has
// sent.
type stepper struct {
	t *testing.T
	*player
	now  *time.Time
	far  net.Conn
	slot int
}

func newStepper(t *testing.T) *stepper {
	t.Helper()
	far, conn := outsidetest.Pair(t)
	c, now := testClock(0)
	c.run(true)
	p := &player{conn: conn, clock: c, started: true, shown: -1, gap: usualGap, decoder: &decoder{messages: &head{}}}
	p.job.free = make(chan int, 100)
	return &stepper{t: t, player: p, now: now, far: far}
}

// t0 sets what runs programs.
func (s *stepper) t0(t *tools) {
	s.player.t, s.methods = t, []method{software}
	s.decoder = &decoder{frames: make(chan rawFrame), cancel: func() {}, messages: &head{}}
	close(s.decoder.frames)
}

// add has frames decoded, at milliseconds.
func (s *stepper) add(ms ...int) {
	s.t.Helper()
	for _, at := range ms {
		if err := s.take(s.t.Context(), rawFrame{slot: s.slot, w: 1, h: 1, at: time.Duration(at) * time.Millisecond}, true); err != nil {
			s.t.Fatal(err)
		}
		s.slot++
	}
}

// sent steps, and returns the timestamps of the frame that was sent, or -1, and the time
// until the next step.
func (s *stepper) sent() (ms int, next time.Duration) {
	s.t.Helper()
	next, over, err := s.step(s.t.Context())
	if err != nil || over {
		s.t.Fatal(over, err)
	}
	s.far.SetReadDeadline(time.Now().Add(-time.Second))
	if s.waiting || s.shown < 0 || next != 0 {
		return -1, next
	}
	s.far.SetReadDeadline(time.Time{})
	b := make([]byte, len(film.Answer{}.Append(nil)))
	if _, err := s.far.Read(b); err != nil {
		s.t.Fatal(err)
	}
	return int(s.last.Milliseconds()), next
}

// A frame is sent when it is due, to a client that waits. Of several that are due, the
// last one is, and the others are dropped.
func TestStep(t *testing.T) {
	s := newStepper(t)
	ctx := t.Context()
	s.add(0, 33, 66)
	if ms, _ := s.sent(); ms != -1 {
		t.Errorf("sent %d without a request", ms)
	}
	next := func() { s.obey(ctx, control{film.WordNext, 0}) }
	queued := func() (ms []int) {
		for _, f := range s.queue {
			ms = append(ms, int(f.at.Milliseconds()))
		}
		return ms
	}
	next()
	s.sent()
	if got := queued(); s.shown != 0 || !slices.Equal(got, []int{33, 66}) {
		t.Errorf("at the start: shown %d, queued %v", s.shown, got)
	}
	next()
	if ms, wait := s.sent(); ms != -1 || wait != 33*time.Millisecond {
		t.Errorf("sent %d, next step in %v", ms, wait)
	}
	*s.now = s.now.Add(70 * time.Millisecond)
	s.sent()
	if got := queued(); s.shown != 2 || s.dropped != 1 || len(got) != 0 {
		t.Errorf("after 70 ms: shown %d, %d dropped, queued %v", s.shown, s.dropped, got)
	}
	s.add(100, 133, 166)
	*s.now = s.now.Add(time.Second)
	s.sent() // nobody waits, and the decoder needs slots
	if got := queued(); s.dropped != 3 || !slices.Equal(got, []int{166}) || len(s.job.free) != 4 {
		t.Errorf("after a second: %d dropped, queued %v, %d free", s.dropped, got, len(s.job.free))
	}
}

// A paused film sends nothing, and goes on where it was.
func TestStepPause(t *testing.T) {
	s := newStepper(t)
	ctx := t.Context()
	s.add(0, 33)
	*s.now = s.now.Add(10 * time.Millisecond)
	s.obey(ctx, control{film.WordPause, 1})
	s.obey(ctx, control{film.WordNext, 0})
	*s.now = s.now.Add(time.Hour)
	if ms, _ := s.sent(); ms != -1 {
		t.Errorf("sent %d while paused", ms)
	}
	s.obey(ctx, control{film.WordPause, 0})
	s.sent()
	if at := position(s.clock); s.shown != 0 || s.dropped != 0 || at != 10*time.Millisecond {
		t.Errorf("after the pause: shown %d, %d dropped, at %v", s.shown, s.dropped, at)
	}
}

// After a decoder has failed, the next one begins where the film is.
func TestRestart(t *testing.T) {
	s := newStepper(t)
	s.t0(fakes(t, nil))
	s.add(0, 3600_000, 3600_033)
	*s.now = s.now.Add(60 * time.Millisecond)
	s.obey(t.Context(), control{film.WordNext, 0})
	s.sent()
	s.restart(t.Context(), 0)
	defer s.decoder.stop(s.job.free)
	if want := time.Hour + 20*time.Millisecond; s.job.start != want || len(s.queue) != 0 || len(s.job.free) < 2 {
		t.Errorf("begins at %v, want %v; %d queued, %d free", s.job.start, want, len(s.queue), len(s.job.free))
	}
}

// A film without a frame for a while waits for its sound, and ends after its last frame
// was seen.
func TestStepEnd(t *testing.T) {
	s := newStepper(t)
	s.add(0, 1000)
	s.obey(t.Context(), control{film.WordNext, 0})
	s.sent()
	*s.now = s.now.Add(time.Second)
	s.obey(t.Context(), control{film.WordNext, 0})
	s.sent()
	s.decoder.over = true
	if next, over, err := s.step(t.Context()); next != time.Second || over || err != nil {
		t.Errorf("at the last frame: %v, %v, %v", next, over, err)
	}
	*s.now = s.now.Add(time.Second)
	s.sound = &sound{}
	if _, over, _ := s.step(t.Context()); over {
		t.Error("over before its sound")
	}
	s.sound = nil
	if _, over, err := s.step(t.Context()); !over || err != nil {
		t.Errorf("after the last frame: %v, %v", over, err)
	}
}
