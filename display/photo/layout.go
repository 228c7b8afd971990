package photo

import (
	"image"

	"pickerd/display/pixel"
)

// A Layout is how photos are laid out on a screen: one in its middle, two side by side,
// or one above the other on an upright screen. layout.js computes the same for browsers.
type Layout struct {
	// Fill has photos fill their share of the screen. What does not fit is cut off.
	Fill bool
	// Auto is Fill for photos that lose less than maxLoss by it.
	Auto bool
	// Plain leaves the space beside photos black. Otherwise it shows the same photos,
	// blurred and darkened.
	Plain bool
	// Mat has a passe-partout around whole photos, whatever the other fields say.
	Mat bool
	// Drift moves photos in a mat by so many steps of the width of its bevel, right and
	// down: from -2 to 2.
	Drift image.Point
}

// A Place is where a photo is seen on a screen.
type Place struct {
	image.Rectangle
	// Cover has the photo cover its place. Its edges are cut off. Otherwise the place has
	// the photo's shape.
	Cover bool
}

const (
	// maxEnlargement keeps a tiny photo from becoming a blur.
	maxEnlargement = 4
	// maxLoss is the share of a photo that Auto may cut off.
	maxLoss = 0.12
	// matMargin and matBevel are the least margin around a photo in a mat, and the width of
	// the mat's bevel, in parts of a thousand of the screen's shorter side.
	matMargin = 75
	matBevel  = 4
)

// covers reports whether a photo covers its share of the screen, w by h pixels. Auto cuts
// nothing off where nothing has to be.
func (l Layout) covers(photo image.Point, w, h int) bool {
	x, y := float64(w)/float64(photo.X), float64(h)/float64(photo.Y)
	return !l.Mat && (l.Fill || l.Auto && x != y && 1-min(x, y)/max(x, y) < maxLoss)
}

// size returns the size at which a photo is seen in its share of the screen.
func (l Layout) size(photo image.Point, w, h int) image.Point {
	x, y := float64(w)/float64(photo.X), float64(h)/float64(photo.Y)
	f := min(x, y, maxEnlargement)
	if l.covers(photo, w, h) {
		f = min(max(x, y), maxEnlargement)
	}
	return image.Pt(max(int(float64(photo.X)*f+0.5), 1), max(int(float64(photo.Y)*f+0.5), 1))
}

// Share returns the size of the part of a screen that one of n photos has.
func (l Layout) Share(w, h, n int) (sw, sh int) {
	if l.stacks(w, h, n) {
		sh, sw = l.Share(h, w, n)
		return sw, sh
	}
	switch {
	case l.Mat:
		m := max(min(w, h)*matMargin/1000, 3*Bevel(w, h)) // as far as it drifts, and a bevel
		return max((w-(n+1)*m)/n, 1), max(h-2*m, 1)
	case n == 1:
		return w, h
	case l.Fill || l.Auto: // a gap between them is enough
		return max(w/n-w/200, 1), h
	}
	return max(w/n-w/100, 1), h
}

// stacks reports whether n photos are one above the other.
func (l Layout) stacks(w, h, n int) bool { return n > 1 && h > w }

// Places returns where photos of the given sizes are seen on a screen of w by h pixels:
// each as large as fits into its share, or covering it, with equal space between and
// beside them.
func (l Layout) Places(w, h int, photos []image.Point) []Place {
	if l.stacks(w, h, len(photos)) {
		turned := make([]image.Point, len(photos))
		for i, p := range photos {
			turned[i] = image.Pt(p.Y, p.X)
		}
		t := l
		t.Drift = image.Pt(l.Drift.Y, l.Drift.X)
		all := t.Places(h, w, turned)
		for i, p := range all {
			all[i].Rectangle = image.Rect(p.Min.Y, p.Min.X, p.Max.Y, p.Max.X)
		}
		return all
	}
	sw, sh := l.Share(w, h, len(photos))
	all := make([]Place, len(photos))
	spare, cover := w, false
	for i, p := range photos {
		all[i].Cover = l.covers(p, sw, sh)
		s := l.size(p, sw, sh)
		all[i].Max = image.Pt(min(s.X, sw), min(s.Y, sh))
		spare -= all[i].Dx()
		cover = cover || all[i].Cover
	}
	x := 0
	for i := range all {
		size := all[i].Size()
		x += spare / (len(all) + 1)
		at := image.Pt(x, (h-size.Y)/2)
		if cover && len(all) > 1 { // in the middle of its share
			at.X = i*(w-sw)/(len(all)-1) + (sw-size.X)/2
		}
		if l.Mat {
			at = at.Add(l.Drift.Mul(Bevel(w, h)))
		}
		all[i].Rectangle = image.Rectangle{Max: size}.Add(at)
		x += size.X
	}
	return all
}

// Bevel returns the width of the bevel of a mat on a screen of w by h pixels.
func Bevel(w, h int) int { return max((min(w, h)*matBevel+500)/1000, 1) }

// leavesNothing reports whether photos leave nothing of a screen to be filled: of two
// that cover their shares, no more than a black line between them.
func leavesNothing(w, h int, places []Place) bool {
	left := w * h
	for _, p := range places {
		if len(places) > 1 && !p.Cover {
			return false
		}
		left -= p.Dx() * p.Dy()
	}
	return left <= 0 || len(places) > 1 && left <= w*h/80
}

// Colors of a mat. It is dark, so that it neither dazzles in a dark room nor wears out an
// OLED screen, and warm beside black. Its core of white card is seen at the bevel, where
// the light comes from above.
const (
	matColor = 0x35322e
	matAbove = 0xa8a196 // the bevel above a photo and left of it, in the shade
	matBelow = 0xe9e3d6
)

// drawMat draws a mat with openings for photos.
func drawMat(dst *pixel.Image, places []Place) {
	dst.Fill(dst.Bounds(), matColor)
	for _, p := range places {
		for i := Bevel(dst.W, dst.H); i > 0; i-- {
			r := p.Inset(-i)
			dst.Fill(r, matBelow)
			dst.Fill(image.Rect(r.Min.X, r.Min.Y, r.Max.X-1, r.Min.Y+1), matAbove)
			dst.Fill(image.Rect(r.Min.X, r.Min.Y, r.Min.X+1, r.Max.Y-1), matAbove)
		}
	}
}
