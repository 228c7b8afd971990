package device_test

import (
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// TestEveryDiskOutage lets the disk refuse everything for two minutes, from each
// change on that a whole life makes. The screen says so, nothing is lost, and the
// person need not do anything twice.
func TestEveryDiskOutage(t *testing.T) {
	t.Parallel()
	for code, errno := range map[string]syscall.Errno{"disk_full": syscall.ENOSPC, "disk_read_only": syscall.EROFS, "disk": syscall.EIO} {
		t.Run(code, func(t *testing.T) {
			places := 0
			for at := 0; ; at++ {
				what := ""
				synctest.Test(t, func(t *testing.T) {
					what = newLifetime(t, oauthtest.Options{RotateRefresh: true, TokenLife: 90 * time.Second}, 50*time.Second).withOutage(at, errno, code)
				})
				if what == "" || t.Failed() {
					break
				}
				places++
			}
			t.Logf("%d places", places)
			if places < 60 {
				t.Errorf("only %d places were found", places)
			}
		})
	}
}

const outage = 2 * time.Minute

// withOutage lives through a life whose disk refuses everything for a while from
// change at on. It returns what that change was, "" when there was none.
func (l *lifetime) withOutage(at int, errno syscall.Errno, code string) (what string) {
	// Asked twice, this server makes two sessions: an id must not be lost.
	l.photos.Change(func(o *pickertest.Options) { o.RepeatedRequest = pickertest.NewSession })
	n := 0
	var began time.Time
	var disk sync.Mutex
	l.watch = func(c store.Op) error {
		disk.Lock()
		defer disk.Unlock()
		if c.Kind != store.OpStatfs {
			if n++; n-1 == at {
				began, what = time.Now(), c.Kind+" "+c.Name
			}
		}
		if !began.IsZero() && time.Since(began) < outage {
			return &os.PathError{Op: c.Kind, Path: c.Name, Err: errno}
		}
		return nil
	}
	told := false
	l.look = func(s device.Status, p display.Page) {
		disk.Lock()
		since := time.Since(began)
		out := !began.IsZero()
		disk.Unlock()
		if out && since < outage && s.Problem != nil && s.Problem.Code == code {
			told = true
			if p.Problem+p.Title+p.Text == "" || !strings.Contains(p.Problem+p.Title+p.Text, "storage") {
				l.t.Errorf("%s: the screen says nothing of it: %+v", what, p)
			}
		}
		if out && since > outage+time.Minute && s.Problem != nil {
			l.t.Errorf("%s: a minute after its end there is still %q", what, s.Problem.Code)
		}
	}
	for !l.tryStart() { // as the daemon does
		l.pass(5 * time.Second)
		told = true
	}
	l.live(nil)
	l.stop()
	if what != "" && !told && l.stage < 2 {
		l.t.Errorf("%s: nobody was told", what)
	}
	if l.stage < 3 || l.codes > 1 {
		l.t.Errorf("%s: stage %d, %d codes approved; %+v", what, l.stage, l.codes, l.dev.Statuses().Get())
	}
	l.watch = nil
	l.check(what)
	return what
}
