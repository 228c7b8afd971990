package e2e

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// A fileSystem is a small one of its own, with the state directory of a box.
type fileSystem struct {
	t   *testing.T
	dir string
}

// newFileSystem mounts one, which takes root.
func newFileSystem(t *testing.T, size string) *fileSystem {
	t.Helper()
	fs := &fileSystem{t, t.TempDir()}
	if os.Geteuid() != 0 && os.Getenv("CI") == "" {
		t.Skip("only root can mount a file system")
	}
	fs.mount("-t", "tmpfs", "-o", "size="+size, "tmpfs", fs.dir)
	t.Cleanup(func() { exec.Command("umount", "-l", fs.dir).Run() })
	return fs
}

func (fs *fileSystem) mount(args ...string) {
	fs.t.Helper()
	if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
		fs.t.Fatalf("mount %v: %v: %s", args, err, out)
	}
}

func (fs *fileSystem) remount(option string) { fs.mount("-o", "remount,"+option, fs.dir) }

// free returns how many bytes are free, and how many there are.
func (fs *fileSystem) free() (free, total int64) {
	fs.t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(fs.dir, &st); err != nil {
		fs.t.Fatal(err)
	}
	return int64(st.Bavail) * int64(st.Bsize), int64(st.Blocks) * int64(st.Bsize)
}

// fill takes all that is left, to the last byte.
func (fs *fileSystem) fill() {
	fs.t.Helper()
	f, err := os.Create(filepath.Join(fs.dir, "others"))
	if err != nil {
		fs.t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, endless{}); !errors.Is(err, syscall.ENOSPC) {
		fs.t.Fatal(err)
	}
	if free, _ := fs.free(); free != 0 {
		fs.t.Fatalf("%d bytes are still free", free)
	}
}

