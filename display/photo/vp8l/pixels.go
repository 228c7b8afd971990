package vp8l

import (
	"encoding/binary"
	"fmt"
)

// A group has the prefix codes of a part of a picture.
type group struct {
	green, red, blue, alpha, distance code

	literal uint32 // the colors whose codes are fixed
	plain   bool   // the codes of all colors but green are fixed
}

// bytesGroup is the size of a group.
const bytesGroup = 5*32 + 8

// A coding says how pixels are coded.
type coding struct {
	cacheBits uint // 0 without a color cache
	groups    []group
	// Without blocks there is one group. Otherwise they say which group is used, in
	// squares of 1<<blockBits pixels.
	blocks    []byte
	blocksW   int
	blockBits uint
}

// blocksOf returns how many blocks cover n pixels.
func blocksOf(n int, bits uint) int { return (n + 1<<bits - 1) >> bits }

// readPart decodes a picture within a picture, which has one group and no transforms.
func (d *decoder) readPart(w, h int) ([]byte, error) {
	if err := d.take(4 * int64(w) * int64(h)); err != nil {
		return nil, fmt.Errorf("%w: data for %d by %d blocks", err, w, h)
	}
	c, err := d.readCache()
	if err != nil {
		return nil, err
	}
	if err := d.readGroups(&c, []int32{0}, 1); err != nil {
		return nil, err
	}
	pix := make([]byte, 4*w*h)
	if _, err := d.pixels(pix, w, h, c); err != nil {
		return nil, err
	}
	d.free = d.block // its codes are no longer needed
	return pix, nil
}

// readCache reads whether there is a color cache (3.6.2.3), and takes memory for it.
func (d *decoder) readCache() (c coding, err error) {
	if d.bits.read(1) == 1 {
		c.cacheBits = uint(d.bits.read(4))
		if c.cacheBits < 1 || c.cacheBits > maxCache {
			return c, fmt.Errorf("%w: color cache of %d bits", ErrFormat, c.cacheBits)
		}
	}
	return c, d.take(4 << c.cacheBits)
}

// readCoding reads what precedes the pixels of the picture itself (3.7.2.2).
func (d *decoder) readCoding(w, h int) (coding, error) {
	c, err := d.readCache()
	if err != nil {
		return c, err
	}
	if d.bits.read(1) == 0 {
		return c, d.readGroups(&c, []int32{0}, 1)
	}
	c.blockBits = uint(d.bits.read(3)) + 2
	c.blocksW = blocksOf(w, c.blockBits)
	if c.blocks, err = d.readPart(c.blocksW, blocksOf(h, c.blockBits)); err != nil {
		return c, err
	}
	most := 0
	for i := range len(c.blocks) / 4 {
		most = max(most, int(word(c.blocks, i)>>8&0xffff))
	}
	if err := d.take(4 * int64(most+1)); err != nil {
		return c, err
	}
	// Groups that no block uses are in the file, but need no memory. Those that are
	// used have their number in places, from 1 on.
	places, used := make([]int32, most+1), 0
	for i := range len(c.blocks) / 4 {
		place := &places[word(c.blocks, i)>>8&0xffff]
		if *place == 0 {
			used++
			*place = int32(used)
		}
		binary.LittleEndian.PutUint32(c.blocks[4*i:], uint32(*place-1))
	}
	for i := range places {
		places[i]--
	}
	return c, d.readGroups(&c, places, used)
}

// readGroups reads the groups of codes. places has the place of each one, -1 if it is
// not used.
func (d *decoder) readGroups(c *coding, places []int32, used int) error {
	if err := d.take(bytesGroup * int64(used)); err != nil {
		return fmt.Errorf("%w: %d groups of prefix codes", err, used)
	}
	c.groups = make([]group, used)
	greens := literals + lengthCode
	if c.cacheBits > 0 {
		greens += 1 << c.cacheBits
	}
	for _, place := range places {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		var g group
		for _, code := range []struct {
			to      *code
			symbols int
		}{{&g.green, greens}, {&g.red, literals}, {&g.blue, literals}, {&g.alpha, literals}, {&g.distance, distances}} {
			var err error
			if *code.to, err = d.readCode(code.symbols, place >= 0); err != nil {
				return err
			}
		}
		if place >= 0 {
			g.plain = g.red.fixed() && g.blue.fixed() && g.alpha.fixed()
			if g.plain {
				g.literal = uint32(g.red.table[0]>>4)<<16 | uint32(g.blue.table[0]>>4) | uint32(g.alpha.table[0]>>4)<<24
			}
			c.groups[place] = g
		}
	}
	return nil
}

