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
	"pickerd/device/engine"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// readOnlyWhile gives the box a disk that is read-only while on is set.
func (w *world) readOnlyWhile(on *atomic.Bool) {
	w.space = func() store.Space { return store.Space{Free: 1 << 40, Total: 1 << 40, ReadOnly: on.Load()} }
	w.watch = func(c store.Op) error {
		if on.Load() && c.Kind != store.OpStatfs {
			return &os.PathError{Op: c.Kind, Path: c.Name, Err: syscall.EROFS}
		}
		return nil
	}
}

// fullAtBoot gives the box a disk that refuses commits until full is cleared.
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

// TestFullDisk checks that photos leave a twentieth of the disk free, that the page
// names the problem, that the remaining photos arrive when there is room soon, and
// that the pick ends otherwise.
func TestFullDisk(t *testing.T) {
	for name, freed := range map[string]bool{"freed in time": true, "never": false} {
		t.Run(name, func(t *testing.T) {
			var others atomic.Int64 // bytes used by other programs
			others.Store(9_200_000)
			const total = 10_000_000
			o := options{items: largePhotos(6), before: func(w *world) {
				w.space = func() store.Space {
					return store.Space{Free: total - others.Load() - w.onDisk(), Total: total}
				}
			}}
			inWorld(t, o, func(t *testing.T, w *world) {
				w.photos.NoLeaks(t)
				w.pair()
				w.choose()
				s := w.untilProblem("disk_full")
				if free := total - others.Load() - w.onDisk(); s.State != device.Fetching || free < total/20 {
					t.Errorf("state %s, %d bytes free", s.State, free)
				}
				w.untilPage("notice of a full disk", func(p display.Page) bool { return strings.Contains(p.Problem, "full") && !p.RetryAt.IsZero() })
				want := 2 // room for the first photo of the next pick is reserved
				if freed {
					w.pass(4 * time.Minute)
					others.Store(0)
					want = 6
				}
				if s := w.untilState(device.Showing); s.Library.Items != want {
					t.Errorf("%d photos, want %d", s.Library.Items, want)
				}
				w.untilClean()
				others.Store(total - w.onDisk()) // the database has a reserve
				w.pass(2 * time.Minute)
				w.until("status without another problem", func(s device.Status) bool { return s.Problem == nil || s.Problem.Code == "disk_full" })
			})
		})
	}
}

// TestDiskFullDuringFetch checks that no photo is skipped when the disk is full
// for a moment, late in a long fetch.
func TestDiskFullDuringFetch(t *testing.T) {
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
				time.Sleep(50 * time.Second) // a slow connection
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
			t.Error("photos were skipped")
		}
	})
}

// TestReadOnlyDisk checks that the page reports a read-only disk, also over the
// photos, and that the box does not request a token that it could not save.
func TestReadOnlyDisk(t *testing.T) {
	var readOnly atomic.Bool
	o := options{before: func(w *world) { w.readOnlyWhile(&readOnly) }}
	inWorld(t, o, func(t *testing.T, w *world) {
		code := w.untilCode()
		readOnly.Store(true)
		s := w.untilProblem("disk_read_only")
		if p := w.dev.Pages().Get(); p.QR != "" || s.Pairing != nil || !strings.Contains(p.Title, "storage") {
			t.Errorf("a code is shown although the token could not be saved: %+v", p)
		}
		w.auth.Approve(code.Pairing.UserCode)
		polls := countCalls(w, oauthtest.OpPoll)
		w.pass(5 * time.Minute)
		if n := countCalls(w, oauthtest.OpPoll); n > polls || s.State != device.Pairing {
			t.Errorf("state %s; %d polls for a token that could not be saved", s.State, n-polls)
		}
		readOnly.Store(false)
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()

		readOnly.Store(true)
		s = w.untilProblem("disk_read_only")
		if p := w.dev.Pages().Get(); p.Slide == nil || s.State != device.Showing {
			t.Errorf("%s: %+v", s.State, p)
		}
		for what, err := range map[string]error{"pick": w.dev.Pick(t.Context()), "unpair": w.dev.Unpair(t.Context(), false)} {
			if p := device.DiskProblem(err); p == nil || p.Code != "disk_read_only" {
				t.Errorf("%s: %v", what, err)
			}
		}
		if s := w.dev.Statuses().Get(); s.Account == nil || strings.Contains(w.log.String(), "account forgotten") {
			t.Errorf("the account was partly unpaired: %+v", s)
		}
		readOnly.Store(false)
		w.until("status without a problem", func(s device.Status) bool { return s.Problem == nil })
	})
}

