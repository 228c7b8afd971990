//go:build ignore

// This program draws the sample pictures and the sample video of this folder.
//
//	go run generate.go
//
// Everything is computed from fixed seeds, so that a second run gives the same
// pictures and a changed scene shows up as a change of its own file only.
//
// Coordinates: the height of a picture is 1, x grows to the right from 0 to
// the aspect ratio, y grows downwards. A scene therefore does not depend on
// the number of pixels it is drawn with.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"sync"
)

// scene is one picture: its file, its shape and the function that draws it.
type scene struct {
	name   string
	width  int
	height int
	// oversample is the factor by which the canvas is larger than the
	// picture. Shapes have smooth edges of their own; only scenes made of
	// hard point samples, and the very small one, need more than 1.
	oversample int
	// budget is the largest size of the JPEG in bytes. It keeps the
	// repository small: each picture gets the best quality that fits.
	budget int
	draw   func(*canvas)
}

var scenes = []scene{
	{"sunset.jpg", 1920, 1280, 1, 200_000, drawSunset},
	{"mountains.jpg", 1920, 1080, 1, 130_000, drawMountains},
	{"aurora.jpg", 1920, 1280, 1, 180_000, drawAurora},
	{"dunes.jpg", 1920, 1080, 2, 180_000, drawDunes},
	{"meadow.jpg", 1920, 1280, 1, 400_000, drawMeadow},
	{"harbour.jpg", 1920, 1080, 1, 190_000, drawHarbour},
	{"birches.jpg", 1080, 1620, 1, 240_000, drawBirches},
	{"citylights.jpg", 1080, 1620, 1, 110_000, drawCityLights},
	{"lighthouse.jpg", 1080, 1620, 1, 170_000, drawLighthouse},
	{"snowpeaks.jpg", 2880, 720, 2, 260_000, drawSnowPeaks},
	{"leaves.jpg", 1200, 1200, 1, 260_000, drawLeaves},
	{"balloon.jpg", 64, 48, 8, 4_000, drawBalloon},
}

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	errs := make([]error, len(scenes))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, s := range scenes {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = s.write()
		})
	}
	wg.Wait()
	return errors.Join(append(errs, writeVideo("waves.mp4"))...)
}

func (s scene) write() error {
	c := newCanvas(s.width*s.oversample, s.height*s.oversample)
	s.draw(c)
	img := c.shrink(s.oversample).develop()
	data, quality, err := encodeWithin(img, s.budget)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if err := os.WriteFile(s.name, data, 0o644); err != nil {
		return err
	}
	r, g, b := meanColour(img)
	fmt.Printf("%-15s %4dx%-4d %7d bytes  quality %d  mean (%d,%d,%d)\n",
		s.name, s.width, s.height, len(data), quality, r, g, b)
	return nil
}

// encodeWithin returns the JPEG of the highest quality that fits the budget.
func encodeWithin(img image.Image, budget int) (data []byte, quality int, err error) {
	const best, worst, step = 93, 45, 2
	for quality = best; quality >= worst; quality -= step {
		var buf bytes.Buffer
		if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality}); err != nil {
			return nil, 0, err
		}
		if buf.Len() <= budget {
			return buf.Bytes(), quality, nil
		}
	}
	return nil, 0, fmt.Errorf("does not fit %d bytes at quality %d", budget, worst)
}

func meanColour(img *image.RGBA) (r, g, b int) {
	for i := 0; i < len(img.Pix); i += 4 {
		r += int(img.Pix[i])
		g += int(img.Pix[i+1])
		b += int(img.Pix[i+2])
	}
	n := len(img.Pix) / 4
	return r / n, g / n, b / n
}

// ---- numbers and colours ----

func clamp01(v float64) float64 { return min(max(v, 0), 1) }

func lerp(a, b, t float64) float64 { return a + (b-a)*t }

// ramp rises smoothly from 0 at lo to 1 at hi; with lo > hi it falls.
func ramp(lo, hi, v float64) float64 {
	t := clamp01((v - lo) / (hi - lo))
	return t * t * (3 - 2*t)
}

// bell is 1 at 0 and fades out on both sides within about twice the width.
func bell(v, width float64) float64 { return math.Exp(-(v * v) / (width * width)) }

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)) }

func between(r *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }

type vec struct{ x, y float64 }

func (a vec) plus(b vec) vec              { return vec{a.x + b.x, a.y + b.y} }
func (a vec) minus(b vec) vec             { return vec{a.x - b.x, a.y - b.y} }
func (a vec) times(f float64) vec         { return vec{a.x * f, a.y * f} }
func (a vec) dot(b vec) float64           { return a.x*b.x + a.y*b.y }
func (a vec) length() float64             { return math.Hypot(a.x, a.y) }
func (a vec) turned(sin, cos float64) vec { return vec{a.x*cos - a.y*sin, a.x*sin + a.y*cos} }

// rgb is a colour as the screen shows it (gamma encoded), each part 0 to 1.
// Mixing such values is not physically right, but it is what painters of
// gradients are used to.
type rgb struct{ r, g, b float64 }

func hex(v uint32) rgb {
	return rgb{float64(v>>16&255) / 255, float64(v>>8&255) / 255, float64(v&255) / 255}
}

func (a rgb) times(f float64) rgb { return rgb{a.r * f, a.g * f, a.b * f} }

func mix(a, b rgb, t float64) rgb {
	return rgb{lerp(a.r, b.r, t), lerp(a.g, b.g, t), lerp(a.b, b.b, t)}
}

// screen adds light without ever exceeding white.
func screen(a, b rgb) rgb {
	return rgb{1 - (1-a.r)*(1-b.r), 1 - (1-a.g)*(1-b.g), 1 - (1-a.b)*(1-b.b)}
}

type stop struct {
	at     float64
	colour rgb
}

// gradient is a list of colours in order of their positions.
type gradient []stop

func (g gradient) at(t float64) rgb {
	for i := 1; i < len(g); i++ {
		if t < g[i].at {
			return mix(g[i-1].colour, g[i].colour, clamp01((t-g[i-1].at)/(g[i].at-g[i-1].at)))
		}
	}
	return g[len(g)-1].colour
}

// ---- noise ----

// noise is two-dimensional gradient noise.
type noise struct {
	perm  [512]uint8
	grads [256]vec
}

func newNoise(seed uint64) *noise {
	r := newRand(seed)
	n := new(noise)
	for i, p := range r.Perm(256) {
		n.perm[i], n.perm[i+256] = uint8(p), uint8(p)
		sin, cos := math.Sincos(r.Float64() * 2 * math.Pi)
		n.grads[i] = vec{cos, sin}
	}
	return n
}

// at returns a smooth random value, about -1 to 1.
func (n *noise) at(x, y float64) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int(fx)&255, int(fy)&255
	x, y = x-fx, y-fy
	corner := func(dx, dy int) float64 {
		g := n.grads[n.perm[int(n.perm[(ix+dx)&255])+(iy+dy)&255]]
		return g.x*(x-float64(dx)) + g.y*(y-float64(dy))
	}
	u, v := fade(x), fade(y)
	return 1.5 * lerp(lerp(corner(0, 0), corner(1, 0), u), lerp(corner(0, 1), corner(1, 1), u), v)
}

func fade(t float64) float64 { return t * t * t * (t*(t*6-15) + 10) }

// fractal sums octaves of noise: clouds, coasts, texture.
func (n *noise) fractal(x, y float64, octaves int) float64 {
	sum, weight := 0.0, 0.5
	for range octaves {
		sum += weight * n.at(x, y)
		// The shift keeps the lattice points of the octaves apart.
		x, y, weight = 2*x+17.3, 2*y+9.1, weight/2
	}
	return sum
}

// ridged sums octaves of folded noise, 0 to 1: sharp crests and round valleys.
func (n *noise) ridged(x, y float64, octaves int) float64 {
	sum, weight, previous := 0.0, 0.5, 1.0
	for range octaves {
		crest := 1 - math.Abs(n.at(x, y))
		crest *= crest
		// Weighting by the octave before roughens the peaks and spares the valleys.
		sum += weight * crest * previous
		previous = crest
		x, y, weight = 2*x+17.3, 2*y+9.1, weight/2
	}
	return sum
}

// ---- canvas ----

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

// ---- things that several scenes show ----

