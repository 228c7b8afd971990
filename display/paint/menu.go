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
	code := p.menuCode(m)
	if m.Columns > 0 {
		p.addKeypad(c, m)
	} else {
		most := p.safe.Dy() - 2*pad
		if code != nil && p.cfg.H > p.cfg.W {
			most -= code.height + pad
		}
		p.addLines(c, m, most)
	}
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

// addLines appends the items of a menu. Of more than have room in a column of a height, it
// appends those around the selected one, and a bar that shows which they are.
func (p *Painter) addLines(c *column, m *display.Menu, most int) {
	all, heights := 0, make([]int, len(m.Items))
	for i, it := range m.Items {
		var line column
		line.width = c.width
		p.addLine(&line, it.Label, i == m.Selected)
		heights[i] = line.height
		all += line.height
	}
	from, to, spare := 0, len(m.Items), most-c.height
	if all > spare {
		from = min(max(m.Selected, 0), len(m.Items)-1)
		to = from + 1
		for left := spare - heights[from]; ; {
			below, above := to < len(heights) && heights[to] <= left, from > 0 && heights[from-1] <= left
			switch {
			case below && (!above || to-m.Selected <= m.Selected-from):
				left -= heights[to]
				to++
				continue
			case above:
				from--
				left -= heights[from]
				continue
			}
			break
		}
	}
	top := c.height
	for i := from; i < to; i++ {
		p.addLine(c, m.Items[i].Label, i == m.Selected)
	}
	if n := len(m.Items); to-from < n {
		high := c.height - top
		bar := image.Rect(0, top+high*from/n, max(p.px(0.4), 2), top+high*to/n).Add(image.Pt(c.width+p.px(0.6), 0))
		if p.cfg.Words.RightToLeft {
			bar = bar.Sub(image.Pt(c.width+2*p.px(0.6)+bar.Dx(), 0))
		}
		c.parts = append(c.parts, func(at image.Point) Item { return box(bar.Add(at), bar.Dx()/2, soft, 256) })
	}
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

// addKeypad appends the items of a menu as keys in columns, from the left in every
// language.
func (p *Painter) addKeypad(c *column, m *display.Menu) {
	gap := p.px(0.5)
	whole, pad := min(c.width, p.px(34)), p.px(0.8)
	left, width := (c.width-whole)/2, (whole-(m.Columns-1)*gap)/m.Columns
	for i := 0; i < len(m.Items); i += m.Columns {
		row, tallest := c.height, 0
		for j := i; j < min(i+m.Columns, len(m.Items)); j++ {
			tallest = max(tallest, p.addKey(c, m.Items[j].Label, j == m.Selected, image.Pt(left+(j-i)*(width+gap), row), width, pad))
		}
		c.height += tallest + gap
	}
}

// addKey puts a key of a keypad at a place of the column and returns its height.
func (p *Painter) addKey(c *column, s string, selected bool, at image.Point, width, pad int) (height int) {
	style := typeface.Style{Size: p.text(1.8), Bold: selected, Lines: 1}
	b := p.family.Layout(s, style, width-pad)
	height = b.Height + pad
	colour, back, opaque := uint32(ink), uint32(ink), uint32(20)
	if selected {
		colour, back, opaque = onIt, chosen, 256
	}
	c.parts = append(c.parts, func(from image.Point) Item {
		r := image.Rect(at.X, at.Y, at.X+width, at.Y+height).Add(from)
		return box(r, pad, back, opaque)
	}, func(from image.Point) Item {
		return text(b, from.Add(at).Add(image.Pt(pad/2, pad/2)), width-pad, typeface.Centre, colour, styleKey(s, style))
	})
	return height
}
