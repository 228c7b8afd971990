package main

import (
	"math"
	"math/rand/v2"
)

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
