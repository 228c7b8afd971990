package qr

import (
	"errors"
	"strings"
	"testing"
)

func TestQR(t *testing.T) {
	for _, n := range []int{1, 40, 120, MaxBytes} {
		q, err := New(strings.Repeat("x", n))
		if err != nil {
			t.Fatal(err)
		}
		for i := range QuietZone {
			for j := range q {
				if q[i][j] || q[j][i] || q[len(q)-1-i][j] || q[j][len(q)-1-i] {
					t.Fatal("the quiet zone is not light")
				}
			}
		}
		if !q[QuietZone][QuietZone] {
			t.Error("no finder pattern where the quiet zone ends")
		}
		if len(q)*3 > 720*54/100 {
			t.Errorf("%d modules have less than three pixels each at 720 lines", len(q))
		}
		dark := 0
		for _, row := range q {
			for _, d := range row {
				if d {
					dark++
				}
			}
		}
		if drawn := area(q.SVG()); drawn != dark {
			t.Errorf("the SVG has %d dark modules, the code %d", drawn, dark)
		}
	}
	if _, err := New(strings.Repeat("x", MaxBytes+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
}

// area sums the widths of the runs in an SVG's second path.
func area(svg string) (n int) {
	_, path, _ := strings.Cut(svg, `"/><path d="`)
	for _, run := range strings.Split(path, "h")[1:] {
		w := 0
		for _, c := range run {
			if c < '0' || c > '9' {
				break
			}
			w = w*10 + int(c-'0')
		}
		n += w
	}
	return n
}

func BenchmarkQR(b *testing.B) {
	text := "https://photos.google.com/picker/" + strings.Repeat("x", 87)
	for b.Loop() {
		if _, err := New(text); err != nil {
			b.Fatal(err)
		}
	}
}
