package main

import (
	"math"
)

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
