package photo

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"runtime/debug"

	"pickerd/display/pixel"
)

// copyQuality is of scaled copies.
const copyQuality = 85

// ScaledJPEG returns a JPEG of a picture, or of a video's still, upright and no larger
// than w by h; it is never enlarged. Its errors are Decode's.
func ScaledJPEG(r io.ReaderAt, size int64, w, h int) ([]byte, error) {
	p, err := Decode(r, size)
	if err != nil {
		return nil, err
	}
	by := min(float64(w)/float64(p.W), float64(h)/float64(p.H), 1)
	m := pixel.New(max(int(float64(p.W)*by+.5), 1), max(int(float64(p.H)*by+.5), 1))
	p.Draw(m, 0)
	out := image.NewRGBA(m.Bounds()) // which the encoder knows a fast way for
	for y := range m.H {
		row := out.Pix[y*out.Stride:]
		for x, c := range m.Row(y) {
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = byte(c>>16), byte(c>>8), byte(c), 255
		}
	}
	var b bytes.Buffer
	err = jpeg.Encode(&b, out, &jpeg.Options{Quality: copyQuality})
	debug.FreeOSMemory() // decoding took many times what stays
	return b.Bytes(), err
}
