package main

import (
	"image"
	"math"
)

type canvas struct {
	w, h   int
	aspect float64
	pixel  float64 // size of a pixel in picture units
	pix    []rgb
}

func newCanvas(w, h int) *canvas {
	return &canvas{w, h, float64(w) / float64(h), 1 / float64(h), make([]rgb, w*h)}
}

// paint replaces each pixel; the function gets its position and old colour.
func (c *canvas) paint(f func(x, y float64, under rgb) rgb) {
	c.paintFrom(0, f)
}

// paintFrom is paint for the part of the picture below top.
func (c *canvas) paintFrom(top float64, f func(x, y float64, under rgb) rgb) {
	for py := max(0, int(top*float64(c.h))); py < c.h; py++ {
		y := (float64(py) + 0.5) * c.pixel
		row := c.pix[py*c.w : (py+1)*c.w]
		for px := range row {
			row[px] = f((float64(px)+0.5)*c.pixel, y, row[px])
		}
	}
}

// below tells how much of the pixel at y lies below the edge: smooth outlines.
func (c *canvas) below(edge, y float64) float64 { return clamp01((y-edge)/c.pixel + 0.5) }

// box is a part of the picture given by two corners.
type box struct{ min, max vec }

func around(centre vec, reach float64) box {
	return box{vec{centre.x - reach, centre.y - reach}, vec{centre.x + reach, centre.y + reach}}
}

// brush says how a shape is filled.
type brush struct {
	soft  float64 // width of the edge; at least one pixel is used
	alpha float64
	// ink gives the colour at a position; depth is the distance to the edge
	// of the shape, positive inside.
	ink func(p vec, depth float64) rgb
}

func flat(colour rgb) brush {
	return brush{alpha: 1, ink: func(vec, float64) rgb { return colour }}
}

func (b brush) with(soft, alpha float64) brush {
	b.soft, b.alpha = soft, alpha
	return b
}

// draw fills a shape given by its signed distance (negative inside).
func (c *canvas) draw(area box, distance func(vec) float64, b brush) {
	soft := max(b.soft, c.pixel)
	c.visit(area, soft, func(p vec, under *rgb) {
		d := distance(p)
		cover := clamp01(0.5 - d/soft)
		if cover > 0 {
			*under = mix(*under, b.ink(p, -d), cover*b.alpha)
		}
	})
}

// visit calls f for each pixel of the area, widened by the margin.
func (c *canvas) visit(area box, margin float64, f func(p vec, under *rgb)) {
	scale := float64(c.h)
	x0, x1 := max(0, int((area.min.x-margin)*scale)), min(c.w-1, int((area.max.x+margin)*scale))
	y0, y1 := max(0, int((area.min.y-margin)*scale)), min(c.h-1, int((area.max.y+margin)*scale))
	for py := y0; py <= y1; py++ {
		for px := x0; px <= x1; px++ {
			f(vec{(float64(px) + 0.5) * c.pixel, (float64(py) + 0.5) * c.pixel}, &c.pix[py*c.w+px])
		}
	}
}

func (c *canvas) disc(centre vec, radius float64, b brush) {
	c.draw(around(centre, radius), func(p vec) float64 { return p.minus(centre).length() - radius }, b)
}

func (c *canvas) polygon(points []vec, b brush) {
	area := box{points[0], points[0]}
	for _, p := range points {
		area.min = vec{min(area.min.x, p.x), min(area.min.y, p.y)}
		area.max = vec{max(area.max.x, p.x), max(area.max.y, p.y)}
	}
	c.draw(area, func(p vec) float64 { return polygonDistance(points, p) }, b)
}

func (c *canvas) rect(x0, y0, x1, y1 float64, b brush) {
	c.polygon([]vec{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}, b)
}

// line draws a straight stroke whose width may change from end to end.
func (c *canvas) line(from, to vec, widthFrom, widthTo float64, b brush) {
	reach := max(widthFrom, widthTo) / 2
	area := box{
		vec{min(from.x, to.x) - reach, min(from.y, to.y) - reach},
		vec{max(from.x, to.x) + reach, max(from.y, to.y) + reach},
	}
	c.draw(area, func(p vec) float64 {
		d, t := segmentDistance(from, to, p)
		return d - lerp(widthFrom, widthTo, t)/2
	}, b)
}

// glow adds light that fades out with the distance.
func (c *canvas) glow(centre vec, radius float64, light rgb) {
	c.visit(around(centre, 2.5*radius), 0, func(p vec, under *rgb) {
		d := p.minus(centre).length() / (2.5 * radius)
		// The last factor brings the light to exactly nothing at the border.
		*under = screen(*under, light.times(bell(d, 0.4)*ramp(1, 0.6, d)))
	})
}

func segmentDistance(a, b, p vec) (distance, along float64) {
	edge, to := b.minus(a), p.minus(a)
	along = clamp01(to.dot(edge) / edge.dot(edge))
	return to.minus(edge.times(along)).length(), along
}

