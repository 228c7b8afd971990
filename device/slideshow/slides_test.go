package slideshow

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pickerd/display/words"
	"pickerd/store"
)

func photosOf(shapes string) (list []store.Photo) {
	for i, s := range shapes {
		p := store.Photo{ID: fmt.Sprint("p", i), File: fmt.Sprintf("p%d.jpg", i), Type: "PHOTO", Width: 1920, Height: 1080}
		switch s {
		case 'u':
			p.Width, p.Height = 1080, 1920
		case 'v':
			p.Type = "VIDEO"
		}
		list = append(list, p)
	}
	return list
}

func newSlides(shuffle bool, w, h int) *slides {
	return &slides{Options: Options{Shuffle: shuffle, Pairs: true, Words: words.English()}, bad: map[string]error{}, screen: func() (int, int) { return w, h }}
}

func (s *slides) files() string {
	now := s.now()
	if now == nil {
		return ""
	}
	var names []string
	for _, m := range now.Media {
		names = append(names, strings.TrimSuffix(m.File, ".jpg"))
	}
	return strings.Join(names, "+")
}

func TestPairs(t *testing.T) {
	for name, tt := range map[string]struct {
		shapes string
		w, h   int
		want   string
	}{
		"upright ones meet":    {"wuuw", 1920, 1080, "p0 p1+p2 p3 p0"},
		"three":                {"uuu", 1920, 1080, "p0+p1 p2 p0+p1"},
		"apart":                {"uwu", 1920, 1080, "p0 p1 p2 p0"},
		"not around the end":   {"uwwu", 1920, 1080, "p0 p1 p2 p3 p0"},
		"on an upright screen": {"uu", 1080, 1920, "p0 p1 p0"},
		"wide ones on it":      {"uwwwvw", 1080, 1920, "p0 p1+p2 p3 p4 p5 p0"},
		"on a square screen":   {"uuww", 1000, 1000, "p0 p1 p2 p3 p0"},
		"a video stands alone": {"uvu", 1920, 1080, "p0 p1 p2 p0"},
		"nothing but one":      {"u", 1920, 1080, "p0 p0"},
	} {
		s := newSlides(false, tt.w, tt.h)
		s.take(photosOf(tt.shapes))
		var forth []string
		for range strings.Fields(tt.want) {
			forth = append(forth, s.files())
			if now := s.now(); now.Stacked != (len(now.Media) > 1 && tt.h > tt.w) {
				t.Errorf("%s: %s is stacked: %t", name, s.files(), now.Stacked)
			}
			s.forward()
		}
		if got := strings.Join(forth, " "); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		// Back along the same way.
		s = newSlides(false, tt.w, tt.h)
		s.take(photosOf(tt.shapes))
		for range len(forth) - 1 {
			s.forward()
		}
		for i := len(forth) - 2; i > 0; i-- {
			if s.back(); s.files() != forth[i] {
				t.Errorf("%s: back at %s, want %s", name, s.files(), forth[i])
			}
		}
	}
}

// Shuffled, each photo comes once in a round, none twice in a row, and the order
// is another one each time. New photos come in this round, and nothing jumps.
func TestShuffle(t *testing.T) {
	s := newSlides(true, 1000, 1000)
	all := photosOf(strings.Repeat("w", 30))
	s.take(all)
	var rounds []string
	last := ""
	for range 5 {
		var round []string
		for range 30 {
			if s.files() == last {
				t.Errorf("%s twice in a row", last)
			}
			last = s.files()
			round = append(round, last)
			s.forward()
		}
		rounds = append(rounds, strings.Join(round, " "))
		slices.Sort(round)
		if len(slices.Compact(round)) != 30 {
			t.Errorf("not each photo once: %v", round)
		}
	}
	slices.Sort(rounds)
	if len(slices.Compact(rounds)) < 5 {
		t.Error("rounds are alike")
	}
	for range 10 {
		s.forward()
	}
	shown := s.files()
	more := photosOf(strings.Repeat("w", 40))
	if s.take(more); s.files() != shown {
		t.Errorf("%s is on the screen, then %s", shown, s.files())
	}
	coming := map[string]bool{}
	for s.at < len(s.photos)-1 {
		s.forward()
		coming[s.files()] = true
	}
	for i := 30; i < 40; i++ {
		if !coming[fmt.Sprint("p", i)] {
			t.Errorf("p%d does not come in this round", i)
		}
	}
}

func TestDrop(t *testing.T) {
	s := newSlides(false, 1000, 1000)
	s.take(photosOf("www"))
	s.forward()
	if s.drop("p1.jpg", io.ErrUnexpectedEOF) != "p1" || s.drop("p1.jpg", nil) != "" || s.drop("other", nil) != "" {
		t.Error("dropping is news once")
	}
	if s.files() != "p2" {
		t.Errorf("%s takes its place", s.files())
	}
	s.drop("p2.jpg", nil)
	s.drop("p0.jpg", nil)
	s.take(photosOf("www"))
	if s.now() != nil || s.next() != nil {
		t.Error("something is shown of nothing")
	}
	s.forward()
	s.back()
}
