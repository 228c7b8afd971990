package paint

import (
	"image"
	"testing"

	"pickerd/display"
)

// TestVolume checks that the volume is a bar as long as it is loud, on its plate and from
// the side where reading begins.
func TestVolume(t *testing.T) {
	for _, lang := range []string{"en", "ar"} {
		for _, size := range []image.Point{{1920, 1080}, {480, 320}, {1080, 1920}} {
			p := painter(t, size.X, size.Y, lang)
			meters := func(percent int) (whole, filled image.Rectangle) {
				page := display.Page{Slide: &display.Slide{Media: []display.Media{{File: "a"}}}, Playing: display.Playing{Volume: &display.Volume{Label: "Sound", Percent: percent}}}
				list := p.Page(page, now)
				if len(list) != 4 {
					t.Fatalf("%s, %v: %d parts", lang, size, len(list))
				}
				plate := list[0].Box
				for _, it := range list[1:] {
					if !it.Box.In(plate) || !plate.In(image.Rectangle{Max: size}) {
						t.Errorf("%s, %v: %v is not on %v", lang, size, it.Box, plate)
					}
				}
				return list[2].Box, list[3].Box
			}
			for _, percent := range []int{10, 50, 100} {
				whole, filled := meters(percent)
				if filled.Dx() != whole.Dx()*percent/100 || lang == "en" && filled.Min.X != whole.Min.X || lang == "ar" && filled.Max.X != whole.Max.X {
					t.Errorf("%s, %v: %d%% is %v of %v", lang, size, percent, filled, whole)
				}
			}
			if _, filled := meters(0); filled.Dx() != 0 {
				t.Errorf("%s, %v: silence is %v", lang, size, filled)
			}
		}
	}
}
