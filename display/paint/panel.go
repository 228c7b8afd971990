package paint

import (
	"image"
	"strconv"
	"strings"
	"time"

	"pickerd/display"
	"pickerd/display/pixel"
	"pickerd/display/typeface"
)

// panel lays out words and code for a screen without a photo. bottom is what
// stands at its lower edge.
func (p *Painter) panel(page display.Page, now time.Time, bottom int) List {
	room := p.safe.Inset(p.px(3))
	room.Max.Y -= bottom
	turn := place(now)
	if page.QR == "" {
		return p.alone(page, now, room, turn)
	}
	if p.cfg.H > p.cfg.W {
		return p.stacked(page, now, room, turn)
	}
	return p.beside(page, now, room, turn)
}

// drift is how far things stand from their usual place, at most a little each
// way, in another place each turn.
func (p *Painter) drift(turn int) image.Point {
	d := p.px(0.45)
	return image.Pt((turn*3%7-3)*d, (turn*2%5-2)*d)
}

// columnGap is how wide the gap between words and code is, in units.
const columnGap = 4

// beside puts the words on one side and the code on the other; the sides change.
func (p *Painter) beside(page display.Page, now time.Time, room image.Rectangle, turn int) List {
	gap := p.px(columnGap)
	codeRoom := image.Pt(room.Dx()*6/10, room.Dy()*8/10)
	code := p.codeColumn(page, now, codeRoom, min(room.Dx()*45/100, p.px(42)))
	wide := min(room.Dx()-code.width-gap, p.px(52))
	words := p.fit(room.Dy(), func(k float64) *column { return p.wordColumn(page, now, wide, k, typeface.Start) })
	left := (room.Dx() - words.width - gap - code.width) / 2
	codeFirst := p.cfg.Words.RightToLeft != (turn%2 == 1)
	x := room.Min.X + left
	wordsAt, codeAt := x, x+words.width+gap
	if codeFirst {
		codeAt, wordsAt = x, x+code.width+gap
	}
	d := p.drift(turn)
	l := words.at(image.Pt(wordsAt, room.Min.Y+(room.Dy()-words.height)/2).Add(d))
	return append(l, code.at(image.Pt(codeAt, room.Min.Y+(room.Dy()-code.height)/2).Add(d))...)
}

// stacked puts the words over the code, or under it.
func (p *Painter) stacked(page display.Page, now time.Time, room image.Rectangle, turn int) List {
	gap := p.px(columnGap)
	code := p.codeColumn(page, now, image.Pt(room.Dx(), room.Dy()*5/10), room.Dx())
	words := p.fit(room.Dy()-code.height-gap, func(k float64) *column { return p.wordColumn(page, now, room.Dx(), k, typeface.Start) })
	y := room.Min.Y + max(room.Dy()-words.height-gap-code.height, 0)/2
	wordsAt, codeAt := y, y+words.height+gap
	if turn%2 == 1 {
		codeAt, wordsAt = y, y+code.height+gap
	}
	d := p.drift(turn)
	l := words.at(image.Pt(room.Min.X, wordsAt).Add(d))
	return append(l, code.at(image.Pt(room.Min.X+(room.Dx()-code.width)/2, codeAt).Add(d))...)
}

// alone puts words in the middle, a little higher or lower each turn.
func (p *Painter) alone(page display.Page, now time.Time, room image.Rectangle, turn int) List {
	wide := min(room.Dx(), p.px(70))
	words := p.fit(room.Dy(), func(k float64) *column { return p.wordColumn(page, now, wide, k, typeface.Centre) })
	spare := max(room.Dy()-words.height, 0)
	y := room.Min.Y + spare*(1+turn*2%5)/6
	side := max(room.Dx()-wide, 0) / 4
	x := room.Min.X + (room.Dx()-words.width)/2 + (turn*3%5-2)*side/2
	return words.at(image.Pt(x, y))
}

// fit makes a column smaller until it is no higher than room.
func (p *Painter) fit(room int, lay func(k float64) *column) *column {
	for k := 1.0; ; k *= 0.94 {
		if c := lay(k); c.height <= room || k < 0.45 {
			return c
		}
	}
}

// A column is things one under the other.
type column struct {
	width, height int
	align         typeface.Align
	parts         []func(at image.Point) Item
}

func (c *column) at(p image.Point) List {
	l := make(List, 0, len(c.parts))
	for _, part := range c.parts {
		l = append(l, part(p))
	}
	return l
}

// add appends a text and the room under it.
func (c *column) add(f *typeface.Family, s string, style typeface.Style, colour uint32, under int) {
	if s == "" {
		return
	}
	b := f.Layout(s, style, c.width)
	y := c.height
	c.parts = append(c.parts, func(at image.Point) Item {
		return text(b, at.Add(image.Pt(0, y)), c.width, c.align, colour, styleKey(s, style))
	})
	c.height += b.Height + under
}

func (c *column) addPicture(m *pixel.Image, key string, under int) {
	y, x := c.height, (c.width-m.W)/2
	c.parts = append(c.parts, func(at image.Point) Item { return picture(m, at.Add(image.Pt(x, y)), key) })
	c.height += m.H + under
}

