package snapshot

import (
	"bytes"
	"image"
	"image/jpeg"

	"pickerd/display/pixel"
)

// jpegQuality keeps letters and codes sharp.
const jpegQuality = 90

// encode turns a picture as people see it into a file. It takes over the picture.
func encode(m *pixel.Image, o options) ([]byte, error) {
	if o.rotate != 0 {
		turned := pixel.New(o.w, o.h)
		pixel.Rotate(turned, m, o.rotate)
		m = turned
	}
	var file bytes.Buffer
	var err error
	switch {
	case o.greys == 0 && o.png:
		err = writePNG(&file, m)
	case o.png:
		err = writeGreyPNG(&file, reduce(m, o))
	case o.greys == 0:
		err = jpeg.Encode(&file, m.RGBA(), &jpeg.Options{Quality: jpegQuality})
	default:
		g := reduce(m, o)
		for i, level := range g.pix {
			g.pix[i] = shade(int(level), g.greys)
		}
		err = jpeg.Encode(&file, &image.Gray{Pix: g.pix, Stride: g.w, Rect: m.Bounds()}, &jpeg.Options{Quality: jpegQuality})
	}
	return bytes.Clone(file.Bytes()), err // without the room to grow
}

// A greyImage has a level of brightness for each pixel, of a number of greys.
type greyImage struct {
	w, h, greys int
	pix         []byte
}

// shade returns the brightness of a level of n, from black to white in equal steps.
func shade(level, n int) uint8 { return uint8((level*255 + (n-1)/2) / (n - 1)) }

// reduce reduces a picture to greys. With Floyd and Steinberg's dithering the error of
// each pixel goes to its neighbors.
func reduce(m *pixel.Image, o options) greyImage {
	out := greyImage{m.W, m.H, o.greys, make([]byte, m.W*m.H)}
	here, below := make([]int, m.W+2), make([]int, m.W+2) // errors, times 16
	for y := range m.H {
		to := out.pix[y*m.W:]
		for x, p := range m.Row(y) {
			v := min(max(luma(p)+(here[x+1]+8)>>4, 0), 255)
			level := (v*(o.greys-1) + 127) / 255
			to[x] = uint8(level)
			if !o.floyd {
				continue
			}
			e := v - int(shade(level, o.greys))
			here[x+2] += 7 * e
			below[x] += 3 * e
			below[x+1] += 5 * e
			below[x+2] += e
		}
		here, below = below, here
		clear(below)
	}
	return out
}

// luma returns the brightness of a pixel (ITU-R BT.601).
func luma(p uint32) int {
	return int((19595*(p>>16&0xff) + 38470*(p>>8&0xff) + 7471*(p&0xff) + 1<<15) >> 16)
}
