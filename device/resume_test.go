package device_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/picker/pickertest"
)

const filmSize = 40 << 20

// filmOf returns a video of n bytes. The bytes after the sample's are of seed, and
// never the same for long.
func filmOf(t *testing.T, n int, seed uint64) *pickertest.Item {
	t.Helper()
	mp4, err := os.ReadFile("../picker/pickertest/samples/waves.mp4")
	if err != nil {
		t.Fatal(err)
	}
	poster, err := os.ReadFile("../picker/pickertest/samples/waves.still.jpg")
	if err != nil {
		t.Fatal(err)
	}
	left := n - len(mp4)
	data := append(mp4, byte(left>>24), byte(left>>16), byte(left>>8), byte(left), 'f', 'r', 'e', 'e')
	for len(data) < n {
		seed = seed*6364136223846793005 + 1442695040888963407
		data = append(data, byte(seed>>56))
	}
	return &pickertest.Item{ID: "film", Type: "VIDEO", MimeType: "video/mp4", Filename: "f.mp4", Data: data, Poster: poster}
}

// filmServed returns how often the film's size was sent, and by how many requests.
func filmServed(w *world) (times float64, requests int) {
	n := int64(0)
	for _, c := range w.photos.Calls() {
		if (c.Op == pickertest.OpStream || c.Op == pickertest.OpVideo) && c.ID == "film" {
			n += c.Bytes
			requests++
		}
	}
	return float64(n) / filmSize, requests
}

// checkFilm checks that the film is whole on the box, and that nothing else is.
func checkFilm(t *testing.T, w *world, film *pickertest.Item) {
	t.Helper()
	photos, err := w.store.Photos.Collection()
	if err != nil || len(photos) != 1 || photos[0].ID != "film" {
		t.Fatalf("photos %+v, %v", photos, err)
	}
	b, err := os.ReadFile(filepath.Join(w.dir, "media", photos[0].File))
	if err != nil || !bytes.HasPrefix(b, film.Data) {
		t.Errorf("the film is not what was served: %d bytes, %v", len(b), err)
	}
	if ok, err := w.store.Photos.Verify(t.Context(), photos[0]); !ok || err != nil {
		t.Errorf("intact: %v, %v", ok, err)
	}
	noParts(t, w.dir)
	if u, err := w.store.Photos.Usage("", "", ""); err != nil || u.Parts != 0 {
		t.Errorf("usage %+v, %v", u, err)
	}
}

// TestCutDownloads checks what a film costs whose download is cut off again and again.
func TestCutDownloads(t *testing.T) {
	skipShort(t)
	for name, tt := range map[string]struct {
		photos pickertest.Options
		max    float64 // times its size
	}{
		"whole":                        {pickertest.Options{}, 1},
		"at nine tenths, ten times":    {pickertest.Options{MediaCut: pickertest.Cut{Times: 10, Share: 0.9}}, 1.2},
		"at a tenth, ten times":        {pickertest.Options{MediaCut: pickertest.Cut{Times: 10, Share: 0.1}}, 1.2},
		"ranges ignored, three times":  {pickertest.Options{MediaCut: pickertest.Cut{Times: 3, Share: 0.9, Whole: true}}, 3.71},
		"addresses that expire":        {pickertest.Options{MediaCut: pickertest.Cut{Times: 10, Share: 0.1}, URLLife: 20 * time.Second}, 1.2},
		"streams refused, three times": {pickertest.Options{MediaCut: pickertest.Cut{Times: 3, Share: 0.9}, RefusedSuffixes: map[string]int{"m37": 404, "m22": 404}}, 3.71},
	} {
		t.Run(name, func(t *testing.T) {
			film := filmOf(t, filmSize, 1)
			inWorld(t, options{items: []*pickertest.Item{film}, photos: tt.photos}, func(t *testing.T, w *world) {
				w.pair()
				w.choose()
				w.until("end of the pick", func(s device.Status) bool { return s.State == device.Showing || s.State == device.Idle })
				times, requests := filmServed(w)
				t.Logf("%.2f times its size in %d requests", times, requests)
				if times > tt.max {
					t.Errorf("the film was sent %.2f times, want %.2f", times, tt.max)
				}
				w.untilClean()
				checkFilm(t, w, film)
			})
		})
	}
}

