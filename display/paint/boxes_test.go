//go:build !race

// Under the race detector this would take minutes.

package paint_test

import (
	"fmt"
	"image"
	"log/slog"
	"testing"
	"time"

	"pickerd/device/screen/screentest"
	"pickerd/display/paint"
	"pickerd/display/words"
)

// TestBoxesApart checks that no two boxes of a page intersect and all are on the
// screen: every notice in every state, size and language.
func TestBoxesApart(t *testing.T) {
	now := time.Now()
	for _, code := range words.Languages() {
		w, err := words.For(code)
		if err != nil {
			t.Fatal(err)
		}
		pages := screentest.Pages(w, now)
		for _, size := range []image.Point{{X: 1920, Y: 1080}, {X: 1280, Y: 720}, {X: 800, Y: 480}, {X: 1080, Y: 1920}, {X: 720, Y: 1280}} {
			t.Run(fmt.Sprintf("%s-%dx%d", code, size.X, size.Y), func(t *testing.T) {
				t.Parallel()
				p, err := paint.New(paint.Config{W: size.X, H: size.Y, Overscan: 0.03, Words: w, Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				screen := image.Rectangle{Max: size}
				for i, page := range pages {
					// Things move every five minutes.
					turn := time.Duration(i%4) * 5 * time.Minute
					page.Until, page.RetryAt, page.LeavesAt = later(page.Until, turn), later(page.RetryAt, turn), later(page.LeavesAt, turn)
					l := p.Page(page.Page, now.Add(turn))
					if page.Menu != nil {
						l = afterVeil(l, screen)
					}
					for i, it := range l {
						if !it.Box.In(screen) {
							t.Errorf("%s: %q at %v is cut off", page.Name, it.Key, it.Box)
						}
						for _, other := range l[:i] {
							if it.Box.Overlaps(other.Box) && !it.Box.In(other.Box) {
								t.Errorf("%s: %q at %v covers %q at %v", page.Name, it.Key, it.Box, other.Key, other.Box)
							}
						}
					}
				}
			})
		}
	}
}

// later returns t after d, or the zero time.
func later(t time.Time, d time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(d)
}

// afterVeil returns what is above the veil that covers the screen under a menu.
func afterVeil(l paint.List, screen image.Rectangle) paint.List {
	for i, it := range l {
		if it.Box == screen {
			return l[i+1:]
		}
	}
	return l
}
