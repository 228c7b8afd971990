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

// panel lays out words and code for a screen without a photo. bottom is the height of
// the bars at the lower edge. ok is false if they have no room above these.
func (p *Painter) panel(page display.Page, now time.Time, bottom int) (l List, ok bool) {
	room := p.stage(page)
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

// drift is the offset of things from their usual place, at most 1.5 units to a side
// and 1.2 up or down. The words are on each side of the screen every second turn.
// Between such turns they move by several stroke widths, so that other pixels are
// bright.
//
// spare is the room below them, negative if there is too little. Where it is too small
// for the way down, all their places are higher, so that they do not reach the bars.
func (p *Painter) drift(turn, spare int) image.Point {
	i := turn / 2
	up := max(2*p.px(0.6)-p.px(barGap)-max(spare, -p.px(1)), 0)
	return image.Pt((i*3%7-3)*p.px(0.5), (i*2%5-2)*p.px(0.6)-up)
}

// columnGap is the gap between words and code, in units. blockGap is the smallest gap
// between words and what can be typed.
const (
	columnGap = 4
	blockGap  = 1.2
)

// An attempt is a way to make words fit: they shrink from one size to another, and the
// hint may be omitted.
type attempt struct {
	from, to float64
	yields   bool // words may be higher than the code, or a code over them smaller
	tight    bool
	share    float64 // of the code
}

// attempts are in the order in which they are tried.
func attempts(yielding float64) []attempt {
	return []attempt{
		{1, 0.8, false, false, codeShare},
		{yielding, 0.6, true, false, codeShare},
		{1, 0.6, true, true, codeShare},
		{0.8, 0.45, true, true, codeShare * 0.75},
	}
}

// beside puts the words on one side and the code on the other. The sides alternate.
// The words are aligned with the top of the code, and what can be typed with its
// bottom.
func (p *Painter) beside(page display.Page, now time.Time, room image.Rectangle, turn int) (l List, ok bool) {
	gap := p.px(columnGap)
	var words, typed, code *column
	var wide int
	fits := func() bool {
		for _, a := range attempts(1) {
			code = p.codeColumn(page, image.Pt(room.Dx()*2/3-gap, room.Dy()), a.share)
			wide = room.Dx() - code.width - gap
			limit := room.Dy()
			if !a.yields {
				limit = min(limit, code.height)
			}
			for k := a.from; k > a.to; k *= 0.94 {
				words = p.wordColumn(page, now, wide, k, typeface.Start, a.tight)
				typed = p.typedColumn(page, now, wide, k, typeface.Start)
				if words.height+typed.height+p.px(blockGap*k) <= limit {
					return true
				}
			}
		}
		return false
	}
	fitting := fits()
	left := room.Min.X
	wordsAt, codeAt := left, left+wide+gap
	if p.cfg.Words.RightToLeft != (turn%2 == 1) {
		codeAt, wordsAt = left, left+code.width+gap
	}
	codeY := room.Min.Y + (room.Dy()-code.height)/2
	high := words.height + typed.height + p.px(blockGap)
	top, bottom := codeY-words.lead, codeY+code.height+typed.lead/2
	if high > code.height || !fitting {
		top = room.Min.Y + max(room.Dy()-high, 0)/2
		bottom = top + high
	}
	d := p.drift(turn, room.Max.Y-max(bottom, codeY+code.height))
	l = words.at(image.Pt(wordsAt, top).Add(d))
	l = append(l, typed.at(image.Pt(wordsAt, bottom-typed.height).Add(d))...)
	return append(l, code.at(image.Pt(codeAt, codeY).Add(d))...), fitting
}

// stacked puts the words over the code, or between it and what can be typed.
func (p *Painter) stacked(page display.Page, now time.Time, room image.Rectangle, turn int) (l List, ok bool) {
	gap, wide := p.px(columnGap*0.75), room.Dx()
	var words, typed, code *column
	high := func() int { return words.height + code.height + typed.height + 2*gap }
	fits := func() {
		for _, a := range attempts(0.8) {
			for k := a.from; k > a.to; k *= 0.94 {
				words = p.wordColumn(page, now, wide, k, typeface.Start, a.tight)
				typed = p.typedColumn(page, now, wide, k, typeface.Centre)
				most := room.Dy()
				if a.yields {
					most = max(most-words.height-typed.height-2*gap, room.Dy()/3)
				}
				code = p.codeColumn(page, image.Pt(wide, most), a.share)
				if high() <= room.Dy() {
					return
				}
			}
		}
	}
	fits()
	order := []*column{words, code, typed}
	if turn%2 == 1 {
		order = []*column{code, words, typed}
	}
	y := room.Min.Y + max(room.Dy()-high(), 0)/2
	d := p.drift(turn, room.Max.Y-y-high())
	for _, c := range order {
		l = append(l, c.at(image.Pt(room.Min.X+(wide-c.width)/2, y).Add(d))...)
		y += c.height + gap
	}
	return l, high() <= room.Dy()
}

// alone puts words in the middle, a little higher or lower each turn.
func (p *Painter) alone(page display.Page, now time.Time, room image.Rectangle, turn int) (l List, ok bool) {
	wide := min(room.Dx(), p.px(70))
	words := p.fit(room.Dy(), func(k float64) *column { return p.wordColumn(page, now, wide, k, typeface.Centre, k < 0.6) })
	spare := max(room.Dy()-words.height, 0)
	y := room.Min.Y + spare*(1+turn*2%5)/6
	side := max(room.Dx()-wide, 0) / 4
	x := room.Min.X + (room.Dx()-words.width)/2 + (turn*3%5-2)*side/2
	return words.at(image.Pt(x, y)), words.height <= room.Dy()
}

// fit makes a column smaller until it is no higher than room.
func (p *Painter) fit(room int, lay func(k float64) *column) *column {
	for k := 1.0; ; k *= 0.94 {
		if c := lay(k); c.height <= room || k < 0.45 {
			return c
		}
	}
}

// A column has parts below one another.
type column struct {
	width, height int
	align         typeface.Align
	parts         []func(at image.Point) Item
	lead          int // space above the capitals of the first line
	under         int // space below the last part
}

func (c *column) at(p image.Point) List {
	l := make(List, 0, len(c.parts))
	for _, part := range c.parts {
		l = append(l, part(p))
	}
	return l
}

// add appends a text and the space below it.
func (c *column) add(f *typeface.Family, s string, style typeface.Style, colour uint32, under int) {
	if s == "" {
		return
	}
	b := f.Layout(s, style, c.width)
	y, x := c.height, 0
	switch { // no wider than the text, so that little is drawn when it changes
	case c.align == typeface.Centre:
		x = (c.width - b.Width) / 2
	case f.RightToLeft():
		x = c.width - b.Width
	}
	c.parts = append(c.parts, func(at image.Point) Item {
		return text(b, at.Add(image.Pt(x, y)), b.Width, c.align, colour, styleKey(s, style))
	})
	c.grow(b.Height, under, style)
}

// addPair appends a label and its value, on one line if they fit, otherwise on two.
func (c *column) addPair(f *typeface.Family, label string, small typeface.Style, s string, style typeface.Style, under int) {
	lb, b := f.Layout(label, small, c.width), f.Layout(s, style, c.width)
	space := int(small.Size / 2)
	wide := lb.Width + space + b.Width
	if wide > c.width {
		c.add(f, label, small, soft, 0)
		c.add(f, s, style, ink, under)
		return
	}
	line := max(lb.Baseline(), b.Baseline())
	y, x := c.height+line, 0
	if c.align == typeface.Centre {
		x = (c.width - wide) / 2
	}
	labelX, textX := x, x+lb.Width+space
	if f.RightToLeft() {
		if c.align == typeface.Start {
			x = c.width - wide
		}
		textX, labelX = x, x+b.Width+space
	}
	c.parts = append(c.parts,
		func(at image.Point) Item {
			return text(lb, at.Add(image.Pt(labelX, y-lb.Baseline())), lb.Width, typeface.Start, soft, styleKey(label, small))
		},
		func(at image.Point) Item {
			return text(b, at.Add(image.Pt(textX, y-b.Baseline())), b.Width, typeface.Start, ink, styleKey(s, style))
		})
	c.grow(line+max(lb.Height-lb.Baseline(), b.Height-b.Baseline()), under, style)
}

// grow adds the height of an appended part.
func (c *column) grow(height, under int, style typeface.Style) {
	if c.height == 0 {
		c.lead = int(0.25 * style.Size)
	}
	c.height += height + under
	c.under = under
}

// trim removes the space below the last part.
func (c *column) trim() *column {
	c.height -= c.under
	c.under = 0
	return c
}

func (c *column) addPicture(m *pixel.Image, key string, under int) {
	y, x := c.height, (c.width-m.W)/2
	c.parts = append(c.parts, func(at image.Point) Item { return picture(m, at.Add(image.Pt(x, y)), key) })
	c.height += m.H + under
}

// wordColumn lays out the words of a page, scaled by k.
func (p *Painter) wordColumn(page display.Page, now time.Time, width int, k float64, align typeface.Align, tight bool) *column {
	c := &column{width: width, align: align}
	size := func(n float64) float64 { return p.text(n * k) }
	px := func(n float64) int { return p.px(n * k) }
	if !strings.Contains(page.Title, page.Device) && !tight {
		c.add(p.family, page.Device, typeface.Style{Size: size(1.6), Lines: 1}, accent, px(0.7))
	}
	c.add(p.family, page.Title, typeface.Style{Size: p.heading(3.8 * k), Bold: true, Lines: 4}, ink, px(1.2))
	c.add(p.family, page.Text, typeface.Style{Size: size(2)}, ink, px(1.5))
	p.addSteps(c, page.Steps, typeface.Style{Size: size(2)}, px(0.8))
	if !tight {
		c.add(p.family, page.Hint, typeface.Style{Size: size(1.6)}, soft, px(0.8))
	}
	c.add(p.family, page.Account, typeface.Style{Size: size(1.6), Lines: 1}, soft, px(0.8))
	if page.Problem == "" {
		c.add(p.family, p.again(page.RetryAt, now), typeface.Style{Size: size(1.6)}, soft, 0)
	}
	return c.trim()
}

// addSteps appends numbered steps. In the middle of a screen they are centred as one
// block.
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
		c.grow(b.Height, under, style)
	}
	if len(steps) > 0 {
		c.height += under * 2 / 3
		c.under += under * 2 / 3
	}
}

