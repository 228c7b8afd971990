package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pickerd/display/film"
	"pickerd/display/photo/outside"
)

const (
	// maxSilence bounds the time of a decoder for one frame, or for a chunk of sound. The
	// client waits longer.
	maxSilence = 10 * time.Second
	// maxDeviceSilence is that of hardware, which is expected to be fast.
	maxDeviceSilence = 3 * time.Second
	// maxThreads bounds the decoder's threads: each has frames of its own in memory.
	maxThreads = 4
	// maxStderr bounds what is kept of a program's messages.
	maxStderr = 2 << 10
	// pipeSize is the size of the pipe of frames, the largest that a user may have
	// (/proc/sys/fs/pipe-max-size): with the usual 64 KiB, a frame takes 130 turns.
	pipeSize = 1 << 20
	// maxRate is how many frames a second are sent at most.
	maxRate = 60
)

// A method is a way to decode the frames of a film.
type method struct {
	name    string   // for people
	before  []string // arguments of ffmpeg before the input
	devices bool     // needs a device, and so may fail where software does not
	node    string   // VA-API's device
}

// software is the method that all films end with.
var software = method{name: "software"}

// A rawFrame is a decoded frame in a slot.
type rawFrame struct {
	slot, w, h int
	at         time.Duration
}

// A decoder decodes the frames of one film with one method, from a position on. It owns
// a goroutine, which closes frames when it ends.
type decoder struct {
	frames   chan rawFrame // as many as there are slots
	err      error         // why it ended; nil at the end of the film
	cancel   context.CancelFunc
	messages *head
	over     bool // of the reader of frames: all are read
}

// A job is what a decoder needs to know.
type job struct {
	in     input
	about  description
	order  film.Order
	memory []byte
	start  time.Duration
	// free has the slots that may be written. The decoder returns what it does not fill.
	free   chan int
	method method
	slow   int // 0 to len(savings)-1
}

// savings are arguments that make decoding faster, at the price of frames.
var savings = [][]string{
	nil,
	{"-skip_frame", "noref", "-skip_loop_filter", "all"},
	{"-skip_frame", "nokey"},
}

// startDecoder starts a decoder. The caller calls stop.
func (t *tools) startDecoder(ctx context.Context, j job) *decoder {
	ctx, cancel := context.WithCancel(ctx)
	d := &decoder{frames: make(chan rawFrame, j.order.Slots), cancel: cancel, messages: &head{max: maxStderr}}
	go func() {
		defer close(d.frames)
		defer cancel()
		d.err = d.run(ctx, t, j)
	}()
	return d
}

// stop ends the decoder. Frames that nobody has taken become free.
func (d *decoder) stop(free chan<- int) {
	d.cancel()
	for p := range d.frames {
		free <- p.slot
	}
}

