package paint

import (
	"fmt"
	"image"
	"time"

	"pickerd/display"
	"pickerd/display/typeface"
)

// plateAlpha makes text readable over any photo: the contrast over white is at least
// 4.5 to 1.
const plateAlpha = 220

// captionLines bounds a caption, so that most of the photo stays visible: a file's name
// may have 255 characters.
const captionLines = 2

// barGap is the gap above a bar, in units.
const barGap = 0.8

// A rack is the bars at the lower edge.
type rack struct {
	items List
	top   int // of the highest one
	low   int // the edge
	most  int // how wide one may be
}

func (r rack) height() int {
	if len(r.items) == 0 {
		return 0
	}
	return r.low - r.top
}

// bars lays out the bars over a photo or under words: notices on one side, keys on the
// other, and the clock. The sides alternate.
func (p *Painter) bars(page display.Page, now time.Time) rack {
	edge := p.stage(page)
	r := rack{top: edge.Max.Y, low: edge.Max.Y, most: edge.Dx()}
	switch {
	case !p.sided():
	case page.QR != "" && page.Slide == nil: // as wide as the words
		r.most = edge.Dx() - int(codeShare*float64(p.cfg.H)) - p.px(columnGap)
	default:
		r.most = edge.Dx() * 62 / 100
	}
	turn := place(now)
	right := p.cfg.Words.RightToLeft != (turn%2 == 1)
	y := edge.Max.Y
	if page.Menu == nil && page.Slide == nil && page.LeavesAt.IsZero() { // otherwise any key means to stay
		y = p.keys(&r, edge, y, !right, page)
		if p.sided() {
			y = edge.Max.Y // the notices are on the other side
		}
	}
	if page.Problem != "" {
		s := page.Problem + " " + page.Remedy
		if again := p.again(page.RetryAt, now); again != "" {
			s += " " + again
		}
		y = p.bar(&r, edge, y, right, s, typeface.Style{Size: p.text(1.6)}, ink, amber)
	}
	if !page.LeavesAt.IsZero() {
		s := p.cfg.Words.Say("screen.leaving", "time", p.cfg.Words.Countdown(page.LeavesAt.Sub(now)))
		y = p.bar(&r, edge, y, right, s+" "+p.cfg.Words.Say("screen.key_ok")+": "+page.Label(display.Stay), typeface.Style{Size: p.text(1.8)}, ink, amber)
	}
	if page.Progress != nil {
		y = p.progress(&r, edge, y, right, page.Progress)
	}
	if v := page.Volume; v != nil {
		y = p.metered(&r, edge, y, right, v.Label, v.Percent, 100)
	}
	for _, s := range []string{page.Receipt, page.Paused} {
		y = p.bar(&r, edge, y, right, s, typeface.Style{Size: p.text(1.6)}, ink, 0)
	}
	if s := page.Slide; s != nil && page.Receipt == "" && page.Progress == nil {
		p.bar(&r, edge, y, right, s.Caption, typeface.Style{Size: p.text(1.5), Lines: captionLines}, ink, 0)
	}
	if page.Clock+page.Date != "" && page.QR == "" {
		p.clock(&r, edge, turn, page)
	}
	return r
}

// sided reports whether a bar and the keys have room beside each other.
func (p *Painter) sided() bool { return p.cfg.W > p.cfg.H && p.cfg.H >= 400 }

// bar puts a text on a plate with the lower edge y, and returns the lower edge of the
// next one. mark is the colour of a stripe at its beginning.
func (p *Painter) bar(r *rack, edge image.Rectangle, y int, right bool, s string, style typeface.Style, colour, mark uint32) int {
	if s == "" {
		return y
	}
	pad := p.px(1)
	b := p.family.Layout(s, style, r.most-2*pad)
	out := plateAt(edge, y, right, b.Width+2*pad, b.Height+pad)
	r.items = append(r.items, box(out, p.px(0.9), plate, plateAlpha))
	if mark != 0 {
		stripe := image.Rect(out.Min.X, out.Min.Y+p.px(0.9), out.Min.X+max(p.px(0.35), 2), out.Max.Y-p.px(0.9))
		if p.cfg.Words.RightToLeft {
			stripe = stripe.Add(image.Pt(out.Dx()-stripe.Dx(), 0))
		}
		r.items = append(r.items, box(stripe, 0, mark, 256))
	}
	r.items = append(r.items, text(b, out.Min.Add(image.Pt(pad, pad/2)), b.Width, typeface.Start, colour, styleKey(s, style)))
	return p.above(r, out)
}

// plateAt returns a plate with the lower edge y, at one side of the screen.
func plateAt(edge image.Rectangle, y int, right bool, w, h int) image.Rectangle {
	x := edge.Min.X
	if right {
		x = edge.Max.X - w
	}
	return image.Rect(x, y-h, x+w, y)
}

// above returns the lower edge of the plate over another one.
func (p *Painter) above(r *rack, out image.Rectangle) int {
	y := out.Min.Y - p.px(barGap)
	r.top = min(r.top, y)
	return y
}

func styleKey(s string, st typeface.Style) string {
	return fmt.Sprintf("%s/%.2f/%t", s, st.Size, st.Bold)
}

