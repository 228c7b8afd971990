package photo

import (
	"image"
	"time"

	"pickerd/display/pixel"
)

// A Scene is a slide fitted to a screen: one photo, or two.
type Scene struct {
	Still  *pixel.Image // the whole screen, with the current frames
	Places []Place      // where the photos are
	moving []moving
}

// moving is an animated photo of a scene.
type moving struct {
	photo *Photo
	at    Place
	frame int // the one that is in Still
}

// Compose lays out photos on a screen of w by h pixels.
func Compose(w, h int, photos []*Photo, l Layout) *Scene {
	sizes := make([]image.Point, len(photos))
	for i, p := range photos {
		sizes[i] = p.shape()
	}
	s := &Scene{Still: pixel.New(w, h), Places: l.Places(w, h, sizes)}
	drawn := make([]*pixel.Image, len(photos))
	for i, p := range photos {
		drawn[i] = pixel.New(s.Places[i].Dx(), s.Places[i].Dy())
		p.show(drawn[i], 0, s.Places[i].Cover)
	}
	switch {
	case l.Mat:
		drawMat(s.Still, s.Places)
	case !l.Plain && !leavesNothing(w, h, s.Places):
		backing(s.Still, drawn, l.stacks(w, h, len(photos)))
	}
	for i, m := range drawn {
		s.Still.Copy(m, s.Places[i].Min)
		if photos[i].Animated() {
			s.moving = append(s.moving, moving{photo: photos[i], at: s.Places[i]})
		}
	}
	return s
}

// show draws frame i into its place.
func (p *Photo) show(dst *pixel.Image, i int, cover bool) {
	if cover {
		p.Cover(dst, i)
		return
	}
	p.Draw(dst, i)
}

// The backing is blurred at the screen's size divided by backingScale. Its
// brightness is in parts of 256.
const (
	backingScale      = 40
	backingBrightness = 110
)

// backing fills a screen with blurred and darkened photos, side by side or one above the
// other.
func backing(dst *pixel.Image, drawn []*pixel.Image, stacked bool) {
	small := pixel.New(max(dst.W/backingScale, 2), max(dst.H/backingScale, 2))
	for i, m := range drawn {
		part, w, h := image.Rect(i*small.W/len(drawn), 0, (i+1)*small.W/len(drawn), small.H), dst.W/len(drawn), dst.H
		if stacked {
			part, w, h = image.Rect(0, i*small.H/len(drawn), small.W, (i+1)*small.H/len(drawn)), dst.W, dst.H/len(drawn)
		}
		Scale(small.Sub(part), m, middle(m.Bounds(), w, h))
	}
	for range 3 {
		boxBlur(small)
	}
	small.Dim(small.Bounds(), 0, 256-backingBrightness)
	Scale(dst, small, small.Bounds())
}

// middle returns the middle part of r with the aspect ratio of w by h.
func middle(r image.Rectangle, w, h int) image.Rectangle {
	rw, rh := int64(r.Dx()), int64(r.Dy()) // products need 64 bits
	if rw*int64(h) > rh*int64(w) {
		width := max(int(rh*int64(w)/int64(h)), 1)
		return image.Rect(r.Min.X+(r.Dx()-width)/2, r.Min.Y, r.Min.X+(r.Dx()+width)/2, r.Max.Y)
	}
	height := max(int(rw*int64(h)/int64(w)), 1)
	return image.Rect(r.Min.X, r.Min.Y+(r.Dy()-height)/2, r.Max.X, r.Min.Y+(r.Dy()+height)/2)
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
func (s *Scene) Animated() bool { return len(s.moving) > 0 }

// Advance draws into Still the frames that are shown a time after the first ones began
// to be. After the last frame of a photo its first one follows. Advance returns the
// parts that changed and how long they stay.
func (s *Scene) Advance(elapsed time.Duration) (changed []image.Rectangle, stay time.Duration) {
	for i := range s.moving {
		m := &s.moving[i]
		frame, left := m.photo.frameAt(elapsed)
		if i == 0 || left < stay {
			stay = left
		}
		if frame != m.frame {
			m.frame = frame
			m.photo.show(s.Still.Sub(m.at.Rectangle), frame, m.at.Cover)
			changed = append(changed, m.at.Rectangle)
		}
	}
	return changed, stay
}

// frameAt returns the frame that is shown at a time, and how long it stays.
func (p *Photo) frameAt(elapsed time.Duration) (frame int, left time.Duration) {
	var all time.Duration
	for _, d := range p.delays {
		all += d
	}
	left = elapsed % all
	for frame = range p.delays {
		if left < p.delays[frame] {
			return frame, p.delays[frame] - left
		}
		left -= p.delays[frame]
	}
	return 0, p.delays[0] // not reached
}