// TestCutDownloadAfterRestart checks that a restart continues a film, whether it was cut
// off before or is under way.
func TestCutDownloadAfterRestart(t *testing.T) {
	film := filmOf(t, filmSize, 1)
	o := options{items: []*pickertest.Item{film}, photos: pickertest.Options{MediaCut: pickertest.Cut{Times: 1, Share: 0.9}}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.photos.Fail(pickertest.OpStream, nil, silent, silent, nil)
		w.choose()
		for i := range 2 {
			for countPickerCalls(w, pickertest.OpMedia) < 2+i {
				w.pass(time.Second)
			}
			w.restart()
		}
		w.untilState(device.Showing)
		if times, requests := filmServed(w); times > 1.01 {
			t.Errorf("the film was sent %.2f times in %d requests", times, requests)
		}
		w.untilClean()
		checkFilm(t, w, film)
	})
}

// TestChangedDownload checks that a film that has other bytes now starts anew.
func TestChangedDownload(t *testing.T) {
	skipShort(t)
	for name, size := range map[string]int{"same length": filmSize, "shorter": 20 << 20, "longer": filmSize + 10} {
		t.Run(name, func(t *testing.T) {
			film, later := filmOf(t, filmSize, 1), filmOf(t, size, 2)
			o := options{items: []*pickertest.Item{film}, photos: pickertest.Options{MediaCut: pickertest.Cut{Times: 1, Share: 0.9}}}
			inWorld(t, o, func(t *testing.T, w *world) {
				w.photos.Fail(pickertest.OpStream, nil, func(rw http.ResponseWriter, _ *http.Request) {
					w.photos.Change(func(*pickertest.Options) { film.Data = later.Data })
					rw.WriteHeader(503)
				})
				w.pair()
				w.choose()
				w.untilState(device.Showing)
				w.untilClean()
				checkFilm(t, w, later)
			})
		})
	}
}

// TestCutDownloadForgotten checks that nothing is left of half a film when its pick is
// cancelled, its person is forgotten, or a guest's box restarts.
func TestCutDownloadForgotten(t *testing.T) {
	skipShort(t)
	for name, tt := range map[string]struct {
		guest bool
		end   func(w *world) error
	}{
		"cancelled":      {false, func(w *world) error { return w.dev.Cancel(w.t.Context()) }},
		"unpaired":       {false, func(w *world) error { return w.dev.Unpair(w.t.Context(), true) }},
		"guest finished": {true, func(w *world) error { return w.dev.Unpair(w.t.Context(), true) }},
		"guest, restart": {true, func(w *world) error { w.restart(); return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			o := options{items: []*pickertest.Item{filmOf(t, filmSize, 1)}, photos: pickertest.Options{MediaCut: pickertest.Cut{Times: 1, Share: 0.9}}}
			if tt.guest {
				o.config = func(c *Config) { c.ForgetAfter = time.Hour }
			}
			inWorld(t, o, func(t *testing.T, w *world) {
				w.pair()
				w.photos.Fail(pickertest.OpStream, nil, silent)
				w.choose()
				for countPickerCalls(w, pickertest.OpMedia) < 2 {
					w.pass(time.Second)
				}
				if n, err := sizeOf(filepath.Join(w.dir, "media")); err != nil || n < filmSize/2 {
					t.Fatalf("%d bytes of the film are on the disk, %v", n, err)
				}
				if err := tt.end(w); err != nil {
					t.Fatal(err)
				}
				w.pass(time.Second)
				noParts(t, w.dir)
				if db, err := os.ReadFile(filepath.Join(w.dir, "pickerd.db")); err != nil || name != "cancelled" && bytes.Contains(db, []byte(`"variant"`)) {
					t.Errorf("the database still has the record, %v", err)
				}
			})
		})
	}
}

// TestManyCutDownloads checks that each of several films is continued, within the room
// for photos.
func TestManyCutDownloads(t *testing.T) {
	var items []*pickertest.Item
	for i := range 6 {
		film := filmOf(t, 4<<20, uint64(i))
		film.ID = fmt.Sprint("film-", i)
		items = append(items, film)
	}
	for name, maxBytes := range map[string]int64{"no limit": 0, "just enough": 34 << 20} {
		t.Run(name, func(t *testing.T) {
			o := options{items: items, photos: pickertest.Options{MediaCut: pickertest.Cut{Times: 2, Share: 0.5}}}
			o.config = func(c *Config) { c.MaxBytes = maxBytes }
			inWorld(t, o, func(t *testing.T, w *world) {
				w.pair()
				w.choose()
				if s := w.untilState(device.Showing); s.Library.Items != len(items) {
					t.Errorf("%d films, want %d", s.Library.Items, len(items))
				}
				n := int64(0)
				for _, c := range w.photos.Calls() {
					if c.Op == pickertest.OpStream && strings.HasPrefix(c.ID, "film") {
						n += c.Bytes
					}
				}
				if n > 6*4<<20*11/10 {
					t.Errorf("%d bytes were sent for %d", n, 6*4<<20)
				}
				w.untilClean()
				noParts(t, w.dir)
			})
		})
	}
}
