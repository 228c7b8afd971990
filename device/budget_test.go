package device_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// largePhotos returns n photos of about 100 kB each.
func largePhotos(n int) []*pickertest.Item {
	items := pickertest.PlainPhotos(n)
	for _, it := range items {
		it.Data, it.Unscaled = append(it.Data, make([]byte, 100_000-len(it.Data))...), true
	}
	return items
}

// itemIDs returns the ids of items from to to.
func itemIDs(from, to int) (l []string) {
	all := pickertest.PlainPhotos(to)
	for i := from; i <= to; i++ {
		l = append(l, all[i-1].ID)
	}
	return l
}

// onDisk returns the bytes in the media directory.
func (w *world) onDisk() int64 {
	w.t.Helper()
	for last := int64(-1); ; {
		n, err := sizeOf(filepath.Join(w.dir, "media"))
		if err == nil && n == last {
			return n
		}
		last = n
	}
}

// sizeOf returns the total size of the files in a directory. It may miss a file
// that is renamed meanwhile, or return an error.
func sizeOf(dir string) (n int64, _ error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return 0, err
		}
		n += info.Size()
	}
	return n, nil
}

// maxOnDisk returns the largest size of the media directory so far. It is updated
// before each request.
func (w *world) maxOnDisk() *atomic.Int64 {
	var most atomic.Int64
	w.net.hook(func(*http.Request) error {
		if n := w.onDisk(); n > most.Load() {
			most.Store(n)
		}
		return nil
	}, nil)
	return &most
}

// checkCollection compares the ids of the stored photos.
func (w *world) checkCollection(want ...string) {
	w.t.Helper()
	photos, err := w.store.Photos.Collection()
	if err != nil {
		w.t.Fatal(err)
	}
	if got := photoIDs(photos); !slices.Equal(got, want) {
		w.t.Errorf("collection %v, want %v", got, want)
	}
}

// TestMaxBytes checks that photos are skipped beyond max_bytes.
func TestMaxBytes(t *testing.T) {
	most := int64(len(pickertest.PlainPhotos(1)[0].Data)) * 5
	o := options{config: func(c *Config) { c.MaxBytes = most }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		s := w.untilState(device.Showing)
		if s.Library.Items < 4 || s.Library.Bytes > most {
			t.Errorf("%d photos", s.Library.Items)
		}
		w.untilClean()
	})
}

// TestAppend checks that a pick adds to the photos of the last one.
func TestAppend(t *testing.T) {
	o := options{config: func(c *Config) { c.Append = true }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2")
		w.untilState(device.Showing)
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.choose("item-2", "item-3")
		w.until("three photos", func(s device.Status) bool { return s.State == device.Showing && s.Library.Items == 3 })
		w.untilClean()
	})
}

// TestAppendAfterOutage checks that photos which arrive before a failed listing is
// repeated count only once against max_bytes.
func TestAppendAfterOutage(t *testing.T) {
	items := pickertest.PlainPhotos(12)
	o := options{items: items, photos: pickertest.Options{PageLimit: 6}, config: func(c *Config) {
		c.Append = true
	}}
	var size int64
	// The first run measures the size of the photos.
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		size = w.untilState(device.Showing).Library.Bytes
	})
	o.config = func(c *Config) { c.Append = true; c.MaxBytes = size + size/10 }
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		var n atomic.Int32
		w.net.hook(func(r *http.Request) error {
			if r.URL.Path == "/v1/mediaItems" && r.URL.Query().Get("pageToken") != "" && n.Add(1) == 1 {
				<-time.After(3 * time.Second) // the first page is downloaded meanwhile
				return oauthtest.ErrConnection
			}
			return nil
		}, nil)
		w.choose()
		got := w.untilState(device.Showing)
		w.pass(time.Minute)
		if got = w.dev.Statuses().Get(); got.Library.Items != 12 {
			t.Errorf("%d photos, want 12; %d of %d bytes used", got.Library.Items, got.Library.Bytes, size+size/10)
		}
	})
}

// TestUnknownLength checks that downloads without a length, which reserve more
// than they need, do not make the box skip photos that fit.
func TestUnknownLength(t *testing.T) {
	o := options{items: largePhotos(28), config: func(c *Config) { c.MaxBytes = 3_000_000; c.Append = true }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		inner := w.net.media()
		w.net.setMedia(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			resp, err := inner.RoundTrip(r)
			if err == nil && !strings.HasPrefix(r.URL.Path, "/v1/") {
				resp.ContentLength = -1
				resp.Header.Del("Content-Length")
				resp.Body = &watchedBody{resp.Body, func() error { time.Sleep(time.Millisecond); return nil }}
			}
			return resp, err
		}))
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		if s := w.dev.Statuses().Get(); s.Library.Items != 28 {
			t.Errorf("%d photos, want 28; problem %+v", s.Library.Items, s.Problem)
		}
	})
}

