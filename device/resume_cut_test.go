package device_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// An appendingDisk notes how much of each media file was synced. A power cut leaves
// zeros behind that.
type appendingDisk struct {
	dir string

	mu     sync.Mutex
	synced map[string]int64 // by the names of files that were written
}

func (d *appendingDisk) note(c store.Op) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !strings.HasPrefix(c.Name, "media/") {
		return
	}
	switch c.Kind {
	case store.OpCreate:
		d.synced[c.Name] = 0
	case store.OpSync:
		if st, err := os.Stat(filepath.Join(d.dir, c.Name)); err == nil {
			d.synced[c.Name] = st.Size()
		}
	case store.OpRename:
		d.synced[c.To] = d.synced[c.Name]
		delete(d.synced, c.Name)
	}
}

func (d *appendingDisk) cutPower() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, synced := range d.synced {
		f, err := os.OpenFile(filepath.Join(d.dir, name), os.O_RDWR, 0)
		if err != nil {
			continue // it was removed, or not created
		}
		if st, err := f.Stat(); err == nil && st.Size() > synced {
			f.Truncate(synced)
			f.Truncate(st.Size()) // zeros
		}
		f.Close()
	}
}

// TestPowerCutsDuringFilm cuts the power at each use of the disk, but for most writes,
// while a film is downloaded that is cut off once. The film must be whole afterwards,
// and cost little more than its size if a part of it was on the disk.
func TestPowerCutsDuringFilm(t *testing.T) {
	skipShort(t)
	const size, everyWrite = 20 << 20, 211
	points, costly := 0, 0
	for cut := 0; ; cut++ {
		what := ""
		synctest.Test(t, func(t *testing.T) {
			film := filmOf(t, size, 1)
			w := newWorld(t, options{items: []*pickertest.Item{film}, photos: pickertest.Options{MediaCut: pickertest.Cut{Times: 1, Share: 0.9}}})
			p := newPowerCut(-1)
			disk := &appendingDisk{dir: w.dir, synced: map[string]int64{}}
			var mu sync.Mutex
			writes := 0
			w.watch = func(c store.Op) error {
				mu.Lock()
				defer mu.Unlock()
				if c.Kind == store.OpWrite {
					writes++
				}
				if c.Kind != store.OpStatfs && (c.Kind != store.OpWrite || writes%everyWrite == 0) {
					if err := p.point(c.Kind + " " + c.Name + " " + c.To); err != nil {
						return err
					}
				}
				disk.note(c)
				return nil
			}
			w.start()
			defer func() { w.stop() }()
			w.pair()
			p.mu.Lock()
			p.n, p.at = 0, cut
			p.mu.Unlock()
			w.choose()
			for what == "" {
				select {
				case <-p.off:
					what = p.place()
				case <-time.After(time.Second):
					if s := w.dev.Statuses().Get(); s.State == device.Showing && s.Sessions == (device.Sessions{}) {
						return
					}
				}
			}
			w.stop()
			disk.cutPower()
			w.watch = nil
			w.start()
			w.until("film", func(s device.Status) bool { return s.State == device.Showing && s.Library.Items == 1 })
			w.untilClean()
			checkFilm(t, w, film)
			if times, _ := filmServed(w); times*filmSize/size > 1.3 {
				costly++
			}
		})
		if t.Failed() {
			t.Fatalf("power cut at %q", what)
		}
		if what == "" {
			break
		}
		points++
	}
	t.Logf("%d points, at %d of them more than 1.3 times the film was sent", points, costly)
	if points < 10 || points-costly < 4 {
		t.Errorf("%d points, %d costly", points, costly)
	}
}