func polygonDistance(points []vec, p vec) float64 {
	nearest, sign := math.Inf(1), 1.0
	a := points[len(points)-1]
	for _, b := range points {
		edge, to := b.minus(a), p.minus(a)
		off := to.minus(edge.times(clamp01(to.dot(edge) / edge.dot(edge))))
		nearest = min(nearest, off.dot(off))
		// Each edge that a ray to the right crosses changes the side.
		if (a.y > p.y) != (b.y > p.y) && p.x < a.x+(p.y-a.y)/edge.y*edge.x {
			sign = -sign
		}
		a = b
	}
	return sign * math.Sqrt(nearest)
}

// sample returns the colour at a position, interpolated between pixels.
func (c *canvas) sample(x, y float64) rgb {
	fx := min(max(x*float64(c.h)-0.5, 0), float64(c.w-1))
	fy := min(max(y*float64(c.h)-0.5, 0), float64(c.h-1))
	x0, y0 := int(fx), int(fy)
	x1, y1 := min(x0+1, c.w-1), min(y0+1, c.h-1)
	tx, ty := fx-float64(x0), fy-float64(y0)
	upper := mix(c.pix[y0*c.w+x0], c.pix[y0*c.w+x1], tx)
	lower := mix(c.pix[y1*c.w+x0], c.pix[y1*c.w+x1], tx)
	return mix(upper, lower, ty)
}

// water mirrors what is above the waterline in a rippled surface. The shine
// function turns the mirrored colour into that of the water.
func (c *canvas) water(waterline, roughness float64, n *noise, shine func(x, depth, wave float64, mirrored rgb) rgb) {
	c.paintFrom(waterline, func(x, y float64, under rgb) rgb {
		depth := max(0, y-waterline)
		wave := swell(n, x-c.aspect/2, depth)
		bend := wave * roughness * (0.05 + depth)
		sy := min(max(waterline-depth+bend, 0), waterline-2*c.pixel)
		mirrored := c.sample(x+bend*0.25, sy)
		return mix(under, shine(x, depth, wave, mirrored), c.below(waterline, y))
	})
}

// swell is the height of waves seen in perspective: long in the foreground,
// dense towards the horizon. The offset keeps them larger than a pixel there.
func swell(n *noise, x, depth float64) float64 {
	far := 1 / (depth + 0.08)
	return 1.6 * n.fractal(x*far*1.6, far*far*0.35+far*2.2, 3)
}

// blur softens the picture; three box filters come close to a round one.
func (c *canvas) blur(radius float64) {
	reach := int(math.Round(radius * float64(c.h)))
	if reach < 1 {
		return
	}
	line := make([]rgb, max(c.w, c.h))
	for range 3 {
		for y := range c.h {
			boxFilter(c.pix[y*c.w:], 1, c.w, reach, line)
		}
		for x := range c.w {
			boxFilter(c.pix[x:], c.w, c.h, reach, line)
		}
	}
}

// boxFilter averages n pixels that lie stride apart over reach neighbours on
// both sides, repeating the pixels at the ends.
func boxFilter(pix []rgb, stride, n, reach int, line []rgb) {
	for i := range n {
		line[i] = pix[i*stride]
	}
	at := func(i int) rgb { return line[min(max(i, 0), n-1)] }
	var sum rgb
	for i := -reach; i <= reach; i++ {
		p := at(i)
		sum = rgb{sum.r + p.r, sum.g + p.g, sum.b + p.b}
	}
	scale := 1 / float64(2*reach+1)
	for i := range n {
		pix[i*stride] = sum.times(scale)
		in, out := at(i+reach+1), at(i-reach)
		sum = rgb{sum.r + in.r - out.r, sum.g + in.g - out.g, sum.b + in.b - out.b}
	}
}

// shrink averages blocks of factor by factor pixels.
func (c *canvas) shrink(factor int) *canvas {
	if factor == 1 {
		return c
	}
	small := newCanvas(c.w/factor, c.h/factor)
	scale := 1 / float64(factor*factor)
	for y := range small.h * factor {
		for x := range small.w * factor {
			p, to := c.pix[y*c.w+x], &small.pix[y/factor*small.w+x/factor]
			*to = rgb{to.r + p.r*scale, to.g + p.g*scale, to.b + p.b*scale}
		}
	}
	return small
}

// develop turns the canvas into an image with a slight vignette. The grain is
// just strong enough to hide steps in gradients; more would bloat the JPEG.
func (c *canvas) develop() *image.RGBA {
	const grain, vignette = 1.4, 0.10
	r := newRand(uint64(c.w*100_000 + c.h))
	img := image.NewRGBA(image.Rect(0, 0, c.w, c.h))
	for i, p := range c.pix {
		dx := 2*float64(i%c.w)/float64(c.w) - 1
		dy := 2*float64(i/c.w)/float64(c.h) - 1
		shade := 255 * (1 - vignette*ramp(0.5, 2, dx*dx+dy*dy))
		speck := (r.Float64() + r.Float64() - 1) * grain
		img.Pix[4*i] = level(p.r*shade + speck)
		img.Pix[4*i+1] = level(p.g*shade + speck)
		img.Pix[4*i+2] = level(p.b*shade + speck)
		img.Pix[4*i+3] = 255
	}
	return img
}

func level(v float64) uint8 { return uint8(min(max(v+0.5, 0), 255)) }
