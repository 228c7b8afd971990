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

	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// A fileSystem is a small file system for the state directory of a box.
type fileSystem struct {
	t   *testing.T
	dir string
}

// newFileSystem mounts a file system. It needs root.
func newFileSystem(t *testing.T, size string) *fileSystem {
	t.Helper()
	fs := &fileSystem{t, t.TempDir()}
	if os.Geteuid() != 0 && os.Getenv("CI") == "" {
		t.Skip("needs root, to mount a file system")
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

// free returns the number of free bytes, and of all.
func (fs *fileSystem) free() (free, total int64) {
	fs.t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(fs.dir, &st); err != nil {
		fs.t.Fatal(err)
	}
	return int64(st.Bavail) * int64(st.Bsize), int64(st.Blocks) * int64(st.Bsize)
}

// fill uses up the file system to the last byte.
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

// onDisk returns a box with its state directory on a file system.
func onDisk(t *testing.T, fs *fileSystem, items ...*pickertest.Item) (*google, *box) {
	g := googleLike(t, oauthtest.Options{}, items...)
	b := configured(t, g, t.TempDir())
	b.env = []string{"PICKERD_STORE_DIR=" + filepath.Join(fs.dir, "state")}
	return g, b
}

// notifications returns what a process that has ended told its service manager.
func notifications(t *testing.T, manager *net.UnixConn) string {
	t.Helper()
	const end = "end of notifications"
	c, err := net.Dial("unixgram", manager.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	written := make(chan error, 1)
	go func() { // it blocks while the queue is full
		_, err := c.Write([]byte(end))
		written <- err
	}()
	var all []string
	for buf := make([]byte, 4096); ; {
		n, err := manager.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if string(buf[:n]) == end {
			break
		}
		all = append(all, string(buf[:n]))
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "; ")
}

// metrics returns the metrics as Prometheus reads them.
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

// untilStatus waits until ok accepts the status, and returns it.
func (b *box) untilStatus(what string, ok func(s *device.Status) bool) *device.Status {
	b.t.Helper()
	var last *device.Status
	b.until(what, func() bool {
		last = b.status()
		return last != nil && ok(last)
	})
	return last
}

// reports reports whether a problem is in the status and on the screen.
func (b *box) reports(code, words string) bool {
	s := b.status()
	if s == nil || s.Problem == nil || s.Problem.Code != code {
		return false
	}
	return strings.Contains(b.page(), words)
}

// page returns the current page, as the browser receives it.
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

// approve approves the code on the screen, if any.
func (g *google) approve(s *device.Status) bool {
	return s.Pairing != nil && g.auth.Approve(s.Pairing.UserCode)
}

// TestDiskFull checks that a full disk interrupts a download, is reported, and that
// the rest follows when space is free.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	fs := newFileSystem(t, "6m")
	items := pickertest.PlainPhotos(40)
	for _, it := range items {
		it.Data, it.Unscaled = append(it.Data, make([]byte, 250_000)...), true
	}
	g, b := onDisk(t, fs, items...)
	b.launch()
	b.untilStatus("paired", g.approve)
	s := b.untilStatus("a session", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
	if err := g.photos.Choose(s.Pick.SessionID); err != nil {
		t.Fatal(err)
	}
	b.until("the full disk is reported", func() bool { return b.reports("disk_full", "storage is full") })
	if free, total := fs.free(); free < total/20 {
		t.Errorf("%d of %d bytes are free, less than a twentieth", free, total)
	}
	if s := b.status(); s.Library.Items == 0 || s.Library.Items == 40 {
		t.Errorf("%d photos on a full disk", s.Library.Items)
	}
	fs.remount("size=64m")
	b.untilStatus("all photos", func(s *device.Status) bool {
		return s.State == device.Showing && s.Library.Items == 40 && s.Problem == nil && s.Sessions == device.Sessions{}
	})
	b.stop()
}

// TestDiskWithoutSpace checks that a box starts on a disk without a free byte and
// reports it, and that it keeps a token it receives then.
func TestDiskWithoutSpace(t *testing.T) {
	t.Parallel()
	fs := newFileSystem(t, "12m")
	g, b := onDisk(t, fs, pickertest.PlainPhotos(4)...)
	fs.fill()
	b.launch()
	b.until("the full disk is reported", func() bool { return b.reports("disk_full", "storage is full") })
	if s := b.status(); s.State != device.Blocked || b.try("pick") == nil {
		t.Errorf("%+v", s)
	}
	fs.clear()
	code := b.untilStatus("a code", func(s *device.Status) bool { return s.Pairing != nil })
	fs.fill()
	b.until("the full disk is reported beside the code", func() bool { return b.reports("disk_full", "storage is full") && b.status().Pairing != nil })
	g.approve(code)
	b.untilStatus("paired", func(s *device.Status) bool { return s.Account != nil })
	b.kill()
	b.launch()
	b.untilStatus("still paired", func(s *device.Status) bool { return s.Account != nil })
	fs.clear()
	s := b.untilStatus("a session", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
	if err := g.photos.Choose(s.Pick.SessionID); err != nil {
		t.Fatal(err)
	}
	b.untilStatus("photos", func(s *device.Status) bool {
		return s.State == device.Showing && s.Library.Items == 4 && s.Sessions == device.Sessions{}
	})
	b.stop()
}

// TestReadOnlyFileSystem checks that a box shows its photos on a read-only file
// system, reports it, and recovers when the file system is writable.
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
	b.until("a new box reports it", func() bool { return b.reports("disk_read_only", "write to its storage") })
	if m := b.metrics(); !strings.Contains(m, `pickerd_state{state="blocked"} 1`) {
		t.Errorf("not in the metrics: %s", m)
	}
	fs.remount("rw")
	choose := func(n int) {
		t.Helper()
		s := b.untilStatus("a session", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
		if err := g.photos.Choose(s.Pick.SessionID); err != nil {
			t.Fatal(err)
		}
		b.untilStatus("photos", func(s *device.Status) bool {
			return s.State == device.Showing && s.Library.Items == n && s.Sessions == device.Sessions{}
		})
	}
	b.untilStatus("paired", g.approve)
	choose(4)
	b.kill()
	if got := notifications(t, manager); strings.Contains(got, "STOPPING") || !strings.Contains(got, "READY=1") {
		t.Errorf("notifications: %s", got)
	}
	fs.remount("ro")
	b.launch()
	b.until("the page reports it over the photos", func() bool {
		return b.reports("disk_read_only", "write to its storage") && strings.Contains(b.page(), `"slide":`)
	})
	if s := b.status(); s.State != device.Showing || s.Library.Items != 4 {
		t.Errorf("%+v", s)
	}
	fs.remount("rw")
	b.untilStatus("no problem", func(s *device.Status) bool { return s.Problem == nil })
	b.until("the database is writable", func() bool { return b.try("pick") == nil })
	choose(4)
	b.stop()
}

// TestDiskErrors makes system calls fail a few times, as on a worn-out disk. The
// whole life succeeds, nothing is lost, and the database is never taken for damaged.
func TestDiskErrors(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("needs strace:", err)
	}
	for name, inject := range map[string]string{
		"sync of a commit":    "fdatasync:error=EIO:when=5",
		"two more commits":    "fdatasync:error=EIO:when=8..9",
		"sync of a file":      "fsync:error=EIO:when=3",
		"no space for pages":  "pwrite64:error=ENOSPC:when=7..8",
		"write of a page":     "pwrite64:error=EIO:when=6",
		"read-only write":     "pwrite64:error=EROFS:when=9",
		"rename":              "renameat:error=EROFS:when=2",
		"removal of files":    "unlinkat:error=EIO:when=1..3",
		"quota":               "pwrite64:error=EDQUOT:when=11..12",
		"growth of a file":    "ftruncate:error=ENOSPC:when=2",
		"no file descriptors": "openat:error=EMFILE:when=40..44",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLife(t)
			l.limit = 4 * maxWait // each thread fails as often, and each failure costs ten seconds
			// With -D strace is the child, and pickerd is the test's.
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

// TestDamagedDatabase checks that a damaged database is moved aside with one error in
// the log, that the page explains the new pairing, and that the photos are kept.
func TestDamagedDatabase(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	dir := filepath.Join(filepath.Dir(l.b.socket), "state")
	l.b.start()
	l.b.untilStatus("paired", l.g.approve)
	s := l.b.untilStatus("a session", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
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
	damaged := whole[:10000] // a torn file; the second half may be free pages
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	l.b.start()
	l.b.untilStatus("a code", func(s *device.Status) bool { return s.State == device.Pairing && s.Pairing != nil })
	if !l.b.reports(engine.Damaged, "stored data was damaged") || l.b.library() != 3 {
		t.Errorf("%+v\n%s", l.b.status(), l.b.page())
	}
	asides, err := filepath.Glob(path + ".damaged-2*")
	if err != nil || len(asides) != 1 {
		t.Fatalf("%v, %v", asides, err)
	}
	if kept, err := os.ReadFile(asides[0]); err != nil || !bytes.Equal(kept, damaged) {
		t.Errorf("%s was changed: %v", asides[0], err)
	}
	if n := strings.Count(l.b.log.String(), "level=ERROR"); n != 1 || !strings.Contains(l.b.log.String(), asides[0]) {
		t.Errorf("%d errors in the log, want 1:\n%s", n, l.b.log)
	}
	l.b.untilStatus("paired again", l.g.approve)
	l.b.untilStatus("no problem", func(s *device.Status) bool { return s.Account != nil && s.Problem == nil })
	l.b.stop()
}
