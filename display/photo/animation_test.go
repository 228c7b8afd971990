package photo_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"strings"
	"testing"

	"pickerd/display/photo"
	"pickerd/display/pixel"
)

// framesOf returns what the pixels of each frame of a small animation are: a letter for
// each color, and a point for the ground.
func framesOf(t *testing.T, data []byte) string {
	t.Helper()
	p, err := photo.Decode(t.Context(), bytes.NewReader(data), int64(len(data)), photo.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	names := map[uint32]string{0xff0000: "r", 0x00ff00: "g", 0x0000ff: "b", photo.Ground: "."}
	var all []string
	for i := range p.Frames() {
		m := pixel.New(p.W, p.H)
		p.Draw(m, i)
		frame := ""
		for _, c := range m.Pix {
			frame += names[c]
		}
		all = append(all, frame)
	}
	return strings.Join(all, " ")
}

// An area is one color of a part of a row of pixels.
type area struct {
	from, to int
	color    color.NRGBA
	dispose  byte
	over     bool
}

var (
	pureRed, pureGreen, pureBlue = color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 255, 0, 255}, color.NRGBA{0, 0, 255, 255}
	clear0                       = color.NRGBA{}
)

// apng returns an animation of areas, the first of which is whole.
func apng(w int, areas []area) []byte {
	all := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(binary.BigEndian.AppendUint64(nil, uint64(w)<<32|1), 8, 6, 0, 0, 0)...)...)
	all = append(all, pngChunk("acTL", 0, 0, 0, byte(len(areas)), 0, 0, 0, 0)...)
	number := byte(0) // of chunks
	for i, a := range areas {
		over := byte(0)
		if a.over {
			over = 1
		}
		all = append(all, pngChunk("fcTL", 0, 0, 0, number, 0, 0, 0, byte(a.to-a.from), 0, 0, 0, 1, 0, 0, 0, byte(a.from), 0, 0, 0, 0, 0, 1, 0, 10, a.dispose, over)...)
		number++
		var b bytes.Buffer
		z := zlib.NewWriter(&b)
		_, _ = z.Write([]byte{0})
		for range a.to - a.from {
			_, _ = z.Write([]byte{a.color.R, a.color.G, a.color.B, a.color.A})
		}
		_ = z.Close()
		if i == 0 {
			all = append(all, pngChunk("IDAT", b.Bytes()...)...)
		} else {
			all = append(all, pngChunk("fdAT", append([]byte{0, 0, 0, number}, b.Bytes()...)...)...)
			number++
		}
	}
	return append(all, pngChunk("IEND")...)
}

// TestDisposal checks what frames leave behind: all, nothing, what was there before.
func TestDisposal(t *testing.T) {
	areas := []area{{0, 5, pureRed, 0, false}, {1, 3, pureBlue, 2, true}, {3, 4, pureGreen, 1, true}, {0, 1, pureBlue, 0, true}, {4, 5, clear0, 0, true}}
	if got, want := framesOf(t, apng(5, areas)), "rrrrr rbbrr rrrgr brr.r brr.r"; got != want {
		t.Errorf("PNG: %s, want %s", got, want)
	}
	areas[4].over = false
	if got, want := framesOf(t, apng(5, areas)), "rrrrr rbbrr rrrgr brr.r brr.."; got != want {
		t.Errorf("PNG: %s, want %s", got, want)
	}
	var g gif.GIF
	for _, a := range areas {
		m := image.NewPaletted(image.Rect(a.from, 0, a.to, 1), color.Palette{a.color, pureRed})
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, 10)
		g.Disposal = append(g.Disposal, []byte{gif.DisposalNone, gif.DisposalBackground, gif.DisposalPrevious}[a.dispose])
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	if got, want := framesOf(t, b.Bytes()), "rrrrr rbbrr rrrgr brr.r brr.r"; got != want {
		t.Errorf("GIF: %s, want %s", got, want)
	}
}