// stars scatters points of light between the top and the given depth.
func stars(c *canvas, r *rand.Rand, count int, bottom float64) {
	for range count {
		at := vec{r.Float64() * c.aspect, r.Float64() * bottom}
		// The power makes bright stars rare.
		bright := math.Pow(r.Float64(), 6)
		tint := mix(hex(0xcfe2ff), hex(0xfff1d8), r.Float64())
		c.disc(at, lerp(0.0005, 0.0016, bright), flat(tint).with(0.0014, lerp(0.25, 1, bright)))
		if bright > 0.8 {
			c.glow(at, 0.0035, tint.times(0.35))
		}
	}
}

// fir draws a conifer that stands at base.
func fir(c *canvas, r *rand.Rand, base vec, height float64, b brush) {
	const tiers = 9
	left, right := []vec{}, []vec{}
	for i := range tiers {
		t := float64(i+1) / tiers
		y := base.y - height*(1-t)
		reach := height * 0.2 * t
		left = append(left,
			vec{base.x - reach*between(r, 0.75, 1.1), y + height*0.012},
			vec{base.x - reach*0.45, y - height*0.012})
		right = append(right,
			vec{base.x + reach*between(r, 0.75, 1.1), y + height*0.012},
			vec{base.x + reach*0.45, y - height*0.012})
	}
	outline := []vec{{base.x, base.y - height}}
	outline = append(outline, right...)
	for i := len(left) - 1; i >= 0; i-- {
		// The outer point comes after the inner one on the way back up.
		outline = append(outline, left[i^1])
	}
	c.polygon(outline, b)
}

// sailingBoat draws a boat with its mast on the waterline at base.
func sailingBoat(c *canvas, base vec, size float64, hull, sail brush) {
	at := func(x, y float64) vec { return vec{base.x + x*size, base.y - y*size} }
	c.polygon([]vec{at(0.02, 0.16), at(0.03, 0.98), at(0.42, 0.17)}, sail)
	c.polygon([]vec{at(-0.04, 0.2), at(-0.02, 0.86), at(-0.3, 0.19)}, sail)
	c.line(at(0, 0.1), at(0, 1), 0.018*size, 0.008*size, hull)
	c.polygon([]vec{at(-0.36, 0.13), at(0.46, 0.13), at(0.34, 0), at(-0.26, 0)}, hull)
}

// ---- landscapes ----

func drawSunset(c *canvas) {
	const horizon = 0.6
	n := newNoise(11)
	sun := vec{c.aspect * 0.62, 0.535}
	sky := gradient{
		{0, hex(0x6a2c50)}, {0.2, hex(0xa83c4e)}, {0.38, hex(0xe2603c)},
		{0.52, hex(0xfb9a44)}, {0.6, hex(0xffd27a)},
	}
	c.paint(func(x, y float64, _ rgb) rgb { return sunsetSky(n, sky, sun, vec{x, y}) })
	c.disc(sun, 0.05, flat(hex(0xfff3c4)).with(0.004, 1))
	c.glow(sun, 0.12, hex(0xffc060).times(0.7))
	headland(c, n, horizon)
	c.water(horizon, 1.3, n, func(x, depth, wave float64, mirrored rgb) rgb {
		colour := mix(mirrored, hex(0x5a2346), 0.28+0.5*ramp(0, 0.42, depth)+0.18*wave)
		path := bell(x-sun.x, 0.05+depth*0.28)
		sparkle := ramp(0.02, 0.5, wave+0.35*path) * path
		return screen(colour, hex(0xffb558).times(0.85*sparkle))
	})
	dark := flat(hex(0x3a1730))
	sailingBoat(c, vec{c.aspect * 0.3, horizon + 0.035}, 0.13, dark, dark.with(0, 0.92))
}

func sunsetSky(n *noise, sky gradient, sun, p vec) rgb {
	colour := sky.at(p.y)
	off := p.minus(sun)
	near := math.Exp(-math.Hypot(off.x, off.y*1.5) * 3)
	colour = screen(colour, hex(0xff9a40).times(0.5*near))
	// Clouds lie flat and get thinner in the distance.
	warp := n.fractal(p.x*2, p.y*5, 3)
	cloud := n.fractal(p.x*1.7+warp*0.6, math.Pow(p.y+0.12, 0.6)*11+warp, 6)
	thick := ramp(-0.02, 0.32, cloud) * ramp(0.6, 0.42, p.y)
	edge := ramp(0, 0.12, cloud) * ramp(0.26, 0.1, cloud)
	shadow := mix(hex(0x54254c), hex(0xd8553a), clamp01(near*1.3))
	lit := mix(hex(0xf0806a), hex(0xffd98a), clamp01(near*1.6))
	return mix(colour, mix(shadow, lit, 0.25+0.75*edge), 0.8*thick)
}

// headland draws the dark coast on the left and a fainter one behind it.
func headland(c *canvas, n *noise, horizon float64) {
	coasts := []struct {
		end, height, seed float64
		colour            rgb
	}{
		{0.62, 0.055, 3, hex(0xa8464e)},
		{0.36, 0.1, 8, hex(0x5e2847)},
	}
	for _, k := range coasts {
		c.paint(func(x, y float64, under rgb) rgb {
			t := x / (c.aspect * k.end)
			rise := k.height * math.Sqrt(clamp01(1-t)) * (0.75 + 0.7*n.fractal(x*5, k.seed, 5))
			if y > horizon || t > 1 {
				return under
			}
			return mix(under, k.colour, c.below(horizon-rise, y))
		})
	}
}

func drawMountains(c *canvas) {
	n := newNoise(23)
	r := newRand(23)
	sky := gradient{{0, hex(0x7f9fc0)}, {0.3, hex(0xb9cfde)}, {0.55, hex(0xe9eee8)}}
	c.paint(func(x, y float64, _ rgb) rgb {
		wisp := ramp(0.05, 0.5, n.fractal(x*1.2, y*5, 5))
		return mix(sky.at(y), hex(0xf6f4ee), 0.6*wisp)
	})
	c.glow(vec{c.aspect * 0.7, 0.24}, 0.28, hex(0xffe9c8).times(0.6))
	const layers = 7
	tones := gradient{{0, hex(0xa9c2dc)}, {0.5, hex(0x5683b4)}, {1, hex(0x14345c)}}
	for i := range layers {
		t := float64(i) / (layers - 1)
		ridge := func(x float64) float64 {
			rough := n.ridged(x*lerp(1.1, 1.7, t)+float64(i)*7.7, float64(i)*3.1, 6)
			return lerp(0.44, 0.96, t) - rough*lerp(0.3, 0.22, t)
		}
		mistyRidge(c, n, ridge, tones.at(t), t, lerp(0.44, 0.96, t))
		if i >= layers-3 {
			forest(c, r, ridge, tones.at(t), lerp(0.008, 0.075, math.Pow(t, 3)))
		}
	}
}

// mistyRidge draws one range of hills whose foot vanishes in mist. The mist
// keeps to its own level: if it followed the ridge, it would look like beams.
func mistyRidge(c *canvas, n *noise, ridge func(float64) float64, tone rgb, near, level float64) {
	edges := make([]float64, c.w)
	for i := range edges {
		edges[i] = ridge((float64(i) + 0.5) * c.pixel)
	}
	mist := mix(hex(0xdfeaf2), hex(0x86add2), near)
	c.paint(func(x, y float64, under rgb) rgb {
		edge := edges[min(int(x*float64(c.h)), c.w-1)]
		cover := c.below(edge, y)
		if cover == 0 {
			return under
		}
		drift := 0.1 * n.fractal(x*1.6, y*6+near*20, 4)
		fog := ramp(-0.16, 0.06, y-level+drift) * lerp(0.95, 0.35, near)
		slope := 0.07 * n.fractal(x*9, y*9, 4) * (1 - fog)
		return mix(under, mix(tone.times(1+slope), mist, fog), cover)
	})
}

// forest lines a ridge with trees.
func forest(c *canvas, r *rand.Rand, ridge func(float64) float64, tone rgb, size float64) {
	for x := -size; x < c.aspect+size; x += size * between(r, 0.12, 0.4) {
		fir(c, r, vec{x, ridge(x) + size*0.15}, size*between(r, 0.5, 1.15), flat(tone.times(between(r, 0.86, 1))))
	}
}

