package photo

import (
	"image"
	"time"

	"pickerd/display/pixel"
)

// A Scene is a slide fitted to a screen: one photo, or two side by side.
type Scene struct {
	Still    *pixel.Image // the whole screen, with the current frame
	animated *Photo
	at       image.Rectangle // where animated is on the screen
	frame    *pixel.Image    // scratch for a scaled frame
}

// maxEnlargement keeps a tiny photo from becoming a blur.
const maxEnlargement = 4

// Compose fits photos to a screen of w by h pixels. The space beside them is black
// if plain is set. Otherwise it shows the same photos, blurred and darkened.
func Compose(w, h int, photos []*Photo, plain bool) *Scene {
	s := &Scene{Still: pixel.New(w, h)}
	places := places(w, h, photos)
	drawn := make([]*pixel.Image, len(photos))
	for i, p := range photos {
		drawn[i] = pixel.New(places[i].Dx(), places[i].Dy())
		p.Draw(drawn[i], 0)
	}
	if !plain && !covers(w, h, places) {
		backing(s.Still, drawn)
	}
	for i, m := range drawn {
		s.Still.Copy(m, places[i].Min)
		if photos[i].Animated() {
			s.animated, s.at = photos[i], places[i]
		}
	}
	return s
}

// places returns where the photos are drawn: each as large as fits into its share
// of the screen, with equal space between and beside them.
func places(w, h int, photos []*Photo) []image.Rectangle {
	share := w / max(len(photos), 1)
	if len(photos) > 1 {
		share -= w / 100
	}
	var all []image.Rectangle
	spare := w
	for _, p := range photos {
		f := min(float64(share)/float64(p.W), float64(h)/float64(p.H), maxEnlargement)
		pw, ph := max(int(float64(p.W)*f+0.5), 1), max(int(float64(p.H)*f+0.5), 1)
		all = append(all, image.Rect(0, (h-ph)/2, pw, (h-ph)/2+ph))
		spare -= pw
	}
	x := 0
	for i := range all {
		x += spare / (len(all) + 1)
		all[i] = all[i].Add(image.Pt(x, 0))
		x += all[i].Dx()
	}
	return all
}

func covers(w, h int, places []image.Rectangle) bool {
	return len(places) == 1 && places[0].Dx() >= w && places[0].Dy() >= h
}

// The backing is blurred at the screen's size divided by backingScale. Its
// brightness is in parts of 256.
const (
	backingScale      = 40
	backingBrightness = 110
)

// backing fills a screen with blurred and darkened photos.
func backing(dst *pixel.Image, drawn []*pixel.Image) {
	small := pixel.New(max(dst.W/backingScale, 2), max(dst.H/backingScale, 2))
	for i, m := range drawn {
		part := small.Sub(image.Rect(i*small.W/len(drawn), 0, (i+1)*small.W/len(drawn), small.H))
		Scale(part, m, covering(m, dst.W/len(drawn), dst.H))
	}
	for range 3 {
		boxBlur(small)
	}
	small.Dim(small.Bounds(), 0, 256-backingBrightness)
	Scale(dst, small, small.Bounds())
}

// covering returns the middle part of m with the aspect ratio of w by h.
func covering(m *pixel.Image, w, h int) image.Rectangle {
	if m.W*h > m.H*w {
		width := max(m.H*w/h, 1)
		return image.Rect((m.W-width)/2, 0, (m.W+width)/2, m.H)
	}
	height := max(m.W*h/w, 1)
	return image.Rect(0, (m.H-height)/2, m.W, (m.H+height)/2)
}

// boxBlur sets each pixel to the mean of itself and its neighbors.
func boxBlur(m *pixel.Image) {
	from := pixel.New(m.W, m.H)
	from.Copy(m, image.Point{})
	for y := range m.H {
		for x := range m.W {
			var r, g, b, n uint32
			for j := max(y-1, 0); j <= min(y+1, m.H-1); j++ {
				for _, p := range from.Row(j)[max(x-1, 0):min(x+2, m.W)] {
					r, g, b, n = r+p>>16&0xff, g+p>>8&0xff, b+p&0xff, n+1
				}
			}
			m.Row(y)[x] = r/n<<16 | g/n<<8 | b/n
		}
	}
}

// Animated reports whether a photo of the scene is animated.
func (s *Scene) Animated() bool { return s.animated != nil }

// Advance draws frame i of the animated photo into Still. After the last frame the
// first one follows. It returns the part that changed and how long to show it.
func (s *Scene) Advance(i int) (image.Rectangle, time.Duration) {
	i %= s.animated.Frames()
	if s.frame == nil {
		s.frame = pixel.New(s.at.Dx(), s.at.Dy())
	}
	s.animated.Draw(s.frame, i)
	s.Still.Copy(s.frame, s.at.Min)
	return s.at, s.animated.Delay(i)
}