// codeColumn lays out the QR code.
func (p *Painter) codeColumn(page display.Page, room image.Point, share float64) *column {
	c := &column{align: typeface.Centre}
	if m := p.qr(page.QR, room, share); m != nil {
		c.width = m.W
		c.addPicture(m, "qr/"+page.QR, 0)
		return c
	}
	c.width = min(room.X, p.px(30))
	c.add(p.family, p.cfg.Words.Say("screen.no_qr"), typeface.Style{Size: p.text(2)}, ink, 0)
	return c
}

// maxTyped is the longest address, in characters, that a person is asked to type.
const maxTyped = 64

// typedColumn lays out what can be typed instead of scanning the code, scaled by k.
func (p *Painter) typedColumn(page display.Page, now time.Time, width int, k float64, align typeface.Align) *column {
	w := p.cfg.Words
	c := &column{width: width, align: align}
	small := typeface.Style{Size: p.text(1.6 * k)}
	if page.Link != "" {
		label := small
		link := typeface.Style{Size: small.Size, Bold: true, LeftToRight: true, Lines: 3}
		if len(page.Link) > maxTyped {
			label.Size = p.text(1.15)
			link = typeface.Style{Size: label.Size, LeftToRight: true, Lines: 2}
		}
		c.addPair(p.family, w.Say("screen.or_open"), label, page.Link, link, p.px(0.3*k))
	}
	if page.Code != "" {
		code := typeface.Style{Size: p.heading(3.6 * k), Bold: true, LeftToRight: true, Spacing: 0.06, Lines: 1}
		c.addPair(p.family, w.Say("screen.and_enter"), small, page.Code, code, 0)
	}
	if left := page.Until.Sub(now); !page.Until.IsZero() && left < 6*time.Hour {
		c.add(p.family, w.Say("screen.good_for", "time", w.Countdown(left)), small, soft, 0)
	}
	return c.trim()
}

// again returns the text about the next attempt.
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
