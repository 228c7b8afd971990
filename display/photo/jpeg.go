package photo

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"

	"pickerd/display/photo/jpeg"
)

// decodeJPEG decodes a JPEG, at a fraction of its size where that has enough pixels
// for l, or where more would take too much memory.
func decodeJPEG(ctx context.Context, r *io.SectionReader, l Limit) (*Photo, error) {
	var h jpeg.Header
	p, err := decodeStill(ctx, r, l, func(_ context.Context, r *io.SectionReader, l Limit) (m image.Image, err error) {
		if h, err = jpeg.DecodeHeader(r); err != nil {
			return nil, err
		}
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		o := orientationOf(r, r.Size())
		opt := jpeg.Options{MaxBytes: int(l.Bytes())}
		opt.W, opt.H = o.size(l.needs(o.size(h.W, h.H)))
		m, err = jpeg.Decode(r, opt)
		if errors.Is(err, jpeg.ErrTooLarge) {
			err = fmt.Errorf("%w: %w", ErrTooLarge, err)
		}
		return m, err
	})
	if p != nil {
		p.W, p.H = p.orientation.size(h.W, h.H)
	}
	return p, err
}
