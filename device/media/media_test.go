package media_test

import (
	"context"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/device/media"
	"pickerd/display/photo/outside"
	"pickerd/display/pixel"
	"pickerd/store"
)

// A fake is an outside decoder.
type fake struct {
	socket string
	asked  atomic.Int32
}

// newFake returns a decoder that answers each request with answer.
func newFake(t *testing.T, answer func(c net.Conn, req outside.Request)) *fake {
	t.Helper()
	f := &fake{socket: filepath.Join(t.TempDir(), "s")}
	l, err := net.Listen("unix", f.socket)
	if err != nil {
		t.Fatal(err)
	}
	var g sync.WaitGroup
	g.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.asked.Add(1)
			req, err := outside.Receive(c.(*net.UnixConn))
			if err == nil {
				answer(c, req)
				req.File.Close()
			}
			c.Close()
		}
	})
	t.Cleanup(func() { l.Close(); g.Wait() })
	return f
}

// picture answers with a picture in the size asked for.
func picture(c net.Conn, req outside.Request) {
	m := pixel.New(req.W, req.H)
	for i := range m.Pix {
		m.Pix[i] = 0xc83c28
	}
	outside.Send(c, m)
}

// stored returns a store with photos, and the names of their files.
func stored(t *testing.T, dir string, ids ...string) (*store.Store, []string) {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var adds []store.Addition
	for _, id := range ids {
		part, err := s.Photos.NewPart()
		if err == nil {
			_, err = part.Write([]byte("the photo " + id))
		}
		if err != nil {
			t.Fatal(err)
		}
		adds = append(adds, store.Addition{Photo: store.Photo{ID: id, Pick: "pick", Type: "PHOTO", MimeType: "image/heic"}, Part: part})
	}
	if len(adds) > 0 {
		if err := s.Photos.Add(adds, true); err != nil {
			t.Fatal(err)
		}
	}
	photos, err := s.Photos.Collection()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, p := range photos {
		files = append(files, p.File)
	}
	return s, files
}

// A clock is one that a test sets.
type clock struct{ now time.Time }

