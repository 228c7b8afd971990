package device_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/photo"
	"pickerd/picker/pickertest"
	"pickerd/picker/pickertest/samples"
)

// TestVideos checks the download of videos and of those still being processed.
func TestVideos(t *testing.T) {
	mp4, err := os.ReadFile("../picker/pickertest/samples/waves.mp4")
	if err != nil {
		t.Fatal(err)
	}
	video := func() *pickertest.Item {
		return &pickertest.Item{ID: "film", Type: "VIDEO", MimeType: "video/mp4", Filename: "f.mp4", Data: mp4, Poster: mp4}
	}
	t.Run("redirected, slow first byte", func(t *testing.T) {
		o := options{items: []*pickertest.Item{video()}, photos: pickertest.Options{SlowVideo: 9 * time.Second}}
		inWorld(t, o, func(t *testing.T, w *world) {
			w.pair()
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
			photos, err := w.store.Photos.Collection()
			if err != nil || len(photos) != 1 || photos[0].Duration.Round(time.Second) != 5*time.Second || photos[0].Bytes != int64(len(mp4)) {
				t.Errorf("photos %+v, %v", photos, err)
			}
		})
	})
	t.Run("processing, then ready", func(t *testing.T) {
		film := video()
		film.Processing = "PROCESSING"
		inWorld(t, options{items: append(pickertest.PlainPhotos(1), film)}, func(t *testing.T, w *world) {
			w.pair()
			w.choose()
			w.until("photo", func(s device.Status) bool { return s.Library.Items == 1 })
			w.pass(time.Minute)
			w.photos.Change(func(*pickertest.Options) { film.Processing = "" })
			w.until("video", func(s device.Status) bool { return s.State == device.Showing && s.Library.Items == 2 })
			w.untilPage("receipt that counts both", func(p display.Page) bool { return strings.HasPrefix(p.Receipt, "1 photo and 1 video added.") })
			w.untilClean()
		})
	})
	t.Run("always processing", func(t *testing.T) {
		film := video()
		film.Processing = "PROCESSING"
		inWorld(t, options{items: append(pickertest.PlainPhotos(1), film)}, func(t *testing.T, w *world) {
			w.pair()
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
		})
	})
}

// TestVideoStill checks that a video's file also contains a still and remains
// playable.
func TestVideoStill(t *testing.T) {
	items, err := samples.Items()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(items, func(it *pickertest.Item) bool { return it.Type == "VIDEO" })
	o := options{items: []*pickertest.Item{items[i]}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		photos, err := w.store.Photos.Collection()
		if err != nil || len(photos) != 1 {
			t.Fatalf("photos %+v, %v", photos, err)
		}
		f, err := w.store.Photos.Open(photos[0].File)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if p, err := photo.Decode(t.Context(), f, photos[0].Bytes, photo.Limit{}); err != nil || p.W < 100 {
			t.Errorf("still %+v, %v", p, err)
		}
		head := make([]byte, len(items[i].Data))
		if _, err := f.ReadAt(head, 0); err != nil || !bytes.Equal(head, items[i].Data) {
			t.Error("the video differs from the server's")
		}
		if photos[0].Duration == 0 || photos[0].MimeType != "video/mp4" {
			t.Errorf("video %+v", photos[0])
		}
	})
}
