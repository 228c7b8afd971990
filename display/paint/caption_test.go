package paint

import (
	"image"
	"strings"
	"testing"

	"pickerd/display"
)

// The names of files may have 255 characters, without a space. They are wrapped and
// then cut, so that most of the photo stays visible.
func TestLongCaptions(t *testing.T) {
	for name, caption := range map[string]string{
		"one word":    strings.Repeat("W", 90) + ".jpg",
		"longer":      strings.Repeat("W", 255),
		"Hebrew":      strings.Repeat("שלום_2024_", 25),
		"no letters":  strings.Repeat("_", 255),
		"many words":  strings.Repeat("photo of us ", 21),
		"marks":       "a" + strings.Repeat("\u0301", 250),
		"line breaks": strings.Repeat("a\n", 120),
	} {
		for _, size := range []image.Point{{1920, 1080}, {480, 320}, {320, 480}, {1080, 1920}} {
			for _, lang := range []string{"en", "ar"} {
				p := painter(t, size.X, size.Y, lang)
				page := display.Page{Slide: &display.Slide{Media: []display.Media{{File: "a"}}, Caption: caption}}
				for _, it := range p.Page(page, now) {
					if !it.Box.In(image.Rectangle{Max: size}) {
						t.Errorf("%s, %s, %v: %v is cut off", name, lang, size, it.Box)
					}
					if it.Box.Dy() > size.Y/5 {
						t.Errorf("%s, %s, %v: %d of %d rows", name, lang, size, it.Box.Dy(), size.Y)
					}
				}
			}
		}
	}
}
