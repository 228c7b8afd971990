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

// scripts are the embedded fonts without their weight, in the order that they
// are asked for a character. The Chinese and Japanese ones share many, with
// another shape each: the one of the interface's language comes first.
var scripts = []string{"NotoSans", "NotoSansArabic", "NotoSansBengali", "NotoSansDevanagari", "NotoSansJP", "NotoSansSC"}

// weights are the file names' ends, by Style.Bold.
var weights = map[bool]string{false: "Regular", true: "Bold"}

// A Family is the fonts that text is drawn with.
type Family struct {
	lang    language.Language
	rtl     bool
	log     *slog.Logger
	faces   map[bool][]*font.Face
	system  *fontscan.FontMap // nil until it is needed
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
		faces: map[bool][]*font.Face{}, missing: map[rune]bool{}, glyphs: map[glyphKey]*glyph{}}
	order := scripts
	if lang == "zh-Hans" {
		order = slices.Clone(scripts)
		slices.Reverse(order[4:])
	}
	for bold, weight := range weights {
		for _, script := range order {
			face, err := load(script + "-" + weight)
			if err != nil {
				return nil, err
			}
			f.faces[bold] = append(f.faces[bold], face)
		}
	}
	f.shaper.SetFontCacheSize(2 * len(scripts))
	return f, nil
}

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

// Has reports whether the embedded fonts have a character.
func (f *Family) Has(r rune) bool { return f.own(r, false) != nil }

func (f *Family) own(r rune, bold bool) *font.Face {
	for _, face := range f.faces[bold] {
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
		if _, ok := m.last.NominalGlyph(r); ok && !isLetter(r) {
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
	none := f.faces[false][0]
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
