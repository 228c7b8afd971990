package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"pickerd/display/photo/outside"
)

const (
	soundRate = 48000
	frameSize = 4 // bytes: two channels of 16 bits
	// chunk is how much sound is written at once.
	chunk = 20 * time.Millisecond
	// soundBuffer is the buffer that the sound device is asked for. aplay says what it got.
	soundBuffer = 100 * time.Millisecond
	// maxLead is how far sound may be ahead of the clock beyond the device's buffer, which
	// thereby stays full.
	maxLead = 60 * time.Millisecond
	// maxSoundStart bounds the time until a sound device plays, and maxStall the time it
	// may take for a chunk after that. Then the film goes on without sound.
	maxSoundStart = 3 * time.Second
	maxStall      = 2 * time.Second
	// maxDrain bounds the time for what is in the device's buffer at the end.
	maxDrain = 2 * time.Second
)

// A sound plays the sound of a film from a position on, until it is stopped. The clock
// follows it.
type sound struct {
	cancel context.CancelFunc
	from   time.Duration // of the clock, when it was started
	done   chan struct{} // closed at the end
	err    error         // why it ended; nil at the end of the film
}

// A soundJob is what a sound needs.
type soundJob struct {
	in     input
	start  time.Duration // in the file
	offset time.Duration // between the file and the clock
	clock  *clock
	volume *atomic.Int32 // 0 to 100
}

// startSound starts a sound. The clock waits for it.
func (t *tools) startSound(ctx context.Context, j soundJob) *sound {
	ctx, cancel := context.WithCancel(ctx)
	s := &sound{cancel: cancel, from: position(j.clock), done: make(chan struct{})}
	j.clock.wait(true)
	go func() {
		defer close(s.done)
		defer cancel()
		s.err = t.play(ctx, j)
		j.clock.wait(false)
	}()
	return s
}

// stop ends the sound at once.
func (s *sound) stop() {
	s.cancel()
	<-s.done
}

// play runs ffmpeg and aplay.
func (t *tools) play(ctx context.Context, j soundJob) error {
	decoder, err := t.find("ffmpeg")
	if err != nil {
		return err
	}
	player, err := t.find("aplay")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	messages, said := &head{max: maxStderr}, newSetup()
	decode := command(ctx, decoder, j.arguments()...)
	decode.Stderr = messages
	if err := j.in.attach(decode); err != nil {
		return err
	}
	decoded, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer decoded.Close()
	decode.Stdout = in
	err = decode.Start()
	in.Close()
	if err != nil {
		return failed(decoder, err)
	}
	defer decode.Wait()
	defer cancel() // before it
	from, to, err := os.Pipe()
	if err != nil {
		return err
	}
	defer to.Close()
	enlarge(to, os.Getpagesize()) // or rather smaller
	play := command(ctx, player, "-v", "-t", "raw", "-f", "S16_LE", "-r", strconv.Itoa(soundRate), "-c", "2",
		"--buffer-time="+strconv.Itoa(int(soundBuffer.Microseconds())), "--period-time="+strconv.Itoa(int(chunk.Microseconds())))
	play.Env, play.Stdin, play.Stderr = soundEnvironment(), from, said
	err = play.Start()
	from.Close()
	if err != nil {
		return failed(player, err)
	}
	played := make(chan error, 1)
	go func() {
		played <- play.Wait()
		cancel()
	}()
	stop := context.AfterFunc(ctx, func() {
		decoded.SetReadDeadline(time.Unix(1, 0))
		to.SetWriteDeadline(time.Unix(1, 0))
	})
	err = feed(ctx, j, decoded, to, said, t.silence)
	stop()
	to.Close()
	j.clock.wait(false)
	if err == nil {
		defer time.AfterFunc(maxDrain, cancel).Stop()
	} else {
		cancel()
	}
	if err = errors.Join(err, <-played); err != nil {
		return fmt.Errorf("%w: %w: %s %s", outside.ToolFailed, err, messages, said)
	}
	return nil
}

// arguments returns those of ffmpeg.
func (j soundJob) arguments() []string {
	args := append([]string{"-nostdin", "-v", "error", "-threads", "1", "-filter_threads", "1"}, j.in.arguments(seek(j.start)...)...)
	return append(args, "-map", "0:a:0", "-af", "aresample=async=1:first_pts=0", "-ac", "2", "-ar", strconv.Itoa(soundRate),
		"-c:a", "pcm_s16le", "-f", "s16le", "pipe:1")
}

// seek returns ffmpeg's arguments to begin at a position.
func seek(at time.Duration) []string {
	if at <= 0 {
		return nil
	}
	return []string{"-ss", strconv.FormatFloat(at.Seconds(), 'f', 3, 64)}
}

