package stage

import (
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display"
)

// TestOwn checks that a screen of pixels, which is an output of the box, shows the code
// that only such outputs may.
func TestOwn(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		light := func() (n int) {
			for _, p := range th.screen.picture().Pix {
				if p == 0xffffff {
					n++
				}
			}
			return n
		}
		th.show(display.Page{Title: "Kitchen"})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		before := light()
		th.show(display.Page{Title: "Kitchen", Viewers: display.Viewers{Own: &display.Own{QR: "http://192.0.2.7/setup/k"}}})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if after := light(); after < before+1000 {
			t.Errorf("%d white pixels, %d before the code", after, before)
		}
	})
}