// wordColumn lays out the words of a page, k times as large as usual.
func (p *Painter) wordColumn(page display.Page, now time.Time, width int, k float64, align typeface.Align) *column {
	c := &column{width: width, align: align}
	size := func(n float64) float64 { return n * p.u * k }
	px := func(n float64) int { return p.px(n * k) }
	if !strings.Contains(page.Title, page.Device) {
		c.add(p.family, page.Device, typeface.Style{Size: size(1.6), Lines: 1}, accent, px(0.9))
	}
	c.add(p.family, page.Title, typeface.Style{Size: size(3.9), Bold: true, Lines: 4}, ink, px(1.5))
	c.add(p.family, page.Text, typeface.Style{Size: size(2)}, ink, px(1.6))
	p.addSteps(c, page.Steps, typeface.Style{Size: size(2)}, px(0.9))
	c.add(p.family, page.Hint, typeface.Style{Size: size(1.6)}, soft, px(0.9))
	c.add(p.family, page.Account, typeface.Style{Size: size(1.6), Lines: 1}, soft, px(0.9))
	if page.Problem == "" {
		c.add(p.family, p.again(page.RetryAt, now), typeface.Style{Size: size(1.6)}, soft, 0)
	}
	return c
}

// addSteps appends steps with their numbers before them. In the middle of a
// screen they stand together.
func (p *Painter) addSteps(c *column, steps []string, style typeface.Style, under int) {
	indent := int(1.7 * style.Size)
	number := style
	number.Bold = true
	blocks := make([]*typeface.Block, len(steps))
	wide := 0
	for i, s := range steps {
		blocks[i] = p.family.Layout(s, style, c.width-indent)
		wide = max(wide, blocks[i].Width)
	}
	left := 0
	if c.align == typeface.Centre {
		left = (c.width - indent - wide) / 2
	} else {
		wide = c.width - indent
	}
	numberX, textX := left, left+indent
	if p.cfg.Words.RightToLeft {
		numberX, textX = left+wide, left
	}
	for i, b := range blocks {
		y := c.height
		digit := p.cfg.Words.Digits(strconv.Itoa(i+1)) + "."
		nb := p.family.Layout(digit, number, indent)
		c.parts = append(c.parts,
			func(at image.Point) Item {
				return text(nb, at.Add(image.Pt(numberX, y)), indent, typeface.Start, accent, styleKey(digit, number))
			},
			func(at image.Point) Item {
				return text(b, at.Add(image.Pt(textX, y)), wide, typeface.Start, ink, styleKey(steps[i], style))
			})
		c.height += b.Height + under
	}
	if len(steps) > 0 {
		c.height += under * 2 / 3
	}
}

// codeColumn lays out the QR code and what can be typed instead.
func (p *Painter) codeColumn(page display.Page, now time.Time, room image.Point, most int) *column {
	w := p.cfg.Words
	c := &column{align: typeface.Centre}
	typed := p.px(7)
	if page.Code != "" {
		typed += p.px(9)
	}
	m := p.qr(page.QR, image.Pt(min(room.X, most), min(room.Y, max(room.Y-typed+p.px(8), room.Y*7/10))))
	c.width = most
	if m != nil {
		c.width = max(m.W, min(most, p.px(30)))
		c.addPicture(m, "qr/"+page.QR, p.px(1))
	} else {
		c.add(p.family, w.Say("screen.no_qr"), typeface.Style{Size: 2 * p.u}, ink, p.px(1.5))
	}
	small := typeface.Style{Size: 1.5 * p.u}
	if page.Link != "" {
		link := typeface.Style{Size: 1.6 * p.u, Bold: true, LeftToRight: true, Lines: 3}
		if page.Code == "" { // nobody types this one
			link.Size, link.Bold = 1.25*p.u, false
		}
		c.add(p.family, w.Say("screen.or_open"), small, soft, 0)
		c.add(p.family, page.Link, link, ink, p.px(0.5))
	}
	if page.Code != "" {
		c.add(p.family, w.Say("screen.and_enter"), small, soft, 0)
		c.add(p.family, page.Code, typeface.Style{Size: 3.6 * p.u, Bold: true, LeftToRight: true, Spacing: 0.06, Lines: 1}, ink, p.px(0.3))
	}
	if left := page.Until.Sub(now); !page.Until.IsZero() && left < 6*time.Hour {
		c.add(p.family, w.Say("screen.good_for", "time", w.Countdown(left)), small, soft, 0)
	}
	return c
}

// again says when something is tried again.
func (p *Painter) again(at, now time.Time) string {
	left := at.Sub(now)
	switch s := int(left.Round(time.Second) / time.Second); {
	case at.IsZero() || s < 1:
		return ""
	case s >= 90:
		return p.cfg.Words.Say("screen.retry_minutes", "n", (s+30)/60)
	default:
		return p.cfg.Words.Say("screen.retry_seconds", "n", s)
	}
}
