package paint

import (
	"fmt"
	"image"
	"math"

	"pickerd/display/pixel"
	"pickerd/display/typeface"
)

// text returns an item for a block of text at a point.
func text(b *typeface.Block, at image.Point, width int, align typeface.Align, c uint32, key string) Item {
	over := b.Height / 8 // some letters exceed their lines
	return Item{
		Bounds: image.Rect(at.X-over, at.Y-over, at.X+width+over, at.Y+b.Height+over),
		Box:    image.Rect(at.X, at.Y, at.X+width, at.Y+b.Height),
		Key:    fmt.Sprintf("%s/%d/%06x", key, align, c),
		draw: func(dst *pixel.Image, at image.Point) {
			b.Draw(dst, at.Add(image.Pt(over, over)), width, align, c)
		},
	}
}

// box returns an item for a rounded rectangle with an opacity of alpha of 256.
func box(r image.Rectangle, radius int, c, alpha uint32) Item {
	return Item{Bounds: r, Box: r, Key: fmt.Sprintf("box/%d/%06x/%d", radius, c, alpha),
		draw: func(dst *pixel.Image, at image.Point) {
			fillRound(dst, r.Sub(r.Min).Add(at), radius, c, alpha)
		}}
}

func fillRound(dst *pixel.Image, r image.Rectangle, radius int, c, alpha uint32) {
	radius = min(radius, r.Dx()/2, r.Dy()/2)
	seen := r.Intersect(dst.Bounds())
	dst.Dim(image.Rect(r.Min.X, r.Min.Y+radius, r.Max.X, r.Max.Y-radius).Intersect(seen), c, alpha)
	for y := seen.Min.Y; y < seen.Max.Y; y++ {
		row := dst.Row(y)
		dy := max(r.Min.Y+radius-y, y-(r.Max.Y-1-radius), 0)
		if dy == 0 { // without corners
			continue
		}
		for x := seen.Min.X; x < seen.Max.X; x++ {
			a := alpha
			if dx := max(r.Min.X+radius-x, x-(r.Max.X-1-radius), 0); dx > 0 && dy > 0 {
				out := math.Hypot(float64(dx), float64(dy)) - float64(radius) + 0.5
				a = uint32(float64(alpha) * min(max(1-out, 0), 1))
			}
			row[x] = pixel.Mix(row[x], c, a)
		}
	}
}

// gradient draws a part of the backdrop, a little lighter at the top. It is dithered,
// because its steps are too fine for eight bits. It is computed for each use, which is
// rare: a stored one would take as much memory as the screen.
func gradient(dst *pixel.Image, r image.Rectangle) {
	r = r.Intersect(dst.Bounds())
	w, h := float64(dst.W), float64(dst.H)
	columns := make([]float64, r.Dx())
	for i := range columns {
		columns[i] = float64(r.Min.X+i)/w - 0.2
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := dst.Row(y)
		dy := float64(y) / h
		for i, dx := range columns {
			x := r.Min.X + i
			t := math.Sqrt(dx*dx+dy*dy) / (1.2 * 0.6)
			if t >= 1 && dx >= 0 { // so it is for the rest of the row: of nearly half of the screen
				dst.Fill(image.Rect(x, y, r.Max.X, y+1), rim)
				break
			}
			noise := uint32(x)*0x9e3779b1 ^ uint32(y)*0x85ebca77
			noise ^= noise >> 15
			noise *= 0x2c1b3c6d
			noise ^= noise >> 13
			row[x] = spread(min(t, 1), noise)
		}
	}
}

// spread returns the color at t between centre, at 0, and rim, at 1. noise rounds it.
func spread(t float64, noise uint32) uint32 {
	const (
		r0, g0, b0 = centre >> 16, centre >> 8 & 0xff, centre & 0xff
		r1, g1, b1 = rim >> 16, rim >> 8 & 0xff, rim & 0xff
	)
	r := float64(r0) + float64(r1-r0)*t + float64(noise>>16&0xff)/256
	g := float64(g0) + float64(g1-g0)*t + float64(noise>>8&0xff)/256
	b := float64(b0) + float64(b1-b0)*t + float64(noise&0xff)/256
	return uint32(r)<<16 | uint32(g)<<8 | uint32(b)
}

// PlayMark draws a triangle in a disc in the middle of r, to distinguish the still of a
// video from a photo.
func PlayMark(dst *pixel.Image, r image.Rectangle) {
	d := min(r.Dx(), r.Dy()) / 6
	c := image.Pt((r.Min.X+r.Max.X)/2, (r.Min.Y+r.Max.Y)/2)
	fillRound(dst, image.Rect(c.X-d/2, c.Y-d/2, c.X+d/2, c.Y+d/2), d/2, plate, 180)
	half := d / 5
	for y := -half; y <= half; y++ {
		w := 2 * (half - max(y, -y))
		dst.Fill(image.Rect(c.X-half*2/3, c.Y+y, c.X-half*2/3+w, c.Y+y+1), ink)
	}
}
