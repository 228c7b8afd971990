package qr

import (
	"bytes"
	"errors"
	"fmt"

	"rsc.io/qr/coding"
)

var (
	errNotQR    = errors.New("this is no QR code")
	errDamaged  = errors.New("the QR code is damaged")
	errQRLength = errors.New("the QR code's text has another length than it says")
)

// Read returns the text of a code. It is stricter than a phone: every module has
// to be right, those of the error correction too, so that nothing of that is used
// up before a code is on a screen (ISO/IEC 18004).
func (q Code) Read() (string, error) {
	size := len(q) - 2*QuietZone
	version := coding.Version((size - 17) / 4)
	if version < coding.MinVersion || version > coding.MaxVersion || int(version)*4+17 != size {
		return "", errNotQR
	}
	for y, row := range q {
		if len(row) != len(q) {
			return "", errNotQR
		}
		for x, dark := range row {
			if dark && (min(x, y) < QuietZone || max(x, y) >= QuietZone+size) {
				return "", errNotQR
			}
		}
	}
	at := func(x, y int) bool { return q[QuietZone+y][QuietZone+x] }
	// The format information: two bits of level and three of mask, masked.
	format := 0
	for x := range 5 {
		format = format<<1 | bit(at(x, 8))
	}
	format ^= 0b10101
	plan, err := coding.NewPlan(version, coding.Level(format>>3^1), coding.Mask(format&7))
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNotQR, err)
	}
	all := make([]byte, plan.DataBytes+plan.CheckBytes)
	for y, row := range plan.Pixel {
		for x, p := range row {
			set := at(x, y) != (p&coding.Black != 0)
			switch p.Role() {
			case coding.Data, coding.Check:
				if set {
					all[p.Offset()/8] |= 0x80 >> (p.Offset() % 8)
				}
			default:
				if set {
					return "", errDamaged
				}
			}
		}
	}
	var b coding.Bits
	b.Append(all[:plan.DataBytes])
	b.AddCheckBytes(plan.Version, plan.Level)
	if !bytes.Equal(b.Bytes(), all) {
		return "", errDamaged
	}
	return segments(all[:plan.DataBytes], version)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// Mode indicators (ISO/IEC 18004, table 2).
const (
	modeEnd     = 0
	modeNumeric = 1
	modeAlnum   = 2
	modeBytes   = 4
)

// segments reads the text out of a code's data.
func segments(data []byte, v coding.Version) (string, error) {
	left := len(data) * 8
	next := func(n int) (value int) { // of n bits; those after the end are zero
		for range n {
			at := len(data)*8 - left
			value <<= 1
			if left > 0 {
				value |= int(data[at/8]>>(7-at%8)) & 1
				left--
			}
		}
		return value
	}
	class := bit(v > 9) + bit(v > 26)
	var text []byte
	for left >= 4 {
		mode := next(4)
		counts, ok := map[int][3]int{modeNumeric: {10, 12, 14}, modeAlnum: {9, 11, 13}, modeBytes: {8, 16, 16}}[mode]
		if mode == modeEnd {
			break
		}
		if !ok {
			return "", fmt.Errorf("mode %d: %w", mode, errNotQR)
		}
		n := next(counts[class])
		if bitsOf(mode, n) > left {
			return "", errQRLength
		}
		switch mode {
		case modeBytes:
			for range n {
				text = append(text, byte(next(8)))
			}
		case modeAlnum:
			for ; n > 1; n -= 2 {
				pair := next(11)
				text = append(text, alphanumeric[pair/45%45], alphanumeric[pair%45])
			}
			if n == 1 {
				text = append(text, alphanumeric[next(6)%45])
			}
		case modeNumeric:
			for ; n > 0; n -= 3 {
				digits := min(n, 3)
				text = fmt.Appendf(text, "%0*d", digits, next(1+3*digits))
			}
		}
	}
	return string(text), nil
}

// bitsOf is how many bits n characters take.
func bitsOf(mode, n int) int {
	switch mode {
	case modeBytes:
		return 8 * n
	case modeAlnum:
		return 11*(n/2) + 6*(n%2)
	}
	return 10*(n/3) + [3]int{0, 4, 7}[n%3]
}