func drawAurora(c *canvas) {
	const shore = 0.74
	n := newNoise(37)
	r := newRand(37)
	sky := gradient{{0, hex(0x04121a)}, {0.45, hex(0x0a2a30)}, {shore, hex(0x1c5a50)}}
	c.paint(func(_, y float64, _ rgb) rgb { return sky.at(y) })
	stars(c, r, 1100, shore)
	c.paint(func(x, y float64, under rgb) rgb { return screen(under, auroraLight(n, x, y)) })
	snowyShore(c, n, r, shore)
	cabin(c, vec{c.aspect * 0.74, shore - 0.012}, 0.05)
	c.water(shore, 0.35, n, func(x, depth, wave float64, mirrored rgb) rgb {
		return mix(mirrored.times(0.8), hex(0x051a1e), 0.2+0.5*ramp(0, 0.26, depth)+0.12*wave)
	})
}

// auroraLight sums three curtains: a sharp lower edge, rays that rise from it,
// green below and violet above.
func auroraLight(n *noise, x, y float64) rgb {
	var light rgb
	for i := range 3 {
		f := float64(i)
		fold := 0.22*n.fractal(x*0.9+f*5.3, f*2.7, 3) + 0.03*n.at(x*5, f*9)
		edge := 0.58 - 0.12*f + fold + 0.08*(x-0.75)*(1-f)
		up := edge - y
		rays := 0.55 + 0.9*n.fractal(x*16+f*31+3*fold, y*0.5, 3)
		body := math.Exp(-max(up, 0)/lerp(0.16, 0.3, clamp01(0.5+rays/2))) * ramp(-0.035, 0.02, up)
		strength := clamp01(1.5*body*rays) * lerp(1, 0.6, f/2) * ramp(-0.75, -0.1, n.at(x*0.8+f*11, 4.5))
		colour := gradient{{0, hex(0x7dffae)}, {0.16, hex(0x35e08e)}, {0.3, hex(0x3a8fa0)}, {0.5, hex(0x7a48b0)}}.at(up)
		light = screen(light, colour.times(strength))
	}
	return light
}

func snowyShore(c *canvas, n *noise, r *rand.Rand, shore float64) {
	hills := []struct {
		height, scale float64
		snow          rgb
	}{{0.17, 1.3, hex(0x2c6660)}, {0.075, 2.1, hex(0x123a3c)}}
	for i, k := range hills {
		c.paint(func(x, y float64, under rgb) rgb {
			edge := shore - k.height*n.ridged(x*k.scale+float64(i)*4.4, 1.5, 6)
			shade := 1 + 0.9*n.fractal(x*10, y*14, 4)
			return mix(under, k.snow.times(shade*(1-0.35*ramp(0, 0.1, y-edge))), c.below(edge, y))
		})
	}
	for x := 0.0; x < c.aspect; x += between(r, 0.004, 0.02) {
		size := 0.018 + 0.06*clamp01(0.4+n.fractal(x*3, 8, 3))*between(r, 0.5, 1.2)
		if math.Abs(x-c.aspect*0.74) > 0.07 {
			fir(c, r, vec{x, shore + 0.004}, size, flat(hex(0x06191d).times(between(r, 0.8, 1.3))))
		}
	}
}

// cabin draws a small house with lit windows; base is its middle on the ground.
func cabin(c *canvas, base vec, size float64) {
	at := func(x, y float64) vec { return vec{base.x + x*size, base.y - y*size} }
	bank := []vec{at(-2.4, -0.3), at(-1.2, 0.08), at(1.1, 0.1), at(2.6, -0.3)}
	c.polygon(bank, flat(hex(0x2e6a66)).with(0.006, 1))
	c.polygon([]vec{at(-0.6, 0), at(-0.6, 0.5), at(0.6, 0.5), at(0.6, 0)}, flat(hex(0x1c1714)))
	c.polygon([]vec{at(-0.78, 0.44), at(-0.42, 0.95), at(0.42, 0.95), at(0.78, 0.44)}, flat(hex(0x77aaa2)))
	for _, x := range []float64{-0.3, 0.28} {
		low, high := at(x-0.1, 0.14), at(x+0.1, 0.36)
		c.rect(low.x, high.y, high.x, low.y, flat(hex(0xffd27a)))
		c.glow(at(x, 0.25), size*0.4, hex(0xffa040).times(0.6))
	}
}

func drawMeadow(c *canvas) {
	n := newNoise(53)
	r := newRand(53)
	sky := gradient{{0, hex(0x6fb3e0)}, {0.3, hex(0xcfe8ee)}}
	c.paint(func(x, y float64, _ rgb) rgb {
		warp := n.fractal(x*3, y*4, 4)
		cloud := ramp(0.0, 0.3, n.fractal(x*1.9+warp*0.4, y*4+2+warp*0.5, 6))
		return mix(sky.at(y), mix(hex(0xffffff), hex(0xdfe8ec), ramp(0, 0.3, y+warp*0.3)), 0.85*cloud)
	})
	meadowHills(c, n)
	for x := 0.0; x < c.aspect; x += between(r, 0.008, 0.05) {
		treeTop(c, r, vec{x, 0.335 + 0.02*n.at(x*2, 3)}, between(r, 0.012, 0.03))
	}
	c.paintFrom(0.34, func(x, y float64, under rgb) rgb {
		edge := 0.345 + 0.02*n.at(x*2, 3)
		stripe := n.fractal(x*3/(y-0.2), 2/(y-0.2), 4)
		grass := gradient{{0.34, hex(0xa3c653)}, {0.6, hex(0x6fa838)}, {1, hex(0x2f6d22)}}.at(y)
		return mix(under, grass.times(1+0.25*stripe), c.below(edge, y))
	})
	plantMeadow(c, r)
}

func meadowHills(c *canvas, n *noise) {
	tones := []rgb{hex(0x9cc0b4), hex(0x84b286), hex(0x7fb35c)}
	for i, tone := range tones {
		c.paint(func(x, y float64, under rgb) rgb {
			edge := 0.25 + 0.04*float64(i) + 0.055*n.fractal(x*1.3+float64(i)*6, 2, 3)
			shade := 1 + 0.12*n.fractal(x*6, y*14, 4)
			return mix(under, tone.times(shade), c.below(edge, y))
		})
	}
}

// treeTop draws a round tree out of leafy blobs, lit from above.
func treeTop(c *canvas, r *rand.Rand, base vec, size float64) {
	tone := mix(hex(0x2f6b35), hex(0x5d9440), r.Float64())
	for i := range 12 {
		up := float64(i) / 12
		at := base.plus(vec{between(r, -0.7, 0.7) * size, -up * size * 1.3})
		c.disc(at, size*between(r, 0.25, 0.45), flat(tone.times(lerp(0.75, 1.25, up))).with(size*0.12, 0.9))
	}
}

// plantMeadow plants from the back to the front, so that near plants cover
// those behind them.
func plantMeadow(c *canvas, r *rand.Rand) {
	for y := 0.36; y < 1.16; {
		near := (y - 0.3) / 0.7
		size := 0.085 * near
		blade(c, r, vec{r.Float64() * c.aspect, y}, size*between(r, 0.8, 1.7), near)
		if r.Float64() < 0.19 {
			flower(c, r, vec{r.Float64() * c.aspect, y - size*between(r, 0.4, 1.1)}, size*between(r, 0.18, 0.3))
		}
		y += 0.00006 + 0.00022*near*near
	}
}

// blade draws a bent blade of grass that grows from base.
func blade(c *canvas, r *rand.Rand, base vec, height, near float64) {
	const joints = 4
	// Narrow at the foot as well: a cut end would show on bright ground.
	girth := [joints]float64{0.15, 0.9, 0.7, 0.4}
	lean := between(r, -0.5, 0.5) * height
	width := height * between(r, 0.02, 0.045)
	light := mix(hex(0xb4d95c), hex(0x85c244), r.Float64())
	tone := mix(light, hex(0x225e1c), clamp01(between(r, 0, 0.75)*near+0.15))
	outline := make([]vec, 0, 2*joints+1)
	for i := range joints {
		t := float64(i) / joints
		outline = append(outline, vec{base.x + lean*t*t - width*girth[i], base.y - height*t})
	}
	outline = append(outline, vec{base.x + lean, base.y - height})
	for i := joints - 1; i >= 0; i-- {
		t := float64(i) / joints
		outline = append(outline, vec{base.x + lean*t*t + width*girth[i], base.y - height*t})
	}
	c.polygon(outline, brush{alpha: 0.9, ink: func(p vec, _ float64) rgb {
		return tone.times(lerp(0.75, 1.12, clamp01((base.y-p.y)/height)))
	}})
}