func (fs *fileSystem) clear() {
	fs.t.Helper()
	if err := os.Remove(filepath.Join(fs.dir, "others")); err != nil {
		fs.t.Fatal(err)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// onDisk returns a box whose state directory is on a file system.
func onDisk(t *testing.T, fs *fileSystem, items ...*pickertest.Item) (*google, *box) {
	g := googleLike(t, oauthtest.Options{}, items...)
	b := configured(t, g, t.TempDir())
	b.env = []string{"PICKERD_STORE_DIR=" + filepath.Join(fs.dir, "state")}
	return g, b
}

// heard is what a service manager was told.
func heard(t *testing.T, manager *net.UnixConn) string {
	t.Helper()
	if err := manager.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	var all []string
	for buf := make([]byte, 4096); ; {
		n, err := manager.Read(buf)
		if err != nil {
			return strings.Join(all, "; ")
		}
		all = append(all, string(buf[:n]))
	}
}

// metrics are what Prometheus would see.
func (b *box) metrics() string {
	b.t.Helper()
	resp, err := http.Get(b.screen + "metrics")
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func (b *box) untilStatus(what string, ok func(s *device.Status) bool) *device.Status {
	b.t.Helper()
	var last *device.Status
	b.until(what, func() bool {
		last = b.status()
		return last != nil && ok(last)
	})
	return last
}

// tells reports whether the box says a problem to programs and on its screen.
func (b *box) tells(code, words string) bool {
	s := b.status()
	if s == nil || s.Problem == nil || s.Problem.Code != code {
		return false
	}
	return strings.Contains(b.page(), words)
}

// page returns the newest page of the screen, as the browser gets it.
func (b *box) page() string {
	resp, err := http.Get(b.screen + "events")
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var all []byte
	for part := make([]byte, 4096); !bytes.Contains(all, []byte("event: page\ndata: {")) || !bytes.HasSuffix(all, []byte("\n\n")); {
		n, err := resp.Body.Read(part)
		if all = append(all, part[:n]...); err != nil {
			return ""
		}
	}
	return string(all)
}

// asksToPair lets a person approve the code on the screen.
func (g *google) asksToPair(s *device.Status) bool {
	return s.Pairing != nil && g.auth.Approve(s.Pairing.UserCode)
}

// A disk that fills up while photos come stops them, says so, and lets the rest
// come when there is room.
func TestDiskFillsUp(t *testing.T) {
	t.Parallel()
	fs := newFileSystem(t, "6m")
	items := pickertest.PlainPhotos(40)
	for _, it := range items {
		it.Data, it.Unscaled = append(it.Data, make([]byte, 250_000)...), true
	}
	g, b := onDisk(t, fs, items...)
	b.launch()
	b.untilStatus("paired", g.asksToPair)
	s := b.untilStatus("a place to choose", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
	if err := g.photos.Choose(s.Pick.SessionID); err != nil {
		t.Fatal(err)
	}
	b.until("the screen says that the disk is full", func() bool { return b.tells("disk_full", "storage is full") })
	if free, total := fs.free(); free < total/20 {
		t.Errorf("%d of %d bytes are free, less than a twentieth", free, total)
	}
	if s := b.status(); s.Library.Items == 0 || s.Library.Items == 40 {
		t.Errorf("%d photos are here", s.Library.Items)
	}
	fs.remount("size=64m")
	b.untilStatus("all photos", func(s *device.Status) bool {
		return s.State == device.Showing && s.Library.Items == 40 && s.Problem == nil && s.Sessions == device.Sessions{}
	})
	b.stop()
}

// On a disk that is full to the last byte the box says so instead of not starting;
// a token that comes there is kept all the same.
func TestFullToTheLastByte(t *testing.T) {
	t.Parallel()
	fs := newFileSystem(t, "12m")
	g, b := onDisk(t, fs, pickertest.PlainPhotos(4)...)
	fs.fill()
	b.launch()
	b.until("the screen says that the disk is full", func() bool { return b.tells("disk_full", "storage is full") })
	if s := b.status(); s.State != device.Blocked || b.try("pick") == nil {
		t.Errorf("%+v", s)
	}
	fs.clear()
	code := b.untilStatus("a code", func(s *device.Status) bool { return s.Pairing != nil })
	fs.fill()
	b.until("the screen says that the disk is full, beside the code", func() bool { return b.tells("disk_full", "storage is full") && b.status().Pairing != nil })
	g.asksToPair(code)
	b.untilStatus("paired", func(s *device.Status) bool { return s.Account != nil })
	b.kill()
	b.launch()
	b.untilStatus("still paired", func(s *device.Status) bool { return s.Account != nil })
	fs.clear()
	s := b.untilStatus("a place to choose", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
	if err := g.photos.Choose(s.Pick.SessionID); err != nil {
		t.Fatal(err)
	}
	b.untilStatus("photos", func(s *device.Status) bool {
		return s.State == device.Showing && s.Library.Items == 4 && s.Sessions == device.Sessions{}
	})
	b.stop()
}

// A box that wakes up on a disk which has become read-only shows its photos, says
// what is wrong, and works again when that is mended.
func TestReadOnlyFileSystem(t *testing.T) {
	t.Parallel()
	fs := newFileSystem(t, "12m")
	g, b := onDisk(t, fs, pickertest.PlainPhotos(4)...)
	fs.remount("ro")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	b.env = append(b.env, "NOTIFY_SOCKET="+manager.LocalAddr().String())
	b.launch()
	b.until("the screen of a new box says so", func() bool { return b.tells("disk_read_only", "can be written") })
	if m := b.metrics(); !strings.Contains(m, `pickerd_state{state="blocked"} 1`) {
		t.Errorf("the metrics do not say so: %s", m)
	}
	fs.remount("rw")
	choose := func(n int) {
		t.Helper()
		s := b.untilStatus("a place to choose", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
		if err := g.photos.Choose(s.Pick.SessionID); err != nil {
			t.Fatal(err)
		}
		b.untilStatus("photos", func(s *device.Status) bool {
			return s.State == device.Showing && s.Library.Items == n && s.Sessions == device.Sessions{}
		})
	}
	b.untilStatus("paired", g.asksToPair)
	choose(4)
	b.kill()
	if said := heard(t, manager); strings.Contains(said, "STOPPING") || !strings.Contains(said, "READY=1") {
		t.Errorf("the service manager heard: %s", said)
	}
	fs.remount("ro")
	b.launch()
	b.until("the screen says so over the photos", func() bool { return b.tells("disk_read_only", "can be written") })
	if s := b.status(); s.State != device.Showing || s.Library.Items != 4 || !strings.Contains(b.page(), `"slide":`) {
		t.Errorf("%+v", s)
	}
	fs.remount("rw")
	b.untilStatus("calm", func(s *device.Status) bool { return s.Problem == nil })
	b.until("the database to be opened anew", func() bool { return b.try("pick") == nil })
	choose(4)
	b.stop()
}

// TestFailingDisk lets system calls of the real process fail a few times, as a
// disk does that is worn out. The whole life goes through, nothing is lost, and
// the database is never taken for damaged.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("this test needs strace:", err)
	}
	for name, inject := range map[string]string{
		"a commit can't be synced":      "fdatasync:error=EIO:when=5",
		"nor the next":                  "fdatasync:error=EIO:when=8..9",
		"files and names can't":         "fsync:error=EIO:when=3",
		"no room for pages":             "pwrite64:error=ENOSPC:when=7..8",
		"pages can't be written":        "pwrite64:error=EIO:when=6",
		"only the disk knows":           "pwrite64:error=EROFS:when=9",
		"names can't be changed":        "renameat:error=EROFS:when=2",
		"files can't be removed":        "unlinkat:error=EIO:when=1..3",
		"a quota is used up":            "pwrite64:error=EDQUOT:when=11..12",
		"the file can't grow":           "ftruncate:error=ENOSPC:when=2",
		"no file can be opened for now": "openat:error=EMFILE:when=40..44",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLife(t)
			l.patience = 4 * patience // each thread fails so often, and each failure takes ten seconds
			// Its parent stays the test: strace is the child.
			l.b.wrap = []string{"strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + strings.SplitN(inject, ":", 2)[0], "-e", "inject=" + inject}
			l.b.launch()
			if !l.live() {
				t.Fatalf("pickerd died:\n%s", l.b.log)
			}
			l.b.kill()
			if asides, err := filepath.Glob(filepath.Join(filepath.Dir(l.b.socket), "state", "*damaged*")); len(asides) > 0 || err != nil {
				t.Errorf("moved aside: %v, %v", asides, err)
			}
			if open := l.g.photos.Open(); len(open) > 0 || l.stage < 3 {
				t.Errorf("%d sessions are left, stage %d", len(open), l.stage)
			}
		})
	}
}

// A damaged database is moved aside with one loud line; the screen says why it
// asks to be paired again, and the photos stay.
func TestDamagedDatabase(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	dir := filepath.Join(filepath.Dir(l.b.socket), "state")
	l.b.start()
	l.b.untilStatus("paired", l.g.asksToPair)
	s := l.b.untilStatus("a place to choose", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
	if err := l.g.photos.Choose(s.Pick.SessionID, firstPick...); err != nil {
		t.Fatal(err)
	}
	l.b.untilStatus("photos", func(s *device.Status) bool { return s.State == device.Showing && s.Sessions == device.Sessions{} })
	l.b.kill()
	path := filepath.Join(dir, "pickerd.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := whole[:10000] // a torn file; its second half may be free pages
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	l.b.start()
	l.b.untilStatus("a code", func(s *device.Status) bool { return s.State == device.Pairing && s.Pairing != nil })
	if !l.b.tells(device.Damaged, "memory was damaged") || l.b.library() != 3 {
		t.Errorf("%+v\n%s", l.b.status(), l.b.page())
	}
	asides, err := filepath.Glob(path + ".damaged-2*")
	if err != nil || len(asides) != 1 {
		t.Fatalf("%v, %v", asides, err)
	}
	if kept, err := os.ReadFile(asides[0]); err != nil || !bytes.Equal(kept, damaged) {
		t.Errorf("%s is not as it was: %v", asides[0], err)
	}
	if n := strings.Count(l.b.log.String(), "level=ERROR"); n != 1 || !strings.Contains(l.b.log.String(), asides[0]) {
		t.Errorf("%d loud lines:\n%s", n, l.b.log)
	}
	l.b.untilStatus("paired again", l.g.asksToPair)
	l.b.untilStatus("calm", func(s *device.Status) bool { return s.Account != nil && s.Problem == nil })
	l.b.stop()
}
