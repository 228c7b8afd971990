// Package typeface shapes and draws text in every language of the interface: it
// embeds Noto Sans (SIL Open Font License 1.1), with the scripts that fit, and
// looks among the system's fonts for characters that it lacks. What is nowhere
// to be found is drawn as a box. A Family is not for two goroutines at a time.
package typeface

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"unicode"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/fontscan"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
)

// Compressed the fonts take half the room.
//
//go:embed fonts/*.gz
var embedded embed.FS

// File returns one of the embedded fonts, compressed with gzip, for browsers:
// NotoSans-Regular.ttf. Its error is fs.ErrNotExist.
func File(name string) ([]byte, error) { return embedded.ReadFile("fonts/" + path.Base(name) + ".gz") }

// A script is an embedded font, without its weight, and the characters that it is
// for: it takes memory once one of them is needed.
type script struct {
	font   string
	ranges [][2]rune // nil means all
}

// scripts are asked for a character in this order. The Chinese and Japanese ones
// share many, with another shape each: the one of the interface's language comes
// first.
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

// weights are the file names' ends, by Style.Bold.
var weights = map[bool]string{false: "Regular", true: "Bold"}

// A Family is the fonts that text is drawn with.
type Family struct {
	lang    language.Language
	rtl     bool
	log     *slog.Logger
	scripts []script
	faces   map[string]*font.Face // that are loaded, by script and weight
	system  *fontscan.FontMap     // nil until it is needed
	cache   string
	missing map[rune]bool

	segmenter shaping.Segmenter
	shaper    shaping.HarfbuzzShaper
	wrapper   shaping.LineWrapper
	glyphs    map[glyphKey]*glyph
	kept      int // bytes in glyphs
}

// New returns the fonts for an interface in a language (BCP 47). An index of the
// system's fonts, once it is needed, is kept in the folder cache.
func New(lang string, rightToLeft bool, cache string, log *slog.Logger) (*Family, error) {
	f := &Family{lang: language.NewLanguage(lang), rtl: rightToLeft, log: log, cache: cache,
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

// latin is the font of most characters, and of those that are nowhere else.
func (f *Family) latin(bold bool) *font.Face { return f.faces[f.scripts[0].font+"-"+weights[bold]] }

func load(name string) (*font.Face, error) {
	for _, end := range []string{".ttf", ".otf"} {
		packed, err := File(name + end)
		if err != nil {
			continue
		}
		data, err := unpack(packed)
		if err != nil {
			return nil, fmt.Errorf("the embedded font %s: %w", name, err)
		}
		face, err := font.ParseTTF(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("the embedded font %s: %w", name, err)
		}
		return face, nil
	}
	return nil, fmt.Errorf("the embedded font %s: %w", name, fs.ErrNotExist)
}

func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// own returns the embedded font that has a character, nil if none has.
func (f *Family) own(r rune, bold bool) *font.Face {
	for _, s := range f.scripts {
		if !s.covers(r) {
			continue
		}
		face, err := f.face(s, bold)
		if err != nil {
			f.log.Error("fonts", "err", err)
			continue
		}
		if _, ok := face.NominalGlyph(r); ok {
			return face
		}
	}
	return nil
}

// fontmap chooses the face of each character.
type fontmap struct {
	*Family
	bold bool
	last *font.Face // of the character before
}

// ResolveFace implements shaping.Fontmap.
func (m *fontmap) ResolveFace(r rune) *font.Face {
	// A mark, a space or a digit stays with what it stands beside.
	if m.last != nil {
		if _, ok := m.last.NominalGlyph(r); ok && !unicode.IsLetter(r) {
			return m.last
		}
	}
	face := m.own(r, m.bold)
	if face == nil {
		face = m.fromSystem(r)
	}
	m.last = face
	return face
}

// fromSystem looks for a character among the system's fonts. Without one it
// returns a font of our own, which draws a box.
func (f *Family) fromSystem(r rune) *font.Face {
	none := f.latin(false)
	if f.missing[r] {
		return none
	}
	if f.system == nil {
		f.system = fontscan.NewFontMap(quiet{})
		f.system.SetQuery(fontscan.Query{Families: []string{"Noto Sans CJK JP", "Noto Sans", fontscan.SansSerif}})
		if err := f.system.UseSystemFonts(f.cache); err != nil {
			f.log.Info("there are no fonts of the system", "err", err)
		}
	}
	if face := f.system.ResolveFace(r); face != nil {
		if _, ok := face.NominalGlyph(r); ok {
			return face
		}
	}
	f.missing[r] = true
	f.log.Warn("no font has a character; it is drawn as a box", "character", fmt.Sprintf("%q", r), "hint", "install a font that has it, such as fonts-noto-cjk")
	return none
}

// quiet is where fontscan's remarks about odd font files go.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
