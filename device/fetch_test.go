package device_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
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

// TestTwoThousandItems checks that a large pick is listed page by page and stored
// in order.
func TestTwoThousandItems(t *testing.T) {
	items := pickertest.PlainPhotos(2000)
	inWorld(t, options{items: items}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		if s := w.untilState(device.Showing); s.Library.Items != 2000 {
			t.Errorf("%d photos, want 2000", s.Library.Items)
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
				t.Fatalf("photo %d is %s, want %s", i, p.ID, items[i].ID)
			}
		}
	})
}

// TestFirstPhoto checks that the first photo is shown while the others are still
// being downloaded.
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
		p := w.untilPage("first photo", func(p display.Page) bool { return p.Slide != nil })
		if took := time.Since(began); took > 6*time.Second { // one poll takes 5 s
			t.Errorf("the first photo was shown after %v", took)
		}
		if p.State != string(device.Fetching) {
			t.Errorf("state %s, want fetching", p.State)
		}
		for i := 2; i <= 12; i++ {
			w.photos.FailItem(fmt.Sprintf("item-%d", i), nil)
		}
		w.untilState(device.Showing)
		w.untilClean()
	})
}

// TestBadItems checks that an item that cannot be downloaded is skipped and
// counted, and that the others are shown.
func TestBadItems(t *testing.T) {
	body := func(contentType string, data []byte) http.HandlerFunc {
		return answer(200, contentType, string(data))
	}
	unshowable := []string{"a script", "broken header"} // the others count as not downloaded
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
				want := "11 photos added. 1 could not be downloaded."
				if slices.Contains(unshowable, name) {
					want = "11 photos added. 1 can't be shown here."
				}
				w.untilPage("receipt", func(p display.Page) bool { return strings.HasPrefix(p.Receipt, want) })
				w.untilClean()
				noParts(t, w.dir)
			})
		})
	}
}

// noParts checks that no partial download is left.
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

// TestNoPhotos checks a pick none of whose items can be downloaded.
func TestNoPhotos(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(2)}, func(t *testing.T, w *world) {
		w.photos.FailItem("item-1", answer(404, "", ""))
		w.photos.FailItem("item-2", answer(404, "", ""))
		w.pair()
		w.choose()
		w.untilPage("receipt", func(p display.Page) bool {
			return strings.HasPrefix(p.Receipt, "No photos arrived. 2 could not be downloaded.")
		})
		w.untilState(device.Idle)
		w.untilClean()
	})
}

// TestListOddities checks lists that Google should not send.
func TestListOddities(t *testing.T) {
	t.Run("same page token without end", func(t *testing.T) {
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
			w.untilPage("receipt", func(p display.Page) bool {
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
	t.Run("names that are paths", func(t *testing.T) {
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
					t.Errorf("unsafe name %q", it.Filename)
				}
			}
			entries, err := os.ReadDir(filepath.Join(w.dir, "media"))
			if err != nil || len(entries) != 4 {
				t.Errorf("media directory %v, %v; want 4 files", entries, err)
			}
		})
	})
}

// TestRepeatedPageToken checks that the items of a page arrive although its page
// token repeats without end.
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
		w.until("end of the pick", func(s device.Status) bool { return s.State == device.Showing || s.State == device.Idle })
		w.pass(time.Minute)
		if s := w.dev.Statuses().Get(); s.Library.Items != 8 {
			t.Errorf("%d photos, want 8", s.Library.Items)
		}
	})
}

// TestThrottledDownloads checks that a limit of the media hosts costs no photo and few
// requests.
func TestThrottledDownloads(t *testing.T) {
	for name, tt := range map[string]struct {
		photos int
		limit  pickertest.Limit
	}{
		"4 in 10 s":                   {100, pickertest.Limit{N: 4, Per: 10 * time.Second}},
		"4 in 10 s, with Retry-After": {100, pickertest.Limit{N: 4, Per: 10 * time.Second, RetryAfter: true}},
		"10 in a minute":              {200, pickertest.Limit{N: 10, Per: time.Minute}},
		"4 in 10 s, by 403":           {100, pickertest.Limit{N: 4, Per: 10 * time.Second, Status: 403}},
		"10 in a minute, by 403":      {200, pickertest.Limit{N: 10, Per: time.Minute, Status: 403}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{items: pickertest.PlainPhotos(tt.photos), photos: pickertest.Options{MediaLimit: tt.limit}}, func(t *testing.T, w *world) {
				w.pair()
				w.choose()
				began := time.Now()
				s := w.untilProblem("rate_limited")
				if s.State != device.Fetching || s.Problem.RetryAt.IsZero() {
					t.Errorf("state %s, %+v", s.State, s.Problem)
				}
				s = w.untilState(device.Showing)
				if s.Library.Items != tt.photos || s.Problem != nil {
					t.Errorf("%d photos, want %d; %+v", s.Library.Items, tt.photos, s.Problem)
				}
				refused := 0
				for _, c := range w.photos.Calls() {
					if c.Op == pickertest.OpMedia && c.Status != 200 {
						refused++
					}
				}
				t.Logf("%d refused in %v", refused, time.Since(began).Round(time.Second))
				if refused > (tt.photos+refused)/10 {
					t.Errorf("%d requests refused for %d photos", refused, tt.photos)
				}
				w.untilClean()
			})
		})
	}
}