// TestRefreshOnReadOnlyDisk checks that the sweeper does not lose a rotated token
// on a read-only disk.
func TestRefreshOnReadOnlyDisk(t *testing.T) {
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
		before := countCalls(w, oauthtest.OpRefresh)
		w.pass(30 * time.Minute)
		t.Log("refreshes on a read-only disk:", countCalls(w, oauthtest.OpRefresh)-before)
		w.stop()
		readOnly.Store(false)
		w.start()
		w.pass(10 * time.Minute)
		if g, _ := w.store.Grants.Current(); g == nil {
			t.Error("the box is no longer paired")
		}
	})
}

// TestDamagedPhotos checks that damaged photos are not shown, and the others are.
func TestDamagedPhotos(t *testing.T) {
	skipShort(t)
	hourly := func(c *Config) { c.Slideshow.Interval = time.Hour }
	inWorld(t, options{items: pickertest.PlainPhotos(4), config: hourly}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		photos, err := w.store.Photos.Collection()
		if err != nil {
			t.Fatal(err)
		}
		damage := func(i int) {
			path := filepath.Join(w.dir, "media", photos[i].File)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 1
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		damage(1)
		w.restart()
		w.until("three photos", func(s device.Status) bool { return s.Library.Items == 3 })
		w.checkCollection("item-1", "item-3", "item-4")
		damage(3) // while the box runs
		w.pass(verifyInterval + time.Hour)
		w.checkCollection("item-1", "item-3")
		for i := range photos { // the others are missing
			os.Remove(filepath.Join(w.dir, "media", photos[i].File))
		}
		w.pass(verifyInterval + time.Hour)
		w.untilState(device.Idle)
	})
}

// TestDamagedPhotoRepaired checks that a photo damaged during its fetch is
// downloaded again.
func TestDamagedPhotoRepaired(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(4)}, func(t *testing.T, w *world) {
		w.pair()
		w.photos.FailItem("item-4", pickertest.Refuse(503, "UNAVAILABLE", ""))
		w.choose()
		w.until("three photos", func(s device.Status) bool { return s.Library.Items == 3 })
		w.stop()
		photos, err := filepath.Glob(filepath.Join(w.dir, "media", "*.jpg"))
		if err != nil || len(photos) != 3 {
			t.Fatal(photos, err)
		}
		data, err := os.ReadFile(photos[0])
		if err != nil {
			t.Fatal(err)
		}
		data[100] ^= 1
		if err := os.WriteFile(photos[0], data, 0o600); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.pass(2 * time.Second)
		w.photos.FailItem("item-4", nil)
		if s := w.untilState(device.Showing); s.Library.Items != 4 {
			t.Errorf("%d photos", s.Library.Items)
		}
		w.checkCollection("item-1", "item-2", "item-3", "item-4")
	})
}

// TestDamagedPhotoOnReadOnlyDisk checks that a damaged photo is removed after the
// disk has become writable again.
func TestDamagedPhotoOnReadOnlyDisk(t *testing.T) {
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
		readOnly.Store(true) // for a minute from the start
		w.pass(time.Minute)
		readOnly.Store(false)
		w.pass(24 * time.Hour)
		if s := w.dev.Statuses().Get(); s.Library.Items != 3 {
			t.Errorf("%d photos, want 3; the damaged one is shown a day after the disk was mended", s.Library.Items)
		}
	})
}

// TestDamagedDatabase checks that a damaged database costs the pairing and nothing
// else. The page names the problem, the box pairs again, and the photos remain.
func TestDamagedDatabase(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(4)}, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2")
		w.untilState(device.Showing)
		w.untilClean()
		w.stop()
		if err := os.WriteFile(filepath.Join(w.dir, "pickerd.db"), []byte("garbage"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.start()
		s := w.untilCode()
		if s.Problem == nil || s.Problem.Code != engine.Damaged || s.Library.Items != 2 {
			t.Errorf("problem %+v, %d photos", s.Problem, s.Library.Items)
		}
		if p := w.dev.Pages().Get(); p.Problem == "" || p.Remedy == "" || p.QR == "" || p.Label(display.Cancel) != "Back to the photos" {
			t.Errorf("page %+v", p)
		}
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := w.untilState(device.Showing); s.Problem == nil || s.Problem.Code != engine.Damaged {
			t.Errorf("over the photos: %+v", s.Problem)
		}
		w.restart()
		if s := w.untilState(device.Showing); s.Problem == nil || s.Problem.Code != engine.Damaged {
			t.Errorf("after a restart: %+v", s.Problem)
		}
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.pair()
		w.choose("item-3", "item-2")
		w.untilState(device.Showing)
		w.untilClean()
		w.checkCollection("item-3", "item-2")
		if s := w.dev.Statuses().Get(); s.Problem != nil {
			t.Errorf("problem %+v", s.Problem)
		}
		if asides, err := filepath.Glob(filepath.Join(w.dir, "pickerd.db.damaged-*")); len(asides) != 1 || err != nil {
			t.Errorf("copies of the damaged database %v, %v; want one", asides, err)
		}
	})
}
