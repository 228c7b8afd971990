package raster_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"slices"
)

// A file is a PNG in the making.
type file struct {
	w, h                    int
	depth, kind, interlaced byte
	before, after           []string // chunks around the image data
	split                   int      // bytes of a chunk of image data, if not all
}

func chunk(id string, data []byte) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, id...), data...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:])))
}

// spoil returns a chunk with a wrong checksum.
func spoil(chunk string) string { return chunk[:len(chunk)-4] + "\xba\xdc\x0d\xe5" }

func deflate(raw []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(raw)
	_ = z.Close()
	return b.Bytes()
}

func (f file) channels() int { return map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[f.kind] }

// noise returns rows of noise with each filter in turn.
func (f file) noise() []byte {
	rnd := rand.New(rand.NewPCG(uint64(f.depth), uint64(f.kind)))
	return f.rows(func(y int, row []byte) {
		for i := range row {
			row[i] = byte(rnd.Uint32())
		}
		row[0] = byte(y % 5)
	})
}

// rows returns the rows of a picture that fill makes, each after the byte of its
// filter.
func (f file) rows(fill func(y int, row []byte)) []byte {
	passes := [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}
	if f.interlaced == 0 {
		passes = [][4]int{{0, 0, 1, 1}}
	}
	var raw []byte
	for _, p := range passes {
		w, h := (f.w-p[0]+p[2]-1)/p[2], (f.h-p[1]+p[3]-1)/p[3]
		for y := range h {
			if w > 0 {
				row := make([]byte, 1+(w*f.channels()*int(f.depth)+7)/8)
				fill(y, row)
				raw = append(raw, row...)
			}
		}
	}
	return raw
}

// encode returns the file with a picture of rows.
func (f file) encode(raw []byte) []byte {
	ihdr := binary.BigEndian.AppendUint32(nil, uint32(f.w))
	ihdr = binary.BigEndian.AppendUint32(ihdr, uint32(f.h))
	ihdr = append(ihdr, f.depth, f.kind, 0, 0, f.interlaced)
	all := "\x89PNG\r\n\x1a\n" + chunk("IHDR", ihdr)
	for _, c := range f.before {
		all += c
	}
	data := deflate(raw)
	if f.split == 0 {
		f.split = len(data)
	}
	for part := range slices.Chunk(data, f.split) {
		all += chunk("IDAT", part)
	}
	for _, c := range f.after {
		all += c
	}
	return []byte(all + chunk("IEND", nil))
}

// plte returns the chunk PLTE with n colors.
func plte(n int) string {
	var b []byte
	for i := range n {
		b = append(b, byte(i*7), byte(i*31), byte(i*101))
	}
	return chunk("PLTE", b)
}
