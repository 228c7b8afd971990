package typeface

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/font/opentype/tables"
)

// maxFontFiles, maxFontFolders and maxFontDepth bound the search for the system's fonts,
// in which links may lead back.
const (
	maxFontFiles   = 10_000
	maxFontFolders = 2_000
	maxFontDepth   = 8
)

// A fontSearch finds the system's font for a character. It reads which characters a file
// has when no file before it has the one that is needed.
type fontSearch struct {
	files   []*fontFile
	folders int
}

// A fontFile has a font, or several ones in a collection.
type fontFile struct {
	path  string
	read  bool
	fonts []systemFont
}

// A systemFont has the characters in some ranges, with their ends.
type systemFont struct {
	runes [][2]rune
	face  *font.Face // nil until needed
}

// fontFolders returns where fonts are installed: what fontconfig searches by default, the
// folders of the XDG Base Directory Specification, and that of NixOS.
func fontFolders(getenv func(string) string) []string {
	home := getenv("HOME")
	dirs := []string{cmp.Or(getenv("XDG_DATA_HOME"), filepath.Join(home, ".local/share")) + "/fonts", filepath.Join(home, ".fonts")}
	for _, dir := range filepath.SplitList(cmp.Or(getenv("XDG_DATA_DIRS"), "/usr/local/share:/usr/share")) {
		dirs = append(dirs, filepath.Join(dir, "fonts"))
	}
	dirs = append(dirs, "/usr/local/share/fonts", "/usr/share/fonts", "/run/current-system/sw/share/X11/fonts")
	dirs = slices.DeleteFunc(dirs, func(dir string) bool { return !filepath.IsAbs(dir) }) // such as without HOME
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// findFonts lists the font files in folders, those with plain fonts without serifs first.
func findFonts(folders []string) *fontSearch {
	s := &fontSearch{}
	for _, dir := range folders {
		s.add(dir, maxFontDepth)
	}
	sort.SliceStable(s.files, func(i, j int) bool { return rank(s.files[i].path) < rank(s.files[j].path) })
	return s
}

// add adds the files in a folder.
func (s *fontSearch) add(dir string, depth int) {
	s.folders++
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if len(s.files) == maxFontFiles || s.folders > maxFontFolders {
			return
		}
		path := filepath.Join(dir, e.Name())
		switch strings.ToLower(filepath.Ext(path)) {
		case ".ttf", ".otf", ".ttc", ".otc":
			s.files = append(s.files, &fontFile{path: path})
			continue
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() && depth > 1 {
			s.add(path, depth-1)
		}
	}
}

// rank returns the place of a file in the order of search, by its name.
func rank(path string) int {
	name := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(filepath.Base(path)))
	rank := 0
	for _, style := range []string{"bold", "italic", "oblique", "mono", "black", "light", "thin", "condensed", "medium"} {
		if strings.Contains(name, style) {
			rank = 10
		}
	}
	for i, start := range []string{"notosanscjk", "notosans", "dejavusans"} {
		if strings.HasPrefix(name, start) {
			return rank + i
		}
	}
	if strings.Contains(name, "sans") {
		return rank + 3
	}
	return rank + 4
}

// face returns the first font with a character, or nil. Files that are no fonts are
// skipped.
func (s *fontSearch) face(r rune) *font.Face {
	for _, f := range s.files {
		if !f.read {
			f.read = true
			_ = f.open(func(i int, l *opentype.Loader) error { return f.readRunes(l) })
		}
		for i := range f.fonts {
			if face := f.load(i, r); face != nil {
				return face
			}
		}
	}
	return nil
}

// open calls do with each font of a file, until one returns an error.
func (f *fontFile) open(do func(i int, l *opentype.Loader) error) error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := checkTables(file); err != nil {
		return err
	}
	loaders, err := opentype.NewLoaders(file)
	for i, l := range loaders {
		if err := do(i, l); err != nil {
			return err
		}
	}
	return err
}

// readRunes reads which characters a font has.
func (f *fontFile) readRunes(l *opentype.Loader) error {
	f.fonts = append(f.fonts, systemFont{})
	data, err := l.RawTable(opentype.MustNewTag("cmap"))
	if err != nil {
		return err
	}
	table, _, err := tables.ParseCmap(data)
	if err != nil {
		return err
	}
	cmap, _, err := font.ProcessCmap(table, 0)
	if err != nil {
		return err
	}
	to := &f.fonts[len(f.fonts)-1]
	for it := cmap.Iter(); it.Next(); {
		r, _ := it.Char()
		if n := len(to.runes); n > 0 && to.runes[n-1][1] == r-1 {
			to.runes[n-1][1] = r
		} else {
			to.runes = append(to.runes, [2]rune{r, r})
		}
	}
	return nil
}

// load returns font i if it has a character, and nil otherwise.
func (f *fontFile) load(i int, r rune) *font.Face {
	s := &f.fonts[i]
	if !slices.ContainsFunc(s.runes, func(x [2]rune) bool { return x[0] <= r && r <= x[1] }) {
		return nil
	}
	if s.face == nil {
		err := f.open(func(n int, l *opentype.Loader) error {
			if n != i {
				return nil
			}
			loaded, err := font.NewFont(l)
			if err == nil {
				s.face = font.NewFace(loaded)
			}
			return err
		})
		if err != nil {
			s.runes = nil // it is unusable
			return nil
		}
	}
	if _, ok := s.face.NominalGlyph(r); !ok {
		return nil
	}
	return s.face
}
