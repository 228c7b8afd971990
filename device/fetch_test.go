package device_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
func TestFirstPhoto(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		for i := 2; i <= 12; i++ {
			w.photos.FailItem(fmt.Sprintf("item-%d", i), func(rw http.ResponseWriter, r *http.Request) {
				waitOrDone(r, 20*time.Second)
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
		"hangs": silent,
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

func TestNoPhotos(t *testing.T) {
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
	t.Run("duplicates, unnamedAccounts items, wrong types", func(t *testing.T) {
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
				if len([]rune(it.Filename)) > maxNameRunes || strings.ContainsAny(it.Filename, "\x00\n\x1b") {
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

func TestRepeatedPageToken(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(8)}, func(t *testing.T, w *world) {
		w.pair()
		w.net.hook(func(r *http.Request) error {
			if strings.HasPrefix(r.URL.Path, "/media/") {
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
					return r.Context().Err()
				}
			}
			return nil
		}, nil)
		inner := w.net.media()
		w.net.setMedia(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/mediaItems" {
				r = r.Clone(r.Context())
				q := r.URL.Query()
				q.Del("pageToken")
				r.URL.RawQuery = q.Encode()
			}
			resp, err := inner.RoundTrip(r)
			if err == nil && r.URL.Path == "/v1/mediaItems" {
				b, _ := io.ReadAll(resp.Body)
				s := strings.TrimSpace(string(b))
				s = s[:len(s)-1] + `,"nextPageToken":"again"}`
				resp.Body = io.NopCloser(strings.NewReader(s))
			}
			return resp, err
		}))
		w.choose()
		w.until("end", func(s device.Status) bool { return s.State == device.Showing || s.State == device.Idle })
		w.pass(time.Minute)
		if s := w.dev.Statuses().Get(); s.Library.Items != 8 {
			t.Errorf("%d photos of the 8 listed", s.Library.Items)
		}
	})
}

// An outage in the middle of a download costs nobody a photo.
func TestOutageDuringFetch(t *testing.T) {
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

func TestMediaUnreachable(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		var n atomic.Int32
		w.net.hook(func(r *http.Request) error {
			if strings.HasPrefix(r.URL.Path, "/media/") {
				n.Add(1)
				return oauthtest.ErrConnection
			}
			return nil
		}, nil)
		w.choose()
		for range 3600 {
			w.pass(time.Second)
			if s := w.dev.Statuses().Get(); s.Problem != nil {
				return
			}
		}
		t.Errorf("an hour without a word: %+v, %d requests; log mentions trouble: %v", w.dev.Statuses().Get().Fetch, n.Load(), strings.Contains(w.log.String(), "trouble"))
	})
}

func TestTemporary403(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.photos.Fail(pickertest.OpMedia, repeat(36, answer(403, "image/png", "\x89PNG\r\n\x1a\n"))...)
		began := time.Now()
		w.choose()
		w.until("end", func(s device.Status) bool { return s.State == device.Showing || s.State == device.Idle })
		if s := w.dev.Statuses().Get(); s.Library.Items != 12 {
			t.Errorf("%d photos of 12 after a refusal of %v: all given up", s.Library.Items, time.Since(began))
		}
	})
}

// Half a download goes on where it stood.
func TestRestartDuringFetch(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(40)}, func(t *testing.T, w *world) {
		w.photos.FailItem("item-30", silent)
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
		if twice > maxDownloads {
			t.Errorf("%d photos were fetched twice", twice)
		}
	})
}

// A baseUrl is good for an hour; a longer download lists again.
func TestExpiredURLs(t *testing.T) {
	o := options{items: pickertest.PlainPhotos(20), photos: pickertest.Options{URLLife: 50 * time.Second}}
	inWorld(t, o, func(t *testing.T, w *world) {
		for i := range 20 {
			var asked atomic.Bool
			w.photos.FailItem(fmt.Sprintf("item-%d", i+1), func(rw http.ResponseWriter, r *http.Request) {
				if !asked.Swap(true) { // so slow that those behind it find their addresses dead
					waitOrDone(r, 40*time.Second)
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

type slowMedia struct {
	next http.RoundTripper
	took time.Duration
}

type slowBody struct {
	io.Reader
	left time.Duration
}

func (s slowMedia) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(r)
	if err == nil && resp.StatusCode == 200 && strings.HasPrefix(r.URL.Path, "/media/") {
		b, _ := io.ReadAll(resp.Body)
		resp.Body = &slowBody{bytes.NewReader(b), s.took}
	}
	return resp, err
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.left > 0 {
		<-time.After(30 * time.Second)
		b.left -= 30 * time.Second
		return b.Reader.Read(p[:min(len(p), 16)])
	}
	return b.Reader.Read(p)
}

func (b *slowBody) Close() error { return nil }

// 40 items that take 27 minutes each, four at a time: addresses end after 60 minutes.
func TestSlowDownloads(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(40)}, func(t *testing.T, w *world) {
		w.net.setMedia(slowMedia{w.net.media(), 27 * time.Minute})
		w.pair()
		w.choose()
		w.until("end", func(s device.Status) bool { return s.State == device.Showing })
		if s := w.dev.Statuses().Get(); s.Library.Items != 40 {
			t.Errorf("%d photos of 40", s.Library.Items)
		}
	})
}

func TestScreenSize(t *testing.T) {
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

type eofHook struct {
	io.Reader
	at func()
}

func (e *eofHook) Read(b []byte) (int, error) {
	n, err := e.Reader.Read(b)
	if err == io.EOF {
		e.at()
	}
	return n, err
}

func (e *eofHook) Close() error { return nil }

func TestCancelRemovesParts(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(4)}, func(t *testing.T, w *world) {
		w.pair()
		inner := w.net.media()
		var once sync.Once
		w.net.setMedia(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			resp, err := inner.RoundTrip(r)
			if err == nil && strings.HasPrefix(r.URL.Path, "/media/") && resp.StatusCode == 200 {
				b, _ := io.ReadAll(resp.Body)
				resp.Body = &eofHook{strings.NewReader(string(b)), func() {
					once.Do(func() { go w.dev.Cancel(context.Background()) })
					<-r.Context().Done()
				}}
			}
			return resp, err
		}))
		w.choose()
		w.until("the pick to be over", func(s device.Status) bool { return s.State == device.Idle || s.State == device.Showing })
		w.pass(time.Hour)
		parts, _ := filepath.Glob(filepath.Join(w.dir, "media", ".part-*"))
		open := 0
		fds, _ := os.ReadDir("/proc/self/fd")
		for _, fd := range fds {
			if l, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(l, w.dir) && strings.Contains(l, ".part-") {
				open++
			}
		}
		if len(parts)+open > 0 {
			t.Errorf("%d part files on disk, %d open, an hour after the cancel", len(parts), open)
		}
	})
}
