package device_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

func TestTwoThousandItems(t *testing.T) {
	items := pickertest.PlainPhotos(2000)
	inWorld(t, options{items: items}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		if s := w.untilState(device.Showing); s.Library.Items != 2000 {
			t.Errorf("%d photos", s.Library.Items)
		}
		w.untilClean()
		pages := 0
		for _, c := range w.photos.Calls() {
			if c.Op == pickertest.OpList {
				pages++
			}
		}
		if pages != 20 {
			t.Errorf("%d pages, want 20", pages)
		}
		photos, err := w.store.Photos.Collection()
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range photos {
			if p.ID != items[i].ID {
				t.Fatalf("photo %d is %s, want %s: not in the order picked", i, p.ID, items[i].ID)
			}
		}
	})
}

// The first photo is on the screen while others are still on their way.
func TestFirstPhotoAtOnce(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		for i := 2; i <= 12; i++ {
			w.photos.FailItem(fmt.Sprintf("item-%d", i), func(rw http.ResponseWriter, r *http.Request) {
				dawdle(r, 20*time.Second)
				http.Error(rw, "later", http.StatusServiceUnavailable)
			})
		}
		w.pair()
		w.choose()
		began := time.Now()
		p := w.untilPage("the first photo", func(p display.Page) bool { return p.Slide != nil })
		if took := time.Since(began); took > 6*time.Second { // one poll
			t.Errorf("the first photo took %v", took)
		}
		if p.State != string(device.Fetching) {
			t.Errorf("state %s", p.State)
		}
		for i := 2; i <= 12; i++ {
			w.photos.FailItem(fmt.Sprintf("item-%d", i), nil)
		}
		w.untilState(device.Showing)
		w.untilClean()
	})
}

// An item that can't be had is left out and counted; the rest is shown.
func TestBadItems(t *testing.T) {
	body := func(contentType string, data []byte) http.HandlerFunc {
		return answer(200, contentType, string(data))
	}
	tests := map[string]http.HandlerFunc{
		"always 500":       answer(500, "text/plain", "no"),
		"always 404":       answer(404, "text/plain", "no"),
		"connection reset": abort,
		"not an image":     body("image/jpeg", []byte("<html>this is no picture</html>")),
		"a script":         body("image/jpeg", []byte("#!/bin/sh\n")),
		"empty":            body("image/jpeg", nil),
		"broken header":    body("image/jpeg", []byte("\xff\xd8\xff\xe0 and nothing more")),
		"truncated": func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", "100000")
			rw.Write([]byte("\xff\xd8\xff"))
		},
		"hangs": slowAnswer,
	}
	for name, h := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{}, func(t *testing.T, w *world) {
				w.photos.FailItem("item-7", h)
				w.pair()
				w.choose()
				if s := w.untilState(device.Showing); s.Library.Items != 11 {
					t.Errorf("%d photos, want 11", s.Library.Items)
				}
				w.untilPage("the receipt", func(p display.Page) bool {
					return strings.HasPrefix(p.Receipt, "11 photos added. 1 could not be downloaded.")
				})
				w.untilClean()
				noParts(t, w.dir)
			})
		})
	}
}

func noParts(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "media"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestNothingComes(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(2)}, func(t *testing.T, w *world) {
		w.photos.FailItem("item-1", answer(404, "", ""))
		w.photos.FailItem("item-2", answer(404, "", ""))
		w.pair()
		w.choose()
		w.untilPage("the receipt", func(p display.Page) bool {
			return strings.HasPrefix(p.Receipt, "No photos arrived. 2 could not be downloaded.")
		})
		w.untilState(device.Idle)
		w.untilClean()
	})
}

// An outage in the middle of a download costs nobody a photo.
func TestOutageWhileFetching(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(40)}, func(t *testing.T, w *world) {
		var n atomic.Int32
		w.pair()
		w.net.hook(func(r *http.Request) error {
			if strings.HasPrefix(r.URL.Path, "/media/") && n.Add(1) >= 10 {
				w.net.cut()
				return oauthtest.ErrConnection
			}
			return nil
		}, nil)
		w.choose()
		w.untilProblem("no_network")
		w.pass(3 * time.Hour) // the addresses have run out meanwhile
		w.net.mend()
		if s := w.untilState(device.Showing); s.Library.Items != 40 {
			t.Errorf("%d photos, want 40", s.Library.Items)
		}
		w.untilClean()
	})
}

// dawdle makes a simulator slow for as long as its client waits.
func dawdle(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

// Half a download goes on where it stood.
func TestRestartWhileFetching(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(40)}, func(t *testing.T, w *world) {
		w.photos.FailItem("item-30", slowAnswer)
		w.pair()
		w.choose()
		w.until("half of them", func(s device.Status) bool { return s.Fetch != nil && s.Fetch.Done >= 20 })
		w.restart()
		w.photos.FailItem("item-30", nil)
		if s := w.untilState(device.Showing); s.Library.Items != 40 {
			t.Errorf("%d photos, want 40", s.Library.Items)
		}
		w.untilClean()
		fetched := map[string]int{}
		for _, c := range w.photos.Calls() {
			if c.Op == pickertest.OpMedia && c.Status == 200 {
				fetched[c.ID]++
			}
		}
		twice := 0
		for _, n := range fetched {
			if n > 1 {
				twice++
			}
		}
		if twice > parallel {
			t.Errorf("%d photos were fetched twice", twice)
		}
	})
}

