package photo

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"runtime/debug"

	"pickerd/display/photo/icc"
)

// jpegQuality is the quality of scaled JPEGs, from 1 to 100.
const jpegQuality = 85

// maxCopyPixels bounds the pixels of a scaled JPEG. It takes three bytes for each
// before it is encoded, no more than a large screen takes for its scene.
const maxCopyPixels = 22e6

// ScaledJPEG decodes a photo, or the still of a video, and returns it as an upright
// JPEG of at most w by h and at most maxCopyPixels pixels. It does not enlarge. Its
// errors are those of Decode, and ctx's, which ends it between two reads or rows.
func ScaledJPEG(ctx context.Context, r io.ReaderAt, size int64, w, h int) ([]byte, error) {
	defer debug.FreeOSMemory() // decoding takes many times the memory of the result
	m, err := scaledYCbCr(ctx, r, size, w, h)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	var b tagged
	err = jpeg.Encode(&b, m, &jpeg.Options{Quality: jpegQuality})
	return b.Bytes(), err
}

// tagged is a JPEG file that says that its colors are those of sRGB, in a segment
// APP2 after the two bytes of its start.
type tagged struct{ bytes.Buffer }

// Write implements io.Writer.
func (t *tagged) Write(b []byte) (int, error) {
	if t.Len() > 0 || len(b) < 2 {
		return t.Buffer.Write(b)
	}
	segment := append([]byte("ICC_PROFILE\x00\x01\x01"), icc.SRGB...)
	t.Buffer.Write(append(b[:2:2], 0xff, 0xe2, byte((len(segment)+2)>>8), byte(len(segment)+2)))
	t.Buffer.Write(segment)
	n, err := t.Buffer.Write(b[2:])
	return 2 + n, err
}

// scaledYCbCr returns the photo in the colors of a JPEG.
func scaledYCbCr(ctx context.Context, r io.ReaderAt, size int64, w, h int) (*image.YCbCr, error) {
	p, err := Decode(ctx, r, size, Limit{W: w, H: h, Still: true})
	if err != nil {
		return nil, err
	}
	out := image.NewYCbCr(image.Rectangle{Max: copySize(p.W, p.H, w, h)}, image.YCbCrSubsampleRatio444)
	src, o := p.source(0), p.orientation
	sw, sh := o.size(out.Rect.Dx(), out.Rect.Dy())
	row := make([]uint32, sw)
	scaleRows(sw, sh, src, src.Bounds(), p.ground(), func(y int, sum []int32) bool {
		i := out.YOffset(o.turn(0, y, sw, sh))
		step := out.YOffset(o.turn(1, y, sw, sh)) - i
		pack(row, sum)
		p.colors.Convert(row)
		for _, c := range row {
			out.Y[i], out.Cb[i], out.Cr[i] = color.RGBToYCbCr(uint8(c>>16), uint8(c>>8), uint8(c))
			i += step
		}
		return ctx.Err() == nil
	})
	return out, nil
}

// copySize returns the size of a copy of at most w by h pixels of a photo of pw by ph.
func copySize(pw, ph, w, h int) image.Point {
	fw, fh := float64(pw), float64(ph)
	scale := min(float64(w)/fw, float64(h)/fh, math.Sqrt(maxCopyPixels/(fw*fh)), 1)
	return image.Pt(max(int(fw*scale+.5), 1), max(int(fh*scale+.5), 1))
}
