package photo

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"runtime/debug"

	"pickerd/display/pixel"
)

// jpegQuality is the quality of scaled JPEGs, from 1 to 100.
const jpegQuality = 85

// ScaledJPEG decodes a photo, or the still of a video, and returns it as an upright
// JPEG of at most w by h pixels. It does not enlarge. Its errors are those of
// Decode.
func ScaledJPEG(r io.ReaderAt, size int64, w, h int) ([]byte, error) {
	p, err := Decode(r, size)
	if err != nil {
		return nil, err
	}
	scale := min(float64(w)/float64(p.W), float64(h)/float64(p.H), 1)
	m := pixel.New(max(int(float64(p.W)*scale+.5), 1), max(int(float64(p.H)*scale+.5), 1))
	p.Draw(m, 0)
	out := image.NewRGBA(m.Bounds()) // the encoder is fast for this type
	for y := range m.H {
		row := out.Pix[y*out.Stride:]
		for x, c := range m.Row(y) {
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = byte(c>>16), byte(c>>8), byte(c), 255
		}
	}
	var b bytes.Buffer
	err = jpeg.Encode(&b, out, &jpeg.Options{Quality: jpegQuality})
	debug.FreeOSMemory() // decoding takes many times the memory of the result
	return b.Bytes(), err
}
