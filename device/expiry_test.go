package device_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/store"
)

// untilToday is from the beginning of virtual time to 28 November 2026.
const untilToday = 9828 * 24 * time.Hour

// keepFor configures a box of today to erase photos after d.
func keepFor(d time.Duration) options {
	return options{config: func(c *Config) { c.KeepFor, c.Slideshow.Interval = d, time.Hour }, before: func(w *world) { w.pass(untilToday) }}
}

// mediaFiles counts the files of photos.
func (w *world) mediaFiles() int {
	w.t.Helper()
	files, err := os.ReadDir(filepath.Join(w.dir, "media"))
	if err != nil {
		w.t.Fatal(err)
	}
	return len(files)
}

// TestOldPhotosErased checks that photos are erased with their records when they are
// too old, and not before: each pick at its own time, while the box is on.
func TestOldPhotosErased(t *testing.T) {
	o := keepFor(30 * time.Hour)
	config := o.config
	o.config = func(c *Config) { config(c); c.Append = true }
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2")
		w.untilState(device.Showing)
		w.untilPage("receipt", func(p display.Page) bool {
			return strings.HasPrefix(p.Receipt, "2 photos added. They stay here until 29 November 2026.")
		})
		w.untilClean()
		w.pass(10 * time.Hour)
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.choose("item-2", "item-3") // item-2 again
		w.untilState(device.Showing)
		w.untilClean()
		w.pass(20*time.Hour - 30*time.Minute)
		if n := w.dev.Statuses().Get().Library.Items; n != 3 {
			t.Errorf("%d photos before 30 hours, want 3", n)
		}
		w.pass(time.Hour)
		if s := w.dev.Statuses().Get(); s.Library.Items != 2 || s.State != device.Showing || w.mediaFiles() != 2 {
			t.Errorf("after 30 hours: state %s, %+v, %d files", s.State, s.Library, w.mediaFiles())
		}
		w.pass(10 * time.Hour)
		if s := w.dev.Statuses().Get(); s.Library.Items != 0 || s.State != device.Idle || w.mediaFiles() != 0 {
			t.Errorf("after 40 hours: state %s, %+v, %d files", s.State, s.Library, w.mediaFiles())
		}
		if r := w.dev.engine.Snapshots().Get().Receipt; r != nil {
			t.Errorf("the receipt %+v is left", r)
		}
		w.stop()
		data, err := os.ReadFile(filepath.Join(w.dir, "pickerd.db"))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("IMG_")) {
			t.Error("the database still has the names of photos")
		}
		w.start()
	})
}

// TestOldPhotosErasedAtStart checks that photos that grew too old while the box was
// off, or had no network, are erased soon after a server has told the time.
func TestOldPhotosErasedAtStart(t *testing.T) {
	inWorld(t, keepFor(30*time.Hour), func(t *testing.T, w *world) {
		w.pairAndChoose("anna", "item-1", "item-2")
		w.stop()
		w.pass(31 * time.Hour)
		w.net.cut()
		w.start()
		w.pass(7*time.Hour - time.Minute)
		if n := w.dev.Statuses().Get().Library.Items; n != 2 {
			t.Errorf("%d photos without a network, want 2", n)
		}
		if n := strings.Count(w.log.String(), "old photos not erased"); n < 1 || n > 7 {
			t.Errorf("logged %d times in 7 hours", n)
		}
		w.net.mend()
		w.pass(10 * time.Minute)
		if s := w.dev.Statuses().Get(); s.Library.Items != 0 || w.mediaFiles() != 0 {
			t.Errorf("%+v, %d files", s.Library, w.mediaFiles())
		}
	})
}