// bloom describes one kind of flower.
type bloom struct {
	petals        float64
	notch         float64 // how deep the gaps between the petals are
	outer, centre rgb
	heart         float64 // radius of the centre, as a part of the flower's
	size          float64
}

var blooms = []bloom{
	{4, 0.055, hex(0xe23a28), hex(0x35121a), 0.25, 1.25},
	{4, 0.055, hex(0xee5335), hex(0x35121a), 0.25, 1.15},
	{11, 0.3, hex(0xfbfaf2), hex(0xf4bf2a), 0.32, 1},
	{11, 0.3, hex(0xfbfaf2), hex(0xf4bf2a), 0.32, 0.9},
	{5, 0.2, hex(0xf8d832), hex(0xd99a1c), 0.3, 0.75},
	{8, 0.35, hex(0x5a6fd8), hex(0x3a3a98), 0.35, 0.85},
	{5, 0.2, hex(0xe58cc0), hex(0xf6e0a0), 0.25, 0.8},
}

// flower draws a flower seen from the side and above.
func flower(c *canvas, r *rand.Rand, at vec, radius float64) {
	k := blooms[r.IntN(len(blooms))]
	radius *= k.size
	turn, tilt := r.Float64()*2*math.Pi, between(r, 1.15, 1.9)
	c.line(at, at.plus(vec{between(r, -0.4, 0.4) * radius, radius * 4}), radius*0.16, radius*0.16, flat(hex(0x4d8a2e)))
	local := func(p vec) (distance, angle float64) {
		d := p.minus(at)
		d.y *= tilt
		return d.length() / radius, math.Atan2(d.y, d.x)
	}
	c.draw(around(at, radius), func(p vec) float64 {
		d, angle := local(p)
		return (d - (1 - k.notch + k.notch*math.Cos(k.petals*angle+turn))) * radius * 0.7
	}, brush{alpha: 1, ink: func(p vec, _ float64) rgb {
		d, angle := local(p)
		fold := 1 - 0.14*math.Pow(math.Sin(k.petals*angle/2+turn/2), 2) - 0.12*ramp(-0.2, 0.8, (p.y-at.y)/radius)
		return mix(k.centre, k.outer.times(fold), ramp(k.heart-0.06, k.heart+0.06, d))
	}})
}

func drawHarbour(c *canvas) {
	const quay = 0.63
	n := newNoise(71)
	r := newRand(71)
	sky := gradient{
		{0, hex(0x0e1a5e)}, {0.25, hex(0x20389a)}, {0.42, hex(0x4a60bc)},
		{0.52, hex(0x9c84b8)}, {quay, hex(0xe8a99a)},
	}
	c.paint(func(x, y float64, _ rgb) rgb {
		cloud := ramp(0.02, 0.4, n.fractal(x*1.3, y*7, 5)) * ramp(0.6, 0.35, y)
		return mix(sky.at(y), mix(hex(0x232a66), hex(0xb08ab8), ramp(0.2, 0.55, y)), 0.6*cloud)
	})
	stars(c, r, 160, 0.3)
	c.disc(vec{0.32, 0.15}, 0.022, flat(hex(0xf6efdc)).with(0.002, 1))
	c.glow(vec{0.32, 0.15}, 0.06, hex(0x8890d0).times(0.6))
	harbourHills(c, n, quay)
	harbourTown(c, r, n, quay)
	for i := range 9 {
		x := c.aspect * (0.05 + 0.112*float64(i) + between(r, -0.02, 0.02))
		mooredBoat(c, r, vec{x, quay + 0.003}, between(r, 0.13, 0.24))
	}
	c.water(quay, 0.8, n, func(x, depth, wave float64, mirrored rgb) rgb {
		return mix(mirrored, hex(0x101f66), 0.15+0.5*ramp(0, 0.37, depth)+0.16*wave)
	})
}

func harbourHills(c *canvas, n *noise, quay float64) {
	for i, tone := range []rgb{hex(0x5a5a9c), hex(0x343a7a), hex(0x1f2558)} {
		f := float64(i)
		c.paint(func(x, y float64, under rgb) rgb {
			edge := quay - lerp(0.15, 0.09, f/2) - 0.16*n.fractal(x*(0.9+0.3*f)+f*5, 7, 5)
			return mix(under, tone, c.below(edge, y))
		})
	}
}

// harbourTown stacks rows of houses up the hillside, the far rows first.
func harbourTown(c *canvas, r *rand.Rand, n *noise, quay float64) {
	const rows = 5
	for row := range rows {
		near := float64(row) / (rows - 1)
		for x := -0.02; x < c.aspect; {
			w := lerp(0.022, 0.05, near) * between(r, 0.8, 1.4)
			climb := 0.055 * (0.7 + n.at(x*1.4, 2)) * (1 - near) * 2
			if r.Float64() < lerp(0.55, 0.97, near) {
				house(c, r, vec{x, quay - climb}, w, w*between(r, 0.9, 1.5), near)
			}
			x += w * between(r, 1, 1.25)
		}
	}
	c.rect(-1, quay-0.008, c.aspect+1, quay+0.01, flat(hex(0x1a1a40)))
	for x := 0.06; x < c.aspect; x += 0.14 {
		lamp(c, vec{x, quay - 0.055}, quay)
	}
}

func lamp(c *canvas, at vec, ground float64) {
	c.line(vec{at.x, ground}, at, 0.003, 0.002, flat(hex(0x12143a)))
	c.disc(at, 0.005, flat(hex(0xfff0c0)).with(0.002, 1))
	c.glow(at, 0.022, hex(0xffb050).times(0.75))
}

// house draws a house with lit windows; corner is its lower left one.
func house(c *canvas, r *rand.Rand, corner vec, w, h, near float64) {
	walls := []rgb{hex(0x59477e), hex(0x6b4a72), hex(0x44457f), hex(0x7d5a78), hex(0x3b3f74)}
	wall := mix(hex(0x2c3170), walls[r.IntN(len(walls))], 0.35+0.65*near)
	top := corner.y - h
	c.rect(corner.x, top, corner.x+w, corner.y+0.06, flat(wall))
	roof := []vec{{corner.x - w*0.05, top}, {corner.x + w/2, top - w*between(r, 0.25, 0.5)}, {corner.x + w*1.05, top}}
	c.polygon(roof, flat(mix(hex(0x2a2454), hex(0x51304f), r.Float64())))
	size := lerp(0.0045, 0.0075, near)
	for y := top + size*1.4; y < corner.y-size*1.6; y += size * 3 {
		for x := corner.x + size*1.2; x < corner.x+w-size*1.6; x += size * 2.6 {
			if r.Float64() < 0.5 {
				window(c, r, vec{x, y}, size)
			}
		}
	}
}

func window(c *canvas, r *rand.Rand, at vec, size float64) {
	light := mix(hex(0xffb24d), hex(0xffe6a3), r.Float64())
	c.rect(at.x, at.y, at.x+size, at.y+size*1.5, flat(light).with(0, between(r, 0.6, 1)))
	c.glow(vec{at.x + size/2, at.y + size*0.7}, size*1.6, hex(0xff9a3c).times(0.28))
}

// mooredBoat draws a boat with furled sails.
func mooredBoat(c *canvas, r *rand.Rand, base vec, size float64) {
	at := func(x, y float64) vec { return vec{base.x + x*size, base.y - y*size} }
	hulls := []rgb{hex(0xc9c4dc), hex(0x2e5a9c), hex(0x9c3c50), hex(0xe0d6d0), hex(0x27306e)}
	mast := flat(hex(0x1a1c44))
	c.line(at(0, 0.08), at(0, 1), 0.018*size, 0.01*size, mast)
	c.line(at(0.02, 0.24), at(0.3, 0.22), 0.032*size, 0.024*size, flat(hex(0xb8aed0)))
	for _, x := range []float64{-0.34, 0.4} {
		c.line(at(x, 0.12), at(0, 0.96), 0.004*size, 0.004*size, mast.with(0, 0.7))
	}
	c.polygon([]vec{at(-0.12, 0.12), at(-0.08, 0.19), at(0.14, 0.19), at(0.2, 0.12)}, flat(hex(0x8d88b4)))
	hull := []vec{at(-0.38, 0.15), at(0.4, 0.12), at(0.36, 0), at(-0.26, 0)}
	c.polygon(hull, flat(hulls[r.IntN(len(hulls))].times(0.8)))
	c.disc(at(0, 1), 0.0022, flat(hex(0xfff0d0)))
	c.glow(at(0, 1), 0.006, hex(0xffc070).times(0.6))
}

