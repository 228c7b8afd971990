// Package qr encodes QR codes as modules, to be painted by whatever has pixels, and
// reads them back exactly.
package qr

import (
	"errors"
	"fmt"
	"strings"

	"github.com/skip2/go-qrcode"
)

// MaxBytes is how many bytes a QR code may hold here. It comes to 97 modules,
// which at 720 lines still have three pixels each, what phones need from a
// sofa's distance.
const MaxBytes = 800

// ErrTooLong means a text that no phone would scan from a screen.
var ErrTooLong = errors.New("too long for a QR code that a phone can scan")

// QuietZone is the light border around a QR code, in modules (ISO/IEC 18004).
const QuietZone = 4

// A Code is a QR code as rows of modules, dark ones true, with its quiet zone.
type Code [][]bool

// New encodes text. The error correction is low on purpose: at the same size
// on the screen larger modules decode where more correction fails.
func New(text string) (Code, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("%d bytes: %w", len(text), ErrTooLong)
	}
	code, err := qrcode.New(text, qrcode.Low)
	if err != nil {
		return nil, fmt.Errorf("encode the QR code: %w", err)
	}
	return code.Bitmap(), nil
}

// SVG draws the code, one unit a module, black on white with sharp edges. Runs
// of dark modules in a row become one rectangle, so that no seams show.
func (q Code) SVG() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`,
		len(q), len(q), len(q), len(q))
	for y, row := range q {
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			start := x
			for x < len(row) && row[x] {
				x++
			}
			fmt.Fprintf(&b, "M%d %dh%dv1H%dz", start, y, x-start, start)
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String()
}
