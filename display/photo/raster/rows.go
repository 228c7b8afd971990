package raster

import (
	"image"
	"io"
)

// A pass is one of those of an interlaced PNG: its first pixel, and the steps to the
// next. width and height are of the block that a pixel stands for until later passes.
type pass struct{ x, y, stepX, stepY, width, height int }

// adam7 are the passes of an interlaced image (W3C PNG, 8.1).
var adam7 = []pass{
	{0, 0, 8, 8, 8, 8}, {4, 0, 8, 8, 4, 8}, {0, 4, 4, 8, 4, 4}, {2, 0, 4, 4, 2, 4},
	{0, 2, 2, 4, 2, 2}, {1, 0, 2, 2, 1, 2}, {0, 1, 1, 2, 1, 1},
}

// decode decodes a picture of w by h pixels to m, which has an nth of the size. It
// returns the number of rows that it has read.
func (p *PNG) decode(id string, w, h, n int, m *image.NRGBA) (rows int, err error) {
	if err := p.start(id); err != nil {
		return 0, err
	}
	cur, before, line := make([]byte, 1+p.rowBytes(w)), make([]byte, 1+p.rowBytes(w)), make([]byte, 4*w)
	passes := adam7
	if !p.interlaced {
		passes = []pass{{0, 0, 1, 1, 1, 1}}
	}
	var r reducer
	for _, ps := range passes {
		pw, ph := (w-ps.x+ps.stepX-1)/ps.stepX, (h-ps.y+ps.stepY-1)/ps.stepY
		if pw <= 0 || ph <= 0 {
			continue
		}
		cur, before = cur[:1+p.rowBytes(pw)], before[:1+p.rowBytes(pw)]
		clear(before)
		for y := range ph {
			if _, err := io.ReadFull(p.inflate, cur); err != nil {
				r.flush(m)
				return rows, noEOF(err)
			}
			if !unfilter(cur[0], cur[1:], before[1:], max(p.bits()/8, 1)) {
				r.flush(m)
				return rows, errTorn
			}
			rows++
			switch {
			case p.interlaced:
				p.expand(line, cur[1:], pw)
				ps.put(m, line[:4*pw], y, n)
			case n > 1:
				p.expand(line, cur[1:], pw)
				r.add(m, line, n)
			default:
				p.expand(m.Pix[y*m.Stride:], cur[1:], pw)
			}
			cur, before = before, cur
		}
	}
	r.flush(m)
	return rows, nil
}

// put writes row y of a pass into m, which has an nth of the size. Each pixel fills
// its block, so that an image whose later passes are missing is coarse, not dotted.
func (ps pass) put(m *image.NRGBA, line []byte, y, n int) {
	top, bottom := ps.y+y*ps.stepY, ps.y+y*ps.stepY+ps.height
	top, bottom = (top+n-1)/n, min((bottom+n-1)/n, m.Rect.Dy())
	if top >= bottom {
		return
	}
	row := m.Pix[top*m.Stride : top*m.Stride+4*m.Rect.Dx()]
	for i, x := 0, ps.x; i < len(line); i, x = i+4, x+ps.stepX {
		for at := (x + n - 1) / n; at < min((x+ps.width+n-1)/n, m.Rect.Dx()); at++ {
			copy(row[4*at:4*at+4], line[i:i+4])
		}
	}
	for y := top + 1; y < bottom; y++ { // the pixels of earlier passes are in none of these rows
		ps.repeat(m.Pix[y*m.Stride:], row, n)
	}
}

// repeat copies the blocks of a pass to another row.
func (ps pass) repeat(dst, row []byte, n int) {
	for x := ps.x; x < n*len(row)/4; x += ps.stepX {
		from, to := 4*((x+n-1)/n), min(4*((x+ps.width+n-1)/n), len(row))
		if from < to {
			copy(dst[from:to], row[from:to])
		}
	}
}

// A reducer makes each pixel the mean of n by n.
type reducer struct {
	sums []uint32 // of a row: red, green and blue times alpha, and alpha
	n    int
	last int // columns of the last pixel, which may be fewer than n
	rows int // in sums
	y    int // of the row in the image
}

// add adds a row.
func (r *reducer) add(m *image.NRGBA, line []byte, n int) {
	if r.sums == nil {
		r.sums, r.n, r.last = make([]uint32, 4*m.Rect.Dx()), n, len(line)/4-n*(m.Rect.Dx()-1)
	}
	for i, at, k := 0, 0, 0; i+4 <= len(line); i += 4 {
		s, a := r.sums[at:at+4], uint32(line[i+3])
		s[0] += uint32(line[i]) * a
		s[1] += uint32(line[i+1]) * a
		s[2] += uint32(line[i+2]) * a
		s[3] += a
		if k++; k == n {
			k, at = 0, at+4
		}
	}
	if r.rows++; r.rows == n {
		r.flush(m)
	}
}

// flush writes the row that is in the making.
func (r *reducer) flush(m *image.NRGBA) {
	if r.rows == 0 {
		return
	}
	row, w := m.Pix[r.y*m.Stride:], m.Rect.Dx()
	for i := range w {
		s := r.sums[4*i : 4*i+4]
		a := s[3]
		if a == 0 {
			continue
		}
		row[4*i], row[4*i+1], row[4*i+2] = byte((s[0]+a/2)/a), byte((s[1]+a/2)/a), byte((s[2]+a/2)/a)
		columns := r.n
		if i == w-1 {
			columns = r.last
		}
		row[4*i+3] = byte(a / uint32(columns*r.rows))
	}
	clear(r.sums)
	r.rows, r.y = 0, r.y+1
}
