package paint

import (
	"image"
	"strings"

	"pickerd/display"
	"pickerd/display/typeface"
)

// menu lays out a menu in the middle, over a dimmed screen.
func (p *Painter) menu(m *display.Menu) List {
	pad := p.px(2.4)
	wide := min(p.px(56), p.safe.Dx()-2*pad)
	c := &column{width: wide, align: typeface.Start}
	title, plain := typeface.Style{Size: p.heading(2.6), Bold: true, Lines: 2}, typeface.Style{Size: p.text(1.7)}
	c.add(p.family, m.Title, title, ink, p.px(1))
	c.add(p.family, m.Text, plain, soft, p.px(1.4))
	for _, f := range m.Facts {
		c.add(p.family, f.Name, typeface.Style{Size: p.text(1.4)}, soft, 0)
		value := plain
		value.LeftToRight = strings.Contains(f.Value, "://")
		c.add(p.family, f.Value, value, ink, p.px(0.8))
	}
	for i, it := range m.Items {
		p.addLine(c, it.Label, i == m.Selected)
	}
	code := p.menuCode(m)
	out := image.Rect(0, 0, wide+2*pad, c.height+2*pad)
	switch {
	case code == nil:
	case p.cfg.H > p.cfg.W: // under the lines
		out.Max.Y += code.height + pad
	default: // beside them
		out.Max.X += code.width + pad
		out.Max.Y = max(out.Max.Y, code.height+2*pad)
	}
	out = out.Add(image.Pt((p.cfg.W-out.Dx())/2, (p.cfg.H-out.Dy())/2))
	whole := image.Rect(0, 0, p.cfg.W, p.cfg.H)
	l := List{box(whole, 0, 0, 180), box(out, p.px(1.2), sheet, 256)}
	at := out.Min.Add(image.Pt(pad, pad))
	if code != nil {
		corner := out.Max.Sub(image.Pt(code.width+pad, code.height+pad))
		if p.cfg.Words.RightToLeft && p.cfg.W > p.cfg.H {
			corner.X = at.X
			at.X += code.width + pad
		}
		l = append(l, code.at(corner)...)
	}
	return append(l, c.at(at)...)
}

// menuCode lays out the code in a menu's corner with its label, nil if there is
// none.
func (p *Painter) menuCode(m *display.Menu) *column {
	if m.QR == "" {
		return nil
	}
	most := p.px(20)
	code := p.menuQR.draw(p, m.QR, func(n int) int { return max(most/n, minModule) })
	if code == nil {
		return nil
	}
	c := &column{width: max(code.W, most), align: typeface.Centre}
	c.addPicture(code, "qr/"+m.QR, p.px(0.8))
	c.add(p.family, m.QRLabel, typeface.Style{Size: p.text(1.4)}, soft, 0)
	return c
}

// addLine appends a menu item.
func (p *Painter) addLine(c *column, s string, selected bool) {
	pad := p.px(0.8)
	style := typeface.Style{Size: p.text(1.8), Bold: selected, Lines: 2}
	b := p.family.Layout(s, style, c.width-2*pad)
	colour, y := uint32(ink), c.height
	if selected {
		colour = onIt
		c.parts = append(c.parts, func(at image.Point) Item {
			return box(image.Rect(at.X, at.Y+y, at.X+c.width, at.Y+y+b.Height+pad), pad, chosen, 256)
		})
	}
	c.parts = append(c.parts, func(at image.Point) Item {
		return text(b, at.Add(image.Pt(pad, y+pad/2)), c.width-2*pad, typeface.Start, colour, styleKey(s, style))
	})
	c.height += b.Height + pad + p.px(0.4)
}
