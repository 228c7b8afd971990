package film_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display/film"
)

// The time that a decoder has for a frame starts anew after a pause.
func TestPauseSilence(t *testing.T) {
	const limit = 25 * time.Second
	for _, tt := range []struct {
		name          string
		pause, resume time.Duration // after the frame was asked for
		frame         time.Duration // after the pause
		want          error
		after         time.Duration // the pause
	}{
		{"in time", 20 * time.Second, 49 * time.Second, 24 * time.Second, nil, 24 * time.Second},
		{"never", 20 * time.Second, 49 * time.Second, time.Hour, film.ErrSilent, limit},
		{"after a short pause", time.Second, 2 * time.Second, 24500 * time.Millisecond, nil, 24500 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				frames := make(chan film.Answer, 1)
				f := film.Unconnected(frames)
				defer time.AfterFunc(tt.pause, func() { f.Pause(true) }).Stop()
				defer time.AfterFunc(tt.resume, func() { f.Pause(false) }).Stop()
				defer time.AfterFunc(tt.resume+tt.frame, func() { frames <- film.Answer{} }).Stop()
				start := time.Now()
				err := f.Wait(t.Context(), limit)
				if after := time.Since(start) - tt.resume; err != tt.want || after != tt.after {
					t.Errorf("%v, %v after the pause; want %v after %v", err, after, tt.want, tt.after)
				}
			})
		})
	}
}
