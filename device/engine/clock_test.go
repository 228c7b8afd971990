package engine

import (
	"fmt"
	"net/http"
	"pickerd/store"
	"testing"
	"testing/synctest"
	"time"
)

const year = 365 * 24 * time.Hour

// What is read from disk has no monotonic times; between a wrong clock and a
// right one a pairing lives neither for ever nor is it over at once.
func TestSpans(t *testing.T) {
	now := time.Now()
	read := func(started time.Duration) *store.Pairing {
		at := now.Add(started).Round(0)
		return &store.Pairing{RequestID: fmt.Sprint(started), StartedAt: at, ExpiresAt: at.Add(15 * time.Minute)}
	}
	for started, want := range map[time.Duration]time.Duration{
		-5 * time.Minute: 10 * time.Minute,
		-time.Hour:       0,
		-50 * year:       0,
		50 * year:        15 * time.Minute,
	} {
		p := read(started)
		spans{}.put(p, &clock{})
		if left := time.Until(p.ExpiresAt); (left-want).Abs() > time.Minute || p.ExpiresAt.Sub(p.StartedAt) != 15*time.Minute {
			t.Errorf("started %v from now: %v left, want %v", started, left, want)
		}
	}
	// The first answer corrects what the box's own clock said.
	s, c := spans{}, &clock{}
	p := read(-50 * year)
	s.put(p, c)
	c.set(http.Header{"Date": {now.Add(-50 * year).Add(2 * time.Minute).UTC().Format(http.TimeFormat)}})
	p = read(-50 * year)
	s.put(p, c)
	if left := time.Until(p.ExpiresAt); (left - 13*time.Minute).Abs() > time.Minute {
		t.Errorf("%v left, want 13 min", left)
	}
}

// An answer without a date says nothing about the time.
func TestAnswerWithoutDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clock{}
		right := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
		c.set(http.Header{"Date": {right.Format(http.TimeFormat)}})
		c.set(http.Header{}) // a proxy's answer
		if now, _ := c.now(); now.Sub(right).Abs() > time.Minute {
			t.Errorf("now it is %v", now)
		}
	})
}
