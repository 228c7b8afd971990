package snapshot_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display/snapshot"
)

// A slowWriter takes some time for each write.
type slowWriter struct {
	each           time.Duration
	taken, largest int // bytes, and those of one write
}

func (w *slowWriter) Write(b []byte) (int, error) {
	time.Sleep(w.each)
	w.taken += len(b)
	w.largest = max(w.largest, len(b))
	return len(b), nil
}

// TestSlowClient checks that a slow client gets a large picture, because it is written in
// small pieces, and that one that takes hardly anything doesn't hold its size for ever.
func TestSlowClient(t *testing.T) {
	const size = 4<<20 + 1
	for name, tt := range map[string]struct {
		each, most time.Duration
		whole      bool
	}{
		"slow":     {time.Second, 65 * time.Second, true},
		"trickles": {29 * time.Second, 150 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, start := &slowWriter{each: tt.each}, time.Now()
				snapshot.Send(w, make([]byte, size))
				if whole := w.taken == size; whole != tt.whole || time.Since(start) > tt.most {
					t.Errorf("%d bytes were sent in %v", w.taken, time.Since(start))
				}
				if w.largest > 64<<10 {
					t.Errorf("%d bytes in one write", w.largest)
				}
			})
		})
	}
}
