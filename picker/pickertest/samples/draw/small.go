package main

import (
	"math"
	"math/rand/v2"
)

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
