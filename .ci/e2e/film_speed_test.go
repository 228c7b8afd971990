package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pickerd/display/film"
)

// BenchmarkFilm plays a film of 1920 by 1080 pixels, 30 frames a second and with sound
// through the outside decoder into memory, in real time, and then in mpv: without
// drawing, and with the conversion to RGB that pickerd's frames have. It reports dropped
// frames, processor time and memory of all processes of each.
//
//	go test -run '^$' -bench Film -benchtime 1x -timeout 30m
//
// FILM names another file, and FILM_SECONDS the length of the film that is made.
func BenchmarkFilm(b *testing.B) {
	for _, name := range []string{"ffmpeg", "mpv", "aplay"} {
		if _, err := exec.LookPath(name); err != nil {
			b.Skip(err)
		}
	}
	path := os.Getenv("FILM")
	if path == "" {
		path = filepath.Join(b.TempDir(), "film.mp4")
		seconds := cmp.Or(os.Getenv("FILM_SECONDS"), "60")
		out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=30:d="+seconds,
			"-f", "lavfi", "-i", "sine=f=440:d="+seconds, "-vf", "noise=alls=8:allf=t", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "8M", "-pix_fmt", "yuv420p", "-c:a", "aac", path).CombinedOutput()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
	silent := filepath.Join(b.TempDir(), "asound.conf")
	if err := os.WriteFile(silent, []byte("pcm.!default { type null }\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Setenv("ALSA_CONFIG_PATH", silent)
	media, err := build("pickerd-media", "pickerd/cmd/pickerd-media")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		playFilm(b, media, path)
		playMPV(b, "mpv", path)
		playMPV(b, "mpv-rgb", path, "--vf=format=bgr0")
	}
	b.ReportMetric(0, "ns/op")
}

// playFilm plays a film in pickerd-media.
func playFilm(b *testing.B, media, path string) {
	b.Helper()
	socket := filepath.Join(b.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	served := make(chan *exec.Cmd, 1)
	go func() {
		c, err := l.AcceptUnix()
		if err != nil {
			return
		}
		defer c.Close()
		in, err := c.File()
		if err != nil {
			return
		}
		defer in.Close()
		cmd := exec.Command(media)
		cmd.Stdin, cmd.Stderr = in, os.Stderr
		if cmd.Start() == nil {
			served <- cmd
		}
	}()
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	before := usage(b)
	f, err := film.Open(b.Context(), socket, film.Request{File: file, W: 1920, H: 1080, Volume: 100})
	if err != nil {
		b.Fatal(err)
	}
	cmd := <-served
	memory := watchMemory(b, cmd.Process.Pid, os.Getpid())
	began, frames, pixels := time.Now(), 0, uint32(0)
	var late time.Duration
	var first time.Time
	for {
		frame, err := f.Next(b.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		for i := 0; i < len(frame.Image.Pix); i += 1024 {
			pixels += frame.Image.Pix[i]
		}
		if frames++; frames == 10 { // the sound plays
			first = time.Now().Add(-frame.At)
		} else if frames > 10 {
			late = max(late, time.Since(first)-frame.At)
		}
	}
	took := time.Since(began)
	info := f.Info()
	f.Close()
	peak := memory()
	cmd.Wait()
	client := usage(b) - before
	service := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	b.Logf("pickerd: %d frames in %v, %d dropped, latest %v late, %s; CPU %v of the service, %v of the client; %d MB; sum %d", frames, took.Round(time.Millisecond), info.Dropped, late.Round(time.Millisecond), info.Decoder, service, client, peak>>20, pixels)
	b.ReportMetric(float64(info.Dropped), "dropped-pickerd")
	b.ReportMetric((service + client).Seconds(), "cpu-s-pickerd")
	b.ReportMetric(float64(peak>>20), "MB-pickerd")
}

var mpvDropped = regexp.MustCompile(`dropped=(\d+)\+(\d+)`)

// playMPV plays a film in mpv.
func playMPV(b *testing.B, name, path string, args ...string) {
	b.Helper()
	var out strings.Builder
	cmd := exec.Command("mpv", append([]string{"--no-config", "--vo=null", "--ao=null", "--hwdec=no", "--term-status-msg=dropped=${decoder-frame-drop-count}+${frame-drop-count}"}, append(args, path)...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	memory := watchMemory(b, cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		b.Fatalf("%v: %s", err, out.String())
	}
	peak := memory()
	dropped := 0
	if all := mpvDropped.FindAllStringSubmatch(out.String(), -1); len(all) > 0 {
		for _, text := range all[len(all)-1][1:] {
			n, _ := strconv.Atoi(text)
			dropped += n
		}
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	b.Logf("%s: %v, %d dropped; CPU %v; %d MB", name, time.Since(began).Round(time.Millisecond), dropped, cpu, peak>>20)
	b.ReportMetric(float64(dropped), "dropped-"+name)
	b.ReportMetric(cpu.Seconds(), "cpu-s-"+name)
	b.ReportMetric(float64(peak>>20), "MB-"+name)
}

// usage returns the processor time of this process.
func usage(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// watchMemory samples the memory of processes and their children. Shared pages count
// once. The function that it returns ends that and returns the largest sum in bytes.
func watchMemory(b *testing.B, pids ...int) func() int {
	ctx, cancel := context.WithCancel(b.Context())
	var watching sync.WaitGroup
	peak := 0
	watching.Go(func() {
		for ctx.Err() == nil {
			sum := 0
			for _, pid := range pids {
				sum += pss(pid) + pssOfChildren(pid)
			}
			peak = max(peak, sum)
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	})
	return func() int { cancel(); watching.Wait(); return peak }
}

var pssLine = regexp.MustCompile(`(?m)^Pss: +(\d+) kB`)

// pss returns the proportional share of memory of a process.
func pss(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	m := pssLine.FindSubmatch(text)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n << 10
}

// pssOfChildren returns the sum for the children of another process.
func pssOfChildren(pid int) (sum int) {
	if pid == os.Getpid() {
		return 0
	}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for _, child := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(child); err == nil {
				sum += pss(n)
			}
		}
	}
	return sum
}