// A baseUrl is good for an hour; a longer download lists again.
func TestAddressesRunOut(t *testing.T) {
	o := options{items: pickertest.PlainPhotos(20), photos: pickertest.Options{URLLife: 50 * time.Second}}
	inWorld(t, o, func(t *testing.T, w *world) {
		for i := range 20 {
			var asked atomic.Bool
			w.photos.FailItem(fmt.Sprintf("item-%d", i+1), func(rw http.ResponseWriter, r *http.Request) {
				if !asked.Swap(true) { // so slow that those behind it find their addresses dead
					dawdle(r, 40*time.Second)
				}
				pickertest.ServeOriginal(rw, pickertest.PlainPhotos(1)[0])
			})
		}
		w.pair()
		w.choose()
		if s := w.untilState(device.Showing); s.Library.Items != 20 {
			t.Errorf("%d photos, want 20", s.Library.Items)
		}
		w.untilClean()
	})
}

func TestListOddities(t *testing.T) {
	t.Run("a page token that repeats for ever", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.photos.Fail(pickertest.OpList, repeat(50, answer(200, "application/json", `{"nextPageToken":"again"}`))...)
			w.pair()
			w.choose()
			w.untilProblem("photos_lost")
			w.untilClean()
		})
	})
	t.Run("duplicates, nameless items, wrong types", func(t *testing.T) {
		inWorld(t, options{items: pickertest.PlainPhotos(3)}, func(t *testing.T, w *world) {
			w.pair()
			w.choose("item-1", "item-1", "item-2", "item-2", "item-3")
			w.photos.Fail(pickertest.OpList, answer(200, "application/json", `{"mediaItems":[{"type":"PHOTO"},7,"x",{"id":3}],"nextPageToken":"page-0"}`))
			w.untilPage("the receipt", func(p display.Page) bool {
				return strings.HasPrefix(p.Receipt, "3 photos added. 4 could not be downloaded.")
			})
			w.untilClean()
		})
	})
	t.Run("nothing picked", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.pair()
			w.photos.Fail(pickertest.OpList, answer(200, "application/json", `{}`))
			w.choose()
			w.untilState(device.Idle)
			w.untilClean()
		})
	})
	t.Run("names that want to be paths", func(t *testing.T) {
		items := pickertest.PlainPhotos(4)
		names := []string{"../../etc/passwd", strings.Repeat("n", 300), "", "a\x00\n\x1b[31mb.jpg"}
		for i, n := range names {
			items[i].Filename, items[i].ID = n, fmt.Sprintf("../%d/%s", i, strings.Repeat("i", 200))
		}
		inWorld(t, options{items: items}, func(t *testing.T, w *world) {
			w.pair()
			w.choose()
			if s := w.untilState(device.Showing); s.Library.Items != 4 {
				t.Errorf("%d photos, want 4", s.Library.Items)
			}
			w.untilClean()
			list, err := w.dev.Items()
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range list {
				if len([]rune(it.Filename)) > maxShownName || strings.ContainsAny(it.Filename, "\x00\n\x1b") {
					t.Errorf("shown as %q", it.Filename)
				}
			}
			entries, err := os.ReadDir(filepath.Join(w.dir, "media"))
			if err != nil || len(entries) != 4 {
				t.Errorf("media holds %v (%v)", entries, err)
			}
		})
	})
}

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
				t.Errorf("%+v, %v", photos, err)
			}
		})
	})
	t.Run("processing, then ready", func(t *testing.T) {
		film := video()
		film.Processing = "PROCESSING"
		inWorld(t, options{items: append(pickertest.PlainPhotos(1), film)}, func(t *testing.T, w *world) {
			w.pair()
			w.choose()
			w.until("the photo", func(s device.Status) bool { return s.Library.Items == 1 })
			w.pass(time.Minute)
			w.photos.Change(func(*pickertest.Options) { film.Processing = "" })
			w.until("the film", func(s device.Status) bool { return s.State == device.Showing && s.Library.Items == 2 })
			w.untilPage("a receipt that counts both", func(p display.Page) bool { return strings.HasPrefix(p.Receipt, "1 photo and 1 video added.") })
			w.untilClean()
		})
	})
	t.Run("processing for ever", func(t *testing.T) {
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

func TestScreenSizeIsAskedFor(t *testing.T) {
	asked := make(chan string, 100)
	o := options{config: func(c *Config) { c.ScreenSize = func() (int, int) { return 1080, 1920 } }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.net.hook(func(r *http.Request) error {
			if strings.HasPrefix(r.URL.Path, "/media/") {
				_, suffix, _ := strings.Cut(r.URL.Path, "=")
				asked <- suffix
			}
			return nil
		}, nil)
		w.pair()
		w.choose("item-1")
		w.untilState(device.Showing)
		w.untilClean()
	})
	if got := <-asked; got != "w1080-h1920" {
		t.Errorf("asked for %q", got)
	}
}
