package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pickerd/display/film"
	"pickerd/display/photo/outside"
)

// playWith has a service play a file with programs. The service's error comes from
// ended.
func playWith(t testing.TB, tools *tools, path string, r film.Request) (f *film.Film, ended <-chan error, err error) {
	t.Helper()
	conn, theirs := connection(t)
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	end := make(chan error, 1)
	go func() {
		defer close(end)
		defer theirs.Close()
		end <- serve(theirs, tools, maxTime)
	}()
	r.File = file
	f, err = film.Start(t.Context(), conn, r)
	t.Cleanup(func() {
		if f != nil {
			f.Close()
		}
		<-end
	})
	return f, end, err
}

// toEnd returns the timestamps of the frames up to the end.
func toEnd(t testing.TB, f *film.Film) (at []time.Duration, err error) {
	t.Helper()
	for {
		frame, err := f.Next(t.Context())
		if err != nil {
			return at, err
		}
		if len(at) > 0 && frame.At < at[len(at)-1] {
			t.Errorf("a frame at %v after one at %v", frame.At, at[len(at)-1])
		}
		at = append(at, frame.At)
	}
}

// nutV encodes a number of NUT.
func nutV(n uint64) []byte {
	b := []byte{byte(n & 0x7f)}
	for n >>= 7; n > 0; n >>= 7 {
		b = append([]byte{byte(n) | 0x80}, b...)
	}
	return b
}

func nutPacket(code uint64, fields ...uint64) []byte {
	var payload []byte
	for _, f := range fields {
		payload = append(payload, nutV(f)...)
	}
	payload = append(payload, 0, 0, 0, 0)
	return append(append(binary.BigEndian.AppendUint64(nil, code), nutV(uint64(len(payload)))...), payload...)
}

// nutHeader begins a stream of w by h pixels with timestamps in milliseconds.
func nutHeader(w, h int) []byte {
	b := append([]byte(nutFile), nutPacket(nutMain, 3, 1, 65536, 1, 1, 1000, nutCodedPTS|nutSizeMSB, 6, 0, 1, 0, 0, 0, 255, 0)...)
	return append(b, nutPacket(nutStream, 0, 0, 4, 'B', 'G', 'R', 0, 0, 7, 1, 0, 0, 0, uint64(w), uint64(h))...)
}

// nutFrame is a frame of a stream.
func nutFrame(ms, w, h int) []byte {
	b := append([]byte{0}, nutV(uint64(ms)+128)...)
	return append(append(b, nutV(uint64(4*w*h))...), make([]byte, 4*w*h)...)
}

func nutFilm(ms ...int) []byte {
	b := nutHeader(4, 2)
	for _, at := range ms {
		b = append(b, nutFrame(at, 4, 2)...)
	}
	return b
}

const (
	probedFilm  = `{"streams": [{"index": 0, "codec_type": "video", "codec_name": "h264", "height": 720, "disposition": {"attached_pic": 0}}, {"index": 1, "codec_type": "audio", "disposition": {"attached_pic": 0}}], "format": {"duration": "2.5"}}`
	probedSound = `{"streams": [{"index": 0, "codec_type": "audio", "disposition": {"attached_pic": 0}}, {"index": 1, "codec_type": "video", "disposition": {"attached_pic": 1}}], "format": {}}`
	mp4Head     = "\x00\x00\x00\x14ftypisom\x00\x00\x00\x00mp41"
)

