// Package paint draws a display.Page for screens that have no browser: it lays
// out what the page holds and draws words, codes and bars over a backdrop or a
// photo. It says what changed from one picture to the next, so that little is
// drawn twice. It decides nothing about what is shown, or when.
package paint

import (
	"image"

	"pickerd/display/pixel"
)

// An Item is one thing on a screen.
type Item struct {
	Bounds image.Rectangle
	Key    string // two items of one place and one key look the same
	draw   func(dst *pixel.Image, at image.Point)
}

// A List is the things on a screen, the lowest first.
type List []Item

// Draw draws the part r of the list into dst, which has the whole screen.
func (l List) Draw(dst *pixel.Image, r image.Rectangle) {
	r = r.Intersect(dst.Bounds())
	part := dst.Sub(r)
	for _, it := range l {
		if it.Bounds.Overlaps(r) {
			it.draw(part, it.Bounds.Min.Sub(r.Min))
		}
	}
}

// Changes are the parts of a screen that look different with another list.
func Changes(from, to List) []image.Rectangle {
	type name struct {
		r   image.Rectangle
		key string
	}
	had := map[name]int{}
	for i, it := range from {
		had[name{it.Bounds, it.Key}] = i + 1
	}
	var parts []image.Rectangle
	last := 0
	for _, it := range to {
		n := name{it.Bounds, it.Key}
		if i := had[n]; i > last { // where it was, and above the same things
			last = i
			delete(had, n)
		} else {
			parts = join(parts, it.Bounds)
		}
	}
	for n := range had {
		parts = join(parts, n.r)
	}
	return parts
}

// join adds a part, in one with those that it overlaps.
func join(parts []image.Rectangle, r image.Rectangle) []image.Rectangle {
	if r.Empty() {
		return parts
	}
	for i := 0; i < len(parts); i++ {
		if parts[i].Overlaps(r) {
			r = r.Union(parts[i])
			parts = append(parts[:i], parts[i+1:]...)
			i = -1
		}
	}
	return append(parts, r)
}
