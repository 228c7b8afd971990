package main

import (
	"math"
	"math/rand/v2"
)

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
