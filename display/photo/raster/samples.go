package raster

import "encoding/binary"

// unfilter undoes the filter of a row (W3C PNG, 9.2). step is the bytes of a pixel, at
// least 1. It reports whether there is such a filter.
func unfilter(filter byte, row, above []byte, step int) bool {
	above = above[:len(row)]
	switch filter {
	case 0:
	case 1:
		for i := step; i < len(row); i++ {
			row[i] += row[i-step]
		}
	case 2:
		for i, b := range above {
			row[i] += b
		}
	case 3:
		for i, b := range above[:min(step, len(row))] {
			row[i] += b / 2
		}
		for i := step; i < len(row); i++ {
			row[i] += byte((int(row[i-step]) + int(above[i])) / 2)
		}
	case 4:
		for i, b := range above[:min(step, len(row))] {
			row[i] += b
		}
		for i := step; i < len(row); i++ {
			row[i] += paeth(int32(row[i-step]), int32(above[i]), int32(above[i-step]))
		}
	default:
		return false
	}
	return true
}

// paeth returns the one of left, up and upper left that is nearest to their gradient.
func paeth(left, up, corner int32) byte {
	toLeft, toUp := up-corner, left-corner
	toCorner := toLeft + toUp
	toLeft, toUp, toCorner = max(toLeft, -toLeft), max(toUp, -toUp), max(toCorner, -toCorner)
	switch {
	case toLeft <= toUp && toLeft <= toCorner:
		return byte(left)
	case toUp <= toCorner:
		return byte(up)
	}
	return byte(corner)
}

// expand converts a row of w pixels to NRGBA with 8 bits.
func (p *PNG) expand(dst, row []byte, w int) {
	dst = dst[:4*w]
	switch {
	case p.kind == trueAlpha && p.depth == 8:
		copy(dst, row)
	case p.kind == truecolor && p.depth == 8 && !p.hasKey:
		for i := range w {
			from, to := row[3*i:3*i+3], dst[4*i:4*i+4]
			to[0], to[1], to[2], to[3] = from[0], from[1], from[2], 0xff
		}
	case p.kind == indexed:
		for i := range w {
			copy(dst[4*i:4*i+4], p.palette[p.sample(row, i)][:])
		}
	case p.kind == gray, p.kind == grayAlpha:
		p.expandGray(dst, row, w)
	default:
		p.expandDeep(dst, row, w)
	}
}

// sample returns sample i of a row at its depth.
func (p *PNG) sample(row []byte, i int) uint16 {
	switch p.depth {
	case 8:
		return uint16(row[i])
	case 16:
		return binary.BigEndian.Uint16(row[2*i:])
	}
	perByte := 8 / int(p.depth)
	shift := 8 - int(p.depth)*(i%perByte+1)
	return uint16(row[i/perByte]>>shift) & (1<<p.depth - 1)
}

// light returns a sample with 8 bits.
func (p *PNG) light(v uint16) byte {
	if p.depth == 16 {
		return byte(v >> 8)
	}
	return byte(v * (255 / (1<<p.depth - 1)))
}

func (p *PNG) expandGray(dst, row []byte, w int) {
	for i := range w {
		at, a := i, byte(0xff)
		if p.kind == grayAlpha {
			at, a = 2*i, p.light(p.sample(row, 2*i+1))
		}
		v := p.sample(row, at)
		if p.hasKey && v == p.key[0] {
			a = 0
		}
		y := p.light(v)
		to := dst[4*i : 4*i+4]
		to[0], to[1], to[2], to[3] = y, y, y, a
	}
}

// expandDeep expands colors with 16 bits or a transparent one.
func (p *PNG) expandDeep(dst, row []byte, w int) {
	channels := p.bits() / int(p.depth)
	for i := range w {
		to, at := dst[4*i:4*i+4], channels*i
		r, g, b := p.sample(row, at), p.sample(row, at+1), p.sample(row, at+2)
		to[0], to[1], to[2], to[3] = p.light(r), p.light(g), p.light(b), 0xff
		if channels == 4 {
			to[3] = p.light(p.sample(row, at+3))
		} else if p.hasKey && p.key == [3]uint16{r, g, b} {
			to[3] = 0
		}
	}
}
