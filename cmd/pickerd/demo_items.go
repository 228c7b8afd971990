package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pickerd/display/photo"
	"pickerd/picker/pickertest"
)

// addItem adds a file to the library of the demo, before the samples. It is sent as it
// is. The kind of a file follows from its content.
func (s *simulation) addItem(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	format := photo.Format(data[:min(len(data), photo.FormatHead)])
	if format == "" {
		return fmt.Errorf("%s is no photo or video", file)
	}
	sum := sha256.Sum256(data)
	it := &pickertest.Item{ID: fmt.Sprintf("file-%d-%s", len(s.items), hex.EncodeToString(sum[:8])), Filename: filepath.Base(file), MimeType: format,
		CreateTime: time.Now(), Data: data, Unscaled: true}
	if strings.HasPrefix(format, "video/") {
		it.Type = "VIDEO"
	}
	s.items = append(s.items, it)
	return nil
}
