package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pickerd/display/photo/outside"
	"pickerd/display/photo/outside/outsidetest"
	"pickerd/display/pixel"
)

// need skips a test that needs programs.
func need(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := os.Stat(filepath.Join("/usr/bin", name)); err != nil {
			t.Skip(err)
		}
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// request returns a request for a file.
func request(t *testing.T, path string, w, h int) outside.Request {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return outside.Request{File: f, W: w, H: h}
}

func write(t *testing.T, name string, b []byte, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// quadrants are the colours of a test picture: upper left, upper right, lower left,
// lower right.
var quadrants = [4]uint32{0xc83c28, 0x3ca03c, 0x285ac8, 0xe6c83c}

// picture is a test picture of 320 by 240 pixels.
func picture() image.Image {
	m := image.NewRGBA(image.Rect(0, 0, 320, 240))
	for y := range 240 {
		for x := range 320 {
			c := quadrants[x/160+y/120*2]
			m.Set(x, y, color.RGBA{byte(c >> 16), byte(c >> 8), byte(c), 255})
		}
	}
	return m
}

// samples writes the test picture as PNG and JPEG files. The JPEG says that it lies on
// its side (Exif orientation 6).
func samples(t *testing.T) (pngPath, jpegPath string) {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, picture()); err != nil {
		t.Fatal(err)
	}
	pngPath = write(t, "a.png", b.Bytes(), 0o600)
	b.Reset()
	if err := jpeg.Encode(&b, picture(), &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	tiff := binary.BigEndian.AppendUint16([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01"), 6)
	tiff = append(tiff, make([]byte, 6)...)
	exif := append(binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(tiff)+2)), tiff...)
	return pngPath, write(t, "a.jpg", append(exif, b.Bytes()[2:]...), 0o600)
}

// check compares the middles of a picture's quadrants.
func check(t *testing.T, m *pixel.Image, w, h int, want [4]uint32) {
	t.Helper()
	if m.W != w || m.H != h {
		t.Fatalf("%d by %d pixels, want %d by %d", m.W, m.H, w, h)
	}
	for i, c := range want {
		got := m.Row(h/4 + i/2*h/2)[w/4+i%2*w/2]
		for shift := 0; shift < 24; shift += 8 {
			if d := int(got>>shift&255) - int(c>>shift&255); d < -6 || d > 6 {
				t.Errorf("quadrant %d is %06x, want %06x", i, got, c)
				break
			}
		}
	}
}

// turned has the quadrants of a picture that is turned clockwise.
var turned = [4]uint32{quadrants[2], quadrants[0], quadrants[3], quadrants[1]}

// Each format comes out in its colours, in the size asked for, and turned once.
func TestFormats(t *testing.T) {
	need(t, "heif-enc", "heif-convert", "cjxl", "djxl", "jpegtran", "ffmpeg")
	pngPath, jpegPath := samples(t)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	arith, err := exec.CommandContext(t.Context(), "jpegtran", "-copy", "all", "-arithmetic", jpegPath).Output()
	if err != nil {
		t.Fatal(err)
	}
	run(t, "heif-enc", "-q", "90", pngPath, "-o", file("plain.heic"))
	run(t, "heif-enc", "-A", "-q", "90", pngPath, "-o", file("plain.avif"))
	run(t, "heif-enc", "-q", "90", jpegPath, "-o", file("exif.heic")) // its Exif data does not count
	run(t, "cjxl", "--quiet", pngPath, file("pixels.jxl"))
	run(t, "cjxl", "--quiet", jpegPath, file("jpeg.jxl"))
	run(t, "ffmpeg", "-v", "error", "-i", pngPath, "-c:v", "mpeg4", "-q:v", "2", file("film.mp4"))
	run(t, "ffmpeg", "-v", "error", "-i", pngPath, "-c:v", "libvpx", "-b:v", "2M", file("film.webm"))
	tools := newTools("/usr/bin", dir)
	for _, tt := range []struct {
		path string
		w, h int
		want [4]uint32
	}{
		{file("plain.heic"), 320, 240, quadrants},
		{file("plain.avif"), 320, 240, quadrants},
		{file("exif.heic"), 320, 240, quadrants},
		{file("pixels.jxl"), 320, 240, quadrants},
		{file("jpeg.jxl"), 240, 320, turned},
		{write(t, "arith.jpg", arith, 0o600), 240, 320, turned},
		{write(t, "lead.jpg", append([]byte("\r\n"), arith...), 0o600), 240, 320, turned},
		{file("film.mp4"), 320, 240, quadrants},
		{file("film.webm"), 320, 240, quadrants},
	} {
		t.Run(filepath.Base(tt.path), func(t *testing.T) {
			m, err := tools.decode(t.Context(), request(t, tt.path, 1920, 1080))
			if err != nil {
				t.Fatal(err)
			}
			check(t, m, tt.w, tt.h, tt.want)
			if strings.HasPrefix(filepath.Base(tt.path), "film") {
				return
			}
			if m, err = tools.decode(t.Context(), request(t, tt.path, 80, 80)); err != nil {
				t.Fatal(err)
			}
			check(t, m, tt.w/4*80/max(tt.w/4, tt.h/4), tt.h/4*80/max(tt.w/4, tt.h/4), tt.want)
		})
	}
	left, err := filepath.Glob(file("pickerd-media-*"))
	if len(left) > 0 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
}

// A playlist makes no demuxer open what it names, whatever the file is called.
func TestPlaylists(t *testing.T) {
	need(t, "ffmpeg")
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	pngPath, _ := samples(t)
	film := filepath.Join(t.TempDir(), "film.ts")
	run(t, "ffmpeg", "-v", "error", "-i", pngPath, "-c:v", "mpeg2video", film)
	tools := newTools("/usr/bin", t.TempDir())
	for _, tt := range []struct{ text, demuxer string }{
		{fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s/a.ts\n#EXT-X-ENDLIST\n", server.URL), "hls"},
		{fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n#EXT-X-ENDLIST\n", film), "hls"},
		{fmt.Sprintf("ffconcat version 1.0\nfile %s\n", film), "concat"},
		{fmt.Sprintf("<?xml version='1.0'?><MPD><BaseURL>%s/</BaseURL></MPD>", server.URL), ""},
		{fmt.Sprintf("<svg xmlns:xlink='x'><image xlink:href='%s/'/></svg>", server.URL), ""},
	} {
		path := write(t, "a.mp4", []byte(tt.text), 0o600)
		if _, err := tools.decode(t.Context(), request(t, path, 80, 80)); !errors.Is(err, outside.Unknown) {
			t.Errorf("%q: error %v", tt.text, err)
		}
		if tt.demuxer == "" {
			continue
		}
		if _, err := tools.ffmpeg(t.Context(), request(t, path, 80, 80), "mov"); err == nil {
			t.Errorf("a picture of %q", tt.text)
		}
		// Not even if the demuxer were that of the playlist.
		if _, err := tools.ffmpeg(t.Context(), request(t, path, 80, 80), tt.demuxer); err == nil {
			t.Errorf("%s has a picture of %q", tt.demuxer, tt.text)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the server was asked %d times", n)
	}
}

// A program gets an empty environment, no descriptor but its own three, and its
// arguments name nothing of the caller's.
func TestPrograms(t *testing.T) {
	t.Setenv("PICKERD_SECRET", "x")
	_, jpegPath := samples(t)
	seen := filepath.Join(t.TempDir(), "seen")
	bin := filepath.Dir(write(t, "jpegtran", fmt.Appendf(nil, "#!/bin/sh\n{ tr '\\0' '\\n' </proc/$$/environ; for f in /proc/$$/fd/*; do readlink $f; done; } >%s\nexec cat\n", seen), 0o700))
	req := request(t, jpegPath, 80, 80)
	m, err := newTools(bin, t.TempDir()).decode(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	check(t, m, 60, 80, turned)
	b, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"SECRET", "=", jpegPath, "socket:"} {
		if strings.Contains(string(b), bad) {
			t.Errorf("%q in what the program has:\n%s", bad, b)
		}
	}
}

func TestMissingPrograms(t *testing.T) {
	tools := newTools(t.TempDir(), t.TempDir())
	for _, head := range []string{"\xff\x0a", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "\x00\x00\x00\x14ftypisom\x00\x00\x00\x00mp41", "\xff\xd8\xff\xe0"} {
		path := write(t, "a", []byte(head), 0o600)
		if _, err := tools.decode(t.Context(), request(t, path, 80, 80)); !errors.Is(err, outside.ToolMissing) {
			t.Errorf("%q: error %v", head, err)
		}
	}
}

// A program that writes without end, or never ends, is stopped.
func TestBoundedPrograms(t *testing.T) {
	_, jpegPath := samples(t)
	bin := filepath.Dir(write(t, "jpegtran", []byte("#!/bin/sh\nexec cat /dev/zero\n"), 0o700))
	if _, err := newTools(bin, t.TempDir()).transcode(t.Context(), request(t, jpegPath, 80, 80), nil); !errors.Is(err, errOutput) {
		t.Errorf("without an end: %v", err)
	}
	bin = filepath.Dir(write(t, "jpegtran", []byte("#!/bin/sh\nread line\nexec sleep 1000\n"), 0o700))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newTools(bin, t.TempDir()).transcode(ctx, request(t, jpegPath, 80, 80), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("without an answer: %v", err)
	}
}

// connection returns the two ends of a connection, that of the service as systemd hands
// it over.
func connection(t testing.TB) (client *net.UnixConn, service *os.File) {
	t.Helper()
	client, far := outsidetest.Pair(t)
	service, err := far.File()
	if err != nil {
		t.Fatal(err)
	}
	far.Close()
	return client, service
}

// ask asks a service that runs programs of bin, and returns its error too.
func ask(t *testing.T, ctx context.Context, path, bin string, limit time.Duration) (m *image.YCbCr, err, ended error) {
	t.Helper()
	conn, theirs := connection(t)
	end := make(chan error, 1)
	go func() {
		defer theirs.Close()
		end <- serve(theirs, newTools(bin, t.TempDir()), limit)
	}()
	m, err = outside.Ask(ctx, conn, request(t, path, 0, 0).File, 64, 64)
	return m, err, <-end
}

// The service answers on its standard input and ends.
func TestServe(t *testing.T) {
	_, jpegPath := samples(t)
	bin := filepath.Dir(write(t, "jpegtran", []byte("#!/bin/sh\nexec cat\n"), 0o700))
	for _, tt := range []struct {
		path string
		want error
	}{{jpegPath, nil}, {write(t, "a.mp4", []byte("#EXTM3U"), 0o600), outside.Unknown}} {
		m, err, ended := ask(t, t.Context(), tt.path, bin, maxTime)
		if !errors.Is(err, tt.want) || tt.want == nil && m.Rect.Dx() != 48 {
			t.Errorf("%s: %v", tt.path, err)
		}
		if !errors.Is(ended, tt.want) {
			t.Errorf("the service ended with %v", ended)
		}
	}
}

// The service answers at the end of its time, and is silent when nobody listens.
func TestServeTime(t *testing.T) {
	_, jpegPath := samples(t)
	bin := filepath.Dir(write(t, "jpegtran", []byte("#!/bin/sh\nexec sleep 1000\n"), 0o700))
	if _, err, _ := ask(t, t.Context(), jpegPath, bin, time.Millisecond); !errors.Is(err, outside.ToolFailed) {
		t.Errorf("at the end of its time: %v", err)
	}
	began := filepath.Join(t.TempDir(), "began")
	if err := syscall.Mkfifo(began, 0o600); err != nil {
		t.Fatal(err)
	}
	bin = filepath.Dir(write(t, "jpegtran", fmt.Appendf(nil, "#!/bin/sh\necho >%s\nexec sleep 1000\n", began), 0o700))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		os.ReadFile(began)
	}()
	if _, err, ended := ask(t, ctx, jpegPath, bin, maxTime); !errors.Is(err, context.Canceled) || ended != nil {
		t.Errorf("after the daemon left: %v; %v", err, ended)
	}
}

func FuzzPPM(f *testing.F) {
	f.Add([]byte("P6\n2 1\n255\n123456"))
	f.Add([]byte("P6\n-1 -1\n255\n123"))
	f.Add([]byte("P6\n99999999 99999999\n255\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := parsePPM(b, 64, 64); err == nil && (m.W < 1 || m.H < 1 || m.W > 64 || m.H > 64) {
			t.Errorf("%d by %d pixels", m.W, m.H)
		}
	})
}
