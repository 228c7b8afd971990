package paint_test

import (
	"fmt"
	"image"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pickerd/display"
	"pickerd/display/paint"
	"pickerd/display/words"
)

// A menu with more lines than have room shows those around the selected one.
func TestLongMenu(t *testing.T) {
	w, err := words.For("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []image.Point{{X: 1024, Y: 600}, {X: 480, Y: 320}, {X: 720, Y: 1280}} {
		p, err := paint.New(paint.Config{W: size.X, H: size.Y, Words: w, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		m := &display.Menu{Title: "Settings", QR: "http://192.0.2.7/remote/x", QRLabel: "Scan"}
		for i := range 40 {
			m.Items = append(m.Items, display.MenuItem{Label: fmt.Sprintf("Line %02d", i)})
		}
		seen := map[string]bool{}
		for m.Selected = range m.Items {
			lines, selected := 0, false
			for _, it := range p.Page(display.Page{Menu: m}, time.Now()) {
				if !it.Box.In(image.Rectangle{Max: size}) {
					t.Fatalf("%v, line %d: %q is cut off", size, m.Selected, it.Key)
				}
				if strings.HasPrefix(it.Key, "Line ") {
					lines++
					seen[it.Key[:7]] = true
					selected = selected || strings.HasPrefix(it.Key, m.Items[m.Selected].Label)
				}
			}
			if !selected || lines < 5 || lines == len(m.Items) {
				t.Errorf("%v: %d lines, the selected one %d among them: %t", size, lines, m.Selected, selected)
			}
		}
		if len(seen) != len(m.Items) {
			t.Errorf("%v: only %d lines are ever seen", size, len(seen))
		}
	}
}
