package main

import (
	"math"
	"math/rand/v2"
)

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
