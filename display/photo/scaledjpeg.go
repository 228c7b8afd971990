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
)

// jpegQuality is the quality of scaled JPEGs, from 1 to 100.
const jpegQuality = 85

// maxCopyPixels bounds the pixels of a scaled JPEG. It takes three bytes for each
// before it is encoded, beside the maxDecoded bytes of the photo.
const maxCopyPixels = 25e6

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
	var b bytes.Buffer
	err = jpeg.Encode(&b, m, &jpeg.Options{Quality: jpegQuality})
	return b.Bytes(), err
}

// scaledYCbCr returns the photo in the colors of a JPEG.
func scaledYCbCr(ctx context.Context, r io.ReaderAt, size int64, w, h int) (*image.YCbCr, error) {
	p, err := Decode(endingReader{ctx, r}, size)
	if err != nil {
		return nil, err
	}
	out := image.NewYCbCr(image.Rectangle{Max: copySize(p.W, p.H, w, h)}, image.YCbCrSubsampleRatio444)
	src, o := p.img, p.orientation
	if src == nil {
		src, o = p.frames[0], upright
	}
	sw, sh := o.size(out.Rect.Dx(), out.Rect.Dy())
	scaleRows(sw, sh, src, src.Bounds(), func(y int, sum []int32) bool {
		i := out.YOffset(o.turn(0, y, sw, sh))
		step := out.YOffset(o.turn(1, y, sw, sh)) - i
		for x := range sw {
			s := sum[3*x : 3*x+3]
			out.Y[i], out.Cb[i], out.Cr[i] = color.RGBToYCbCr(uint8(clamp(s[0])), uint8(clamp(s[1])), uint8(clamp(s[2])))
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

// An endingReader fails when its context ends.
type endingReader struct {
	ctx context.Context
	r   io.ReaderAt
}

// ReadAt implements io.ReaderAt.
func (e endingReader) ReadAt(b []byte, at int64) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.r.ReadAt(b, at)
}
