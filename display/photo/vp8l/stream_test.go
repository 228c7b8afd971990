package vp8l_test

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// A stream writes a VP8L bitstream.
type stream struct {
	b []byte
	n int
}

func newStream(w, h int) *stream {
	s := &stream{}
	s.put(0x2f, 8)
	s.put(w-1, 14)
	s.put(h-1, 14)
	s.put(0, 4)
	return s
}

// put writes n bits.
func (s *stream) put(v, n int) *stream {
	for i := range n {
		if s.n%8 == 0 {
			s.b = append(s.b, 0)
		}
		s.b[len(s.b)-1] |= byte(v >> i & 1 << (s.n % 8))
		s.n++
	}
	return s
}

// symbol writes a symbol of a flat code.
func (s *stream) symbol(v, n int) { s.put(int(bits.Reverse32(uint32(v))>>(32-n)), n) }

// lengthOrder is that of the lengths of the code for lengths.
var lengthOrder = []int{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// lengths starts a code whose lengths are one of a few: the first two, in order, are
// coded with a bit each, and a single one with none. It has so many lengths.
func (s *stream) lengths(tokens int, used ...int) *stream {
	s.put(0, 1).put(15, 4)
	for _, l := range lengthOrder {
		has := 0
		for _, u := range used {
			if l == u {
				has = 1
			}
		}
		s.put(has, 3)
	}
	return s.put(1, 1).put(7, 3).put(tokens-2, 16)
}

// flat writes a code in which 1<<n symbols have n bits.
func (s *stream) flat(n int) *stream { return s.lengths(1<<n, n) }

// fixed writes a code with one symbol.
func (s *stream) fixed(v int) *stream { return s.put(1, 1).put(0, 1).put(1, 1).put(v, 8) }

// part writes a picture in a picture, of random pixels with so many values of green.
func (s *stream) part(r *rand.Rand, pixels, greens int) {
	s.put(0, 1).flat(8).flat(8).flat(8).flat(8).fixed(0)
	for range pixels {
		s.symbol(r.IntN(greens), 8)
		for range 3 {
			s.symbol(r.IntN(256), 8)
		}
	}
}

// random writes a picture with these transforms and random pixels, in groups, and with
// colors of a cache and references, if wanted.
func random(r *rand.Rand, w, h int, groups, cache bool, transforms ...int) []byte {
	s, width := newStream(w, h), w
	for _, t := range transforms {
		s.put(1, 1).put(t, 2)
		switch t {
		case 0, 1:
			s.put(1, 3)                                         // blocks of 8 by 8
			s.part(r, (width+7)/8*((h+7)/8), []int{14, 256}[t]) // there are 14 modes of prediction
		case 3:
			n := []int{2, 3, 13, 17, 200}[r.IntN(5)]
			s.put(n-1, 8)
			s.part(r, n, 256)
			for _, most := range []int{16, 4, 2} {
				if n <= most {
					width = (width + 1) / 2
				}
			}
		}
	}
	s.put(0, 1) // no more transforms
	greens, n := 8, 1
	if cache {
		greens = 9
		s.put(1, 1).put(8, 4)
	} else {
		s.put(0, 1)
	}
	if groups {
		s.put(1, 1).put(2, 3) // blocks of 16 by 16
		blocks := (width + 15) / 16 * ((h + 15) / 16)
		s.put(0, 1).flat(3).fixed(0).fixed(0).fixed(0).fixed(0)
		used := make([]bool, 8)
		for range blocks {
			i := r.IntN(8) / 2 * 2 // groups of odd numbers are not used
			used[i] = true
			s.symbol(i, 3)
		}
		for i, u := range used {
			if u {
				n = i + 1
			}
		}
	} else {
		s.put(0, 1)
	}
	for range n {
		s.flat(greens).flat(8).flat(8).flat(8).flat(4)
	}
	s.pixels(r, width, h, greens)
	return s.b
}

// pixels writes random pixels, with references to what is above if green has more than
// 8 bits.
func (s *stream) pixels(r *rand.Rand, w, h, greens int) {
	for left := w * h; left > 0; {
		green := r.IntN(256)
		switch r.IntN(greens) - 5 { // with 8 bits it is less than 3
		case 3:
			green = 280 + r.IntN(512-280)
		case 2:
			if length := 1 + r.IntN(4); greens > 8 && w*h-left >= 7*w+8 && left >= length {
				s.symbol(256+length-1, greens)
				p := r.IntN(14)
				s.symbol(p, 4)
				if extra := (p - 2) / 2; p >= 4 {
					s.put(r.IntN(1<<extra), extra)
				}
				left -= length
				continue
			}
		}
		s.symbol(green, greens)
		for range 3 {
			if green < 256 {
				s.symbol(r.IntN(256), 8)
			}
		}
		left--
	}
}

// manyGroups writes a picture of 208 by 200 pixels in which each block of 4 by 4 has a
// group, of codes with many lengths, and a color cache of 2,048 colors.
func manyGroups() []byte {
	const w, h, blocks = 208, 200, 52 * 50
	s := newStream(w, h)
	s.put(0, 1).put(1, 1).put(11, 4) // no transforms, a cache
	s.put(1, 1).put(0, 3)            // blocks of 4 by 4
	s.put(0, 1).flat(8).flat(8).fixed(0).fixed(0).fixed(0)
	for i := range blocks {
		s.symbol(i%256, 8)
		s.symbol(i/256, 8)
	}
	for range blocks {
		s.lengths(2328, 11, 12) // 1768 of 11 bits and 560 of 12
		for i := range 2328 {
			s.put(i*560/2328-(i+1)*560/2328+1^1, 1)
		}
		s.flat(8).flat(8).flat(8).fixed(0)
	}
	for range w * h { // the first green has 11 bits, all zero
		s.put(0, 11).put(0, 24)
	}
	return s.b
}

// inFile returns a WebP file with a bitstream.
func inFile(data []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(12+len(data)))
	b = binary.LittleEndian.AppendUint32(append(b, "WEBPVP8L"...), uint32(len(data)))
	return append(b, data...)
}
