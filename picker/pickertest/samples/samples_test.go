package samples

import (
	"bytes"
	"image"
	"testing"
)

// Every embedded file is an item or the video's still. The first items fill a
// screen, because a slideshow begins with them.
func TestItems(t *testing.T) {
	items, err := Items()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != len(entries)-1 {
		t.Errorf("%d items of %d files, want all but the still", len(items), len(entries))
	}
	seen := map[string]bool{}
	for i, it := range items {
		if seen[it.ID] {
			t.Errorf("%s twice", it.ID)
		}
		seen[it.ID] = true
		if i < 4 && (it.Width < 1400 || it.Height < 800 || it.Width < it.Height) {
			t.Errorf("%s is number %d and has %d by %d pixels", it.Filename, i+1, it.Width, it.Height)
		}
		if it.Type != "VIDEO" {
			continue
		}
		c, _, err := image.DecodeConfig(bytes.NewReader(it.Poster))
		if err != nil || c.Width != it.Width || c.Height != it.Height {
			t.Errorf("the still of %s has %d by %d pixels (%v), want the video's %d by %d", it.Filename, c.Width, c.Height, err, it.Width, it.Height)
		}
	}
	if !seen["sample-waves"] {
		t.Error("there is no video")
	}
}
