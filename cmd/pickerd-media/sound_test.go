package main

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// Sound reaches the device whole, in its volume, and starts the clock, which waits for
// it.
func TestSound(t *testing.T) {
	need(t, "aplay")
	tools := fakes(t, map[string]string{"ffmpeg": "cat sound.pcm"})
	var pcm, want []byte
	for i := range 24000 { // half a second
		v := int16(i*7 - 30000)
		pcm = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(pcm, uint16(v)), uint16(-v))
		q := int16(int(v) * 2500 / 10000)
		want = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(want, uint16(q)), uint16(int16(int(-v)*2500/10000)))
	}
	out := filepath.Join(tools.bin, "out.pcm")
	config := filepath.Join(tools.bin, "asound.conf")
	if err := os.WriteFile(config, []byte("pcm.!default { type file; slave.pcm { type null }; file \""+out+"\"; format raw }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tools.bin, "sound.pcm"), pcm, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALSA_CONFIG_PATH", config)
	if err := os.Symlink("/usr/bin/aplay", filepath.Join(tools.bin, "aplay")); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(mp4(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var volume atomic.Int32
	volume.Store(50)
	started := make(chan struct{}, 8)
	c := newClock(time.Now, time.Minute, func() {
		select {
		case started <- struct{}{}:
		default:
		}
	})
	c.run(true)
	<-started
	s := tools.startSound(context.Background(), soundJob{in: input{file: file, demuxer: "mov", seeks: true}, start: time.Minute, clock: c, volume: &volume})
	<-started // it stops
	if at, running := c.position(); running {
		t.Errorf("the clock does not wait for the sound: it is at %v", at)
	}
	<-started
	<-s.done
	if s.err != nil {
		t.Fatal(s.err)
	}
	got, err := os.ReadFile(out)
	if err != nil || len(got) < len(want) || string(got[:len(want)]) != string(want) {
		t.Errorf("%d bytes of sound, want %d, %v", len(got), len(want), err)
	}
}

// A sound that begins after the clock's position does not stop the clock before.
func TestSoundLater(t *testing.T) {
	tools := fakes(t, map[string]string{"ffmpeg": "exec head -c 9600 /dev/zero",
		"aplay": "echo '  rate : 48000\n  buffer_size : 480' >&2; exec cat >/dev/null"})
	file, err := os.Open(mp4(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const begin = 200 * time.Millisecond
	c := newClock(time.Now, 0, func() {})
	c.run(true)
	s := tools.startSound(t.Context(), soundJob{in: input{file: file, demuxer: "mov", seeks: true}, offset: begin, clock: c, volume: new(atomic.Int32)})
	<-s.done
	if at := position(c); s.err != nil || at < begin {
		t.Errorf("over at %v, %v", at, s.err)
	}
}

// A sound decoder that hangs costs the sound, and the clock goes on without.
func TestSoundSilence(t *testing.T) {
	tools := fakes(t, map[string]string{"ffmpeg": "exec sleep 1000",
		"aplay": "echo '  rate : 48000\n  buffer_size : 4800' >&2; exec cat >/dev/null"})
	tools.silence = 20 * time.Millisecond
	file, err := os.Open(mp4(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	c := newClock(time.Now, 0, func() {})
	c.run(true)
	s := tools.startSound(t.Context(), soundJob{in: input{file: file, demuxer: "mov", seeks: true}, clock: c, volume: new(atomic.Int32)})
	<-s.done
	if _, running := c.position(); !running || !errors.Is(s.err, os.ErrDeadlineExceeded) {
		t.Errorf("running %v, %v", running, s.err)
	}
}
