// Package jpeg decodes JPEG files (ITU-T T.81) as tolerantly as browsers do, within a
// bound of memory, and at a fraction of their size where that is all that is needed.
// It reads baseline, extended and progressive files of 8 bits, with Huffman or
// arithmetic coding and any sampling. It differs from image/jpeg in what damage it
// survives: like libjpeg it shows what it can.
package jpeg

import (
	"errors"
	"fmt"
	"image"
	"io"
)

var (
	// ErrFormat means that a file is not a JPEG file, or too damaged to show any of it.
	ErrFormat = errors.New("not a readable JPEG file")
	// ErrUnsupported means that no browser shows this kind of JPEG file, such as one
	// with 12 bits or a lossless one. It wraps ErrFormat.
	ErrUnsupported = fmt.Errorf("%w: unsupported kind", ErrFormat)
	// ErrTooLarge means that decoding would take more than Options.MaxBytes even at an
	// eighth of the size.
	ErrTooLarge = errors.New("JPEG file too large to decode")
	// ErrIncomplete comes with an image whose missing or damaged parts are gray.
	ErrIncomplete = errors.New("JPEG file incomplete")
)

// maxBytes is the default of Options.MaxBytes.
const maxBytes = 180e6

// maxWork and maxPasses bound the blocks that are decoded, in all scans together: a
// scan of 27 bytes can visit each block of an image. maxPasses is per block of the
// image. Real files need up to about 20 passes; arithmetic coding counts each
// coefficient too.
const (
	maxWork   = 200e6
	maxPasses = 100
)

// Options say how to decode.
type Options struct {
	// W and H are the pixels needed. The image is decoded at a half, a quarter or an
	// eighth of its size if it still has at least as many in both directions. 0 means
	// all.
	W, H int
	// MaxBytes bounds the memory for the decoded image and its coefficients. 0 means
	// 180 MB, and less than 0 none. An image is decoded at a fraction of its size
	// rather than exceeding it.
	MaxBytes int
	// Work, if not nil, is set to the number of blocks that were decoded, of all
	// components and scans.
	Work *int
}

// Decode decodes a JPEG file. The result is an *image.YCbCr, *image.Gray or *Planes.
// Its bounds are smaller than the size in the file if that serves opt. An image and
// an error that wraps ErrIncomplete are returned for a file of which parts are
// missing, or may be missing since a progressive file does not end with EOI. Other
// errors wrap ErrFormat or ErrTooLarge, or are those of r.
func Decode(r io.Reader, opt Options) (image.Image, error) {
	d := newDecoder(r)
	err := d.segments(func() error {
		d.maxWork = int(min(maxPasses*d.frame.blocks(), maxWork))
		return d.frame.scale(opt)
	})
	if opt.Work != nil {
		*opt.Work = d.work
	}
	if d.source.err != nil && d.source.err != io.EOF {
		return nil, d.source.err
	}
	if !d.scanned {
		if err == nil {
			err = fmt.Errorf("%w: no image data", ErrFormat)
		}
		return nil, err
	}
	if d.frame.progressive {
		d.frame.transform(&d.block)
	}
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrIncomplete, err)
	case d.missing:
		err = ErrIncomplete
	}
	return d.frame.image(), err
}

// Header is what the headers of a JPEG file say.
type Header struct {
	W, H        int
	Components  int
	Progressive bool
	Arithmetic  bool
}

// errHeader ends parsing after the frame header.
var errHeader = errors.New("header read")

// DecodeHeader returns what the headers say. Its errors wrap ErrFormat, or are those
// of r.
func DecodeHeader(r io.Reader) (Header, error) {
	d := newDecoder(r)
	err := d.segments(func() error { return errHeader })
	f := &d.frame
	switch {
	case err == errHeader:
		return Header{W: f.w, H: f.h, Components: len(f.comps), Progressive: f.progressive, Arithmetic: f.arithmetic}, nil
	case d.source.err != nil && d.source.err != io.EOF:
		return Header{}, d.source.err
	case err == nil:
		err = fmt.Errorf("%w: no frame header", ErrFormat)
	}
	return Header{}, err
}
