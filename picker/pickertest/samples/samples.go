// Package samples contains the photos and the video of the demo.
package samples

import (
	"bytes"
	"embed"
	"fmt"
	"image"
	"path"
	"strings"
	"time"

	_ "golang.org/x/image/webp" // for image.DecodeConfig

	"pickerd/picker/pickertest"
)

//go:embed *.webp *.jpg *.mp4
var files embed.FS

// still is the first frame of the video.
const still = "waves.still.jpg"

// order begins with the best samples, because a slideshow begins with the photos
// that arrive first. Downloads run side by side, so the first four fill a screen.
var order = []string{
	"mountains.webp", "sunset.webp", "harbour.webp", "aurora.webp", "lighthouse.webp", "birches.webp", "waves.mp4",
	"meadow.webp", "leaves.webp", "dunes.webp", "citylights.webp", "snowpeaks.webp", "balloon.webp",
}

// Items returns the samples as items for pickertest, the best ones first.
func Items() ([]*pickertest.Item, error) {
	var items []*pickertest.Item
	for i, name := range order {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		it := &pickertest.Item{
			ID:         "sample-" + strings.TrimSuffix(name, path.Ext(name)),
			Filename:   name,
			CreateTime: time.Date(2026, time.May, 1+i, 15, 4, 5, 0, time.UTC),
			Data:       data,
		}
		if err := describe(it); err != nil {
			return nil, fmt.Errorf("sample %s: %w", name, err)
		}
		items = append(items, it)
	}
	return items, nil
}

func describe(it *pickertest.Item) error {
	if path.Ext(it.Filename) == ".mp4" {
		it.Type, it.MimeType, it.Width, it.Height = "VIDEO", "video/mp4", 960, 540
		data, err := files.ReadFile(still)
		it.Poster = data
		return err
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(it.Data))
	it.MimeType, it.Width, it.Height = "image/webp", c.Width, c.Height
	return err
}
