package outside_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"pickerd/display/photo/outside"
	"pickerd/display/photo/outside/outsidetest"
	"pickerd/display/pixel"
)

func open(t *testing.T, content string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "photo")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// A file crosses the connection as a descriptor that can't be written, and a picture
// comes back.
func TestPicture(t *testing.T) {
	client, service := outsidetest.Pair(t)
	ended := make(chan error, 1)
	go func() {
		defer service.Close()
		ended <- func() error {
			req, err := outside.Receive(service)
			if err != nil {
				return err
			}
			defer req.File.Close()
			got, err := io.ReadAll(req.File)
			if err != nil || string(got) != "the photo" || req.W != 300 || req.H != outside.MaxSide {
				t.Errorf("received %q for %d by %d, %v", got, req.W, req.H, err)
			}
			if _, err := req.File.Write([]byte("x")); err == nil {
				t.Error("the service can write the file")
			}
			m := pixel.New(3, 2)
			copy(m.Pix, []uint32{0xc83c28, 0x3ca03c, 0xffffff, 0x285ac8, 0xe6c83c, 0})
			return outside.Send(service, m)
		}()
	}()
	m, err := outside.Ask(t.Context(), client, open(t, "the photo"), 300, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if m.Rect.Dx() != 3 || m.Rect.Dy() != 2 {
		t.Fatalf("a picture of %v", m.Rect)
	}
	y, cb, cr := color.RGBToYCbCr(0x28, 0x5a, 0xc8)
	if got, want := m.YCbCrAt(0, 1), (color.YCbCr{Y: y, Cb: cb, Cr: cr}); got != want {
		t.Errorf("a pixel is %v, want %v", got, want)
	}
}

// answer returns a message's head.
func answer(word string, w, h int) []byte {
	b := binary.BigEndian.AppendUint16([]byte(word), uint16(w))
	return binary.BigEndian.AppendUint16(b, uint16(h))
}

func TestAnswers(t *testing.T) {
	pixels := make([]byte, 3*4*2)
	for _, tt := range []struct {
		name   string
		answer []byte
		want   error
	}{
		{"largest", append(answer("RGB1", 4, 2), pixels...), nil},
		{"nothing", nil, outside.ErrAnswer},
		{"half a head", []byte("RGB1\x00"), outside.ErrAnswer},
		{"unknown word", append(answer("RGB2", 4, 2), pixels...), outside.ErrAnswer},
		{"too wide", append(answer("RGB1", 5, 1), pixels...), outside.ErrAnswer},
		{"too high", append(answer("RGB1", 1, 3), pixels...), outside.ErrAnswer},
		{"empty", answer("RGB1", 0, 2), outside.ErrAnswer},
		{"torn", append(answer("RGB1", 4, 2), pixels[1:]...), outside.ErrAnswer},
		{"too long", append(append(answer("RGB1", 4, 2), pixels...), 0), outside.ErrAnswer},
		{"refused", []byte("FAIL\x00\x00\x00\x01"), outside.Unknown},
		{"without a tool", []byte("FAIL\x00\x00\x00\x02"), outside.ToolMissing},
		{"by an unknown reason", []byte("FAIL\xff\xff\xff\xff"), outside.Reason(0xffffffff)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, service := outsidetest.Pair(t)
			go func() {
				defer service.Close()
				io.CopyN(io.Discard, service, 8)
				service.Write(tt.answer)
			}()
			m, err := outside.Ask(t.Context(), client, open(t, "x"), 4, 2)
			if !errors.Is(err, tt.want) || (m == nil) != (tt.want != nil) {
				t.Errorf("got %v, %v; want %v", m, err, tt.want)
			}
		})
	}
}

// What the service gets is a regular file and a size, or it refuses.
func TestRequests(t *testing.T) {
	file, folder := open(t, "x"), t.TempDir()
	dir, err := os.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, tt := range []struct {
		name  string
		head  []byte
		files []int
		ok    bool
	}{
		{"right", answer("PMD1", 1, 1), []int{int(file.Fd())}, true},
		{"no file", answer("PMD1", 1, 1), nil, false},
		{"two files", answer("PMD1", 1, 1), []int{int(file.Fd()), int(file.Fd())}, false},
		{"a crowd", answer("PMD1", 1, 1), []int{0, 0, 0, 0, 0, 0, 0, 0, 0}, false},
		{"folder", answer("PMD1", 1, 1), []int{int(dir.Fd())}, false},
		{"no size", answer("PMD1", 0, 1), []int{int(file.Fd())}, false},
		{"too large", answer("PMD1", outside.MaxSide+1, 1), []int{int(file.Fd())}, false},
		{"unknown word", answer("PMD2", 1, 1), []int{int(file.Fd())}, false},
		{"torn", []byte("PMD1"), []int{int(file.Fd())}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, service := outsidetest.Pair(t)
			before := descriptors(t)
			if _, _, err := client.WriteMsgUnix(tt.head, syscall.UnixRights(tt.files...), nil); err != nil {
				t.Fatal(err)
			}
			req, err := outside.Receive(service)
			if (err == nil) != tt.ok {
				t.Errorf("error %v", err)
			}
			if err == nil {
				req.File.Close()
			}
			if after := descriptors(t); after != before {
				t.Errorf("%d descriptors are open, %d before", after, before)
			}
		})
	}
}

// descriptors returns how many descriptors this process has.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// A service that says nothing is left when the context ends.
func TestSilence(t *testing.T) {
	client, service := outsidetest.Pair(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		io.CopyN(io.Discard, service, 8)
		cancel()
	}()
	if _, err := outside.Ask(ctx, client, open(t, "x"), 4, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestUnavailable(t *testing.T) {
	if _, err := outside.Decode(t.Context(), filepath.Join(t.TempDir(), "none"), open(t, "x"), 4, 2); !errors.Is(err, outside.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

// maxFuzz bounds the pictures in FuzzAnswer.
const maxFuzz = 64

func FuzzAnswer(f *testing.F) {
	f.Add(append(answer("RGB1", 1, 1), 1, 2, 3))
	f.Add(answer("RGB1", maxFuzz, maxFuzz+1))
	f.Add([]byte("FAIL\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := outside.ReadAnswer(bytes.NewReader(b), maxFuzz, maxFuzz)
		if (m == nil) == (err == nil) {
			t.Fatal(m, err)
		}
		if m != nil && (m.Rect.Dx() > maxFuzz || m.Rect.Dy() > maxFuzz || len(b) != 8+3*m.Rect.Dx()*m.Rect.Dy()) {
			t.Errorf("a picture of %v from %d bytes", m.Rect, len(b))
		}
	})
}
