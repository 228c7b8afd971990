package paint_test

import (
	"log/slog"
	"testing"
	"time"

	"pickerd/display"
	"pickerd/display/paint"
	"pickerd/display/pixel"
	"pickerd/display/words"
)

// TestClock checks that the clock's plate is as large as what it shows.
func TestClock(t *testing.T) {
	p, err := paint.New(paint.Config{W: 960, H: 540, Words: words.English(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	// plate returns the size of what is drawn.
	plate := func(tod display.TimeOfDay) (w, h int) {
		m := pixel.New(960, 540)
		m.Fill(m.Bounds(), 0xffffff)
		p.Page(display.Page{Slide: &display.Slide{}, TimeOfDay: tod}, time.Unix(0, 0)).Draw(m, m.Bounds())
		x0, x1, y0, y1 := 960, 0, 540, 0
		for y := range 540 {
			for x, v := range m.Row(y) {
				if v != 0xffffff {
					x0, x1, y0, y1 = min(x0, x), max(x1, x+1), min(y0, y), max(y1, y+1)
				}
			}
		}
		return max(0, x1-x0), max(0, y1-y0)
	}
	none, _ := plate(display.TimeOfDay{})
	w24, h24 := plate(display.TimeOfDay{Clock: "15:42"})
	w12, h12 := plate(display.TimeOfDay{Clock: "3:42 PM"})
	_, hDate := plate(display.TimeOfDay{Clock: "15:42", Date: "Monday 9 March"})
	wAlone, hAlone := plate(display.TimeOfDay{Date: "Monday 9 March"})
	if hAlone == 0 || wAlone < hAlone*3 || hAlone >= h24 {
		t.Errorf("the date alone %d by %d, the clock %d high", wAlone, hAlone, h24)
	}
	if none != 0 || w24 == 0 || w12 <= w24 || h12 != h24 || hDate < h24*4/3 {
		t.Errorf("none %d, 24 hours %d by %d, 12 hours %d by %d, with the date %d high", none, w24, h24, w12, h12, hDate)
	}
}
