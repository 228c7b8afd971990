package main

import (
	"math"
	"math/rand/v2"
)

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
