package store_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"pickerd/store"
)

// maxOpen is far above what Open takes. One that waits for a pipe never returns.
const maxOpen = 20 * time.Second

// nobody is a user without rights.
const nobody = 65534

// An oddity replaces a file, whose content is given, by something else.
type oddity struct {
	name string
	make func(t *testing.T, path string, content []byte)
	user bool // Open runs as nobody
	fits bool // the file can still be read
}

var oddities = []oddity{
	{name: "pipe", make: func(t *testing.T, path string, _ []byte) { must(t, syscall.Mkfifo(path, 0o600)) }},
	{name: "socket", make: func(t *testing.T, path string, _ []byte) {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		must(t, err)
		l.SetUnlinkOnClose(false)
		must(t, l.Close())
	}},
	{name: "device", make: func(t *testing.T, path string, _ []byte) {
		const zero = 1<<8 | 5 // major and minor number of /dev/zero
		if err := syscall.Mknod(path, syscall.S_IFCHR|0o600, zero); err != nil {
			t.Skip(err)
		}
	}},
	{name: "directory", make: func(t *testing.T, path string, _ []byte) { must(t, os.Mkdir(path, 0o700)) }},
	{name: "full directory", make: func(t *testing.T, path string, content []byte) {
		must(t, os.Mkdir(path, 0o700))
		must(t, os.WriteFile(filepath.Join(path, "x"), content, 0o600))
	}},
	{name: "dangling link", make: func(t *testing.T, path string, _ []byte) { must(t, os.Symlink("nowhere", path)) }},
	{name: "link loop", make: func(t *testing.T, path string, _ []byte) { must(t, os.Symlink(filepath.Base(path), path)) }},
	{name: "link to zeros", make: func(t *testing.T, path string, _ []byte) { must(t, os.Symlink("/dev/zero", path)) }},
	{name: "link to a file outside", fits: true, make: func(t *testing.T, path string, content []byte) {
		outside := filepath.Join(t.TempDir(), "outside")
		must(t, os.WriteFile(outside, content, 0o600))
		must(t, os.Symlink(outside, path))
	}},
	{name: "immutable", fits: true, make: func(t *testing.T, path string, content []byte) {
		must(t, os.WriteFile(path, content, 0o600))
		if err := setImmutable(path, true); err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() {
			for _, p := range []string{path, path + "-moved"} {
				_ = setImmutable(p, false)
			}
		})
	}},
	{name: "own file without permission", user: true, fits: true, make: func(t *testing.T, path string, content []byte) {
		must(t, os.WriteFile(path, content, 0))
		must(t, os.Chown(path, nobody, nobody))
	}},
	{name: "file of another user", user: true, make: func(t *testing.T, path string, content []byte) {
		must(t, os.WriteFile(path, content, 0o600))
	}},
	{name: "endless file", make: func(t *testing.T, path string, _ []byte) {
		must(t, os.WriteFile(path, nil, 0o600))
		must(t, os.Truncate(path, 1<<40))
	}},
}

// setImmutable sets the attribute i of chattr(1).
func setImmutable(path string, on bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	const getFlags, setFlags, immutable = 0x80086601, 0x40086602, 0x10 // linux/fs.h
	var flags int
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), getFlags, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		return errno
	}
	if flags &^= immutable; on {
		flags |= immutable
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), setFlags, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		return errno
	}
	return nil
}

// openDir returns a folder that other users reach, with a name that is short enough
// for a socket in it.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "odd")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

// openAs opens a store, as nobody if asked to, and fails if that does not end.
func openAs(t *testing.T, dir string, user bool) *store.Store {
	t.Helper()
	type result struct {
		s   *store.Store
		err error
	}
	opened := make(chan result, 1)
	go func() {
		if user { // the thread is not used again
			runtime.LockOSThread()
			if err := syscall.Setfsuid(nobody); err != nil {
				opened <- result{err: err}
				return
			}
		}
		s, err := store.Open(dir, store.Options{})
		opened <- result{s, err}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), maxOpen)
	defer cancel()
	select {
	case r := <-opened:
		must(t, r.err)
		return r.s
	case <-ctx.Done():
		t.Fatal("Open does not return")
		return nil
	}
}

