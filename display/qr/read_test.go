package qr

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/skip2/go-qrcode"
	"rsc.io/qr/coding"
)

func TestReadQR(t *testing.T) {
	texts := []string{"7", "1234567", "007", "HTTP://X.TEST/A-B", "写真", "https://www.google.com/device?user_code=GQVQ-JKEC"}
	for n := 10; n <= MaxBytes; n += 79 {
		texts = append(texts, strings.Repeat("x", n), "https://x.test/"+strings.Repeat("0123456789", n/10)+"/"+strings.Repeat("ABC", n/3))
	}
	for _, text := range texts {
		for _, level := range []qrcode.RecoveryLevel{qrcode.Low, qrcode.Medium, qrcode.High, qrcode.Highest} {
			code, err := qrcode.New(text, level)
			if err != nil {
				continue // it does not fit
			}
			if got, err := Code(code.Bitmap()).Read(); err != nil || got != text {
				t.Fatalf("%q at level %d reads %q, %v", text, level, got, err)
			}
		}
	}
}

// Not one wrong module is overlooked, of any kind.
func TestReadDamagedQR(t *testing.T) {
	const text = "https://www.google.com/device?user_code=GQVQ-JKEC"
	q, err := New(text)
	if err != nil {
		t.Fatal(err)
	}
	for y := range q {
		for x := range q[y] {
			q[y][x] = !q[y][x]
			if got, err := q.Read(); err == nil {
				t.Errorf("with another module at %d,%d it reads %q", x, y, got)
			}
			q[y][x] = !q[y][x]
		}
	}
	for name, bad := range map[string]Code{"nothing": nil, "small": make(Code, 12), "ragged": append(slices.Clone(q[:len(q)-1]), nil)} {
		if _, err := bad.Read(); !errors.Is(err, errNotQR) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadQR(f *testing.F) {
	f.Add([]byte{0x40, 0x14, 0x10}, 1)
	f.Add([]byte{0x10, 0x0c, 0x7b}, 12)
	f.Add([]byte{0x20, 0xff, 0xff, 0x70}, 30)
	f.Fuzz(func(t *testing.T, data []byte, version int) {
		if version < 1 || version > 40 {
			return
		}
		if text, err := segments(data, coding.Version(version)); err == nil && len(text) > 4*len(data) {
			t.Errorf("%d bytes of data say %d bytes of text", len(data), len(text))
		}
	})
}