// ---- rendered terrain ----

type vec3 struct{ x, y, z float64 }

func (a vec3) dot(b vec3) float64 { return a.x*b.x + a.y*b.y + a.z*b.z }

func (a vec3) unit() vec3 {
	l := math.Sqrt(a.dot(a))
	return vec3{a.x / l, a.y / l, a.z / l}
}

// terrain is a landscape of heights seen by a camera that looks along z.
type terrain struct {
	height    func(x, z float64) float64
	shade     func(at, normal vec3, lit float64) rgb
	eye, sun  vec3
	horizon   float64 // where the horizon lies in the picture
	focal     float64
	near, far float64
	// softness is the height by which a point must be in the shadow until
	// no sunlight reaches it.
	softness float64
}

// render draws the terrain over the sky that is already on the canvas. Each
// column is drawn from the near to the far; only what rises above everything
// before it is visible.
func (t terrain) render(c *canvas) {
	const stride = 1.0007
	for px := range c.w {
		slope := ((float64(px)+0.5)*c.pixel - c.aspect/2) / t.focal
		bottom := c.h
		for z := t.near; z < t.far && bottom > 0; z *= stride {
			x := t.eye.x + slope*z
			h := t.height(x, t.eye.z+z)
			top := int((t.horizon + (t.eye.y-h)*t.focal/z) * float64(c.h))
			if top >= bottom {
				continue
			}
			colour := t.colour(vec3{x, h, t.eye.z + z}, z)
			for py := max(top, 0); py < bottom; py++ {
				c.pix[py*c.w+px] = colour
			}
			bottom = max(top, 0)
		}
	}
}

func (t terrain) colour(at vec3, distance float64) rgb {
	step := 0.0016 * distance
	normal := vec3{
		t.height(at.x-step, at.z) - t.height(at.x+step, at.z),
		2 * step,
		t.height(at.x, at.z-step) - t.height(at.x, at.z+step),
	}.unit()
	return t.shade(at, normal, t.sunlight(at))
}

// sunlight follows the ray to the sun and returns how much of it arrives.
func (t terrain) sunlight(at vec3) float64 {
	lit := 1.0
	for d := 0.02; d < 3 && lit > 0; d *= 1.22 {
		above := at.y + t.sun.y*d - t.height(at.x+t.sun.x*d, at.z+t.sun.z*d)
		lit = min(lit, clamp01(1+above/(t.softness*(0.2+d))))
	}
	return lit
}

func drawDunes(c *canvas) {
	n := newNoise(97)
	sky := gradient{{0, hex(0xa8c4c0)}, {0.2, hex(0xe0d9b4)}, {0.36, hex(0xfbe6b0)}}
	c.paint(func(x, y float64, _ rgb) rgb {
		haze := ramp(0, 0.5, n.fractal(x*1.1, y*6, 4))
		return mix(sky.at(y), hex(0xfff2d0), 0.45*haze)
	})
	c.glow(vec{c.aspect * 0.12, 0.2}, 0.3, hex(0xfff0b8).times(0.7))
	t := terrain{
		eye: vec3{3.1, 1.55, 0.4}, sun: vec3{-0.85, 0.5, -0.2}.unit(),
		horizon: 0.33, focal: 1.15, near: 0.8, far: 40, softness: 0.03,
		height: func(x, z float64) float64 { return duneHeight(n, x, z) },
	}
	t.shade = func(at, normal vec3, lit float64) rgb {
		distance := at.z - t.eye.z
		// Wind ripples are too fine for the heights; they bend the normal only,
		// and not in the distance, where they would flicker.
		ripple := math.Sin(at.x*38+at.z*16+5*n.fractal(at.x*1.5, at.z*1.5, 3)) * ramp(7, 1.5, distance)
		normal = vec3{normal.x + 0.09*ripple, normal.y, normal.z}.unit()
		light := clamp01(normal.dot(t.sun)*1.5) * lit
		sand := mix(hex(0x9c6630), hex(0xffd27c), math.Pow(light, 0.8))
		// Light from the open sky keeps the shadows from looking like holes.
		sand = mix(sand, hex(0xe8b765), 0.12+0.3*ramp(0.55, 1, normal.y))
		return mix(sand, hex(0xf8e0aa), ramp(4, 30, distance)*0.8)
	}
	t.render(c)
}

// duneHeight folds bent noise, which gives long crests with a sharp edge.
func duneHeight(n *noise, x, z float64) float64 {
	bend := 0.9 * n.at(x*0.22, z*0.22)
	// The bit inside the root rounds the crest just enough to be sampled well.
	fold := func(v float64) float64 { return 1 - math.Sqrt(v*v+0.0004) }
	crest := fold(n.at(x*0.2+bend, z*0.2+bend*0.6))
	small := fold(n.at(x*0.45+bend*2+9, z*0.5+4))
	return 1.0*math.Pow(crest, 2) + 0.12*small*small
}

func drawSnowPeaks(c *canvas) {
	n := newNoise(113)
	sky := gradient{{0, hex(0x8db4dc)}, {0.5, hex(0xd6e4ee)}}
	c.paint(func(x, y float64, _ rgb) rgb {
		warp := n.fractal(x*1.5, y*3, 3)
		cloud := ramp(0, 0.35, n.fractal(x*0.9+warp*0.5, y*4+warp, 6))
		return mix(sky.at(y), hex(0xfafbfb), 0.7*cloud)
	})
	t := terrain{
		eye: vec3{0, 1.05, 0}, sun: vec3{-0.85, 0.42, -0.12}.unit(),
		horizon: 0.46, focal: 1.5, near: 1.2, far: 26, softness: 0.05,
		height: func(x, z float64) float64 { return peakHeight(n, x, z) },
	}
	t.shade = func(at, normal vec3, lit float64) rgb {
		light := clamp01(normal.dot(t.sun)*1.15) * lit
		snow := mix(hex(0x9dbbe2), hex(0xfffbf4), math.Pow(light, 0.8))
		rock := mix(hex(0x525c74), hex(0x9a8f8a), light)
		bare := ramp(0.52, 0.36, normal.y+0.12*n.fractal(at.x*5, at.z*5, 4))
		colour := mix(snow, rock, bare*0.85)
		return mix(colour, hex(0xd3e0ec), ramp(7, 26, at.z)*0.6)
	}
	t.render(c)
}

// peakHeight lets the mountains rise behind a gentle field of snow.
func peakHeight(n *noise, x, z float64) float64 {
	field := 0.3 + 0.16*n.fractal(x*0.5, z*0.5, 3)
	if z < 2.6 {
		return field
	}
	massif := n.ridged(x*0.2+2.3, z*0.2, 6)
	return field + ramp(2.6, 10, z)*3.1*math.Pow(massif, 1.4)
}

// ---- portraits ----

func drawBirches(c *canvas) {
	n := newNoise(131)
	r := newRand(131)
	light := gradient{{0, hex(0xc4d66a)}, {0.4, hex(0xeef0b0)}, {0.7, hex(0xc8d878)}, {1, hex(0x6f9440)}}
	c.paint(func(x, y float64, _ rgb) rgb {
		return light.at(y + 0.12*n.fractal(x*5, y*5, 4)).times(1 + 0.14*n.fractal(x*14, y*8, 3))
	})
	c.glow(vec{0.42, 0.36}, 0.3, hex(0xfffbd0).times(0.7))
	for range 26 {
		trunk(c, n, r, r.Float64()*c.aspect, between(r, 0.006, 0.014), 0.3)
	}
	foliage(c, r, 500, 0.02, 0.5)
	c.blur(0.004)
	for _, x := range []float64{0.06, 0.2, 0.3, 0.41, 0.5, 0.63} {
		trunk(c, n, r, x, between(r, 0.02, 0.028), 0.65)
	}
	forestFloor(c, n, r)
	foliage(c, r, 900, 0.012, 0.8)
	for _, t := range []vec{{0.135, 0.05}, {0.365, 0.042}, {0.565, 0.06}} {
		trunk(c, n, r, t.x, t.y, 1)
	}
	for range 500 {
		at := vec{r.Float64() * c.aspect, between(r, 1.01, 1.1)}
		blade(c, r, at, between(r, 0.08, 0.2), 0.8)
	}
	foliage(c, r, 260, 0.016, 1)
}

