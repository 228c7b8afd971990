// Package samples contains the photos and the video of the demo.
package samples

import (
	"bytes"
	"embed"
	"fmt"
	"image"
	_ "image/jpeg" // for image.DecodeConfig
	"path"
	"strings"
	"time"

	"pickerd/picker/pickertest"
)

//go:embed *.jpg *.mp4
var files embed.FS

// still is the first frame of the video.
const still = "waves.still.jpg"

// order begins with the best samples, because a slideshow begins with the photos
// that arrive first. Downloads run side by side, so the first four fill a screen.
var order = []string{
	"mountains.jpg", "sunset.jpg", "harbour.jpg", "aurora.jpg", "lighthouse.jpg", "birches.jpg", "waves.mp4",
	"meadow.jpg", "leaves.jpg", "dunes.jpg", "citylights.jpg", "snowpeaks.jpg", "balloon.jpg",
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
	it.MimeType, it.Width, it.Height = "image/jpeg", c.Width, c.Height
	return err
}
