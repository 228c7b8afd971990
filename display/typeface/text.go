package typeface

import (
	"image"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"

	"pickerd/display/pixel"
)

// A Style is how a text looks.
type Style struct {
	Size float64 // pixels to the em
	Bold bool
	// LeftToRight is for addresses and codes, whatever the language's direction.
	LeftToRight bool
	Spacing     float64 // between letters, in ems
	Lines       int     // after which the text ends in …; 0 means no limit
}

// A Block is a text in lines, ready to be drawn.
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

// leading is the least distance of baselines, in ems.
const leading = 1.3

// Layout breaks a text into lines of at most width pixels.
func (f *Family) Layout(text string, s Style, width int) *Block {
	b := &Block{family: f}
	for paragraph := range strings.SplitSeq(text, "\n") {
		f.layParagraph(b, readable(paragraph), s, max(width, 1))
	}
	return b
}

// readable leaves out what has no shape, but for what sets a direction: texts
// come from outside, too, and such characters alone make runs without a glyph.
func readable(s string) []rune {
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
	size := fixed.Int26_6(math.Round(s.Size * 64))
	in := shaping.Input{Text: text, RunEnd: len(text), Direction: dir, Size: size, Language: f.lang}
	var outs []shaping.Output
	for _, run := range f.segmenter.Split(in, &fontmap{Family: f, bold: s.Bold}) {
		run.Size = size
		out := f.shaper.Shape(run)
		hideControls(&out, text)
		if len(out.Glyphs) == 0 { // the wrapper wants one in each run
			continue
		}
		if s.Spacing != 0 {
			out.AddLetterSpacing(fixed.Int26_6(s.Spacing*s.Size*64), false, false)
		}
		outs = append(outs, out)
	}
	cfg := shaping.WrapConfig{Direction: dir, TruncateAfterLines: s.Lines, BreakPolicy: shaping.WhenNecessary}
	if s.Lines > 0 {
		face := f.latin(s.Bold)
		cfg = cfg.WithTruncator(&f.shaper, shaping.Input{Text: []rune{'…'}, RunEnd: 1, Direction: dir, Face: face, Size: size, Language: f.lang})
	}
	for _, l := range f.wrap(cfg, width, text, outs) {
		b.add(l, s)
	}
}

// wrap breaks shaped text into lines. Some odd text from outside is more than the
// wrapper expects: it is left out then, rather than to end the program.
func (f *Family) wrap(cfg shaping.WrapConfig, width int, text []rune, outs []shaping.Output) (lines []shaping.Line) {
	defer func() {
		if why := recover(); why != nil {
			f.log.Error("a text can't be laid out and is left out", "why", why, "letters", len(text))
			f.wrapper = shaping.LineWrapper{}
			lines = nil
		}
	}()
	lines, _ = f.wrapper.WrapParagraph(cfg, width, text, shaping.NewSliceIterator(outs))
	return lines
}

// hideControls takes away what fonts may draw for characters that only say in
// which direction text runs (Unicode Annex 9).
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

func (b *Block) add(l shaping.Line, s Style) {
	runs := slices.Clone(l)
	slices.SortFunc(runs, func(x, y shaping.Output) int { return int(x.VisualIndex) - int(y.VisualIndex) })
	var advance, up, down fixed.Int26_6
	for _, r := range runs {
		advance += r.Advance
		up, down = max(up, r.LineBounds.Ascent), max(down, -r.LineBounds.Descent)
	}
	// Fonts say more of the room they take than the interface's texts need.
	height := max(int(math.Round(leading*s.Size)), min((up+down).Ceil(), int(1.55*s.Size)))
	spare := height - (up + down).Ceil()
	ln := line{runs: runs, width: advance.Ceil(), baseline: b.Height + spare/2 + up.Ceil()}
	b.lines = append(b.lines, ln)
	b.Height += height
	b.Width = max(b.Width, ln.width)
}

// Align is where lines stand in the width they have.
type Align int

// Start is the side where reading begins.
const (
	Start Align = iota
	Centre
	End
)

// Draw draws the block into the width that begins at p, in a colour.
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