// trunk draws a birch from below the ground to above the picture. Near trees
// stand lower in the picture and show their bark; far ones fade into the light.
func trunk(c *canvas, n *noise, r *rand.Rand, x, width, near float64) {
	lean, seed := between(r, -0.04, 0.04), r.Float64()*50
	foot := lerp(0.74, 1.1, near*near)
	axis := func(y float64) float64 { return x + lean*(y-0.5) + 0.006*math.Sin(y*5+seed) }
	area := box{vec{x - width - 0.05, -0.1}, vec{x + width + 0.05, foot}}
	c.draw(area, func(p vec) float64 {
		half := width / 2 * lerp(0.8, 1.12, p.y) * (1 + 0.06*n.at(p.y*9, seed))
		return max(math.Abs(p.x-axis(p.y))-half, p.y-foot)
	}, brush{alpha: 1, soft: lerp(0.004, 0.0008, near), ink: func(p vec, _ float64) rgb {
		across := (p.x - axis(p.y)) / width * 2
		return mix(hex(0xdbe39a), bark(n, across, p.y/width, seed), 0.3+0.7*near)
	}})
}

// bark returns the colour of a birch; across runs from -1 to 1 over the trunk.
func bark(n *noise, across, up, seed float64) rgb {
	round := 1 - 0.42*math.Pow(math.Abs(across-0.2), 2.2)
	white := hex(0xf6f2e6).times(round * (1 + 0.12*n.fractal(across*3+seed, up*2, 4)))
	// Curving the marks makes the trunk look round.
	bow := up + 0.12*across*across
	scars := ramp(0.3, 0.42, n.fractal(across*0.9+seed, bow*5+seed, 3))
	patches := ramp(0.34, 0.46, n.fractal(across*0.8+seed*2, bow*0.8, 4))
	return mix(white, hex(0x2e2a26), 0.85*max(scars, patches))
}

// birchLeaf is the outline of a leaf of length 1, its tip on the right.
var birchLeaf = []vec{
	{0.55, 0}, {0.2, 0.16}, {-0.1, 0.28}, {-0.32, 0.24}, {-0.45, 0.08},
	{-0.45, -0.08}, {-0.32, -0.24}, {-0.1, -0.28}, {0.2, -0.16},
}

// foliage scatters leaves, densely at the top of the picture.
func foliage(c *canvas, r *rand.Rand, count int, size, alpha float64) {
	tones := gradient{{0, hex(0x6f9a2e)}, {0.5, hex(0xa9c640)}, {1, hex(0xe6e070)}}
	for range count {
		y := math.Pow(r.Float64(), 2.4) * 0.62
		at := vec{r.Float64() * c.aspect, y}
		long := size * between(r, 0.5, 1.1)
		sin, cos := math.Sincos(between(r, 0.3, 2.8))
		var outline []vec
		for _, p := range birchLeaf {
			outline = append(outline, at.plus(p.times(long).turned(sin, cos)))
		}
		c.polygon(outline,
			flat(tones.at(r.Float64())).with(size*0.12, alpha*between(r, 0.6, 1)))
	}
}

func forestFloor(c *canvas, n *noise, r *rand.Rand) {
	c.paintFrom(0.7, func(x, y float64, under rgb) rgb {
		edge := 0.8 + 0.03*n.fractal(x*4, 1, 3)
		moss := gradient{{0.76, hex(0xb6cc62)}, {0.88, hex(0x7ba23e)}, {1, hex(0x4b7527)}}.at(y)
		dapple := ramp(0, 0.4, n.fractal(x*7, y*22, 4))
		return mix(under, mix(moss, hex(0xe2e888), 0.5*dapple), ramp(edge-0.03, edge+0.02, y))
	})
	for y := 0.8; y < 1.02; y += 0.0004 {
		blade(c, r, vec{r.Float64() * c.aspect, y}, between(r, 0.012, 0.03)*(1+4*(y-0.8)), 0.4)
	}
}

func drawCityLights(c *canvas) {
	const street = 0.66
	n := newNoise(151)
	r := newRand(151)
	sky := gradient{{0, hex(0x260a3c)}, {0.4, hex(0x5e1a6c)}, {street, hex(0xa23480)}, {1, hex(0x2c0c3c)}}
	c.paint(func(x, y float64, _ rgb) rgb { return sky.at(y + 0.05*n.fractal(x*3, y*3, 3)) })
	for x := -0.02; x < c.aspect; {
		w := between(r, 0.06, 0.13)
		tower(c, r, x, between(r, 0.18, 0.46), w, street)
		x += w * between(r, 0.85, 1.1)
	}
	c.blur(0.007)
	c.water(street, 0.25, n, func(x, depth, wave float64, mirrored rgb) rgb {
		return mix(mirrored.times(0.75), hex(0x1a0a34), 0.15+0.6*ramp(0, 0.34, depth))
	})
	for range 150 {
		near := math.Pow(r.Float64(), 1.6)
		at := vec{r.Float64() * c.aspect, street - 0.02 + between(r, -0.34, 0.12)*(0.35+0.65*near)}
		bokeh(c, r, at, lerp(0.012, 0.05, near))
	}
	for range 40 {
		at := vec{r.Float64() * c.aspect, between(r, street+0.08, 1)}
		streak(c, r, at)
	}
}

func tower(c *canvas, r *rand.Rand, x, top, w, ground float64) {
	c.rect(x, top, x+w, ground, flat(mix(hex(0x1d0c40), hex(0x3b1a66), r.Float64())))
	for y := top + 0.012; y < ground-0.01; y += 0.016 {
		for wx := x + 0.008; wx < x+w-0.01; wx += 0.014 {
			if r.Float64() < 0.4 {
				light := mix(hex(0xffb870), hex(0xd890ff), r.Float64())
				c.rect(wx, y, wx+0.008, y+0.01, flat(light).with(0, between(r, 0.3, 0.95)))
			}
		}
	}
}

func neon(r *rand.Rand) rgb {
	lights := []rgb{hex(0xff5fc0), hex(0xb060ff), hex(0xff8f5a), hex(0xffc070), hex(0x7a7cff), hex(0xe050ff)}
	return lights[r.IntN(len(lights))]
}

// bokeh draws a light out of focus: a disc with a slightly brighter rim.
func bokeh(c *canvas, r *rand.Rand, at vec, radius float64) {
	light, strength := neon(r), between(r, 0.25, 0.6)
	c.visit(around(at, radius), 0.004, func(p vec, under *rgb) {
		d := p.minus(at).length() / radius
		rim := 0.75 + 0.35*bell(d-0.93, 0.07)
		*under = screen(*under, light.times(strength*rim*ramp(1.03, 0.97, d)))
	})
	c.glow(at, radius*1.4, light.times(0.1))
}

// streak is the reflection of a light on the wet street.
func streak(c *canvas, r *rand.Rand, at vec) {
	light, strength := neon(r), between(r, 0.1, 0.3)
	wide, long := between(r, 0.01, 0.03), between(r, 0.06, 0.16)
	c.visit(box{vec{at.x - 3*wide, at.y - 2*long}, vec{at.x + 3*wide, at.y + 2*long}}, 0, func(p vec, under *rgb) {
		*under = screen(*under, light.times(strength*bell(p.x-at.x, wide)*bell(p.y-at.y, long)))
	})
}

func drawLighthouse(c *canvas) {
	const horizon = 0.7
	n := newNoise(173)
	r := newRand(173)
	sky := gradient{{0, hex(0x4fb4c0)}, {0.35, hex(0x8fd4d2)}, {horizon, hex(0xe6f4e4)}}
	c.paint(func(x, y float64, _ rgb) rgb {
		warp := n.fractal(x*2.5, y*4, 4)
		cloud := ramp(0.02, 0.36, n.fractal(x*2+warp*0.7, y*4.2+warp, 6)) * ramp(0.72, 0.5, y)
		return mix(sky.at(y), mix(hex(0xfdfcf4), hex(0xb9dcdc), ramp(0.1, 0.5, y+warp*0.4)), 0.8*cloud)
	})
	c.water(horizon, 0.9, n, func(x, depth, wave float64, mirrored rgb) rgb {
		sea := gradient{{0, hex(0x7cc6c6)}, {0.12, hex(0x2f9aa4)}, {0.3, hex(0x17707f)}}.at(depth)
		sea = mix(mix(sea, mirrored, 0.25), hex(0x0f5566), clamp01(0.4*wave))
		return mix(sea, hex(0xe9f8f2), 0.7*ramp(0.36, 0.55, -wave))
	})
	headlandRock(c, n)
	lighthouseTower(c, vec{0.4, 0.7}, 0.5)
	for range 260 {
		blade(c, r, vec{between(r, 0.33, 0.47), between(r, 0.716, 0.735)}, between(r, 0.012, 0.026), 0.3)
	}
	for range 7 {
		gull(c, r, vec{between(r, 0.05, 0.3), between(r, 0.2, 0.5)}, between(r, 0.012, 0.026))
	}
}

