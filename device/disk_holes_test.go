package device_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

func numbered(from, to int) (l []string) {
	all := pickertest.PlainPhotos(to)
	for i := from; i <= to; i++ {
		l = append(l, all[i-1].ID)
	}
	return l
}

// A pick that filled the disk up to the 5 % can never be replaced.
func TestReplacingOnAFullDisk(t *testing.T) {
	const total = 1_000_000
	o := options{items: big(20), config: func(c *Config) { c.MaxBytes = 8e9 }, before: func(w *world) {
		w.space = func() store.Space { return store.Space{Free: total - w.onDisk(), Total: total} }
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose(numbered(1, 12)...)
		w.untilState(device.Showing)
		w.untilClean()
		first, _ := w.store.Photos.Collection()
		t.Log(len(first), "photos")
		for range 2 {
			if err := w.dev.Pick(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.choose(numbered(13, 15)...)
			w.untilState(device.Showing)
			w.untilClean()
			w.pass(time.Hour)
		}
		photos, _ := w.store.Photos.Collection()
		t.Log(idsOf(photos))
		if photos[0].ID == "item-1" {
			t.Error("the new pick never took the old one's place")
		}
	})
}

// Photos that only change hands aren't counted as the pick's own.
func TestReplacingAfterAnOverlap(t *testing.T) {
	o := options{items: big(20), config: func(c *Config) { c.MaxBytes = 1_000_000 }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose(numbered(1, 8)...)
		w.untilState(device.Showing)
		w.untilClean()
		w.dev.Pick(t.Context())
		w.choose(numbered(1, 12)...)
		w.untilState(device.Showing)
		w.untilClean()
		photos, _ := w.store.Photos.Collection()
		t.Log(len(photos), "photos after the overlapping pick")
		for range 2 {
			w.dev.Pick(t.Context())
			w.choose(numbered(13, 15)...)
			w.untilState(device.Showing)
			w.untilClean()
		}
		photos, _ = w.store.Photos.Collection()
		t.Log(idsOf(photos))
		if photos[0].ID == "item-1" {
			t.Error("the new pick never took the old one's place")
		}
	})
}

// The operator lowered max_bytes.
func TestReplacingAfterMaxBytesWasLowered(t *testing.T) {
	limit := int64(0)
	o := options{items: big(20), config: func(c *Config) { c.MaxBytes = limit }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose(numbered(1, 8)...)
		w.untilState(device.Showing)
		w.untilClean()
		limit = 600_000
		w.restart()
		w.untilState(device.Showing)
		w.dev.Pick(t.Context())
		w.choose(numbered(13, 15)...)
		w.untilState(device.Showing)
		w.untilClean()
		photos, _ := w.store.Photos.Collection()
		t.Log(idsOf(photos))
		if photos[0].ID == "item-1" {
			t.Error("the new pick never took the old one's place")
		}
	})
}

// A disk that is full for a moment, late in a long fetch.
func TestDiskFullLateInAFetch(t *testing.T) {
	var full atomic.Bool
	var n atomic.Int32
	o := options{items: pickertest.PlainPhotos(80), before: func(w *world) {
		w.space = func() store.Space {
			if full.Load() {
				return store.Space{Free: 400_000, Total: 10_000_000}
			}
			return store.Space{Free: 9_000_000, Total: 10_000_000}
		}
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.net.hook(func(r *http.Request) error {
			if r.Method == "GET" && r.URL.Host == "photos.test" && len(r.URL.Path) > 6 && r.URL.Path[:4] != "/v1/" {
				n.Add(1)
				time.Sleep(50 * time.Second) // a slow line
				if n.Load() > 60 && n.Load() < 90 {
					full.Store(true)
				}
			}
			return nil
		}, nil)
		w.choose()
		w.untilProblem("disk_full")
		full.Store(false)
		n.Store(100)
		s := w.untilState(device.Showing)
		w.pass(time.Hour)
		t.Log(s.Library.Items, "photos;", w.dev.Statuses().Get().Library.Items)
		if w.dev.Statuses().Get().Library.Items != 80 {
			t.Error("photos were given up")
		}
	})
}

// The sweeper refreshes (and so rotates) on a disk that takes nothing.
func TestNoRefreshOnAReadOnlyDisk(t *testing.T) {
	var readOnly atomic.Bool
	o := options{auth: oauthtest.Options{RotateRefresh: true, TokenLife: 5 * time.Minute}, before: func(w *world) {
		w.readOnlyWhile(&readOnly)
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.photos.Fail(pickertest.OpDelete, repeat(60, pickertest.Refuse(503, "UNAVAILABLE", ""))...)
		w.choose()
		w.untilState(device.Showing)
		w.pass(time.Minute)
		readOnly.Store(true)
		before := count(w, oauthtest.OpRefresh)
		w.pass(30 * time.Minute)
		t.Log("refreshes on a read-only disk:", count(w, oauthtest.OpRefresh)-before)
		w.stop() // power cut
		readOnly.Store(false)
		w.start()
		w.pass(10 * time.Minute)
		if g, _ := w.store.Grants.Current(); g == nil {
			t.Error("the box is no longer paired")
		}
	})
}

