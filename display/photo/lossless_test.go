package photo_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"pickerd/display/photo"
)

// redWebP returns a lossless file of one color.
func redWebP(w, h int) []byte {
	data := []byte("RIFF\x1c\x00\x00\x00WEBPVP8L\x0f\x00\x00\x00/\x00\x00\x00\x00\x07\x10\xfd\x8f\xfe\x07\x22\xa2\xff\x01\x00")
	bits := uint32(w-1) | uint32(h-1)<<14
	for i := range 4 {
		data[21+i] |= byte(bits >> (8 * i))
	}
	return data
}

// TestLosslessMemory checks which sizes of lossless pictures are decoded for a screen,
// and the bytes that they allocate.
func TestLosslessMemory(t *testing.T) {
	small, large := photo.Limit{W: 1920, H: 1080}, photo.Limit{W: 3840, H: 2160}
	for _, tt := range []struct {
		w, h  int
		limit photo.Limit
		want  error
	}{
		{4000, 3000, small, nil},
		{5000, 4000, small, photo.ErrTooLarge},
		{6000, 4000, large, nil},
		{7000, 5000, large, photo.ErrTooLarge},
		{16384, 16384, large, photo.ErrTooLarge},
	} {
		data := redWebP(tt.w, tt.h)
		var p *photo.Photo
		var err error
		used := allocated(func() { p, err = photo.Decode(t.Context(), bytes.NewReader(data), int64(len(data)), tt.limit) })
		if !errors.Is(err, tt.want) || err == nil && (p.W != tt.w || p.H != tt.h || p.Torn) {
			t.Errorf("%d by %d: %v, %v", tt.w, tt.h, p, err)
		}
		if used > uint64(tt.limit.Bytes()) || tt.want != nil && used > 1e6 {
			t.Errorf("%d by %d: %d bytes were allocated", tt.w, tt.h, used)
		}
	}
}

// endsLater is a context that ends while pixels are decoded.
type endsLater struct {
	context.Context
	asked int
}

// Err implements context.Context.
func (c *endsLater) Err() error {
	if c.asked++; c.asked > 300 {
		return context.Canceled
	}
	return nil
}

// TestLosslessCanceled checks that decoding ends with its context though nothing is
// left to read.
func TestLosslessCanceled(t *testing.T) {
	data := redWebP(100, 400)
	ctx := &endsLater{Context: t.Context()}
	if _, err := photo.Decode(ctx, bytes.NewReader(data), int64(len(data)), photo.Limit{}); !errors.Is(err, context.Canceled) || errors.Is(err, photo.ErrFormat) {
		t.Error(err)
	}
	if ctx.asked > 310 {
		t.Errorf("the context was asked %d times", ctx.asked)
	}
}
