package typeface

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// install writes an embedded font to a file.
func install(t *testing.T, name, path string) {
	t.Helper()
	packed, err := File(name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := unpack(packed)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, data)
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// embeddedFile returns the name of the file of an embedded font.
func embeddedFile(t *testing.T, start string) string {
	t.Helper()
	names, err := embedded.ReadDir("fonts")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if strings.HasPrefix(n.Name(), start) {
			return strings.TrimSuffix(n.Name(), ".gz")
		}
	}
	t.Fatal("no font " + start)
	return ""
}

// TestFontSearch finds fonts in folders with links to themselves and with files that are
// no fonts, and reads no more of them than needed.
func TestFontSearch(t *testing.T) {
	dir := t.TempDir()
	regular, bold := embeddedFile(t, "NotoSansDevanagari-Regular"), embeddedFile(t, "NotoSansDevanagari-Bold")
	install(t, bold, filepath.Join(dir, "a", bold))
	install(t, regular, filepath.Join(dir, "z", "deep", "Serif.ttf"))
	install(t, regular, filepath.Join(dir, "z", regular))
	arabic := embeddedFile(t, "NotoSansArabic-Regular")
	install(t, arabic, filepath.Join(dir, "1/2/3/4/5/6/7/8", arabic))
	write(t, filepath.Join(dir, "NotoSansCJK-Regular.ttc"), []byte("no font"))
	write(t, filepath.Join(dir, "NotoSans.ttf"), []byte("\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00cmap\x00\x00\x00\x00\x00\x00\x00\x1c\x00\x00\x00\x04none"))
	write(t, filepath.Join(dir, "fonts.txt"), nil)
	if err := os.Symlink(dir, filepath.Join(dir, "z", "link")); err != nil {
		t.Fatal(err)
	}
	s := findFonts([]string{filepath.Join(dir, "nothing"), dir})
	if len(s.files) > 100 || s.folders > 200 {
		t.Errorf("%d files in %d folders", len(s.files), s.folders)
	}
	if f := s.face('क'); f == nil {
		t.Fatal("no font for क")
	}
	for _, f := range s.files {
		loaded := slices.ContainsFunc(f.fonts, func(f systemFont) bool { return f.face != nil })
		if loaded != f.read && !strings.HasPrefix(filepath.Base(f.path), "NotoSansCJK") && filepath.Base(f.path) != "NotoSans.ttf" {
			t.Errorf("%s: read %t, loaded %t", f.path, f.read, loaded)
		}
		if loaded && filepath.Base(f.path) != regular {
			t.Errorf("%s is used", f.path)
		}
	}
	for _, r := range "\U000f0000م" { // the Arabic font is too deep
		if s.face(r) != nil {
			t.Errorf("a font for %q", r)
		}
	}
	for _, f := range s.files {
		if filepath.Ext(f.path) == ".txt" || len(f.fonts) > 1 { // each is read once
			t.Errorf("%s: %d fonts", f.path, len(f.fonts))
		}
	}
}

// TestFontLinks checks that links that lead back do not prolong the search without a bound.
func TestFontLinks(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		if err := os.Symlink(dir, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if s := findFonts([]string{dir}); s.folders > maxFontFolders+1 {
		t.Errorf("%d folders", s.folders)
	}
}

// TestRemovedFont checks that a font that was removed is not used.
func TestRemovedFont(t *testing.T) {
	dir := t.TempDir()
	regular := embeddedFile(t, "NotoSansDevanagari-Regular")
	install(t, regular, filepath.Join(dir, regular))
	s := findFonts([]string{dir})
	if s.face('م') != nil {
		t.Fatal("a font for Arabic")
	}
	if err := os.Remove(filepath.Join(dir, regular)); err != nil {
		t.Fatal(err)
	}
	if s.face('क') != nil {
		t.Error("a font that was removed")
	}
}

// TestFontFolders checks where fonts are searched.
func TestFontFolders(t *testing.T) {
	always := []string{"/run/current-system/sw/share/X11/fonts", "/usr/local/share/fonts", "/usr/share/fonts"}
	for _, tt := range []struct {
		env  map[string]string
		more []string
	}{
		{nil, nil},
		{map[string]string{"HOME": "/home/x"}, []string{"/home/x/.fonts", "/home/x/.local/share/fonts"}},
		{map[string]string{"HOME": "/home/x", "XDG_DATA_HOME": "/data"}, []string{"/data/fonts", "/home/x/.fonts"}},
		{map[string]string{"XDG_DATA_DIRS": "/opt/share:relative:/usr/share"}, []string{"/opt/share/fonts"}},
	} {
		want := slices.Sorted(slices.Values(append(tt.more, always...)))
		if got := fontFolders(func(name string) string { return tt.env[name] }); !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", tt.env, got, want)
		}
	}
}
