package main

import (
	"io"
	"testing"
	"time"

	"pickerd/display/film"
)

// A gap between frames is kept unless it is too long. Key frames may be farther apart.
func TestGap(t *testing.T) {
	for _, tt := range []struct {
		slow, ms int
		want     time.Duration
	}{
		{0, 10_000, 10 * time.Second},
		{0, 10_400, usualGap},
		{1, 10_400, usualGap},
		{2, 10_400, 10400 * time.Millisecond},
		{2, 20_001, usualGap},
	} {
		s := newStepper(t)
		s.job.slow = tt.slow
		s.add(0, tt.ms)
		if s.last != tt.want {
			t.Errorf("saving %d: a frame after %d ms comes after %v, want %v", tt.slow, tt.ms, s.last, tt.want)
		}
	}
}

// The sound follows the frames over a gap, a few times.
func TestGapSound(t *testing.T) {
	s := newStepper(t)
	s.t0(fakes(t, nil))
	s.job.about.sound = true
	s.obey(t.Context(), control{film.WordVolume, 50})
	defer s.stopSound()
	ms := 0
	for i := range maxSounds + 1 {
		before := s.sound
		s.add(ms, ms+1000, ms+950, ms+1000) // a short way back changes little
		if before == nil || s.sound != before {
			t.Fatalf("%d: the sound began anew without a gap", i)
		}
		ms += 3600_000
		s.add(ms)
		if i == maxSounds {
			break
		}
		if s.sound == nil || s.sound == before || s.soundAt != s.offset {
			t.Errorf("%d: after a gap the sound is at %v, the frames at %v", i, s.soundAt, s.offset)
		}
	}
	if s.sound != nil || !s.mute {
		t.Error("the sound began anew without end")
	}
}

// A sound that fails begins anew if it was heard, a few times, and one that can't be
// played or is at its end does not.
func TestSoundOver(t *testing.T) {
	for _, tt := range []struct {
		name  string
		heard time.Duration
		err   error
		times int
	}{
		{"after a while", minHeard, io.ErrClosedPipe, maxSounds},
		{"without a device", minHeard - time.Millisecond, io.ErrClosedPipe, 0},
		{"end", time.Hour, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStepper(t)
			s.t0(fakes(t, nil))
			s.job.about.sound = true
			s.obey(t.Context(), control{film.WordVolume, 50})
			s.clock.run(true)
			times := -1
			for ; s.sound != nil && times < 10; times++ {
				s.stopSound()
				s.sound = &sound{from: position(s.clock), err: tt.err}
				*s.now = s.now.Add(tt.heard)
				s.soundOver(t.Context())
			}
			s.stopSound()
			if times != tt.times || !s.mute {
				t.Errorf("began anew %d times, want %d; mute %v", times, tt.times, s.mute)
			}
		})
	}
}
