// Package paint draws a display.Page on screens without a browser. It lays out the page
// and draws words, codes and bars over a backdrop or a photo. It reports what changed
// between two pictures, so that only the changes need to be drawn.
package paint

import (
	"image"

	"pickerd/display/pixel"
)

// An Item is one thing on a screen.
type Item struct {
	Bounds image.Rectangle
	Box    image.Rectangle // Bounds without the room for letters that exceed their lines
	Key    string          // items with the same place and key look the same
	draw   func(dst *pixel.Image, at image.Point)
}

// A List is the items on a screen, from bottom to top.
type List []Item

// Draw draws the part r of the list into dst, a picture of the whole screen.
func (l List) Draw(dst *pixel.Image, r image.Rectangle) {
	r = r.Intersect(dst.Bounds())
	part := dst.Sub(r)
	for _, it := range l {
		if it.Bounds.Overlaps(r) {
			it.draw(part, it.Bounds.Min.Sub(r.Min))
		}
	}
}

// Changes returns the parts of the screen that differ between two lists.
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

// join adds a part, merged with those that it overlaps.
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
