package display_test

import (
	"fmt"
	"image"
	"testing"

	"pickerd/display"
)

// TestMotion counts the motions and the drifts of many items: all are about as common, and
// those of an item are always the same.
func TestMotion(t *testing.T) {
	motions, drifts := map[display.Motion]int{}, map[image.Point]int{}
	const items = 4000
	for i := range items {
		m := display.Media{Item: fmt.Sprintf("AF1QipM%dx", i), File: "a"}
		s := display.Slide{Media: []display.Media{m, {Item: "b"}}}
		motions[m.Motion()]++
		drifts[s.Drift()]++
		if m.File = "c"; m.Motion() != s.Media[0].Motion() {
			t.Fatalf("item %d moves differently in another file", i)
		}
	}
	for m, n := range motions {
		if n < items/8*3/4 || m.Y > 0.5 || m.X != 0 && m.X != 1 {
			t.Errorf("%d items have %+v", n, m)
		}
	}
	for d, n := range drifts {
		if n < items/25/2 || d.X < -2 || d.X > 2 || d.Y < -2 || d.Y > 2 {
			t.Errorf("%d items drift by %v", n, d)
		}
	}
	if len(motions) != 8 || len(drifts) != 25 {
		t.Errorf("%d motions, %d drifts", len(motions), len(drifts))
	}
	if a, b := (display.Media{File: "a"}).Motion(), (display.Media{Item: "a"}).Motion(); a != b {
		t.Error("a file without an item has no motion of its own")
	}
	var in, out display.Motion
	out.Out = true
	if in.Factor(0) != 1 || out.Factor(1) != 1 || in.Factor(1) != 1.1 || in.Factor(1) != out.Factor(0) || in.Factor(0.5) <= 1 {
		t.Error("factors")
	}
	if (&display.Slide{}).Drift() != (image.Point{}) {
		t.Error("a slide without photos drifts")
	}
}
