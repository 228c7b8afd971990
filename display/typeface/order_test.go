package typeface

import (
	"strings"
	"testing"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/shaping"
)

// seen returns the characters of a block as they stand on the screen, line by line.
func seen(b *Block, text string) string {
	var s strings.Builder
	for i, l := range b.lines {
		if i > 0 {
			s.WriteByte('\n')
		}
		for _, run := range l.runs {
			for _, g := range run.Glyphs {
				if g.TextIndex() < run.Runes.Offset { // it has a text of its own
					s.WriteRune('…')
					continue
				}
				s.WriteRune([]rune(text)[g.TextIndex()])
			}
		}
	}
	return s.String()
}

// The order is that of Unicode Standard Annex 9.
func TestOrder(t *testing.T) {
	families := map[string]*Family{"en": family(t, "en"), "ar": family(t, "ar")}
	for name, tt := range map[string]struct {
		lang, text, want string
	}{
		"Latin":                                   {"en", "IMG 2024.jpg", "IMG 2024.jpg"},
		"a number after Hebrew":                   {"en", "f family שלום 2024.jpg", "f family 2024 םולש.jpg"},
		"two numbers":                             {"en", "a שלום 12 34 b", "a 34 12 םולש b"},
		"a number before Hebrew":                  {"en", "2024 שלום.jpg", "2024 םולש.jpg"},
		"a name in Hebrew with a number":          {"en", "שלום 2024", "2024 םולש"},
		"Arabic digits after Arabic":              {"en", "x دار ٢٠٢٤ y", "x ٢٠٢٤ راد y"},
		"Arabic digits before Arabic":             {"en", "x ٢٠٢٤ دار y", "x راد ٢٠٢٤ y"},
		"a share":                                 {"en", "a שלום 50% b", "a 50% םולש b"},
		"a date":                                  {"en", "a שלום 1/2/2024 b", "a 1/2/2024 םולש b"},
		"an Arabic page":                          {"ar", "دار abc 12", "abc 12 راد"},
		"an Arabic page with Arabic digits":       {"ar", "دار ٢٠٢٤ دار", "راد ٢٠٢٤ راد"},
		"a file's name on an Arabic page":         {"ar", "f family שלום 2024.jpg", "jpg.2024 םולש f family"},
		"Latin, Hebrew and Latin on such a page":  {"ar", "abc דה 12 fg", "fg 12 הד abc"},
		"an isolated name":                        {"en", "See \u2068שלום 7\u2069, 8", "See \u20687 םולש\u2069, 8"},
		"an isolated Latin name on a Hebrew page": {"ar", "דה \u2068ab 7\u2069 הו", "וה \u2069ab 7\u2068 הד"},
	} {
		if got := seen(families[tt.lang].Layout(tt.text, Style{Size: 20}, 10000), tt.text); got != tt.want {
			t.Errorf("%s: %+q, want %+q", name, got, tt.want)
		}
	}
}

// Each line has an order, and a space at its end takes no room wherever it is.
func TestOrderOfLines(t *testing.T) {
	f := family(t, "en")
	const text = "aaa bbb שלום עולם 2024.jpg"
	s := Style{Size: 20}
	whole := f.Layout("aaa bbb שלום", s, 10000).Width
	b := f.Layout(text, s, whole+f.Layout("a", s, 100).Width)
	if got, want := seen(b, text), "aaa bbb  םולש\n2024 םלוע.jpg"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if b.lines[0].width != whole {
		t.Errorf("the first line is %d wide, without the space %d", b.lines[0].width, whole)
	}
	s.Lines = 1
	if got, want := seen(f.Layout(text, s, whole+f.Layout("aa", s, 100).Width), text), "aaa bbb  םולש…"; got != want {
		t.Errorf("cut: %q, want %q", got, want)
	}
}

// The module's own order is wrong. Once it is right, order.go can go.
func TestUpstreamOrder(t *testing.T) {
	f := family(t, "en")
	text := []rune("f family שלום 2024.jpg")
	var segmenter shaping.Segmenter
	var outs []shaping.Output
	for _, run := range segmenter.Split(shaping.Input{Text: text, RunEnd: len(text), Direction: di.DirectionLTR, Size: 640, Language: f.lang}, &fontmap{Family: f}) {
		run.Size = 640
		outs = append(outs, f.shaper.Shape(run))
	}
	var wrapper shaping.LineWrapper
	lines, _ := wrapper.WrapParagraph(shaping.WrapConfig{Direction: di.DirectionLTR}, 10000, text, shaping.NewSliceIterator(outs))
	at := map[string]int32{}
	for _, run := range lines[0] {
		at[string(text[run.Runes.Offset:run.Runes.Offset+run.Runes.Count])] = run.VisualIndex
	}
	t.Log(at)
	for part, index := range at {
		if strings.HasPrefix(part, "2024") && part != "2024.jpg" && index == 1 {
			t.Error("a number after Hebrew is in its place without order.go")
		}
	}
}