// soundVariables are those of aplay's environment that are passed on: what ALSA and
// PipeWire's plugin use to find their configuration and sockets.
var soundVariables = []string{"ALSA_CONFIG_PATH", "ALSA_CARD", "PIPEWIRE_REMOTE", "XDG_RUNTIME_DIR"}

// soundEnvironment returns the environment of aplay.
func soundEnvironment() []string {
	env := []string{"LC_ALL=C"} // its messages are read
	for _, name := range soundVariables {
		if v := os.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// feed passes sound to a device in step with the clock, and sets the clock. The decoder
// has silence for each chunk: the frames may be waiting for it.
func feed(ctx context.Context, j soundJob, from, to *os.File, said *setup, silence time.Duration) error {
	latency, err := said.wait(ctx)
	if err != nil {
		return err
	}
	// The clock waits for the sound, unless this begins later.
	for j.start+j.offset > position(j.clock) {
		j.clock.wait(false)
		if err := pause(ctx, chunk/4); err != nil {
			return err
		}
	}
	j.clock.wait(true)
	b := make([]byte, soundBytes(chunk))
	written := 0
	deadline := j.clock.now().Add(maxSoundStart)
	for {
		from.SetReadDeadline(time.Now().Add(silence))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n, err := io.ReadFull(from, b)
		n -= n % frameSize
		if n == 0 {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				err = nil
			}
			return err
		}
		for j.start+j.offset+soundTime(written) > position(j.clock)+latency+maxLead {
			if err := pause(ctx, chunk/4); err != nil {
				return err
			}
			follow(j, to, written, latency)
		}
		scale(b[:n], int(j.volume.Load()))
		now := j.clock.now()
		if limit := now.Add(maxStall); limit.After(deadline) {
			deadline = limit
		}
		to.SetWriteDeadline(deadline)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := to.Write(b[:n]); err != nil {
			return err
		}
		written += n
		follow(j, to, written, latency)
	}
}

// follow tells the clock what is heard now: what the player has taken from its pipe,
// but for the device's buffer, which is full while there is enough.
func follow(j soundJob, pipe *os.File, written int, latency time.Duration) {
	if raw, err := pipe.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			if left, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ); err == nil {
				written -= left
			}
		})
	}
	if heard := soundTime(written) - latency; heard >= 0 {
		j.clock.follow(j.start + j.offset + heard)
	}
}

func position(c *clock) time.Duration {
	at, _ := c.position()
	return at
}

// pause waits for a time, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// soundBytes returns how many bytes a time of sound has, and soundTime is its inverse.
func soundBytes(d time.Duration) int { return int(d*soundRate/time.Second) * frameSize }
func soundTime(n int) time.Duration  { return time.Duration(n/frameSize) * time.Second / soundRate }

// scale makes samples quieter. Loudness is heard about as the square of the amplitude.
func scale(b []byte, volume int) {
	if volume >= 100 {
		return
	}
	factor := volume * volume
	for ; len(b) >= 2; b = b[2:] {
		v := int(int16(binary.LittleEndian.Uint16(b))) * factor / 10000
		binary.LittleEndian.PutUint16(b, uint16(int16(v)))
	}
}

// A setup reads what aplay -v says of its device.
type setup struct {
	head
	known chan struct{} // closed when the buffer's size is known
	once  sync.Once
}

func newSetup() *setup { return &setup{head: head{max: maxStderr}, known: make(chan struct{})} }

// bufferPattern and ratePattern match aplay's description of a device, the first of
// which is that of the outermost plugin.
var (
	bufferPattern = regexp.MustCompile(`(?m)^ *buffer_size *: (\d+)$`)
	ratePattern   = regexp.MustCompile(`(?m)^ *rate *: (\d+)$`)
)

func (s *setup) Write(p []byte) (int, error) {
	n, err := s.head.Write(p)
	if bufferPattern.MatchString(s.String()+"\n") && bytes.Contains(p, []byte("\n")) {
		s.once.Do(func() { close(s.known) })
	}
	return n, err
}

// wait returns the time that the device's buffer holds, and aplay beside it.
func (s *setup) wait(ctx context.Context) (time.Duration, error) {
	t := time.NewTimer(maxSoundStart)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-t.C:
		return 0, fmt.Errorf("sound device: %w", outside.Silent)
	case <-s.known:
	}
	number := func(r *regexp.Regexp) int {
		if m := r.FindStringSubmatch(s.String()); m != nil {
			n, _ := strconv.Atoi(m[1])
			return n
		}
		return 0
	}
	size, rate := number(bufferPattern), number(ratePattern)
	if size < 1 || rate < 1 || size > 2*rate {
		return 0, fmt.Errorf("sound device with a buffer of %d at %d Hz: %w", size, rate, outside.ToolFailed)
	}
	return time.Duration(size)*time.Second/time.Duration(rate) + chunk, nil
}