// copier returns a Copier that runs until the end of the test.
func copier(t *testing.T, s *store.Store, socket string, at *clock) *media.Copier {
	t.Helper()
	c := media.New(media.Config{Photos: s.Photos, Socket: socket, Size: func() (w, h int) { return 64, 1200 }, Now: func() time.Time { return at.now }, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	var g sync.WaitGroup
	g.Go(func() {
		if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		if _, err := c.Open(t.Context(), "any"); !errors.Is(err, context.Canceled) {
			t.Errorf("after the end of Run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); g.Wait() })
	return c
}

// A file is decoded once, also when many ask at the same time and after a restart.
func TestOnce(t *testing.T) {
	f, dir := newFake(t, picture), t.TempDir()
	s, files := stored(t, dir, "a")
	c := copier(t, s, f.socket, &clock{})
	var g sync.WaitGroup
	for range 4 {
		g.Go(func() {
			file, err := c.Open(t.Context(), files[0])
			if err != nil {
				t.Error(err)
				return
			}
			defer file.Close()
			m, err := jpeg.Decode(file)
			if err != nil {
				t.Error(err)
				return
			}
			if r, g, b, _ := m.At(30, 30).RGBA(); m.Bounds().Size() != image.Pt(1920, 1200) || r>>8 < 0xc4 || g>>8 > 0x40 || b>>8 > 0x2c {
				t.Errorf("a copy of %v in %x %x %x", m.Bounds(), r>>8, g>>8, b>>8)
			}
		})
	}
	g.Wait()
	s.Close()
	s, _ = stored(t, dir)
	file, err := copier(t, s, f.socket, &clock{}).Open(t.Context(), files[0])
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	if n := f.asked.Load(); n != 1 {
		t.Errorf("decoded %d times", n)
	}
}

// A file that can't be decoded is not tried again, other trouble after a while.
func TestFailures(t *testing.T) {
	f := newFake(t, func(c net.Conn, req outside.Request) {
		switch b, _ := io.ReadAll(req.File); string(b) {
		case "the photo torn":
			c.Write([]byte("RGB1"))
		case "the photo tool":
			outside.Refuse(c, outside.ToolMissing)
		default:
			outside.Refuse(c, outside.ToolFailed)
		}
	})
	s, files := stored(t, t.TempDir(), "bad", "tool", "torn")
	at := &clock{time.Unix(1e9, 0)}
	c := copier(t, s, f.socket, at)
	for _, tt := range []struct {
		later time.Duration
		asked int32 // since the start
	}{{0, 3}, {10*time.Minute - 1, 3}, {10 * time.Minute, 5}, {19 * time.Minute, 5}, {24 * time.Hour, 7}} {
		at.now = time.Unix(1e9, 0).Add(tt.later)
		for i, want := range []error{outside.ToolFailed, outside.ToolMissing, outside.ErrAnswer} {
			for range 3 {
				if _, err := c.Open(t.Context(), files[i]); !errors.Is(err, want) {
					t.Errorf("file %d: %v, want %v", i, err, want)
				}
			}
		}
		if n := f.asked.Load(); n != tt.asked {
			t.Errorf("asked %d times about three files after %v, want %d", n, tt.later, tt.asked)
		}
	}
	if _, err := c.Open(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that there is not: %v", err)
	}
}

// A file that failed is refused at once, also while another one is decoded.
func TestFailedAtOnce(t *testing.T) {
	began, end := make(chan struct{}), make(chan struct{})
	f := newFake(t, func(c net.Conn, req outside.Request) {
		if b, _ := io.ReadAll(req.File); string(b) == "the photo bad" {
			outside.Refuse(c, outside.ToolFailed)
			return
		}
		close(began)
		<-end
		picture(c, req)
	})
	s, files := stored(t, t.TempDir(), "bad", "slow")
	c := copier(t, s, f.socket, &clock{})
	if _, err := c.Open(t.Context(), files[0]); !errors.Is(err, outside.ToolFailed) {
		t.Fatal(err)
	}
	var g sync.WaitGroup
	g.Go(func() {
		if file, err := c.Open(t.Context(), files[1]); err != nil {
			t.Error(err)
		} else {
			file.Close()
		}
	})
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := c.Open(ctx, files[0]); !errors.Is(err, outside.ToolFailed) {
		t.Errorf("meanwhile: %v", err)
	}
	close(end)
	g.Wait()
}

// Without the service nothing is held against the file.
func TestUnavailable(t *testing.T) {
	s, files := stored(t, t.TempDir(), "a")
	socket := filepath.Join(t.TempDir(), "none")
	c := copier(t, s, socket, &clock{})
	if _, err := c.Open(t.Context(), files[0]); !errors.Is(err, outside.ErrUnavailable) {
		t.Errorf("without the service: %v", err)
	}
	f := newFake(t, picture)
	if err := os.Symlink(f.socket, socket); err != nil {
		t.Fatal(err)
	}
	file, err := c.Open(t.Context(), files[0])
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
}

// A decoding that has begun ends, also when whoever asked has left. One that has not
// begun is dropped then.
func TestImpatience(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan struct{})
	f := newFake(t, func(c net.Conn, req outside.Request) {
		cancel()
		<-end
		picture(c, req)
	})
	s, files := stored(t, t.TempDir(), "a", "b", "c")
	c := copier(t, s, f.socket, &clock{})
	for _, file := range files[:2] { // the second one waits for the first
		if _, err := c.Open(ctx, file); !errors.Is(err, context.Canceled) {
			t.Errorf("after the end of its context: %v", err)
		}
	}
	close(end)
	for _, i := range []int{0, 2} {
		file, err := c.Open(t.Context(), files[i])
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	if n := f.asked.Load(); n != 2 {
		t.Errorf("decoded %d times", n)
	}
}
