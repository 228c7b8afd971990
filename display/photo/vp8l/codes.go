package vp8l

import (
	"fmt"
	"math/bits"
)

// Symbols of the five prefix codes of a group (3.7.2.3). Those of green are followed by
// length prefixes and the color cache.
const (
	literals   = 256
	lengthCode = 24
	distances  = 40
	maxCache   = 11 // bits
	maxSymbols = literals + lengthCode + 1<<maxCache
)

// rootBits is the size of the first level of a lookup table. With maxSymbols symbols of
// up to maxLength bits, a table has less than maxTable entries (2,704, see zlib's enough).
const (
	rootBits  = 8
	maxLength = 15
	maxTable  = 1 << 12
)

// A code is a lookup table in two levels, of just the size that the code needs. An
// entry has a symbol in the upper 12 bits and its length below. In the first level a
// length above rootBits is that of the longest code with these bits, and the rest is
// where its second level starts.
type code struct {
	table []uint16
	mask  uint64 // of the first level
}

// lookup returns the entry of the next symbol.
func (c *code) lookup(acc uint64) uint16 {
	e := c.table[acc&c.mask]
	if e&15 > rootBits {
		e = c.table[uint64(e>>4)+acc>>rootBits&(1<<(e&15-rootBits)-1)]
	}
	return e
}

// fixed reports whether the code has a single symbol, of no bits.
func (c *code) fixed() bool { return c.mask == 0 }

// next reads a symbol.
func (d *decoder) next(c *code) int {
	b := &d.bits
	if b.n < maxLength {
		b.acc, b.n = b.fill(b.acc, b.n)
	}
	e := c.lookup(b.acc)
	b.acc, b.n = b.acc>>(e&15), b.n-uint(e&15)
	return int(e >> 4)
}

// readCode reads a prefix code for a number of symbols (3.7.2.1). Without keep it is
// only valid until the next one is read.
func (d *decoder) readCode(symbols int, keep bool) (code, error) {
	lengths := d.lengths[:symbols]
	clear(lengths)
	if d.bits.read(1) == 1 {
		two, first := d.bits.read(1), uint(1)
		if d.bits.read(1) == 1 {
			first = 8
		}
		for i, s := range []int{d.bits.read(first), d.bits.read(uint(8 * two))} {
			if i <= two && s < symbols {
				lengths[s] = 1
			}
		}
	} else if err := d.readLengths(lengths); err != nil {
		return code{}, err
	}
	if err := d.bits.torn(); err != nil {
		return code{}, err
	}
	c, err := d.build(lengths)
	if err == nil && keep {
		c.table, err = d.keep(c.table)
	}
	return c, err
}

// lengthOrder is the order of the lengths of the code for lengths.
const lengthOrder = "\x11\x12\x00\x01\x02\x03\x04\x05\x10\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"

// readLengths reads the lengths of a code, which are themselves coded.
func (d *decoder) readLengths(lengths []uint8) error {
	var own [len(lengthOrder)]uint8
	for i := range 4 + d.bits.read(4) {
		own[lengthOrder[i]] = uint8(d.bits.read(3))
	}
	c, err := d.build(own[:])
	if err != nil {
		return err
	}
	tokens := len(lengths)
	if d.bits.read(1) == 1 {
		tokens = 2 + d.bits.read(uint(2+2*d.bits.read(3)))
	}
	last := uint8(8)
	for i := 0; i < len(lengths) && tokens > 0; tokens-- {
		value, repeat := uint8(0), 1
		switch s := d.next(&c); s {
		case 16:
			value, repeat = last, 3+d.bits.read(2)
		case 17:
			repeat = 3 + d.bits.read(3)
		case 18:
			repeat = 11 + d.bits.read(7)
		default:
			if value = uint8(s); s != 0 {
				last = value
			}
		}
		if repeat > len(lengths)-i {
			return fmt.Errorf("%w: too many code lengths", ErrFormat)
		}
		for ; repeat > 0; repeat-- {
			lengths[i] = value
			i++
		}
	}
	return nil
}

// build returns the canonical prefix code with these lengths, in d.table. It must be
// complete, or have one symbol, of no bits.
func (d *decoder) build(lengths []uint8) (code, error) {
	var count, start [maxLength + 2]int
	for _, l := range lengths {
		count[l]++
	}
	used, left, longest := 0, 1, 0
	for l := 1; l <= maxLength; l++ {
		start[l+1] = start[l] + count[l]
		used += count[l]
		left = left<<1 - count[l]
		if count[l] > 0 {
			longest = l
		}
	}
	for s, l := range lengths {
		if l > 0 {
			d.sorted[start[l]] = uint16(s)
			start[l]++
		}
	}
	if used == 1 {
		d.table[0] = d.sorted[0] << 4
		return code{table: d.table[:1]}, nil
	}
	if left != 0 {
		return code{}, fmt.Errorf("%w: not a prefix code", ErrFormat)
	}
	return d.fillTable(d.sorted[:used], lengths, min(longest, rootBits))
}

// fillTable fills d.table with symbols that are sorted by code. It starts with the last
// one, since the longest code with the same first bits is the last of them.
func (d *decoder) fillTable(sorted []uint16, lengths []uint8, root int) (code, error) {
	size, prefix, offset := 1<<root, -1, 0
	next := 1 << 16 // the code of the symbol before, from the highest of 16 bits on
	for i := len(sorted) - 1; i >= 0; i-- {
		s := sorted[i]
		l := int(lengths[s])
		next -= 1 << (16 - l)
		first, entry := int(bits.Reverse16(uint16(next))), s<<4|uint16(l)
		part, step := d.table[:1<<root], 1<<l
		if l > root {
			if first&(1<<root-1) != prefix {
				prefix, offset = first&(1<<root-1), size
				if size += 1 << (l - root); size > len(d.table) {
					return code{}, ErrFormat
				}
				d.table[prefix] = uint16(offset<<4 | l)
			}
			part, step, first = d.table[offset:size], 1<<(l-root), first>>root
		}
		for ; first < len(part); first += step {
			part[first] = entry
		}
	}
	return code{d.table[:size], 1<<root - 1}, nil
}

// Entries of tables are allocated in blocks, of minBlock first and then twice as many up
// to maxBlock.
const (
	minBlock = 1 << 10
	maxBlock = 16 << 10
)

// keep copies a table.
func (d *decoder) keep(table []uint16) ([]uint16, error) {
	if len(d.free) < len(table) {
		n := max(min(2*len(d.block), maxBlock), minBlock, len(table))
		if err := d.take(2 * int64(n)); err != nil {
			return nil, fmt.Errorf("%w: prefix codes", err)
		}
		d.block = make([]uint16, n)
		d.free = d.block
	}
	kept := d.free[:len(table):len(table)]
	d.free = d.free[copy(kept, table):]
	return kept, nil
}