// headlandRock draws the cliff with grass on its top.
func headlandRock(c *canvas, n *noise) {
	edge := func(x float64) float64 {
		rise := ramp(0.04, 0.34, x)
		return 0.97 - 0.28*rise + 0.07*n.fractal(x*9, 3, 7)*(1.2-rise)
	}
	c.paintFrom(0.5, func(x, y float64, under rgb) rgb {
		deep := y - edge(x)
		if deep < -0.03 {
			return under
		}
		// The difference to a neighbouring point lights the rock from the left.
		relief := func(x, y float64) float64 { return n.ridged(x*7+2*y, y*4-x, 7) }
		facing := relief(x, y) - relief(x-0.006, y-0.005)
		rock := mix(hex(0x3c4a50), hex(0xa3a698), clamp01(0.5+7*facing))
		turf := mix(hex(0x4f8a4a), hex(0x9dbb5c), clamp01(0.5+1.6*n.fractal(x*26, y*40, 3)))
		grassy := ramp(0.05, 0.02, deep+0.06*n.fractal(x*10, y*10, 3)) * ramp(0.1, 0.26, x)
		foam := ramp(0.985, 1.0, y+0.06*n.fractal(x*9, y*9, 4))
		colour := mix(mix(rock, turf, grassy), hex(0xe9f8f2), 0.8*foam)
		return mix(under, colour, c.below(edge(x), y))
	})
}

// lighthouseTower stands at base; the lantern is at the top of its height.
func lighthouseTower(c *canvas, base vec, height float64) {
	at := func(x, y float64) vec { return vec{base.x + x*height, base.y - y*height} }
	// The light comes from the left, the shade of a round wall to the right.
	rounded := func(half float64, colour func(y float64) rgb) brush {
		return brush{alpha: 1, ink: func(p vec, _ float64) rgb {
			across := (p.x - base.x) / (half * height)
			return colour((base.y - p.y) / height).times(1.02 - 0.2*ramp(-0.3, 1, across) - 0.1*ramp(-0.6, -1, across))
		}}
	}
	bands := func(y float64) rgb {
		if math.Mod(y+0.02, 0.27) > 0.135 {
			return hex(0xd2473c)
		}
		return hex(0xfaf7ee)
	}
	plain := func(colour rgb) func(float64) rgb { return func(float64) rgb { return colour } }
	c.polygon([]vec{at(-0.11, -0.04), at(-0.068, 0.78), at(0.068, 0.78), at(0.11, -0.04)}, rounded(0.1, bands))
	c.polygon([]vec{at(-0.05, 0.81), at(-0.05, 0.91), at(0.05, 0.91), at(0.05, 0.81)}, rounded(0.05, plain(hex(0xffefb0))))
	for _, x := range []float64{-0.05, -0.017, 0.017, 0.05} {
		c.line(at(x, 0.81), at(x, 0.91), 0.006*height, 0.006*height, flat(hex(0x3a4448)))
	}
	c.polygon([]vec{at(-0.095, 0.78), at(-0.095, 0.805), at(0.095, 0.805), at(0.095, 0.78)}, rounded(0.1, plain(hex(0x46525a))))
	c.line(at(-0.093, 0.84), at(0.093, 0.84), 0.005*height, 0.005*height, flat(hex(0x46525a)))
	for x := -0.093; x < 0.1; x += 0.031 {
		c.line(at(x, 0.8), at(x, 0.84), 0.004*height, 0.004*height, flat(hex(0x46525a)))
	}
	c.polygon([]vec{at(-0.062, 0.905), at(-0.04, 0.95), at(0, 0.975), at(0.04, 0.95), at(0.062, 0.905)}, rounded(0.06, plain(hex(0xc23f38))))
	c.line(at(0, 0.97), at(0, 1.02), 0.008*height, 0.004*height, flat(hex(0x46525a)))
	for _, y := range []float64{0.24, 0.48, 0.68} {
		low, high := at(-0.03, y), at(-0.006, y+0.045)
		c.rect(low.x, high.y, high.x, low.y, flat(hex(0x44565e)))
	}
	c.glow(at(0, 0.86), 0.06, hex(0xffe9a0).times(0.75))
}

func gull(c *canvas, r *rand.Rand, at vec, size float64) {
	lift := between(r, 0.25, 0.5) * size
	tone := flat(hex(0x4a6a70))
	for _, side := range []float64{-1, 1} {
		elbow := at.plus(vec{side * size * 0.45, -lift})
		c.line(at, elbow, size*0.09, size*0.08, tone)
		c.line(elbow, at.plus(vec{side * size, -lift * 0.55}), size*0.08, size*0.02, tone)
	}
}

// ---- square and tiny ----

func drawLeaves(c *canvas) {
	n := newNoise(191)
	r := newRand(191)
	c.paint(func(x, y float64, _ rgb) rgb {
		return hex(0x3a120e).times(1 + 0.6*n.fractal(x*8, y*8, 4))
	})
	const layers = 5
	for layer := range layers {
		near := float64(layer) / (layers - 1)
		for range 85 - 14*layer {
			at := vec{between(r, -0.05, 1.05), between(r, -0.05, 1.05)}
			mapleLeaf(c, n, r, at, between(r, 0.1, 0.15)*lerp(0.8, 1.15, near), near)
		}
		if layer < layers-1 {
			// What lies deeper is a little out of focus.
			c.blur(0.0012)
		}
	}
}

// mapleHalf is the right half of a maple leaf from its tip to its stalk.
var mapleHalf = []vec{
	{0, 1}, {0.1, 0.74}, {0.24, 0.78}, {0.19, 0.42}, {0.5, 0.68}, {0.53, 0.52},
	{0.84, 0.54}, {0.72, 0.34}, {0.94, 0.18}, {0.6, 0.04}, {0.64, -0.16}, {0.3, -0.14}, {0.05, -0.3},
}

var mapleVeins = []vec{{0, 0.94}, {0.7, 0.48}, {-0.7, 0.48}, {0.58, -0.08}, {-0.58, -0.08}}

func mapleOutline() []vec {
	outline := append([]vec{}, mapleHalf...)
	for i := len(mapleHalf) - 1; i > 0; i-- {
		outline = append(outline, vec{-mapleHalf[i].x, mapleHalf[i].y})
	}
	return outline
}

func mapleLeaf(c *canvas, n *noise, r *rand.Rand, at vec, size, near float64) {
	tones := []rgb{hex(0xb3201c), hex(0xc8321e), hex(0xd9481f), hex(0x8e1a20), hex(0xe0702a), hex(0xa82a1a)}
	tone, second := tones[r.IntN(len(tones))], tones[r.IntN(len(tones))]
	sin, cos := math.Sincos(r.Float64() * 2 * math.Pi)
	stretch, seed := between(r, 0.8, 1.1), r.Float64()*40
	outline, stalk := mapleOutline(), vec{0, -0.28}
	// The leaf is drawn in its own coordinates: upright and of size 1.
	local := func(p vec) vec {
		d := p.minus(at).times(1/size).turned(-sin, cos)
		return vec{d.x / stretch, d.y}
	}
	distance := func(p vec) float64 {
		q := local(p)
		stem, _ := segmentDistance(stalk, vec{0.1, -0.85}, q)
		return min(polygonDistance(outline, q)-0.03, stem-0.025) * size * stretch
	}
	shadowAt := func(p vec) float64 { return distance(p.minus(vec{size * 0.07, size * 0.1})) }
	c.draw(around(at, size*1.15), shadowAt, flat(hex(0x1e0606)).with(size*0.2, 0.6))
	c.draw(around(at, size*1.1), distance, brush{alpha: 1, ink: func(p vec, depth float64) rgb {
		q := local(p)
		colour := mix(tone, second, ramp(-0.3, 0.4, n.fractal(q.x*1.5+seed, q.y*1.5, 4)))
		// One half of the leaf catches more light: it is folded at its vein.
		colour = colour.times(lerp(0.62, 1, near) * (1.02 + 0.13*ramp(-0.05, 0.05, q.x*cos-0.2*q.y*sin)))
		colour = mix(colour.times(0.78), colour, ramp(0, size*0.12, depth))
		return mix(colour, mix(tone, hex(0xf3b45a), 0.6), 0.6*veins(q, stalk))
	}})
}

