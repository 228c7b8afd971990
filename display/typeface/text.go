package typeface

import (
	"image"
	"math"
	"strings"
	"unicode"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"

	"pickerd/display/pixel"
)

// A Style is the look of a text.
type Style struct {
	Size float64 // pixels per em
	Bold bool
	// LeftToRight is for addresses and codes. It overrides the language's direction.
	LeftToRight bool
	Spacing     float64 // between letters, in ems
	Lines       int     // the text is truncated with … after so many; 0 means no limit
}

// A Block is a text broken into lines, ready to draw.
type Block struct {
	Width, Height int
	family        *Family
	lines         []line
}

// Baseline returns the distance of the first line's baseline from the block's
// top, 0 for an empty block.
func (b *Block) Baseline() int {
	if len(b.lines) == 0 {
		return 0
	}
	return b.lines[0].baseline
}

type line struct {
	runs     []shaping.Output
	width    int
	baseline int // from the block's top
}

// leading is the minimum distance of baselines, in ems.
const leading = 1.3

// Layout breaks a text into lines of at most width pixels.
func (f *Family) Layout(text string, s Style, width int) *Block {
	b := &Block{family: f}
	most := max(s.Lines, 0)
	for paragraph := range strings.SplitSeq(text, "\n") {
		if s.Lines = max(most-len(b.lines), 0); most > 0 && s.Lines == 0 {
			break
		}
		f.layParagraph(b, visible(paragraph), s, max(width, 1))
	}
	return b
}

// visible removes characters without a shape, which would make runs without a glyph.
// It keeps those that set the text's direction.
func visible(s string) []rune {
	var out []rune
	for _, r := range s {
		switch {
		case unicode.IsSpace(r) && r != '\u00a0':
			out = append(out, ' ')
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Join_Control, r) && !unicode.Is(unicode.Bidi_Control, r):
		default:
			out = append(out, r)
		}
	}
	return out
}

func (f *Family) layParagraph(b *Block, text []rune, s Style, width int) {
	if len(text) == 0 {
		return
	}
	dir := di.DirectionLTR
	if f.rtl && !s.LeftToRight {
		dir = di.DirectionRTL
	}
	levels := f.levels(text, dir)
	size := fixed.Int26_6(math.Round(s.Size * 64))
	cfg := shaping.WrapConfig{Direction: dir, TruncateAfterLines: s.Lines, BreakPolicy: shaping.WhenNecessary}
	if s.Lines > 0 {
		face := f.latin(s.Bold)
		cfg = cfg.WithTruncator(&f.shaper, shaping.Input{Text: []rune{'…'}, RunEnd: 1, Direction: dir, Face: face, Size: size, Language: f.lang})
	}
	lines, cut := f.wrap(cfg, width, tied(text), f.shape(text, levels, s))
	for i, l := range lines {
		cut := cut && i == len(lines)-1
		if !cut {
			trim(l, text)
		}
		b.add(reorder(l, levels, levelOf(dir), cut), s)
	}
}

// shape returns the shaped runs of a text, in its order. Each run has one level.
func (f *Family) shape(text []rune, levels []int8, s Style) (outs []shaping.Output) {
	size := fixed.Int26_6(math.Round(s.Size * 64))
	fonts := &fontmap{Family: f, bold: s.Bold}
	for start, end := 0, 0; start < len(text); start = end {
		for end = start + 1; end < len(text) && levels[end] == levels[start]; end++ {
		}
		in := shaping.Input{Text: text, RunStart: start, RunEnd: end, Direction: directionOf(levels[start]), Size: size, Language: f.lang}
		for _, run := range f.segmenter.Split(in, fonts) {
			run.Direction, run.Size = in.Direction, size
			out := f.shaper.Shape(run)
			hideControls(&out, text)
			if len(out.Glyphs) == 0 { // the wrapper expects one in each run
				continue
			}
			if s.Spacing != 0 {
				out.AddLetterSpacing(fixed.Int26_6(s.Spacing*s.Size*64), false, false)
			}
			outs = append(outs, out)
		}
	}
	return outs
}

// tied returns a text of the same length that has no break in Wi-Fi.
func tied(text []rune) []rune {
	return []rune(strings.ReplaceAll(string(text), "Wi-Fi", "Wi\u2011Fi"))
}

// wrap breaks shaped text into lines, and reports whether the last one is cut. The
// wrapper panics on some unusual texts, which come from outside. Such a text is skipped.
func (f *Family) wrap(cfg shaping.WrapConfig, width int, text []rune, outs []shaping.Output) (lines []shaping.Line, cut bool) {
	defer func() {
		if why := recover(); why != nil {
			f.log.Error("text skipped: layout failed", "panic", why, "letters", len(text))
			f.wrapper = shaping.LineWrapper{}
			lines, cut = nil, false
		}
	}()
	lines, truncated := f.wrapper.WrapParagraph(cfg, width, text, shaping.NewSliceIterator(outs))
	return lines, truncated > 0
}

// hideControls hides the glyphs of bidirectional control characters, for which some
// fonts have a shape (Unicode Standard Annex 9).
func hideControls(out *shaping.Output, text []rune) {
	hidden := false
	for i := range out.Glyphs {
		g := &out.Glyphs[i]
		if at := g.TextIndex(); at < len(text) && unicode.Is(unicode.Bidi_Control, text[at]) && g.RunesCount() == 1 {
			g.GlyphID, g.Advance, g.Width, g.Height = font.EmptyGlyph, 0, 0, 0
			hidden = true
		}
	}
	if hidden {
		out.RecomputeAdvance()
	}
}

func (b *Block) add(runs []shaping.Output, s Style) {
	var advance, up, down fixed.Int26_6
	for _, r := range runs {
		advance += r.Advance
		up, down = max(up, r.LineBounds.Ascent), max(down, -r.LineBounds.Descent)
	}
	// Fonts claim more height than the interface's texts need.
	height := max(int(math.Round(leading*s.Size)), min((up+down).Ceil(), int(1.55*s.Size)))
	spare := height - (up + down).Ceil()
	ln := line{runs: runs, width: advance.Ceil(), baseline: b.Height + spare/2 + up.Ceil()}
	b.lines = append(b.lines, ln)
	b.Height += height
	b.Width = max(b.Width, ln.width)
}

// Align is the horizontal alignment of lines.
type Align int

// Start is the side where lines begin, End the other one.
const (
	Start Align = iota
	Centre
	End
)

// Draw draws the block in color c. p is the upper left corner of the space of the
// given width.
func (b *Block) Draw(dst *pixel.Image, p image.Point, width int, align Align, c uint32) {
	for _, l := range b.lines {
		x := p.X
		switch {
		case align == Centre:
			x += (width - l.width) / 2
		case (align == End) != b.family.rtl:
			x += width - l.width
		}
		at := fixed.I(x)
		for i := range l.runs {
			at = b.family.drawRun(dst, &l.runs[i], at, p.Y+l.baseline, c)
		}
	}
}

func (f *Family) drawRun(dst *pixel.Image, run *shaping.Output, x fixed.Int26_6, baseline int, c uint32) fixed.Int26_6 {
	for _, g := range run.Glyphs {
		f.drawGlyph(dst, run.Face, run.Size, g.GlyphID, x+g.XOffset, fixed.I(baseline)-g.YOffset, c)
		x += g.Advance
	}
	return x
}