// fakes writes programs that are shell scripts. A script finds files of its folder by
// their names.
func fakes(t testing.TB, files map[string]string) *tools {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if !strings.Contains(name, ".") {
			text = "#!/bin/sh\ncd " + dir + "\n" + text + "\n"
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	tools := newTools(dir, dir)
	tools.dev = dir
	return tools
}

func mp4(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.mp4")
	if err := os.WriteFile(path, []byte(mp4Head), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each failure costs one film, and says why.
func TestFilmFailures(t *testing.T) {
	probe := "cat film.json"
	for _, tt := range []struct {
		name          string
		probe, ffmpeg string
		film          []byte
		frames        int // at most
		want          error
	}{
		{"well", probe, "cat film.nut", nutFilm(0, 5, 10), 3, io.EOF},
		{"no ffprobe", "", "cat film.nut", nutFilm(0), 0, outside.ToolMissing},
		{"no ffmpeg", probe, "", nil, 0, outside.ToolMissing},
		{"unreadable", "exit 1", "cat film.nut", nutFilm(0), 0, outside.ToolFailed},
		{"nonsense from ffprobe", "echo '{'", "cat film.nut", nutFilm(0), 0, outside.ToolFailed},
		{"endless ffprobe", "exec cat /dev/zero", "cat film.nut", nutFilm(0), 0, outside.ToolFailed},
		{"only sound", "echo '" + probedSound + "'", "cat film.nut", nutFilm(0), 0, outside.NoPicture},
		{"no frames", probe, "cat film.nut", nutFilm(), 0, outside.NoPicture},
		{"no output", probe, "exit 0", nil, 0, outside.NoPicture},
		{"crash", probe, "cat film.nut; kill -9 $$", nutFilm(0, 1), 2, outside.ToolFailed},
		{"torn frame", probe, "cat film.nut", nutFilm(0, 1)[:len(nutFilm(0, 1))-1], 1, outside.ToolFailed},
		{"nonsense", probe, "yes", nil, 0, outside.ToolFailed},
		{"too large", probe, "cat film.nut", append(nutHeader(64, 64), nutFrame(0, 64, 64)...), 0, outside.ToolFailed},
		{"another size", probe, "cat film.nut", append(nutHeader(4, 2), nutFrame(0, 5, 5)...), 0, outside.ToolFailed},
		{"hang", probe, "cat film.nut; exec sleep 1000", nutFilm(0, 1), 2, outside.Silent},
		{"many messages", probe, "head -c 3000000 /dev/zero >&2; cat film.nut", nutFilm(0, 5), 2, io.EOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"film.json": probedFilm, "film.nut": string(tt.film), "ffprobe": tt.probe, "ffmpeg": tt.ffmpeg}
			for _, name := range []string{"ffprobe", "ffmpeg"} {
				if files[name] == "" {
					delete(files, name)
				}
			}
			tools := fakes(t, files)
			if tt.want == outside.Silent {
				tools.silence = 100 * time.Millisecond
			}
			f, _, err := playWith(t, tools, mp4(t), film.Request{W: 8, H: 8})
			var frames []time.Duration
			if err == nil {
				frames, err = toEnd(t, f)
			}
			if !errors.Is(err, tt.want) || len(frames) > tt.frames {
				t.Errorf("%d frames and %v; want at most %d and %v", len(frames), err, tt.frames, tt.want)
			}
			if tt.want == io.EOF && len(frames)+f.Info().Dropped != tt.frames {
				t.Errorf("%d frames and %d dropped, want %d", len(frames), f.Info().Dropped, tt.frames)
			}
		})
	}
}

// What is no film is given to no program.
func TestFilmFormats(t *testing.T) {
	tools := fakes(t, map[string]string{"ffprobe": "touch ran.it", "ffmpeg": "touch ran.it"})
	for _, text := range []string{"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/a.ts\n", "ffconcat version 1.0\nfile /etc/passwd\n", "", "\xff\xd8\xff\xe0", "<MPD/>"} {
		if _, _, err := playWith(t, tools, write(t, "a.mp4", []byte(text), 0o600), film.Request{W: 8, H: 8}); !errors.Is(err, outside.Unknown) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := os.Stat(filepath.Join(tools.bin, "ran.it")); err == nil {
		t.Error("a program ran")
	}
}

// Hardware that fails at once, in the middle or by silence gives way to software, which
// goes on where the film is.
func TestFilmFallback(t *testing.T) {
	for _, hardware := range []string{"exit 1", "cat hardware.nut; exit 1", "cat hardware.nut; exec sleep 1000"} {
		t.Run(hardware, func(t *testing.T) {
			tools := fakes(t, map[string]string{"film.json": probedFilm, "hardware.nut": string(nutFilm(0, 5)), "software.nut": string(nutFilm(0, 5, 10, 15)),
				"ffprobe": "cat film.json", "ffmpeg": "echo \"$@\" >>arguments.txt\ncase \"$*\" in *-hwaccel*)\n" + hardware + "\nesac\ncat software.nut"})
			tools.deviceSilence = 100 * time.Millisecond
			if err := errors.Join(os.Mkdir(filepath.Join(tools.dev, "dri"), 0o700), os.WriteFile(filepath.Join(tools.dev, "dri/renderD128"), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			f, _, err := playWith(t, tools, mp4(t), film.Request{W: 8, H: 8})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := toEnd(t, f); err != io.EOF {
				t.Error(err)
			}
			if info := f.Info(); info.Decoder != "software" || info.Duration != 2500*time.Millisecond || !info.Sound {
				t.Errorf("%+v", info)
			}
			b, err := os.ReadFile(filepath.Join(tools.bin, "arguments.txt"))
			runs := strings.Split(strings.TrimSpace(string(b)), "\n")
			if err != nil || len(runs) != 2 || !strings.Contains(runs[0], "-hwaccel vaapi -hwaccel_device "+tools.dev+"/dri/renderD128") ||
				strings.Contains(runs[1], "-hwaccel") {
				t.Errorf("%q, %v", runs, err)
			}
		})
	}
}

// Timestamps that jump by hours, in either direction, or begin late do not stop a film.
func TestFilmTimestamps(t *testing.T) {
	tools := fakes(t, map[string]string{"film.json": probedFilm, "film.nut": string(nutFilm(7200_000, 7200_005, 3, 8, 9000_000)), "ffprobe": "cat film.json", "ffmpeg": "cat film.nut"})
	f, _, err := playWith(t, tools, mp4(t), film.Request{W: 8, H: 8})
	if err != nil {
		t.Fatal(err)
	}
	at, err := toEnd(t, f)
	if err != io.EOF || len(at)+f.Info().Dropped != 5 || at[len(at)-1] != 3*usualGap+10*time.Millisecond {
		t.Errorf("%v, %v", at, err)
	}
}

// The end of the connection ends the programs.
func TestFilmClose(t *testing.T) {
	tools := fakes(t, map[string]string{"film.json": probedFilm, "film.nut": string(nutFilm(0)), "ffprobe": "cat film.json",
		"ffmpeg": "echo $$ >pids.fifo; case \"$*\" in *s16le*) exec cat /dev/zero;; esac; cat film.nut; exec sleep 1000",
		"aplay":  "echo $$ >pids.fifo; echo '  rate : 48000\n  buffer_size : 4800' >&2; exec cat >/dev/null"})
	path := filepath.Join(tools.bin, "pids.fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fifo, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer fifo.Close()
	f, ended, err := playWith(t, tools, mp4(t), film.Request{W: 8, H: 8, Volume: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	var pids []string
	for started := bufio.NewScanner(fifo); len(pids) < 3 && started.Scan(); { // until the sound's programs run
		pids = append(pids, started.Text())
	}
	f.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, pid := range pids {
		if _, err := os.Stat("/proc/" + pid); err == nil {
			t.Errorf("%s is left", pid)
		}
	}
	if _, err := f.Next(t.Context()); err != film.ErrClosed {
		t.Errorf("after the end: %v", err)
	}
}

// At volume 0 no sound device is opened, and with a volume one is, also in the middle of
// a film.
func TestFilmVolume(t *testing.T) {
	tools := fakes(t, map[string]string{"film.json": probedFilm, "film.nut": string(nutFilm(0, 1)), "ffprobe": "cat film.json",
		"ffmpeg": "case \"$*\" in *s16le*) exec head -c 96000 /dev/zero;; esac; cat film.nut; test -n \"$(cat opened.fifo)\"",
		"aplay":  "echo x >>opened.txt; echo '  rate : 48000\n  buffer_size : 480' >&2; echo x >opened.fifo; exec cat >/dev/null"})
	if err := syscall.Mkfifo(filepath.Join(tools.bin, "opened.fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, _, err := playWith(t, tools, mp4(t), film.Request{W: 8, H: 8})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(tools.bin, "opened.txt")); err == nil {
		t.Error("a sound device was opened at volume 0")
	}
	f.SetVolume(30) // without it, ffmpeg never ends
	if _, err := toEnd(t, f); err != io.EOF {
		t.Error(err)
	}
	if b, err := os.ReadFile(filepath.Join(tools.bin, "opened.txt")); err != nil || string(b) != "x\n" {
		t.Errorf("opened %q, %v", b, err)
	}
}

func TestScale(t *testing.T) {
	for volume, want := range map[int]int16{100: -20000, 50: -5000, 10: -200, 0: 0} {
		b := binary.LittleEndian.AppendUint16(nil, uint16(0x10000-20000))
		scale(b, volume)
		if got := int16(binary.LittleEndian.Uint16(b)); got != want {
			t.Errorf("at volume %d: %d, want %d", volume, got, want)
		}
	}
}