// veins tells how close q is to one of the veins, 0 to 1.
func veins(q, stalk vec) float64 {
	strength := 0.0
	for _, end := range mapleVeins {
		d, along := segmentDistance(stalk, end, q)
		strength = max(strength, ramp(lerp(0.03, 0.012, along), 0.004, d))
	}
	return strength
}

func drawBalloon(c *canvas) {
	n := newNoise(211)
	sky := gradient{{0, hex(0xe07fb4)}, {0.6, hex(0xf8b8cc)}, {1, hex(0xffdcd8)}}
	c.paint(func(x, y float64, _ rgb) rgb {
		cloud := ramp(0, 0.4, n.fractal(x*2, y*5, 4))
		return mix(sky.at(y), hex(0xfff0f0), 0.6*cloud)
	})
	c.paint(func(x, y float64, under rgb) rgb {
		return mix(under, hex(0xb05c98), c.below(0.88-0.12*n.fractal(x*2, 5, 3), y))
	})
	centre, radius := vec{0.6, 0.36}, 0.24
	basket := vec{centre.x, 0.74}
	for _, side := range []float64{-1, 1} {
		c.line(vec{centre.x + side*0.09, 0.58}, vec{basket.x + side*0.03, basket.y}, 0.01, 0.01, flat(hex(0x6a3050)))
	}
	skirt := []vec{{centre.x - 0.215, 0.47}, {centre.x + 0.215, 0.47}, {centre.x + 0.08, 0.62}, {centre.x - 0.08, 0.62}}
	fabric := brush{alpha: 1, ink: func(p vec, _ float64) rgb {
		across := (p.x - centre.x) / radius
		gore := math.Asin(min(max(across/math.Sqrt(max(0.2, 1-math.Pow((p.y-centre.y)/0.4, 2))), -1), 1))
		colour := hex(0xfff2d8)
		if math.Sin(gore*6) > 0 {
			colour = hex(0xc8285c)
		}
		return colour.times(1.05 - 0.25*ramp(-0.2, 1, across))
	}}
	c.polygon(skirt, fabric)
	c.disc(centre, radius, fabric)
	c.rect(basket.x-0.045, basket.y, basket.x+0.045, basket.y+0.07, flat(hex(0x6a3050)))
}

// ---- video ----

const (
	videoWidth, videoHeight = 960, 540
	videoRate, videoFrames  = 24, 120
)

// writeVideo pipes the frames into ffmpeg. Without ffmpeg it leaves the video
// as it is, because the pictures alone are of use too.
func writeVideo(name string) error {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		log.Printf("%s: skipped, because ffmpeg is not installed", name)
		return nil
	}
	cmd := exec.Command(ffmpeg, "-y", "-loglevel", "error",
		"-f", "rawvideo", "-pix_fmt", "rgba", "-s", fmt.Sprintf("%dx%d", videoWidth, videoHeight),
		"-r", fmt.Sprint(videoRate), "-i", "-",
		"-an", "-c:v", "libx264", "-preset", "veryslow", "-crf", "25", "-pix_fmt", "yuv420p",
		"-movflags", "+faststart",
		// Neither version numbers nor encoder settings: they would change the
		// file with each release of ffmpeg. Type 6 units carry the settings.
		"-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1",
		"-bsf:v", "filter_units=remove_types=6", name)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	frameErr := writeFrames(stdin)
	if err := errors.Join(frameErr, stdin.Close(), cmd.Wait()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	fmt.Printf("%-15s %4dx%-4d %7d bytes\n", name, videoWidth, videoHeight, info.Size())
	return nil
}

func writeFrames(w io.Writer) error {
	for i := range videoFrames {
		c := newCanvas(videoWidth, videoHeight)
		drawWaves(c, float64(i)/videoFrames)
		if _, err := w.Write(c.develop().Pix); err != nil {
			return err
		}
	}
	return nil
}

// drawWaves draws rolling waves with a boat. The time runs from 0 to 1; all
// movements repeat after it, so that the video can loop.
func drawWaves(c *canvas, time float64) {
	sky := gradient{{0, hex(0x9fdfe0)}, {0.45, hex(0xf4f6dc)}}
	c.paint(func(_, y float64, _ rgb) rgb { return sky.at(y) })
	sun := vec{c.aspect * 0.7, 0.2}
	c.glow(sun, 0.2, hex(0xfff0b0).times(0.8))
	c.disc(sun, 0.06, flat(hex(0xfffbe6)).with(0.004, 1))
	const layers, boatLayer = 8, 3
	tones := gradient{{0, hex(0x9adbd4)}, {0.4, hex(0x38aab2)}, {0.75, hex(0x0f7388)}, {1, hex(0x083f5a)}}
	for i := range layers {
		depth := float64(i) / (layers - 1)
		crest := func(x float64) float64 { return waveCrest(x, time, i, depth) }
		if i == boatLayer {
			rockingBoat(c, crest, c.aspect*0.36)
		}
		waveLayer(c, crest, tones.at(depth), depth)
	}
}

// waveCrest is the outline of a layer: waves of which each moves on by whole
// lengths during the video. Neighbouring layers run at different speeds.
func waveCrest(x, time float64, layer int, depth float64) float64 {
	phase := 2 * math.Pi * time
	f := float64(layer)
	length := lerp(9, 3.6, depth)
	height := lerp(0.008, 0.05, depth)
	y := math.Sin(x*length + f*1.9 - phase)
	y += 0.45 * math.Sin(x*length*1.9+f*4.1-2*phase)
	y += 0.3 * math.Sin(x*length*0.6-f*2.3+phase)
	// Water swings up and down as well; each layer at its own moment.
	return lerp(0.44, 0.88, depth) + height*y + 0.012*depth*math.Sin(phase+f*1.3)
}

func waveLayer(c *canvas, crest func(float64) float64, tone rgb, depth float64) {
	edges := make([]float64, c.w)
	for i := range edges {
		edges[i] = crest((float64(i) + 0.5) * c.pixel)
	}
	thick := lerp(0.04, 0.2, depth)
	c.paintFrom(0.3, func(x, y float64, under rgb) rgb {
		edge := edges[min(int(x*float64(c.h)), c.w-1)]
		cover := c.below(edge, y)
		if cover == 0 {
			return under
		}
		deep := (y - edge) / thick
		// Light shines through the thin top of a wave, foam lies on its edge.
		colour := mix(tone, tone.times(0.72), ramp(0, 1.6, deep))
		colour = screen(colour, hex(0x6fe0c8).times(0.4*math.Exp(-4*deep)))
		colour = mix(colour, hex(0xf2fffa), 0.75*ramp(0.06, 0.02, deep))
		return mix(under, colour, 0.94*cover)
	})
}

// rockingBoat floats on the crest and leans with its slope.
func rockingBoat(c *canvas, crest func(float64) float64, x float64) {
	const size, reach = 0.2, 0.05
	slope := (crest(x+reach) - crest(x-reach)) / (2 * reach)
	sin, cos := math.Sincos(math.Atan(slope))
	base := vec{x, crest(x) + 0.012}
	at := func(dx, dy float64) vec { return base.plus(vec{dx * size, -dy * size}.turned(sin, cos)) }
	c.polygon([]vec{at(0.03, 0.2), at(0.03, 0.98), at(0.44, 0.22)}, flat(hex(0xfff8ea)))
	c.polygon([]vec{at(-0.03, 0.22), at(-0.02, 0.84), at(-0.3, 0.22)}, flat(hex(0xf0705a)))
	c.line(at(0, 0.1), at(0, 1.02), 0.02*size, 0.012*size, flat(hex(0x5a3a34)))
	c.polygon([]vec{at(-0.38, 0.17), at(0.48, 0.17), at(0.34, -0.02), at(-0.26, -0.02)}, flat(hex(0x8c4a3c)))
}