// Whatever replaces a file of the state directory, the photos that can be read are
// shown, at this start and at the next.
func TestOddFiles(t *testing.T) {
	places := []struct {
		name string
		file string // "photo" stands for that of photo a, "partial" for that of a download that can be continued
		used bool   // Open reads it, so that something odd is worth a line in the log
	}{
		{"database", store.DatabaseName, true},
		{"key", store.KeyFileName, true},
		{"reserve", store.ReserveName, false},
		{"unfinished database", ".pickerd.db-x", false},
		{"unfinished key", ".state.key-x", false},
		{"unfinished reserve", ".reserve-x", false},
		{"damaged database", store.DamagedPrefix + "x", false},
		{"another file", "notes.txt", false},
		{"photo", "photo", true},
		{"partial", "partial", false},
		{"part", filepath.Join(store.MediaName, ".part-x"), false},
		{"another media file", filepath.Join(store.MediaName, "stray.jpg"), false},
	}
	for _, place := range places {
		for _, odd := range oddities {
			t.Run(place.name+" is "+odd.name, func(t *testing.T) {
				if odd.user && os.Getuid() != 0 {
					t.Skip("not root")
				}
				dir := openDir(t)
				s := open(t, dir)
				add(t, s, "one", true, "a", "b")
				photo, err := s.Photos.Get("a")
				must(t, err)
				file := place.file
				switch file {
				case "photo":
					file = filepath.Join(store.MediaName, photo.File)
				case "partial":
					file = filepath.Join(store.MediaName, keepPart(t, s))
				}
				must(t, s.Close())
				path := filepath.Join(dir, file)
				content, err := os.ReadFile(path)
				if err != nil {
					content = []byte("content")
				}
				_ = os.Remove(path)
				odd.make(t, path, content)
				if odd.user {
					handOver(t, dir, path)
				}
				for start := range 2 {
					s := openAs(t, dir, odd.user)
					unreadable := place.name == "photo" && odd.name == "file of another user" // Verify's error
					if place.used && !(odd.fits && !odd.user) && !unreadable && start == 0 {
						checkReported(t, s, place.name)
					}
					lost := place.name == "photo" && !(odd.fits && odd.name != "link to a file outside")
					checkShown(t, s, lost, odd.user)
					part, err := s.Photos.ContinuePart(t.Context(), "film", func() {})
					must(t, err)
					if part != nil {
						part.Keep()
					}
					must(t, s.Close())
				}
			})
		}
	}
}

// keepPart leaves a part that can be continued and returns the name of its file.
func keepPart(t *testing.T, s *store.Store) string {
	t.Helper()
	must(t, s.Picks.Add(store.Pick{RequestID: "two", GrantID: "g", SessionID: "s", Done: true}))
	part, err := s.Photos.NewPart()
	must(t, err)
	part.SetSource(store.Source{ID: "film", Pick: "two", Length: -1})
	_, err = part.Write(make([]byte, store.MinPartial))
	must(t, err)
	names := s.Photos.PartNames()
	if !part.Keep() || len(names) != 1 {
		t.Fatalf("the part is not kept: %v", names)
	}
	return names[0]
}

// handOver makes nobody the owner of all files but one.
func handOver(t *testing.T, dir, except string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil || path == except {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	}))
}

// checkReported checks that a problem has a line in the log.
func checkReported(t *testing.T, s *store.Store, place string) {
	t.Helper()
	reported := len(s.Repairs()) > 0
	for _, path := range []string{s.DamagedKeyPath(), movedTo(s)} {
		if path == "" {
			continue
		}
		reported = true
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
	if !reported && !(place == "photo" && s.LostPhotos() == 1) {
		t.Error("not reported")
	}
	if again := s.Repairs(); again != nil {
		t.Errorf("reported twice: %+v", again)
	}
}

// movedTo returns where the database was moved to, if it was.
func movedTo(s *store.Store) string {
	if r := s.Recovery(); r != nil {
		return r.MovedTo
	}
	return ""
}

// A media directory that is something else is moved aside.
func TestOddMediaDirectory(t *testing.T) {
	for _, odd := range oddities {
		if odd.user || odd.name == "directory" || odd.name == "full directory" || strings.Contains(odd.name, "link") || odd.name == "immutable" {
			continue
		}
		t.Run(odd.name, func(t *testing.T) {
			dir := openDir(t)
			odd.make(t, filepath.Join(dir, store.MediaName), nil)
			s := openAs(t, dir, false)
			defer s.Close()
			add(t, s, "one", true, "a", "b")
			checkShown(t, s, false, false)
			if r := s.Repairs(); len(r) != 1 || !strings.Contains(r[0].Action, "media.damaged-2") {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A file that can't be removed is reported once, not at each attempt.
func TestFullDirectoryReportedOnce(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, ".state.key-x", "y"), 0o700))
	s := open(t, dir)
	if r := s.Repairs(); len(r) != 1 || r[0].Path != filepath.Join(dir, ".state.key-x") || r[0].Action != "left" {
		t.Errorf("%+v", r)
	}
	for range 3 {
		must(t, s.Upkeep())
	}
	if r := s.Repairs(); r != nil {
		t.Errorf("%+v", r)
	}
}

// checkShown checks that photo b is in the collection and whole, and photo a unless
// it is lost.
func checkShown(t *testing.T, s *store.Store, lost, user bool) {
	t.Helper()
	photos, err := s.Photos.Collection()
	must(t, err)
	if want := 2; len(photos) != want && !(lost && len(photos) == want-1) {
		t.Errorf("%d photos: %+v", len(photos), photos)
	}
	for _, p := range photos {
		if user {
			continue // this goroutine is root
		}
		if ok, err := s.Photos.Verify(t.Context(), p); !ok || err != nil {
			t.Errorf("%s: %v, %v", p.ID, ok, err)
		}
	}
}