// progress lays out a download's progress as text over a bar.
func (p *Painter) progress(r *rack, edge image.Rectangle, y int, right bool, g *display.Progress) int {
	s := p.cfg.Words.Say("screen.progress", "done", g.Done, "total", g.Total)
	if g.Failed > 0 {
		s = p.cfg.Words.Say("screen.progress_failed", "done", g.Done, "total", g.Total, "failed", g.Failed)
	}
	return p.metered(r, edge, y, right, s, g.Done+g.Failed, g.Total)
}

// metered lays out a text over a bar that is partly filled.
func (p *Painter) metered(r *rack, edge image.Rectangle, y int, right bool, s string, done, total int) int {
	style := typeface.Style{Size: p.text(1.6)}
	pad, wide, high := p.px(1), p.px(30), max(p.px(0.6), 3)
	b := p.family.Layout(s, style, edge.Dx()-2*pad)
	wide = min(max(wide, b.Width), edge.Dx()-2*pad)
	out := plateAt(edge, y, right, wide+2*pad, b.Height+high+2*pad)
	meter := image.Rect(out.Min.X+pad, out.Max.Y-pad-high, out.Max.X-pad, out.Max.Y-pad)
	filled := meter
	share := meter.Dx() * min(done, total) / max(total, 1)
	if p.cfg.Words.RightToLeft {
		filled.Min.X = filled.Max.X - share
	} else {
		filled.Max.X = filled.Min.X + share
	}
	r.items = append(r.items, box(out, p.px(0.9), plate, plateAlpha),
		text(b, out.Min.Add(image.Pt(pad, pad/2)), wide, typeface.Start, ink, styleKey(s, style)),
		box(meter, high/2, ink, 50), box(filled, high/2, accent, 256))
	return p.above(r, out)
}

// keys lays out a row of the remote control's keys and their meanings, if no photo is
// on the screen.
func (p *Painter) keys(r *rack, edge image.Rectangle, y int, right bool, page display.Page) int {
	w, pad := p.cfg.Words, p.px(1)
	key, label := typeface.Style{Size: p.text(1.6), Bold: true}, typeface.Style{Size: p.text(1.6)}
	x, next := edge.Min.X, y
	if right {
		x = edge.Max.X
	}
	for _, k := range []struct{ key, label string }{{"screen.key_ok", page.Label(display.Pick)}, {"screen.key_back", page.Label(display.Cancel)}} {
		if k.label == "" {
			continue
		}
		name := w.Say(k.key)
		kb, lb := p.family.Layout(name, key, edge.Dx()), p.family.Layout(k.label, label, edge.Dx())
		out := image.Rect(0, 0, kb.Width+lb.Width+3*pad, max(kb.Height, lb.Height)+pad)
		at := image.Pt(x, y-out.Dy())
		if right {
			at.X -= out.Dx()
			x = at.X - pad
		} else {
			x += out.Dx() + pad
		}
		out = out.Add(at)
		kx, lx := at.X+pad, at.X+2*pad+kb.Width
		if w.RightToLeft {
			lx, kx = at.X+pad, at.X+2*pad+lb.Width
		}
		r.items = append(r.items, box(out, p.px(0.9), plate, plateAlpha),
			text(kb, image.Pt(kx, at.Y+pad/2), kb.Width, typeface.Start, accent, styleKey(name, key)),
			text(lb, image.Pt(lx, at.Y+pad/2), lb.Width, typeface.Start, ink, styleKey(k.label, label)))
		next = p.above(r, out)
	}
	return next
}

// clock puts the time, the date or both into a corner of a photo, a different one each
// turn, unless the bars reach that high. Without the time the date is larger.
func (p *Painter) clock(r *rack, edge image.Rectangle, turn int, page display.Page) {
	big, small := typeface.Style{Size: p.heading(5), Bold: true}, typeface.Style{Size: p.text(1.7)}
	pad, most := p.px(1.1), edge.Dx()/2
	var tb, db *typeface.Block
	wide, high := 0, pad/2
	if page.Clock != "" {
		tb = p.family.Layout(page.Clock, big, edge.Dx())
		wide, high = tb.Width, tb.Height
	} else {
		small.Size, most = p.text(2.4), edge.Dx()*3/4
	}
	below := high // the date is there
	if page.Date != "" {
		db = p.family.Layout(page.Date, small, most)
		wide, high = max(wide, db.Width), high+db.Height
	}
	switch {
	case tb == nil:
		high += pad / 2
	case db == nil:
		high += pad / 3
	default:
		high += pad
	}
	out := image.Rect(0, 0, wide+2*pad, high)
	at := edge.Min
	if turn/2%2 == 0 == !p.cfg.Words.RightToLeft {
		at.X = edge.Max.X - out.Dx()
	}
	out = out.Add(at)
	if out.Max.Y > r.top {
		return
	}
	r.items = append(r.items, box(out, p.px(1.2), plate, plateAlpha))
	if tb != nil {
		r.items = append(r.items, text(tb, at.Add(image.Pt(pad, 0)), wide, typeface.Centre, ink, styleKey(page.Clock, big)))
	}
	if db != nil {
		r.items = append(r.items, text(db, at.Add(image.Pt(pad, below)), wide, typeface.Centre, ink, styleKey(page.Date, small)))
	}
}
