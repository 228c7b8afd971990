package typeface

import (
	"reflect"
	"slices"

	"github.com/go-text/typesetting/bidi"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/shaping"
)

// The line wrapper orders runs by their directions alone, and the segmenter joins runs of
// one direction. Both ignore that embedding levels may differ, so that a number after a
// Hebrew word comes where the text goes on (github.com/go-text/typesetting/issues/249).
// TestUpstreamOrder tells when this file is no longer needed.

// levels returns the embedding level of each character (Unicode Standard Annex 9).
func (f *Family) levels(text []rune, dir di.Direction) []int8 {
	def := bidi.LeftToRight
	if dir == di.DirectionRTL {
		def = bidi.RightToLeft
	}
	runs := f.bidi.Segment(text, def)
	levels := make([]int8, len(text))
	for i := range runs.NumRuns() {
		r := runs.Run(i)
		for k := r.Start; k < r.End; k++ {
			levels[k] = int8(r.Level)
		}
	}
	// The levels within a run are not exported.
	if each := reflect.ValueOf(runs).FieldByName("levels"); each.Kind() == reflect.Slice && each.Len() == len(text) {
		for i := range levels {
			levels[i] = int8(each.Index(i).Int())
		}
	}
	return levels
}

func directionOf(level int8) di.Direction {
	if level%2 != 0 {
		return di.DirectionRTL
	}
	return di.DirectionLTR
}

// levelOf returns the level of a paragraph.
func levelOf(dir di.Direction) int8 {
	if dir == di.DirectionRTL {
		return 1
	}
	return 0
}

// reorder returns the runs of a line from left to right (rule L2). cut says that the last
// one is the sign that text was left out; it has the paragraph's level.
func reorder(line shaping.Line, levels []int8, paragraph int8, cut bool) []shaping.Output {
	runs, of := slices.Clone(line), make([]int8, len(line))
	highest := paragraph
	for i, r := range runs {
		of[i] = paragraph
		if at := r.Runes.Offset; at < len(levels) && !(cut && i == len(runs)-1) {
			of[i] = levels[at]
		}
		highest = max(highest, of[i])
	}
	for level := highest; level > 0; level-- {
		for start := 0; start < len(runs); start++ {
			end := start
			for end < len(runs) && of[end] >= level {
				end++
			}
			slices.Reverse(runs[start:end])
			slices.Reverse(of[start:end])
			start = end
		}
	}
	return runs
}

// trim removes the width of a space at the end of a line (rule L1). The wrapper does so
// where it believes the end to be.
func trim(line shaping.Line, text []rune) {
	if len(line) == 0 {
		return
	}
	last := &line[len(line)-1]
	at := len(last.Glyphs) - 1
	if last.Direction == di.DirectionRTL {
		at = 0
	}
	if at < 0 {
		return
	}
	if g := &last.Glyphs[at]; g.TextIndex() < len(text) && text[g.TextIndex()] == ' ' {
		g.Advance = 0
		last.RecomputeAdvance()
	}
}