// run runs ffmpeg and reads its frames.
func (d *decoder) run(ctx context.Context, t *tools, j job) error {
	path, err := t.find("ffmpeg")
	if err != nil {
		return err
	}
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	enlarge(out, pipeSize)
	cmd := command(ctx, path, j.arguments()...)
	cmd.Stdout, cmd.Stderr = in, d.messages
	err = j.in.attach(cmd)
	if err == nil {
		err = cmd.Start()
	}
	in.Close()
	if err != nil {
		return failed(path, err)
	}
	stop := context.AfterFunc(ctx, func() { out.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	limit := t.silence
	if j.method.devices {
		limit = t.deviceSilence
	}
	count, err := d.read(ctx, out, j, limit)
	if err != nil {
		d.cancel()
	}
	ended := cmd.Wait()
	switch {
	case err == nil && ended != nil:
		return fmt.Errorf("%w: %s", failed(path, ended), d.messages)
	case err == nil && count == 0 && j.start == 0:
		return fmt.Errorf("%w: %s", outside.NoPicture, d.messages)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%s: %w", path, outside.Silent)
	case err != nil:
		return failed(path, err)
	}
	return nil
}

// read reads frames into free slots, each within limit, up to the end, and returns how
// many there were.
func (d *decoder) read(ctx context.Context, out *os.File, j job, limit time.Duration) (count int, err error) {
	n := newNUTReader(out)
	size := j.order.SlotSize()
	for ; ; count++ {
		var slot int
		select {
		case slot = <-j.free:
		case <-ctx.Done():
			return count, ctx.Err()
		}
		p, err := func() (rawFrame, error) {
			out.SetReadDeadline(time.Now().Add(limit))
			if ctx.Err() != nil {
				return rawFrame{}, ctx.Err()
			}
			at, length, err := n.next()
			if err != nil {
				return rawFrame{}, err
			}
			if length != 4*n.w*n.h || n.w > j.order.W || n.h > j.order.H {
				return rawFrame{}, errNUT
			}
			return rawFrame{slot, n.w, n.h, j.start + at}, readPixels(n, j.memory[slot*size:][:length])
		}()
		if err != nil {
			j.free <- slot
			if err == io.EOF {
				err = nil
			}
			return count, err
		}
		d.frames <- p
	}
}

// maxPart is how much of a frame is read at once, so that it is in the processor's cache
// for what comes next.
const maxPart = 256 << 10

// readPixels reads a frame in the layout of pixel.Image, whose highest byte is 0. ffmpeg
// makes it 255.
func readPixels(n *nutReader, b []byte) error {
	for len(b) > 0 {
		part := b[:min(len(b), maxPart)]
		b = b[len(part):]
		if err := n.read(part); err != nil {
			return err
		}
		words := unsafe.Slice((*uint64)(unsafe.Pointer(&part[0])), len(part)/8)
		for i := range words {
			words[i] &= 0x00ffffff_00ffffff
		}
		if len(part)%8 != 0 {
			last := (*uint32)(unsafe.Pointer(&part[len(part)-4]))
			*last &= 0x00ffffff
		}
	}
	return nil
}

// arguments returns those of ffmpeg.
func (j job) arguments() []string {
	threads := min(runtime.NumCPU(), maxThreads)
	if j.about.large {
		threads = 1 // a frame of 8K has 100 MB
	}
	args := []string{"-nostdin", "-v", "error", "-threads", strconv.Itoa(threads), "-filter_threads", strconv.Itoa(threads)}
	args = append(append(args, j.method.before...), savings[j.slow]...)
	args = append(args, j.in.arguments(seek(j.start)...)...)
	return append(args, "-map", "0:"+strconv.Itoa(j.about.picture), "-vf", j.filters(), "-map_metadata", "-1",
		"-enc_time_base", "1:1000", "-c:v", "rawvideo", "-pix_fmt", pixelFormat, "-f", "nut", "-flush_packets", "1", "pipe:1")
}

// filters returns those that make frames of a film. ffmpeg has turned them as the file
// says.
func (j job) filters() string {
	w, h := strconv.Itoa(j.order.W), strconv.Itoa(j.order.H)
	pick := "min"
	if j.order.Cover {
		pick = "max"
	}
	// Frames that are closer than maxRate allows go before they cost anything. Timestamps
	// may go back.
	limit := fmt.Sprintf("select='isnan(prev_selected_t)+gte(t-prev_selected_t,%.4f)+lt(t,prev_selected_t)'", 0.9/maxRate)
	scale := fmt.Sprintf("scale=w='max(1,round(%[1]s(%[2]s,%[3]s*dar)))':h='max(1,round(%[1]s(%[3]s,%[2]s/dar)))':flags=bilinear:in_color_matrix=%[4]s", pick, w, h, j.about.matrix)
	all := []string{limit, scale}
	if j.order.Cover {
		all = append(all, "crop="+w+":"+h)
	}
	return strings.Join(append(all, "setsar=1"), ",")
}

// enlarge makes a pipe larger, if that is allowed.
func enlarge(pipe *os.File, size int) {
	if raw, err := pipe.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size) })
	}
}

// A head keeps the beginning of what is written.
type head struct {
	mu  sync.Mutex
	b   []byte
	max int
}

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.b = append(h.b, p[:min(len(p), h.max-len(h.b))]...)
	return len(p), nil
}

func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.TrimSpace(string(h.b))
}
