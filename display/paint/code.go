package paint

import (
	"errors"
	"fmt"
	"image"
	"log/slog"

	"pickerd/display/pixel"
	"pickerd/display/qr"
)

// A drawnCode is the QR code that was drawn last.
type drawnCode struct {
	text   string
	code   qr.Code
	module int
	image  *pixel.Image // nil if its pixels could not be read back
}

// Sizes of a QR code with its quiet zone.
const (
	codeShare    = 0.675     // of the smaller side of the screen
	minCodeShare = 1.0 / 3.0 // of the height
)

// minModule is the size in pixels that a phone needs at the distance of a sofa.
const minModule = 3

// qr returns the picture of a code. A module has the whole number of pixels nearest to
// a share of the smaller side, or the largest one that fits into room. It returns nil
// if a phone could not read the code.
func (p *Painter) qr(text string, room image.Point, share float64) *pixel.Image {
	return p.code.draw(p, text, func(n int) int {
		least := max((int(minCodeShare*float64(p.cfg.H))+n)/n, minModule)
		module := max(int(share*float64(min(p.cfg.W, p.cfg.H))/float64(n)+0.5), least)
		// The code has priority over words, within the screen.
		return min(module, max(min(room.X, room.Y)/n, least), min(p.safe.Dx(), p.safe.Dy())/n)
	})
}

// draw returns the picture of a code, nil if there is none. size returns the pixels of
// a module for the number of modules in a row.
func (c *drawnCode) draw(p *Painter, text string, size func(n int) int) *pixel.Image {
	if c.text != text {
		code, err := qr.New(text)
		if err != nil {
			p.cfg.Log.Error("the QR code can't be drawn", "err", err)
		}
		*c = drawnCode{text: text, code: code}
	}
	n := len(c.code)
	if n == 0 {
		return nil
	}
	module := size(n)
	if module < 1 {
		return nil
	}
	if c.module != module {
		c.module, c.image = module, drawCode(c.code, module)
		if err := check(c.image, module, text); err != nil {
			p.cfg.Log.Error("the QR code as drawn can't be read, and is not shown", "err", err, slog.Int("module", module))
			c.image = nil
		}
	}
	return c.image
}

// drawCode draws modules of a size in pixels, black on white.
func drawCode(code qr.Code, module int) *pixel.Image {
	m := pixel.New(len(code)*module, len(code)*module)
	m.Fill(m.Bounds(), 0xffffff)
	for y, row := range code {
		for x, dark := range row {
			if dark {
				m.Fill(image.Rect(x*module, y*module, (x+1)*module, (y+1)*module), 0)
			}
		}
	}
	return m
}

// check decodes the pixels of a drawn code.
func check(m *pixel.Image, module int, want string) error {
	code := make(qr.Code, m.H/module)
	for y := range code {
		code[y] = make([]bool, m.W/module)
		for x := range code[y] {
			colour := m.Row(y * module)[x*module] & 0xffffff
			for i := range module * module {
				if m.Row(y*module + i/module)[x*module+i%module]&0xffffff != colour {
					return errors.New("a module of the code has two colours")
				}
			}
			code[y][x] = colour == 0
		}
	}
	got, err := code.Read()
	if err != nil {
		return fmt.Errorf("read the code's pixels: %w", err)
	}
	if got != want {
		return errors.New("the code's pixels say something else")
	}
	return nil
}

// picture returns an item for an image.
func picture(m *pixel.Image, at image.Point, key string) Item {
	return Item{Bounds: m.Bounds().Add(at), Box: m.Bounds().Add(at), Key: key, draw: func(dst *pixel.Image, at image.Point) {
		if at.X < 0 || at.Y < 0 {
			dst.Copy(m.Sub(image.Rectangle{Min: image.Pt(max(-at.X, 0), max(-at.Y, 0)), Max: m.Bounds().Max}), image.Pt(max(at.X, 0), max(at.Y, 0)))
			return
		}
		dst.Copy(m, at)
	}}
}
