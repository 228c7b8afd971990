// Package typeface owns the fonts. It shapes and draws text in every language of the
// interface. It embeds Noto Sans (SIL Open Font License 1.1) for several scripts and
// searches the system's fonts for other characters. A character without a font is
// drawn as an empty rectangle.
package typeface

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"unicode"

	"github.com/go-text/typesetting/bidi"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
)

// Compression halves the size of the fonts.
//
//go:embed fonts/*.gz
var embedded embed.FS

// File returns an embedded font, compressed with gzip, by its name, such as
// NotoSans-Regular.ttf. Its error wraps fs.ErrNotExist.
func File(name string) ([]byte, error) { return embedded.ReadFile("fonts/" + path.Base(name) + ".gz") }

// A script is an embedded font of any weight, and the characters it is used for. It
// is loaded when one of them is needed.
type script struct {
	font   string
	ranges [][2]rune // nil means all
}

// scripts are searched in this order. Chinese and Japanese share many characters,
// with different shapes. New puts the one of the interface's language first.
var scripts = []script{
	{"NotoSans", nil},
	{"NotoSansArabic", [][2]rune{{0x0600, 0x06ff}, {0xfb50, 0xfdff}, {0xfe70, 0xfeff}}},
	{"NotoSansBengali", [][2]rune{{0x0964, 0x0965}, {0x0980, 0x09ff}}},
	{"NotoSansDevanagari", [][2]rune{{0x0900, 0x097f}, {0x1cd0, 0x1cff}, {0xa8e0, 0xa8ff}}},
	{"NotoSansJP", [][2]rune{{0x2e80, 0x9fff}, {0xf900, 0xfaff}, {0xff00, 0xffef}}},
	{"NotoSansSC", [][2]rune{{0x2e80, 0x9fff}, {0xf900, 0xfaff}, {0xff00, 0xffef}}},
}

func (s script) covers(r rune) bool {
	return s.ranges == nil || slices.ContainsFunc(s.ranges, func(x [2]rune) bool { return x[0] <= r && r <= x[1] })
}

// weights are the suffixes of the file names, by Style.Bold.
var weights = map[bool]string{false: "Regular", true: "Bold"}

// A Family is a set of fonts. It is not safe for concurrent use.
type Family struct {
	lang    language.Language
	rtl     bool
	log     *slog.Logger
	scripts []script
	faces   map[string]*font.Face // loaded ones, by script and weight
	system  *fontSearch           // nil until needed
	missing map[rune]bool

	bidi      bidi.Paragraph
	segmenter shaping.Segmenter
	shaper    shaping.HarfbuzzShaper
	wrapper   shaping.LineWrapper
	glyphs    map[glyphKey]*glyph
	cached    int // bytes in glyphs
}

// New returns the fonts for an interface in a language (BCP 47).
func New(lang string, rightToLeft bool, log *slog.Logger) (*Family, error) {
	f := &Family{lang: language.NewLanguage(lang), rtl: rightToLeft, log: log,
		faces: map[string]*font.Face{}, scripts: scripts, missing: map[rune]bool{}, glyphs: map[glyphKey]*glyph{}}
	if lang == "zh-Hans" {
		f.scripts = slices.Clone(scripts)
		slices.Reverse(f.scripts[4:])
	}
	for bold := range weights {
		if _, err := f.face(f.scripts[0], bold); err != nil {
			return nil, err
		}
	}
	f.shaper.SetFontCacheSize(2 * len(scripts))
	return f, nil
}

// RightToLeft reports whether the interface's language is written so.
func (f *Family) RightToLeft() bool { return f.rtl }

// face returns an embedded font.
func (f *Family) face(s script, bold bool) (*font.Face, error) {
	name := s.font + "-" + weights[bold]
	if face := f.faces[name]; face != nil {
		return face, nil
	}
	face, err := load(name)
	if err != nil {
		return nil, err
	}
	f.faces[name] = face
	return face, nil
}

// latin returns the default font, which also draws characters without a font.
func (f *Family) latin(bold bool) *font.Face { return f.faces[f.scripts[0].font+"-"+weights[bold]] }

func load(name string) (*font.Face, error) {
	for _, end := range []string{".ttf", ".otf"} {
		packed, err := File(name + end)
		if err != nil {
			continue
		}
		data, err := unpack(packed)
		if err != nil {
			return nil, fmt.Errorf("embedded font %s: %w", name, err)
		}
		face, err := font.ParseTTF(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("embedded font %s: %w", name, err)
		}
		return face, nil
	}
	return nil, fmt.Errorf("embedded font %s: %w", name, fs.ErrNotExist)
}

func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// fromEmbedded returns the embedded font for a character, or nil.
func (f *Family) fromEmbedded(r rune, bold bool) *font.Face {
	for _, s := range f.scripts {
		if !s.covers(r) {
			continue
		}
		face, err := f.face(s, bold)
		if err != nil {
			f.log.Error("font unusable", "err", err)
			continue
		}
		if _, ok := face.NominalGlyph(r); ok {
			return face
		}
	}
	return nil
}

// A fontmap chooses the font of each character.
type fontmap struct {
	*Family
	bold bool
	last *font.Face // font of the previous character
}

// ResolveFace implements shaping.Fontmap.
func (m *fontmap) ResolveFace(r rune) *font.Face {
	// Marks, spaces and digits use the font of the character before them.
	if m.last != nil {
		if _, ok := m.last.NominalGlyph(r); ok && !unicode.IsLetter(r) {
			return m.last
		}
	}
	face := m.fromEmbedded(r, m.bold)
	if face == nil {
		face = m.fromSystem(r)
	}
	m.last = face
	return face
}

// fromSystem returns the system's font for a character. If there is none, it returns
// an embedded font, which draws an empty rectangle.
func (f *Family) fromSystem(r rune) *font.Face {
	none := f.latin(false)
	if f.missing[r] {
		return none
	}
	if f.system == nil {
		f.system = findFonts(fontFolders(os.Getenv))
	}
	if face := f.system.face(r); face != nil {
		return face
	}
	f.missing[r] = true
	f.log.Warn("character missing from all fonts", "character", fmt.Sprintf("%q", r), "hint", "install a font with this character, such as fonts-noto-cjk")
	return none
}

// Missing returns the letters of a text that are in no font, in the order of the text.
func (f *Family) Missing(text string) (letters []rune) {
	for _, r := range text {
		if unicode.IsLetter(r) && f.fromEmbedded(r, false) == nil {
			if f.fromSystem(r); f.missing[r] {
				letters = append(letters, r)
			}
		}
	}
	return letters
}
