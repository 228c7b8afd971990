package typeface

import (
	"image"
	"log/slog"
	"strings"
	"testing"

	"pickerd/display/pixel"
	"pickerd/display/words"
)

func family(t testing.TB, lang string) *Family {
	t.Helper()
	f, err := New(lang, lang == "ar", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Every letter of every text of the interface is in the embedded fonts.
func TestEveryLetter(t *testing.T) {
	f := family(t, "en")
	for _, code := range words.Languages() {
		w, err := words.For(code)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range w.Letters() {
			for _, bold := range []bool{false, true} {
				if f.fromEmbedded(r, bold) == nil && r != '\n' {
					t.Errorf("%s: no font has %q (%U): run fonts/subset.sh", code, r, r)
				}
			}
		}
	}
}

// inked counts the pixels of a part that are not black.
func inked(m *pixel.Image, r image.Rectangle) (n int) {
	part := m.Sub(r)
	for y := range part.H {
		for _, p := range part.Row(y) {
			if p != 0 {
				n++
			}
		}
	}
	return n
}

func TestLines(t *testing.T) {
	f := family(t, "en")
	s := Style{Size: 20}
	one := f.Layout("Hello", s, 1000)
	if one.Width < 40 || one.Width > 70 || one.Height < 20 || one.Height > 32 {
		t.Errorf("Hello is %d by %d", one.Width, one.Height)
	}
	many := f.Layout(strings.Repeat("word ", 60), s, 300)
	if many.Width > 300 || many.Height < 8*one.Height {
		t.Errorf("60 words are %d by %d in 300", many.Width, many.Height)
	}
	s.Lines = 2
	if cut := f.Layout(strings.Repeat("word ", 60), s, 300); cut.Height != 2*one.Height || cut.Width > 300 {
		t.Errorf("two lines are %d by %d", cut.Width, cut.Height)
	}
	long := f.Layout(strings.Repeat("x", 500), Style{Size: 20}, 300)
	if long.Width > 300 {
		t.Errorf("a long word is %d wide in 300", long.Width)
	}
	if two := f.Layout("a\nb", Style{Size: 20}, 300); two.Height != 2*one.Height {
		t.Errorf("two paragraphs are %d high", two.Height)
	}
	if at := one.Baseline(); at <= one.Height/2 || at >= one.Height {
		t.Errorf("baseline at %d of a height of %d", at, one.Height)
	}
	if none := f.Layout("", s, 300); none.Height != 0 || none.Baseline() != 0 {
		t.Errorf("no text has height %d and baseline %d, want 0", none.Height, none.Baseline())
	}
}

// A line does not end within Wi-Fi.
func TestUnbroken(t *testing.T) {
	f := family(t, "en")
	s := Style{Size: 20}
	first := f.Layout("the same Wi-Fi", s, 1000).Width
	for _, tt := range []struct {
		text string
		want int // width
	}{
		{"the same Wi-Fi", f.Layout("the same", s, 1000).Width},
		{"the same Mi-Fi", f.Layout("the same Mi-", s, 1000).Width},
	} {
		if b := f.Layout(tt.text, s, first-2); b.Height != 2*f.Layout("x", s, 1000).Height || b.Width != tt.want {
			t.Errorf("%s is %d by %d, want a width of %d", tt.text, b.Width, b.Height, tt.want)
		}
	}
}

func TestRightToLeft(t *testing.T) {
	for lang, want := range map[string]bool{"ar": true, "en": false} {
		if got := family(t, lang).RightToLeft(); got != want {
			t.Errorf("%s: right to left is %t, want %t", lang, got, want)
		}
	}
}

// Shaping changes letters with those beside them, which no sum of single letters
// does.
func TestShaping(t *testing.T) {
	for name, tt := range map[string]struct {
		lang, text string
		parts      []string
	}{
		"Arabic letters join":     {"ar", "صور", []string{"ص", "و", "ر"}},
		"Devanagari conjuncts":    {"hi", "स्क्रीन", []string{"स", "्", "क", "्", "र", "ी", "न"}},
		"Bengali vowels go first": {"bn", "কোড", []string{"ক", "ো", "ড"}},
	} {
		f := family(t, tt.lang)
		s := Style{Size: 40}
		whole := f.Layout(tt.text, s, 1000).Width
		sum := 0
		for _, p := range tt.parts {
			sum += f.Layout(p, s, 1000).Width
		}
		if whole >= sum {
			t.Errorf("%s: %d wide, its letters %d", name, whole, sum)
		}
	}
}

// From the right to the left means that a line begins at the right.
func TestDirection(t *testing.T) {
	f := family(t, "ar")
	draw := func(s Style, text string) *pixel.Image {
		m := pixel.New(400, 60)
		f.Layout(text, s, 400).Draw(m, image.Point{}, 400, Start, 0xffffff)
		return m
	}
	right := draw(Style{Size: 30}, "صور")
	if inked(right, image.Rect(0, 0, 200, 60)) != 0 || inked(right, right.Bounds()) == 0 {
		t.Error("Arabic does not begin at the right")
	}
	if left := draw(Style{Size: 30, LeftToRight: true}, "http://x.test/"); inked(left, image.Rect(0, 0, 150, 60)) != 0 {
		t.Error("an address does not stand at the right")
	}
}

// What no font has is seen to be missing.
func TestMissing(t *testing.T) {
	f := family(t, "en")
	m := pixel.New(60, 60)
	f.Layout("\U000F0000", Style{Size: 40}, 60).Draw(m, image.Point{}, 60, Start, 0xffffff)
	if inked(m, m.Bounds()) == 0 {
		t.Error("nothing is drawn for a character that no font has")
	}
}

// Text goes where it is put, and no further than the picture.
func TestClipping(t *testing.T) {
	f := family(t, "en")
	b := f.Layout("Clipped", Style{Size: 40, Bold: true}, 400)
	whole := pixel.New(400, 100)
	b.Draw(whole, image.Pt(20, 20), 400, Start, 0xffffff)
	for _, r := range []image.Rectangle{image.Rect(0, 0, 60, 60), image.Rect(50, 30, 90, 50), image.Rect(100, 0, 400, 100)} {
		part := pixel.New(r.Dx(), r.Dy())
		b.Draw(part, image.Pt(20, 20).Sub(r.Min), 400, Start, 0xffffff)
		for y := range part.H {
			for x, p := range part.Row(y) {
				if p != whole.Row(r.Min.Y + y)[r.Min.X+x] {
					t.Fatalf("part %v differs at %d,%d", r, x, y)
				}
			}
		}
	}
}

func FuzzLay(f *testing.F) {
	for _, s := range []string{"Hello", "صور Google", "फ़ोटो", "ফটো", "写真\x00", "\u2068a\u2069", "e\u0301\u0301\u0301", "\xff\xfe"} {
		f.Add(s, 100)
	}
	fam := family(f, "ar")
	f.Fuzz(func(t *testing.T, s string, width int) {
		if len(s) > 400 {
			return
		}
		m := pixel.New(50, 50)
		fam.Layout(s, Style{Size: 12, Lines: 3}, width%500).Draw(m, image.Point{}, 50, Centre, 1)
	})
}

func BenchmarkLayAndDraw(b *testing.B) {
	f := family(b, "hi")
	m := pixel.New(1000, 100)
	for b.Loop() {
		f.Layout("अपने फ़ोन से QR कोड स्कैन करें और Google में साइन इन करें।", Style{Size: 38}, 1000).Draw(m, image.Point{}, 1000, Start, 0xffffff)
	}
}

// Characters that only set a direction take no room and leave no ink.
func TestDirectionMarks(t *testing.T) {
	f := family(t, "ar")
	s := Style{Size: 40}
	plain, marked := f.Layout("صور TV", s, 1000), f.Layout("صور \u2068TV\u2069\u200f", s, 1000)
	if plain.Width != marked.Width {
		t.Errorf("%d wide, with marks %d", plain.Width, marked.Width)
	}
	m := pixel.New(100, 60)
	f.Layout("\u2068\u2069", s, 100).Draw(m, image.Point{}, 100, Start, 0xffffff)
	if inked(m, m.Bounds()) > 0 {
		t.Error("marks leave ink")
	}
}
