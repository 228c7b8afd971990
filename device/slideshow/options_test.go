package slideshow_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device/slideshow"
	"pickerd/display/words"
	"pickerd/picker"
	"pickerd/store"
)

// A show is a running slideshow of ten photos p0 to p9, the last four upright, and
// at most four of each pick.
type show struct {
	*slideshow.Slideshow
	ctx context.Context
}

// withShow runs a slideshow in virtual time.
func withShow(t *testing.T, o slideshow.Options, f func(s show)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var photos []store.Photo
		for i := range 10 {
			p := store.Photo{ID: fmt.Sprint("p", i), File: fmt.Sprint("p", i), Type: picker.Photo, Width: 1600, Height: 900, Pick: fmt.Sprint(i / 4), Grant: "mira",
				CreateTime: time.Date(2026, 3, 9, 23, 30, 0, 0, time.UTC)}
			if i >= 6 {
				p.Width, p.Height = 900, 1600
			}
			photos = append(photos, p)
		}
		s := show{slideshow.New(slideshow.Config{Options: o, Photos: func() ([]store.Photo, error) { return photos, nil },
			Generation: func() int { return 0 }, ScreenSize: func() (int, int) { return 1920, 1080 }, Log: slog.New(slog.DiscardHandler)}), nil}
		ctx, cancel := context.WithCancel(t.Context())
		s.ctx = ctx
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = s.Run(ctx)
		}()
		defer func() { cancel(); <-ended }()
		synctest.Wait()
		f(s)
	})
}

// on returns what is on the screen, "p0" or "p6+p7".
func (s show) on() string {
	synctest.Wait()
	f := s.Frames().Get()
	if f.Slide == nil {
		return ""
	}
	var names []string
	for _, m := range f.Slide.Media {
		names = append(names, m.File)
	}
	return strings.Join(names, "+")
}

// next returns the coming n slides.
func (s show) next(n int) string {
	var list []string
	for range n {
		time.Sleep(10 * time.Second)
		list = append(list, s.on())
	}
	return strings.Join(list, " ")
}

// A changed interval counts for the photo on the screen.
func TestInterval(t *testing.T) {
	for name, tt := range map[string]struct {
		interval time.Duration
		want     time.Duration // until the next photo, after four seconds
	}{
		"longer":       {30 * time.Second, 26 * time.Second},
		"shorter":      {6 * time.Second, 2 * time.Second},
		"over already": {3 * time.Second, 0},
		"the same":     {10 * time.Second, 6 * time.Second},
		"default":      {0, 6 * time.Second},
	} {
		withShow(t, slideshow.Options{Interval: 10 * time.Second}, func(s show) {
			time.Sleep(4 * time.Second)
			s.Configure(slideshow.Options{Interval: tt.interval})
			began := time.Now()
			for s.on() == "p0" {
				time.Sleep(time.Second)
			}
			if got := time.Since(began); got != tt.want {
				t.Errorf("%s: the next photo comes after %v, want %v", name, got, tt.want)
			}
		})
	}
}

// The photo on the screen stays when the order changes, and the others follow it in
// the new order.
func TestOrder(t *testing.T) {
	withShow(t, slideshow.Options{}, func(s show) {
		s.next(2)
		s.Configure(slideshow.Options{Newest: true})
		if got := s.on(); got != "p2" {
			t.Errorf("newest first: %s instead of p2", got)
		}
		if got := s.next(4); got != "p3 p8 p9 p4" {
			t.Errorf("newest first: then %s", got)
		}
	})
	withShow(t, slideshow.Options{}, func(s show) {
		s.next(2)
		s.Configure(slideshow.Options{Shuffle: true})
		if got := s.on(); got != "p2" {
			t.Errorf("shuffled: %s instead of p2", got)
		}
		round := s.next(9)
		if seen := strings.Fields(round); round == "p3 p4 p5 p6 p7 p8 p9 p0 p1" || len(seen) != 9 || strings.Contains(round, "p2") {
			t.Errorf("shuffled: then %s", round)
		}
		last := s.on()
		s.Configure(slideshow.Options{})
		if got := s.on(); got != last {
			t.Errorf("as picked: %s instead of %s", got, last)
		}
		n := last[1] - '0'
		if got, want := s.next(1), fmt.Sprint("p", (n+1)%10); got != want {
			t.Errorf("as picked: %s follows %s, want %s", got, last, want)
		}
	})
}

// Pairs come and go around the photo on the screen, and captions follow language and
// time zone.
func TestSlideOptions(t *testing.T) {
	withShow(t, slideshow.Options{}, func(s show) {
		s.next(7)
		before := s.on()
		s.Configure(slideshow.Options{Pairs: true})
		paired := s.on()
		s.Configure(slideshow.Options{})
		if alone := s.on(); before != "p7" || paired != "p7+p8" || alone != "p7" {
			t.Errorf("%s, with pairs %s, without %s", before, paired, alone)
		}
		de, err := words.For("de")
		if err != nil {
			t.Fatal(err)
		}
		s.Configure(slideshow.Options{Captions: true, Words: de, Zone: time.FixedZone("", 2*60*60)})
		synctest.Wait()
		if f := s.Frames().Get(); f.Slide.Caption != "10. März 2026" || f.Slide.Alt != "Foto 8 von 10" {
			t.Errorf("%q, %q", f.Slide.Caption, f.Slide.Alt)
		}
	})
}
