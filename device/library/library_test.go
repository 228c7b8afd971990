package library_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"testing"
	"time"

	"pickerd/device/library"
	"pickerd/store"
)

// newLibrary returns a library with one photo.
func newLibrary(t *testing.T) *library.Library {
	t.Helper()
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	part, err := st.Photos.NewPart()
	if err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(part, image.NewGray(image.Rect(0, 0, 64, 48)), nil); err != nil {
		t.Fatal(err)
	}
	p := store.Photo{ID: "a", Pick: "one", Type: "PHOTO", MimeType: "image/jpeg", AddedAt: time.Now()}
	if err := st.Photos.Add([]store.Addition{{Photo: p, Part: part}}, true); err != nil {
		t.Fatal(err)
	}
	return library.New(st, nil)
}

// A client that has gone gets no copy and keeps no other from one.
func TestCopyItem(t *testing.T) {
	l := newLibrary(t)
	gone, leave := context.WithCancel(t.Context())
	leave()
	for range 10 {
		if _, _, err := l.CopyItem(gone, "a", 32, 32); !errors.Is(err, context.Canceled) {
			t.Fatalf("for a client that has gone: %v", err)
		}
	}
	data, item, err := l.CopyItem(t.Context(), "a", 32, 32)
	if err != nil || item.ID != "a" {
		t.Fatal(item, err)
	}
	if c, err := jpeg.DecodeConfig(bytes.NewReader(data)); err != nil || c.Width != 32 || c.Height != 24 {
		t.Errorf("%d by %d, %v", c.Width, c.Height, err)
	}
}
