package snapshot

import (
	"compress/flate"
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"
	"io"

	"pickerd/display/pixel"
)

// Writing PNG here costs the binary a tenth of what image/png does, which writes a
// dozen kinds of pictures. See the W3C's "PNG (Third Edition)".

// Color types (11.2.1).
const (
	colorRGB     = 2
	colorIndexed = 3
)

// writePNG writes a picture in the colors of the screen.
func writePNG(out io.Writer, m *pixel.Image) error {
	f := pngFile{out: out}
	f.header(m.W, m.H, 8, colorRGB)
	row, above := make([]byte, 1+3*m.W), make([]byte, 3*m.W)
	return f.pixels(flate.BestSpeed, m.H, func(y int) []byte {
		row[0] = 2 // the difference to the row above (9.2)
		for x, p := range m.Row(y) {
			for i, c := range [3]byte{byte(p >> 16), byte(p >> 8), byte(p)} {
				row[1+3*x+i], above[3*x+i] = c-above[3*x+i], c
			}
		}
		return row
	})
}

// writeGreyPNG writes a picture whose pixels are indexes into a palette, with as few bits
// for each as the palette needs.
func writeGreyPNG(out io.Writer, m greyImage) error {
	bits := 8
	for bits > 1 && m.greys <= 1<<(bits/2) {
		bits /= 2
	}
	f := pngFile{out: out}
	f.header(m.w, m.h, byte(bits), colorIndexed)
	palette := make([]byte, 3*m.greys)
	for i := range palette {
		palette[i] = shade(i/3, m.greys)
	}
	f.chunk("PLTE", palette)
	row := make([]byte, 1+(m.w*bits+7)/8)
	return f.pixels(flate.DefaultCompression, m.h, func(y int) []byte {
		clear(row)
		for x, level := range m.pix[y*m.w:][:m.w] {
			row[1+x*bits/8] |= level << (8 - bits - x*bits%8)
		}
		return row
	})
}

// A pngFile is a file that is written.
type pngFile struct {
	out io.Writer
	err error
}

// header writes the signature and the chunk IHDR.
func (f *pngFile) header(w, h int, bits, color byte) {
	_, f.err = io.WriteString(f.out, "\x89PNG\r\n\x1a\n")
	b := binary.BigEndian.AppendUint32(nil, uint32(w))
	b = binary.BigEndian.AppendUint32(b, uint32(h))
	f.chunk("IHDR", append(b, bits, color, 0, 0, 0))
}

// chunk writes a chunk (5.3).
func (f *pngFile) chunk(name string, data []byte) {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, len(data)+12), uint32(len(data)))
	b = append(append(b, name...), data...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	if f.err == nil {
		_, f.err = f.out.Write(b)
	}
}

// maxChunk is the size of the chunks with pixels, but for the last one.
const maxChunk = 32 << 10

// idat collects bytes for chunks with pixels.
type idat struct {
	*pngFile
	bytes []byte
}

func (d *idat) Write(b []byte) (int, error) {
	if d.bytes = append(d.bytes, b...); len(d.bytes) >= maxChunk {
		d.chunk("IDAT", d.bytes)
		d.bytes = d.bytes[:0]
	}
	return len(b), d.err
}

// pixels writes rows, compressed as RFC 1950 says, and the end of the file.
func (f *pngFile) pixels(level, h int, row func(y int) []byte) error {
	d := &idat{pngFile: f, bytes: []byte{0x78, 0x01}}
	z, err := flate.NewWriter(d, level)
	if err != nil {
		return err
	}
	sum := adler32.New()
	for y := range h {
		b := row(y)
		sum.Write(b)
		if _, err := z.Write(b); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	f.chunk("IDAT", sum.Sum(d.bytes))
	f.chunk("IEND", nil)
	return f.err
}
