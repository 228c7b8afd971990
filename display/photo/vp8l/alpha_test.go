package vp8l_test

import (
	"bytes"
	"errors"
	"testing"

	"pickerd/display/photo/vp8l"
)

// filtered returns opacity after a filter (RFC 9649, 2.7.1.2).
func filtered(alpha []byte, w int, filter byte) []byte {
	out := make([]byte, len(alpha))
	for i := range alpha {
		left, above, corner := 0, 0, 0
		if x := i % w; x > 0 {
			left = int(alpha[i-1])
		}
		if i >= w {
			above = int(alpha[i-w])
		}
		if i%w > 0 && i >= w {
			corner = int(alpha[i-w-1])
		}
		predicted := []int{0, left, above, min(max(left+above-corner, 0), 255)}[filter]
		switch {
		case filter > 0 && i < w:
			predicted = left
		case filter > 0 && i%w == 0:
			predicted = above
		}
		out[i] = alpha[i] - byte(predicted)
	}
	return out
}

// TestAlpha decodes opacity with each filter, as it is and coded, and cut off.
func TestAlpha(t *testing.T) {
	const w, h = 19, 13
	want := make([]byte, w*h)
	for i := range want {
		want[i] = byte(i*i*7 + i%w*31)
	}
	for filter := range byte(4) {
		raw := filtered(want, w, filter)
		var s stream // without a header, and only green is coded
		s.put(0, 3).flat(8).fixed(1).fixed(2).fixed(3).fixed(0)
		for _, v := range raw {
			s.symbol(int(v), 8)
		}
		for compression, data := range [][]byte{raw, s.b} {
			data = append([]byte{filter<<2 | byte(compression)}, data...)
			got, err := vp8l.DecodeAlpha(t.Context(), bytes.NewReader(data), w, h, 1<<20)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("filter %d, compression %d: %v", filter, compression, err)
			}
			if got, err := vp8l.DecodeAlpha(t.Context(), bytes.NewReader(data[:len(data)-9]), w, h, 1<<20); got != nil || !errors.Is(err, vp8l.ErrFormat) {
				t.Errorf("filter %d, compression %d, cut off: %v", filter, compression, err)
			}
			if got, err := vp8l.DecodeAlpha(t.Context(), bytes.NewReader(data), w, h, w*h-1); got != nil || !errors.Is(err, vp8l.ErrTooLarge) {
				t.Errorf("filter %d, compression %d, in little memory: %v", filter, compression, err)
			}
		}
	}
	for _, data := range []string{"", "\x02", "\x03"} {
		if got, err := vp8l.DecodeAlpha(t.Context(), bytes.NewReader([]byte(data)), w, h, 1<<20); got != nil || !errors.Is(err, vp8l.ErrFormat) {
			t.Errorf("%q: %v", data, err)
		}
	}
}
