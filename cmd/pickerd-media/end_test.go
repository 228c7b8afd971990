package main

import (
	"io"
	"testing"
	"time"

	"pickerd/display/film"
)

// A film that starts behind its last frame is at its end, and has not failed.
func TestFilmStartBehindEnd(t *testing.T) {
	tools := fakes(t, map[string]string{"film.json": probedFilm, "film.nut": string(nutFilm()), "ffprobe": "cat film.json", "ffmpeg": "cat film.nut"})
	f, _, err := playWith(t, tools, mp4(t), film.Request{W: 8, H: 8, Start: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if at, err := toEnd(t, f); err != io.EOF || len(at) != 0 {
		t.Errorf("%v, %v", at, err)
	}
}

// While the sound goes on after the last frame, this is sent again and again, so that
// the client sees that the film has not failed.
func TestStepTail(t *testing.T) {
	s := newStepper(t)
	s.add(0)
	s.obey(t.Context(), control{film.WordNext, 0})
	s.sent()
	s.volume.Store(100)
	s.decoder.over, s.sound = true, &sound{}
	for i := range 4 {
		s.obey(t.Context(), control{film.WordNext, 0})
		s.clock.wait(i%2 == 1) // for the sound
		if next, over, err := s.step(t.Context()); next != stillEvery || over || err != nil || !s.waiting {
			t.Fatalf("%d: %v, %v, %v", i, next, over, err)
		}
		*s.now = s.now.Add(stillEvery)
		at := position(s.clock)
		if next, over, err := s.step(t.Context()); next != 0 || over || err != nil || s.waiting || s.player.sent.slot != 0 || s.player.sent.at != at {
			t.Fatalf("%d: %v, %v, %v; sent %+v, want it at %v", i, next, over, err, s.player.sent, at)
		}
	}
	if len(s.job.free) != 1 {
		t.Errorf("%d slots are free, want 1", len(s.job.free))
	}
	s.sound = nil
	s.clock.wait(false)
	if _, over, err := s.step(t.Context()); !over || err != nil {
		t.Errorf("after the sound: %v, %v", over, err)
	}
}