// TestRetryAfterOfOneItem checks that an item that is refused for long is waited for.
func TestRetryAfterOfOneItem(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(20)}, func(t *testing.T, w *world) {
		w.pair()
		var last time.Time
		w.photos.FailItem("item-7", func(rw http.ResponseWriter, _ *http.Request) {
			if last.IsZero() {
				last = time.Now()
			}
			if time.Since(last) < 120*time.Second {
				rw.Header().Set("Retry-After", "120")
				rw.WriteHeader(429)
				return
			}
			w.photos.FailItem("item-7", nil)
			rw.WriteHeader(503)
		})
		w.choose()
		if s := w.untilState(device.Showing); s.Library.Items != 20 {
			w.until("all photos", func(s device.Status) bool { return s.Library.Items == 20 })
		}
		w.untilClean()
	})
}

// TestOutageDuringFetch checks that no photo is lost by an outage during the
// download.
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
		w.pass(3 * time.Hour) // the URLs expire meanwhile
		w.net.mend()
		if s := w.untilState(device.Showing); s.Library.Items != 40 {
			t.Errorf("%d photos, want 40", s.Library.Items)
		}
		w.untilClean()
	})
}

// TestMediaUnreachable checks that a problem is shown when only the media server
// is unreachable.
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
		t.Errorf("no problem within an hour: %+v, %d requests; the log mentions trouble: %v", w.dev.Statuses().Get().Fetch, n.Load(), strings.Contains(w.log.String(), "trouble"))
	})
}

// TestTemporary403 checks that a media server that refuses everything for a moment
// does not cost photos.
func TestTemporary403(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.photos.Fail(pickertest.OpMedia, repeat(36, answer(403, "image/png", "\x89PNG\r\n\x1a\n"))...)
		began := time.Now()
		w.choose()
		w.until("end of the pick", func(s device.Status) bool { return s.State == device.Showing || s.State == device.Idle })
		if s := w.dev.Statuses().Get(); s.Library.Items != 12 {
			t.Errorf("%d photos, want 12, after refusals during %v", s.Library.Items, time.Since(began))
		}
	})
}

// TestRestartDuringFetch checks that a restart does not repeat complete downloads.
func TestRestartDuringFetch(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(40)}, func(t *testing.T, w *world) {
		w.photos.FailItem("item-30", silent)
		w.pair()
		w.choose()
		w.until("half of the photos", func(s device.Status) bool { return s.Fetch != nil && s.Fetch.Done >= 20 })
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

// TestExpiredURLs checks that the items are listed again when their URLs expire
// during the download. Google's are valid for an hour.
func TestExpiredURLs(t *testing.T) {
	o := options{items: pickertest.PlainPhotos(20), photos: pickertest.Options{URLLife: 50 * time.Second}}
	inWorld(t, o, func(t *testing.T, w *world) {
		for i := range 20 {
			var slow atomic.Bool
			w.photos.FailItem(fmt.Sprintf("item-%d", i+1), func(rw http.ResponseWriter, r *http.Request) {
				if !slow.Swap(true) { // so slow that the URLs of the next items expire
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

// slowMedia delays the bodies of media by took.
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

// TestSlowDownloads checks 40 items that take 27 minutes each, four at a time.
// Their URLs expire after 60 minutes.
func TestSlowDownloads(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(40)}, func(t *testing.T, w *world) {
		w.net.setMedia(slowMedia{w.net.media(), 27 * time.Minute})
		w.pair()
		w.choose()
		w.until("end of the pick", func(s device.Status) bool { return s.State == device.Showing })
		if s := w.dev.Statuses().Get(); s.Library.Items != 40 {
			t.Errorf("%d photos, want 40", s.Library.Items)
		}
	})
}

// TestScreenSize checks that photos are requested in the size of the screen.
func TestScreenSize(t *testing.T) {
	sizes := make(chan string, 100)
	o := options{config: func(c *Config) { c.ScreenSize = func() (int, int) { return 1080, 1920 } }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.net.hook(func(r *http.Request) error {
			if strings.HasPrefix(r.URL.Path, "/media/") {
				_, suffix, _ := strings.Cut(r.URL.Path, "=")
				sizes <- suffix
			}
			return nil
		}, nil)
		w.pair()
		w.choose("item-1")
		w.untilState(device.Showing)
		w.untilClean()
	})
	if got := <-sizes; got != "w1080-h1920" {
		t.Errorf("requested %q", got)
	}
}

// An eofHook calls at before its reader returns io.EOF.
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

// TestCancelRemovesParts checks that a cancel at the end of a download leaves no
// partial file.
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
		w.until("end of the pick", func(s device.Status) bool { return s.State == device.Idle || s.State == device.Showing })
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
			t.Errorf("%d partial files on the disk, %d open, an hour after the cancel", len(parts), open)
		}
	})
}
