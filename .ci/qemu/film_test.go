package qemu

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pickerd/display/qr/qrfilm"
)

var playFilms = flag.Bool("film", false, "play films, which needs a quiet machine, ffmpeg and alsa-utils")

const (
	filmSeconds = 20
	beepRate    = 44100 // of QEMU's WAV file, which has two channels of 16 bits
	// maxFilmApart is how many seconds a frame may be seen apart from its sound. Writing a
	// picture to the emulated screen of 16 bits takes up to 0.2 of them.
	maxFilmApart = 0.5
)

// filmDisk makes a disk with the film, pickerd-media and the programs that it runs, with
// their libraries and the configuration of ALSA.
func filmDisk(t *testing.T, dir string) string {
	t.Helper()
	usr := filepath.Join(dir, "usr")
	for _, d := range []string{"bin", "libexec", "lib/x86_64-linux-gnu", "lib64", "share"} {
		if err := os.MkdirAll(filepath.Join(usr, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := build("../..", "./cmd/pickerd-media", filepath.Join(usr, "libexec/pickerd-media")); err != nil {
		t.Fatal(err)
	}
	if err := qrfilm.Make(t.Context(), filepath.Join(usr, "film.mp4"), filmSeconds); err != nil {
		t.Fatal(err)
	}
	script := "set -e; cd " + usr + `
ffmpeg -v error -i film.mp4 -frames:v 1 film.jpg
cp -a /usr/share/alsa share
for p in ffmpeg ffprobe aplay; do
	cp "$(command -v $p)" bin
	ldd "$(command -v $p)" | grep -o '/[^ ]*' | sort -u | while read -r l; do cp -Ln "$l" lib/x86_64-linux-gnu; done
done
cp -L /lib64/ld-linux-x86-64.so.2 lib64
mke2fs -q -t ext4 -O ^has_journal -d . ../films.img 500M`
	if err := shell(script); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "films.img")
}

// A shownFrame is a frame of the film on the machine's screen.
type shownFrame struct {
	number int
	at     time.Duration // since the first
	sound  float64       // seconds of sound that were played then
}

// TestFilm plays a film on a screen that the kernel's driver flips, and on one of 16
// bits that pickerd writes: which frames are on the screen, and when, by the clock and
// by the sound.
func TestFilm(t *testing.T) {
	if !*playFilms {
		t.Skip("films are played with -film")
	}
	disk := filmDisk(t, t.TempDir())
	for _, b := range []struct {
		name string
		board
	}{
		{"drm", board{args: []string{"-vga", "none", "-device", "VGA,edid=on,xres=800,yres=600"}, modules: []string{"bochs"}}},
		{"16 bit", boards["cirrus 16 bit"]},
	} {
		t.Run(b.name, func(t *testing.T) {
			wav := filepath.Join(t.TempDir(), "sound.wav")
			b.modules = append([]string{"virtio_pci", "virtio_blk", "ext4", "crc32c_generic", "snd_hda_codec_generic", "snd_hda_intel"}, b.modules...)
			b.append = "films=/dev/vda"
			b.args = append([]string{"-m", "1024", "-smp", "2", "-drive", "file=" + disk + ",format=raw,if=virtio,snapshot=on",
				"-audiodev", "wav,id=sound,path=" + wav, "-device", "intel-hda", "-device", "hda-output,audiodev=sound,mixer=off"}, b.args...)
			b.config += `;[slideshow];volume=100;interval="5s"`
			m := startPairing(t, b.board)
			m.tell("approve")
			m.waitForCode("the picker link is on the screen", "/photos/picker/")
			m.tell("choose film picture-0")
			m.until("the still of the film is on the screen", func() bool { return m.code() == "0" }) // the photo may come first
			list := m.watchFilm(wav)
			m.checkFilm(list, beeps(t, wav))
			m.waitForPicture(0)
		})
	}
}

// watchFilm returns the frames that come on the screen until there is another picture.
// It leaves out frame 0, which the still before the film shows too.
func (m *machine) watchFilm(wav string) (list []shownFrame) {
	m.t.Helper()
	type dump struct {
		data  []byte
		at    time.Time
		sound float64
	}
	var dumps []dump
	tick := time.NewTicker(time.Second / (3 * qrfilm.Rate)) // the machine stands still meanwhile
	defer tick.Stop()
	for end := time.Now().Add(6 * filmSeconds * time.Second); time.Now().Before(end); <-tick.C {
		img, at := m.picture(), time.Now()
		if shows(img, 0, false) {
			break
		}
		if len(dumps) > 0 && bytes.Equal(dumps[len(dumps)-1].data, m.dump) {
			continue
		}
		size := int64(44)
		if s, err := os.Stat(wav); err == nil {
			size = max(size, s.Size())
		}
		dumps = append(dumps, dump{m.dump, at, float64(size-44) / 4 / beepRate})
	}
	var first time.Time
	for _, d := range dumps {
		cmd := exec.Command("zbarimg", "--raw", "-q", "-")
		cmd.Stdin = bytes.NewReader(d.data)
		out, _ := cmd.Output()
		n, err := strconv.Atoi(strings.TrimSpace(string(out)))
		if err != nil || n == 0 {
			continue
		}
		if len(list) == 0 {
			first = d.at
		}
		if len(list) > 0 && n == list[len(list)-1].number {
			continue // the fade to the next picture has begun
		}
		list = append(list, shownFrame{n, d.at.Sub(first), d.sound})
	}
	return list
}

// beeps returns when each beep begins, in seconds of a WAV file.
func beeps(t *testing.T, path string) (list []float64) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	quiet := beepRate
	for i := 44; i+4 <= len(data); i += 4 {
		if s := int16(binary.LittleEndian.Uint16(data[i:])); s > -1000 && s < 1000 {
			quiet++
			continue
		}
		if quiet > beepRate/4 {
			list = append(list, float64(i-44)/4/beepRate)
		}
		quiet = 0
	}
	return list
}

// checkFilm checks that the frames came in order, at their time by the clock, and in
// step with the sound.
func (m *machine) checkFilm(list []shownFrame, onsets []float64) {
	m.t.Helper()
	if len(onsets) == 0 {
		m.t.Error("no beep")
		onsets = []float64{0}
	}
	if len(list) == 0 {
		m.t.Fatal("no frame")
	}
	var text strings.Builder
	late, worst := 0.0, 0.0
	for i, f := range list {
		due := float64(f.number) / qrfilm.Rate
		apart := f.sound - onsets[0] - due
		worst = max(worst, math.Abs(apart))
		late = max(late, (f.at-list[0].at).Seconds()-(due-float64(list[0].number)/qrfilm.Rate))
		fmt.Fprintf(&text, "%d at %.2f, sound %+.2f; ", f.number, f.at.Seconds(), apart)
		if i > 0 && f.number <= list[i-1].number {
			m.t.Errorf("frame %d after %d", f.number, list[i-1].number)
		}
	}
	m.t.Logf("%d of %d frames: %s", len(list), filmSeconds*qrfilm.Rate, text.String())
	m.t.Logf("beeps at %.2f", onsets)
	m.t.Logf("at most %.2f s late, at most %.2f s from the sound", late, worst)
	if worst > maxFilmApart {
		m.t.Error("the film is not in step with its sound")
	}
	if last := list[len(list)-1].number; last < filmSeconds*qrfilm.Rate-2 {
		m.t.Errorf("the film ended at frame %d of %d", last, filmSeconds*qrfilm.Rate)
	}
	if len(onsets) < filmSeconds-2 {
		m.t.Errorf("%d beeps, want %d", len(onsets), filmSeconds)
	}
}