// A damaged photo that could not be dropped.
func TestDamagedPhotoOnAReadOnlyDisk(t *testing.T) {
	var readOnly atomic.Bool
	o := options{items: pickertest.PlainPhotos(4), before: func(w *world) {
		w.readOnlyWhile(&readOnly)
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		photos, _ := w.store.Photos.Collection()
		path := filepath.Join(w.dir, "media", photos[1].File)
		data, _ := os.ReadFile(path)
		data[len(data)/2] ^= 1
		os.WriteFile(path, data, 0o600)
		w.stop()
		w.start()
		readOnly.Store(true) // for a minute from boot
		w.pass(time.Minute)
		readOnly.Store(false)
		w.pass(24 * time.Hour)
		if s := w.dev.Statuses().Get(); s.Library.Items != 3 {
			t.Errorf("%d photos: the damaged one is on the wall a day after the disk was mended", s.Library.Items)
		}
	})
}

// The delivered token, and the recipient, on a disk that is full at boot.
func TestRecipientAfterAFullDisk(t *testing.T) {
	var full atomic.Bool
	o := options{before: func(w *world) {
		w.fullAtBoot(&full)
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pass(time.Minute)
		full.Store(false)
		w.pass(24 * time.Hour)
		if w.dev.Statuses().Get().Recipient == "" {
			t.Error("no recipient a day after the disk was mended")
		}
	})
}

// Downloads without a length: what others have claimed ahead makes photos be
// given up that would fit.
func TestDownloadsWithoutLength(t *testing.T) {
	o := options{items: big(28), config: func(c *Config) { c.MaxBytes = 3_000_000; c.Append = true }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		google := w.net.media()
		w.net.setMedia(rt(func(r *http.Request) (*http.Response, error) {
			resp, err := google.RoundTrip(r)
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
			t.Errorf("%d of 28 photos of 100 kB within 3 MB; %+v", s.Library.Items, s.Problem)
		}
	})
}

func TestDeliveredTokenAfterAFullDisk(t *testing.T) {
	var full atomic.Bool
	o := options{config: func(c *Config) {
		c.Provisioned = []byte(`{"client_id":"x","client_secret":"y","refresh_token":"1//z"}`)
	}, before: func(w *world) {
		w.fullAtBoot(&full)
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pass(time.Minute)
		full.Store(false)
		w.pass(24 * time.Hour)
		if s := w.dev.Statuses().Get(); s.Account == nil {
			t.Errorf("the delivered token was never taken: %s", s.State)
		}
	})
}

// The box's clock is ten days ahead (well within a certificate's life), and one
// 503 comes without a Date: the record is forgotten at once.
func TestAnswerWithoutDateForgetsNothing(t *testing.T) {
	inWorld(t, options{before: func(w *world) { w.skew(-10 * 24 * time.Hour) }}, func(t *testing.T, w *world) {
		w.pair()
		google := w.net.media()
		var mended atomic.Bool
		w.net.setMedia(rt(func(r *http.Request) (*http.Response, error) {
			if r.Method == "DELETE" && !mended.Load() {
				resp, err := respond(503, "", "application/json", unavailable).RoundTrip(r)
				resp.Header.Del("Date")
				return resp, err
			}
			return google.RoundTrip(r)
		}))
		w.choose()
		w.untilState(device.Showing)
		w.pass(time.Minute)
		mended.Store(true)
		w.pass(time.Hour)
		if open := w.photos.Open(); len(open) > 0 {
			t.Errorf("left at Google without a record: %v", open)
		}
	})
}

// readOnlyWhile gives the box a disk that can be switched.
func (w *world) readOnlyWhile(on *atomic.Bool) {
	w.space = func() store.Space { return store.Space{Free: 1 << 40, Total: 1 << 40, ReadOnly: on.Load()} }
	w.watch = func(c store.Op) error {
		if on.Load() && c.Kind != store.OpStatfs {
			return &os.PathError{Op: c.Kind, Path: c.Name, Err: syscall.EROFS}
		}
		return nil
	}
}

// fullAtBoot gives the box a state directory that takes no commits while full.
func (w *world) fullAtBoot(full *atomic.Bool) {
	w.t.Helper()
	st, err := store.Open(w.dir, store.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	st.Close()
	full.Store(true)
	w.watch = func(c store.Op) error {
		if full.Load() && c.Kind == store.OpCommit {
			return &os.PathError{Op: c.Kind, Path: c.Name, Err: syscall.ENOSPC}
		}
		return nil
	}
}
