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

// poster is the still image of the video.
const poster = "lighthouse.jpg"

// Items returns the samples as items for pickertest, sorted by name.
func Items() ([]*pickertest.Item, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var items []*pickertest.Item
	for i, e := range entries {
		data, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		it := &pickertest.Item{
			ID:         "sample-" + strings.TrimSuffix(e.Name(), path.Ext(e.Name())),
			Filename:   e.Name(),
			CreateTime: time.Date(2026, time.May, 1+i, 15, 4, 5, 0, time.UTC),
			Data:       data,
		}
		if err := describe(it); err != nil {
			return nil, fmt.Errorf("sample %s: %w", e.Name(), err)
		}
		items = append(items, it)
	}
	return items, nil
}

func describe(it *pickertest.Item) error {
	if path.Ext(it.Filename) == ".mp4" {
		it.Type, it.MimeType, it.Width, it.Height = "VIDEO", "video/mp4", 960, 540
		still, err := files.ReadFile(poster)
		it.Poster = still
		return err
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(it.Data))
	it.MimeType, it.Width, it.Height = "image/jpeg", c.Width, c.Height
	return err
}