// pixels decodes w by h pixels (3.7.2.3). It returns how many rows are whole, with an
// error if these are not all.
func (d *decoder) pixels(pix []byte, w, h int, c coding) (rows int, err error) {
	var (
		b        = &d.bits
		acc, n   = b.acc, b.n
		cache    = cache{pix: pix, shift: 32 - c.cacheBits}
		total    = w * h
		pos      = 0
		blockEnd = 0 // or that of the row
		rowEnd   = 0
		g        = &c.groups[0]
	)
	if c.cacheBits > 0 {
		cache.colors = make([]uint32, 1<<c.cacheBits)
	}
	pix = pix[:4*total]
	for pos < total {
		if pos >= blockEnd {
			if pos >= rowEnd {
				b.acc, b.n = acc, n
				if err := d.checkRow(); err != nil {
					return rows, err
				}
				rows = pos / w
				rowEnd = (rows + 1) * w
			}
			blockEnd = rowEnd
			if c.blocks != nil {
				x := pos - rows*w
				g = &c.groups[word(c.blocks, rows>>c.blockBits*c.blocksW+x>>c.blockBits)]
				blockEnd = min(rowEnd, rows*w+(x>>c.blockBits+1)<<c.blockBits)
			}
		}
		if n < 32 {
			acc, n = b.fill(acc, n)
		}
		e := g.green.lookup(acc)
		acc, n = acc>>(e&15), n-uint(e&15)
		switch s := int(e >> 4); {
		case s < literals:
			v := g.literal | uint32(s)<<8
			if !g.plain {
				red := g.red.lookup(acc)
				acc, n = acc>>(red&15), n-uint(red&15)
				if n < 2*maxLength {
					acc, n = b.fill(acc, n)
				}
				blue := g.blue.lookup(acc)
				acc, n = acc>>(blue&15), n-uint(blue&15)
				alpha := g.alpha.lookup(acc)
				acc, n = acc>>(alpha&15), n-uint(alpha&15)
				v |= uint32(red>>4)<<16 | uint32(blue>>4) | uint32(alpha>>4)<<24
			}
			binary.LittleEndian.PutUint32(pix[4*pos:], v)
			pos++
		case s < literals+lengthCode:
			b.acc, b.n = acc, n
			length := b.readValue(s - literals)
			distance := d.distance(b.readValue(d.next(&g.distance)), w)
			acc, n = b.acc, b.n
			if distance > pos || length > total-pos {
				return rows, fmt.Errorf("%w: a reference to outside of the picture", ErrFormat)
			}
			repeat(pix[4*(pos-distance):4*(pos+length)], 4*distance)
			pos += length
		default:
			binary.LittleEndian.PutUint32(pix[4*pos:], cache.color(s-literals-lengthCode, pos))
			pos++
		}
	}
	b.acc, b.n = acc, n
	if err := d.checkRow(); err != nil {
		return rows, err
	}
	return h, nil
}

// checkRow returns an error if the context has ended or more was read than there is.
func (d *decoder) checkRow() error {
	if err := d.ctx.Err(); err != nil {
		return err
	}
	return d.bits.torn()
}

// repeat fills b with its first n bytes.
func repeat(b []byte, n int) {
	for ; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

// readValue returns a length or distance with this prefix (3.6.2.2).
func (b *bitReader) readValue(prefix int) int {
	if prefix < 4 {
		return prefix + 1
	}
	extra := uint(prefix-2) >> 1
	return (2+prefix&1)<<extra + b.read(extra) + 1
}

// nearby has the 120 pixels before a pixel, the closest first: how many columns to the
// left in the lower half of a byte, counted from 8 to the right on, and rows above in the
// upper one.
var nearby = func() (codes [120]uint8) {
	i := 0
	for square := 1; i < len(codes); square++ {
		for x := range 9 {
			for y := range 8 {
				if x*x+y*y != square {
					continue
				}
				codes[i] = uint8(y<<4 | (8 - x))
				i++
				if x > 0 && x < 8 && y > 0 {
					codes[i] = uint8(y<<4 | (8 + x))
					i++
				}
			}
		}
	}
	return codes
}()

// distance returns how many pixels a distance code goes back.
func (d *decoder) distance(code, w int) int {
	if code > len(nearby) {
		return code - len(nearby)
	}
	c := int(nearby[code-1])
	return max(c>>4*w+8-c&15, 1)
}

// A cache holds recent colors (3.6.2.3).
type cache struct {
	colors []uint32
	shift  uint
	pix    []byte
	done   int // pixels that were entered
}

// color returns a color of the cache before pixel pos.
func (c *cache) color(i, pos int) uint32 {
	for ; c.done < pos; c.done++ {
		v := word(c.pix, c.done)
		c.colors[v*0x1e35a7bd>>c.shift] = v
	}
	return c.colors[i]
}
