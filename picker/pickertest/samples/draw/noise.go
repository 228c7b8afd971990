package main

import (
	"math"
)

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
