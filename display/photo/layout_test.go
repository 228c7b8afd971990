package photo_test

import (
	"fmt"
	"image"
	"testing"

	"pickerd/display/photo"
	"pickerd/display/pixel"
)

// TestPlaces checks where photos are seen, and which of them are cut off ("+").
func TestPlaces(t *testing.T) {
	fit, fill, auto, mat := photo.Layout{}, photo.Layout{Fill: true}, photo.Layout{Auto: true}, photo.Layout{Mat: true}
	drifted, filledMat := photo.Layout{Mat: true, Drift: image.Pt(2, -1)}, photo.Layout{Mat: true, Fill: true, Auto: true}
	for _, tt := range []struct {
		layout photo.Layout
		w, h   int
		photos []image.Point
		want   string
	}{
		// A crop to 16:9 loses a quarter of 4:3, 15.6 % of 3:2, 10 % of 16:10 and 5 % of 1.85:1.
		{auto, 1920, 1080, []image.Point{{4000, 3000}}, "(240,0)-(1680,1080)"},
		{auto, 1920, 1080, []image.Point{{3000, 2000}}, "(150,0)-(1770,1080)"},
		{auto, 1920, 1080, []image.Point{{2560, 1600}}, "(0,0)-(1920,1080)+"},
		{auto, 1920, 1080, []image.Point{{1998, 1080}}, "(0,0)-(1920,1080)+"},
		{auto, 1920, 1080, []image.Point{{1565, 1000}}, "(0,0)-(1920,1080)+"},  // 11.97 %
		{auto, 1920, 1080, []image.Point{{1564, 1000}}, "(115,0)-(1804,1080)"}, // 12.02 %
		{auto, 1080, 1920, []image.Point{{1600, 2560}}, "(0,0)-(1080,1920)+"},
		{auto, 1024, 768, []image.Point{{3000, 2000}}, "(0,0)-(1024,768)+"}, // 11.1 %
		{auto, 1024, 600, []image.Point{{3000, 2000}}, "(62,0)-(962,600)"},  // 12.1 %
		{auto, 1920, 1080, []image.Point{{20, 12}}, "(920,516)-(1000,564)+"},
		// Of a pair each is cut or not.
		{auto, 1920, 1080, []image.Point{{3000, 4000}, {3000, 4000}}, "(100,0)-(910,1080) (1010,0)-(1820,1080)"},
		{auto, 1920, 1080, []image.Point{{4000, 5000}, {3000, 4000}}, "(0,0)-(951,1080)+ (1039,0)-(1849,1080)"},
		{auto, 1920, 1080, []image.Point{{4000, 5000}, {4000, 5000}}, "(0,0)-(951,1080)+ (969,0)-(1920,1080)+"},
		// On an upright screen they are one above the other.
		{fit, 1080, 1920, []image.Point{{4000, 3000}, {4000, 3000}}, "(0,100)-(1080,910) (0,1010)-(1080,1820)"},
		{fill, 1080, 1920, []image.Point{{4000, 3000}, {1600, 900}}, "(0,0)-(1080,951)+ (0,969)-(1080,1920)+"},
		{fit, 1080, 1080, []image.Point{{3000, 4000}, {3000, 4000}}, "(6,186)-(536,893) (542,186)-(1072,893)"},
		{mat, 1920, 1080, []image.Point{{1600, 900}}, "(144,81)-(1776,999)"},
		{mat, 1920, 1080, []image.Point{{3000, 4000}}, "(615,81)-(1304,999)"},
		{mat, 1920, 1080, []image.Point{{3000, 4000}, {3000, 4000}}, "(180,81)-(869,999) (1049,81)-(1738,999)"},
		{mat, 1920, 1080, []image.Point{{10, 10}}, "(940,520)-(980,560)"},
		{mat, 1080, 1920, []image.Point{{4000, 3000}, {4000, 3000}}, "(81,180)-(999,869) (81,1049)-(999,1738)"},
		{mat, 1024, 600, []image.Point{{4000, 3000}}, "(172,45)-(852,555)"},
		{filledMat, 1920, 1080, []image.Point{{1600, 900}}, "(144,81)-(1776,999)"},
		{drifted, 1920, 1080, []image.Point{{1600, 900}}, "(152,77)-(1784,995)"},
		{drifted, 1080, 1920, []image.Point{{4000, 3000}, {4000, 3000}}, "(89,176)-(1007,865) (89,1045)-(1007,1734)"},
	} {
		got := ""
		for i, p := range tt.layout.Places(tt.w, tt.h, tt.photos) {
			if i > 0 {
				got += " "
			}
			got += p.String()
			if p.Cover {
				got += "+"
			}
		}
		if got != tt.want {
			t.Errorf("%+v on %d by %d: %v at %s, want %s", tt.layout, tt.w, tt.h, tt.photos, got, tt.want)
		}
	}
}