// TestReplaceWithinMaxBytes checks that a pick that replaces a full collection
// stays within max_bytes. The old photos are removed once the first new one is
// stored.
func TestReplaceWithinMaxBytes(t *testing.T) {
	items := largePhotos(14)
	o := options{items: items, config: func(c *Config) { c.MaxBytes = 1_000_000 }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.photos.NoLeaks(t)
		w.pair()
		most := w.maxOnDisk()
		first := []string{"item-1", "item-2", "item-3", "item-4", "item-5", "item-6", "item-7", "item-8"}
		w.choose(append(slices.Clone(first), "item-9", "item-10")...)
		w.untilProblem("no_room") // room for the first photo of the next pick is reserved
		w.untilState(device.Showing)
		photos, err := w.store.Photos.Collection()
		if err != nil || len(photos) != 8 {
			t.Fatalf("%d photos, %v", len(photos), err)
		}
		w.untilClean()
		w.until("status without a problem", func(s device.Status) bool { return s.Problem == nil })

		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := []string{"item-11", "item-1", "item-12", "item-13", "item-14", "item-2", "item-3"}
		w.choose(second...)
		w.untilState(device.Showing)
		w.untilClean()
		w.checkCollection(second...)
		if n := most.Load(); n > 1_000_000 {
			t.Errorf("%d bytes on the disk, want at most 1000000", n)
		}
	})
}

// TestReplaceOnFullDisk checks that a pick can replace one that filled the disk up
// to the reserve of 5 %.
func TestReplaceOnFullDisk(t *testing.T) {
	const total = 1_000_000
	o := options{items: largePhotos(20), config: func(c *Config) { c.MaxBytes = 8e9 }, before: func(w *world) {
		w.space = func() store.Space { return store.Space{Free: total - w.onDisk(), Total: total} }
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose(itemIDs(1, 12)...)
		w.untilState(device.Showing)
		w.untilClean()
		first, _ := w.store.Photos.Collection()
		t.Log(len(first), "photos")
		for range 2 {
			if err := w.dev.Pick(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.choose(itemIDs(13, 15)...)
			w.untilState(device.Showing)
			w.untilClean()
			w.pass(time.Hour)
		}
		photos, _ := w.store.Photos.Collection()
		t.Log(photoIDs(photos))
		if photos[0].ID == "item-1" {
			t.Error("the new pick did not replace the old one")
		}
	})
}

// TestReplaceAfterOverlap checks that photos that are in both picks count once.
func TestReplaceAfterOverlap(t *testing.T) {
	o := options{items: largePhotos(20), config: func(c *Config) { c.MaxBytes = 1_000_000 }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose(itemIDs(1, 8)...)
		w.untilState(device.Showing)
		w.untilClean()
		w.dev.Pick(t.Context())
		w.choose(itemIDs(1, 12)...)
		w.untilState(device.Showing)
		w.untilClean()
		photos, _ := w.store.Photos.Collection()
		t.Log(len(photos), "photos after the overlapping pick")
		for range 2 {
			w.dev.Pick(t.Context())
			w.choose(itemIDs(13, 15)...)
			w.untilState(device.Showing)
			w.untilClean()
		}
		photos, _ = w.store.Photos.Collection()
		t.Log(photoIDs(photos))
		if photos[0].ID == "item-1" {
			t.Error("the new pick did not replace the old one")
		}
	})
}

// TestReplaceAfterLowerMaxBytes checks that a pick replaces a collection that is
// larger than a lowered max_bytes.
func TestReplaceAfterLowerMaxBytes(t *testing.T) {
	limit := int64(0)
	o := options{items: largePhotos(20), config: func(c *Config) { c.MaxBytes = limit }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose(itemIDs(1, 8)...)
		w.untilState(device.Showing)
		w.untilClean()
		limit = 600_000
		w.restart()
		w.untilState(device.Showing)
		w.dev.Pick(t.Context())
		w.choose(itemIDs(13, 15)...)
		w.untilState(device.Showing)
		w.untilClean()
		photos, _ := w.store.Photos.Collection()
		t.Log(photoIDs(photos))
		if photos[0].ID == "item-1" {
			t.Error("the new pick did not replace the old one")
		}
	})
}