// TestOldPhotosAndWrongClock checks that a wrong clock of the box costs no photo and
// keeps none too long.
func TestOldPhotosAndWrongClock(t *testing.T) {
	for name, jump := range map[string]time.Duration{"right": 0, "ahead": 40 * time.Hour, "behind": -40 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, keepFor(30*time.Hour), func(t *testing.T, w *world) {
				w.pairAndChoose("anna", "item-1", "item-2")
				w.stop()
				w.net.cut()
				// Virtual time cannot be set: all other times move instead.
				w.redate(func(at time.Time) time.Time { return at.Add(-jump) })
				w.skew(-jump)
				w.start()
				items := func(after string, want int) {
					t.Helper()
					if n := w.dev.Statuses().Get().Library.Items; n != want {
						t.Errorf("%d photos %s, want %d", n, after, want)
					}
				}
				w.pass(7 * time.Hour)
				items("after seven hours without a network", 2)
				w.net.mend()
				w.pass(22 * time.Hour)
				items("after 29 hours", 2)
				w.pass(2 * time.Hour)
				items("after 31 hours", 0)
			})
		})
	}
}

// TestMisdatedPhotos checks that photos that a wrong clock has dated, as earlier
// versions did, are kept for the whole time from now on.
func TestMisdatedPhotos(t *testing.T) {
	for name, date := range map[string]time.Time{
		"1970": time.Unix(1000, 0), "zero": {}, "2040": time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, keepFor(30*time.Hour), func(t *testing.T, w *world) {
				w.pairAndChoose("anna", "item-1", "item-2")
				w.stop()
				w.redate(func(time.Time) time.Time { return date })
				w.start()
				w.pass(29 * time.Hour)
				if n := w.dev.Statuses().Get().Library.Items; n != 2 {
					t.Errorf("%d photos after 29 hours, want 2", n)
				}
				w.pass(2 * time.Hour)
				if n := w.dev.Statuses().Get().Library.Items; n != 0 {
					t.Errorf("%d photos after 31 hours, want 0", n)
				}
			})
		})
	}
}

// redate changes when the photos on the disk of a box that is off were added.
func (w *world) redate(change func(time.Time) time.Time) {
	w.t.Helper()
	st, err := store.Open(w.dir, store.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer st.Close()
	photos, err := st.Photos.All()
	for _, p := range photos {
		err = errors.Join(err, st.Photos.Redate([]store.Photo{p}, change(p.AddedAt)))
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestPhotosDatedByServers checks that photos are dated by the servers' clock.
func TestPhotosDatedByServers(t *testing.T) {
	inWorld(t, keepFor(0), func(t *testing.T, w *world) {
		w.skew(-20 * year)
		w.pairAndChoose("anna", "item-1")
		photos, err := w.store.Photos.All()
		if err != nil || len(photos) != 1 {
			t.Fatal(photos, err)
		}
		if off := photos[0].AddedAt.Sub(time.Now().Add(-20 * year)).Abs(); off > time.Hour {
			t.Errorf("added at %v, %v off", photos[0].AddedAt, off)
		}
	})
}

// TestOldPhotosPowerCut cuts the power at each use of the disk while photos are
// erased. In the end they are gone, and the others are whole.
func TestOldPhotosPowerCut(t *testing.T) {
	skipShort(t)
	for cut, missed := 0, false; !missed; cut++ {
		inWorld(t, keepFor(30*time.Hour), func(t *testing.T, w *world) {
			w.pairAndChoose("anna", "item-1", "item-2", "item-3")
			w.stop()
			w.pass(29 * time.Hour)
			p := newPowerCut(cut)
			disk := &volatileDisk{dir: w.dir, spare: t.TempDir(), dirty: map[string]bool{}}
			var erasing atomic.Bool
			w.watch = func(c store.Op) error {
				if !erasing.Load() || c.Kind == store.OpStatfs {
					return nil
				}
				if err := p.point(c.Kind + " " + c.Name); err != nil {
					return err
				}
				disk.note(c)
				return nil
			}
			w.start()
			w.pass(time.Minute) // what a start does is done
			erasing.Store(true)
			w.pass(2 * time.Hour)
			w.stop()
			erasing.Store(false)
			if missed = p.place() == ""; missed && cut < 5 {
				t.Errorf("only %d crash points", cut)
			}
			disk.cutPower()
			w.start()
			w.pass(time.Hour)
			if s := w.dev.Statuses().Get(); s.Library.Items != 0 || w.mediaFiles() != 0 {
				t.Errorf("power cut at %q: %+v, %d files", p.place(), s.Library, w.mediaFiles())
			}
		})
		if t.Failed() {
			return
		}
	}
}