// On any screen photos are within it and apart from each other, and in a mat they are at
// least a bevel away from the edges wherever they drift.
func TestPlacesApart(t *testing.T) {
	shapes := []image.Point{{1, 1}, {4000, 3000}, {3000, 4000}, {1, 5000}, {5000, 1}, {1600, 900}}
	for _, screen := range []image.Point{{1920, 1080}, {1080, 1920}, {1024, 600}, {1024, 768}, {3840, 2160}, {480, 320}, {101, 100}, {100, 101}, {16, 16}} {
		whole := image.Rectangle{Max: screen}
		for i, l := range []photo.Layout{{}, {Fill: true}, {Auto: true}, {Mat: true, Drift: image.Pt(2, 2)}, {Mat: true, Drift: image.Pt(-2, -2)}} {
			if l.Mat {
				whole = image.Rectangle{Max: screen}.Inset(photo.Bevel(screen.X, screen.Y))
			}
			for _, a := range shapes {
				for _, b := range shapes {
					places := l.Places(screen.X, screen.Y, []image.Point{a, b})
					one := l.Places(screen.X, screen.Y, []image.Point{a})[0]
					if one.Empty() || !one.In(whole) || places[0].Empty() || places[1].Empty() || places[0].Overlaps(places[1].Rectangle) || !places[0].In(whole) || !places[1].In(whole) {
						t.Errorf("layout %d on %v: %v and %v at %v, alone at %v", i, screen, a, b, places, one)
					}
				}
			}
		}
	}
}

// A mat has a margin in its color around a photo, and a bevel in two shades.
func TestMat(t *testing.T) {
	white := photo.FromImage(pixel.New(1600, 900))
	m := photo.Compose(1920, 1080, []*photo.Photo{white}, photo.Layout{Mat: true}).Still
	seen := ""
	for x := 138; x < 146; x++ {
		seen += fmt.Sprintf("%06x ", m.Row(540)[x])
	}
	for x := 1774; x < 1782; x++ {
		seen += fmt.Sprintf("%06x ", m.Row(540)[x])
	}
	const want = "35322e 35322e a8a196 a8a196 a8a196 a8a196 000000 000000 000000 000000 e9e3d6 e9e3d6 e9e3d6 e9e3d6 35322e 35322e "
	if seen != want {
		t.Errorf("from the left edge and to the right one: %s", seen)
	}
	if above, below := m.Row(78)[960], m.Row(1001)[960]; above != 0xa8a196 || below != 0xe9e3d6 {
		t.Errorf("%06x above the photo, %06x below", above, below)
	}
}

// A photo that was scaled down is where it would be without that, although its shape was
// rounded.
func TestPlacesFit(t *testing.T) {
	l := photo.Layout{Auto: true}
	photos := []*photo.Photo{photo.FromImage(pixel.New(800, 1066)), photo.FromImage(pixel.New(900, 1125))}
	want := photo.Compose(1024, 768, photos, l).Places
	w, h := l.Share(1024, 768, 2)
	for i, p := range photos {
		photos[i] = p.Fit(w, h, l)
	}
	if got := photo.Compose(1024, 768, photos, l).Places; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}
