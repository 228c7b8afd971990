// Package film plays films: another process decodes them, see package outside. That
// process gets the file as a descriptor and writes frames into memory that it shares with
// this one. It also plays the sound and says when a frame is due.
package film

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"pickerd/display/photo/outside"
	"pickerd/display/pixel"
)

// MaxSide bounds the width and the height of frames.
const MaxSide = 4096

var (
	// ErrSilent means that the decoder stopped answering.
	ErrSilent = errors.New("outside decoder stopped answering")
	// ErrClosed means that the film was closed.
	ErrClosed = errors.New("film closed")
)

// A Request is a film to be played.
type Request struct {
	File   *os.File // a regular file; its position is not used and not changed
	W, H   int      // frames fit into this size, larger or smaller than the film, or cover it with Cover
	Cover  bool     // a frame is W by H, and what is beyond its edges is left out
	Start  time.Duration
	Volume int // 0 to 100; 0: no sound device is opened
}

// An Info describes a film.
type Info struct {
	W, H     int           // of its frames; 0 before the first one
	Duration time.Duration // 0 if the file does not say
	Sound    bool          // the file has sound
	Decoder  string        // what decodes the frames: "software", or a name such as "vaapi (renderD128)"
	Dropped  int           // frames left out so far because they were late
}

// A Frame is a picture of a film.
type Frame struct {
	Image *pixel.Image // upright; valid until the next call of Next or Close
	At    time.Duration
}

const (
	// maxOpening bounds the time until a decoder says what a film is.
	maxOpening = 20 * time.Second
	// maxSilence bounds the time until a decoder has the next frame. The service gives up
	// earlier and says why.
	maxSilence = 25 * time.Second
	// maxInfos bounds how often a decoder says what a film is. It does so again when
	// another decoder takes over.
	maxInfos = 16
	// maxSending bounds the time until a decoder takes a request.
	maxSending = 2 * time.Second
)

// A Film is a film that is playing. Pause, SetVolume, Info and Close may be called from
// any goroutine, Next from one at a time.
type Film struct {
	conn   *net.UnixConn
	order  Order
	memory []byte
	frames chan Answer   // frames and the first info
	ended  chan struct{} // closed when the service has said its last word
	err    error         // why, set before

	mu      sync.Mutex
	info    Info
	waiting bool // for a frame
	paused  bool
	resumed time.Time // when the last pause ended
	closed  bool
}

// Open starts a film. Errors are outside.ErrUnavailable without a decoder,
// outside.ErrAnswer of a decoder that crashed, ErrSilent, an outside.Reason, and ctx's.
// The caller closes the film. File may be closed before. The end of ctx does not end the
// film.
func Open(ctx context.Context, socket string, r Request) (*Film, error) {
	conn, err := outside.Dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	return Start(ctx, conn, r)
}

// Start is Open on a connection, which it owns.
func Start(ctx context.Context, conn *net.UnixConn, r Request) (*Film, error) {
	f := &Film{conn: conn, frames: make(chan Answer, 1), ended: make(chan struct{})}
	if err := f.send(r); err != nil {
		conn.Close()
		if f.memory != nil {
			releaseMemory(f.memory)
		}
		return nil, fmt.Errorf("%w: %w", outside.ErrAnswer, err)
	}
	go f.listen()
	_, err := f.wait(ctx, maxOpening)
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// send orders the film.
func (f *Film) send(r Request) error {
	o := Order{W: min(max(r.W, 1), MaxSide), H: min(max(r.H, 1), MaxSide), Cover: r.Cover, Start: max(r.Start, 0), Volume: min(max(r.Volume, 0), 100)}
	o.Slots = min(max(maxMemory/o.SlotSize(), minSlots), maxSlots)
	f.order = o
	size := o.Slots * o.SlotSize()
	memory, err := newMemory(size)
	if err != nil {
		return err
	}
	defer memory.Close()
	if f.memory, err = mapMemory(memory, size); err != nil {
		return err
	}
	var files [2]*os.File
	for i := range files {
		if files[i], err = reopen(r.File); err != nil {
			return err
		}
		defer files[i].Close()
	}
	f.conn.SetWriteDeadline(time.Now().Add(maxSending))
	return outside.Write(f.conn, o.append(nil), files[0], files[1], memory)
}

// reopen opens an open file again, for a position of its own.
func reopen(f *os.File) (again *os.File, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var inner error
	err = raw.Control(func(fd uintptr) { again, inner = os.Open("/proc/self/fd/" + strconv.Itoa(int(fd))) })
	return again, errors.Join(err, inner)
}

// listen reads the answers.
func (f *Film) listen() {
	defer close(f.ended)
	for infos := 0; ; {
		known := infos > 0
		a, err := readAnswer(f.conn)
		if err != nil {
			f.err = fmt.Errorf("%w: %w", outside.ErrAnswer, err)
			return
		}
		switch {
		case a.Word == WordFail:
			f.err = outside.Reason(a.Value)
			return
		case a.Word == WordInfo && infos < maxInfos:
			infos++
			f.mu.Lock()
			f.info.Sound, f.info.Duration, f.info.Decoder = a.Value&1 != 0, max(a.Time, 0), a.Name
			f.mu.Unlock()
			if !known {
				f.frames <- a
			}
		case a.Word == WordEnd && known:
			f.err = io.EOF
			return
		case a.Word != WordFrame || !known || !f.accept(a):
			f.err = fmt.Errorf("%w: wrong answer", outside.ErrAnswer)
			return
		}
	}
}

// accept passes a frame on, if it was asked for and lies within the memory.
func (f *Film) accept(a Answer) bool {
	o := f.order
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.waiting || a.Value >= uint32(o.Slots) || a.W < 1 || a.H < 1 || a.W > o.W || a.H > o.H || a.Time < 0 {
		return false
	}
	select {
	case f.frames <- a:
	default: // two for one request
		return false
	}
	f.info.W, f.info.H, f.info.Dropped = a.W, a.H, int(a.Dropped)
	return true
}

// wait returns the next frame, or the first info.
func (f *Film) wait(ctx context.Context, limit time.Duration) (Answer, error) {
	silence := time.NewTimer(limit)
	defer silence.Stop()
	for {
		select {
		case a := <-f.frames:
			return a, nil
		default:
		}
		select {
		case a := <-f.frames:
			return a, nil
		case <-f.ended:
			if len(f.frames) > 0 {
				continue
			}
			return Answer{}, f.err
		case <-silence.C:
			f.mu.Lock()
			paused, left := f.paused, limit-time.Since(f.resumed)
			f.mu.Unlock()
			if paused {
				left = limit
			}
			if left <= 0 {
				f.conn.Close()
				return Answer{}, ErrSilent
			}
			silence.Reset(left)
		case <-ctx.Done():
			return Answer{}, ctx.Err()
		}
	}
}

// Next waits until the next frame is due and returns it. Frames that are late are
// dropped. While the film is paused, Next waits. At the end the error is io.EOF. After
// any other error but ctx's the film is over.
func (f *Film) Next(ctx context.Context) (Frame, error) {
	f.mu.Lock()
	closed, waiting := f.closed, f.waiting
	f.waiting = true
	f.mu.Unlock()
	if closed {
		return Frame{}, ErrClosed
	}
	if !waiting {
		f.request(WordNext, 0)
	}
	a, err := f.wait(ctx, maxSilence)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return Frame{}, ErrClosed
	case err != nil:
		return Frame{}, err
	}
	f.waiting = false
	slot := f.memory[int(a.Value)*f.order.SlotSize():][:4*a.W*a.H]
	pix := unsafe.Slice((*uint32)(unsafe.Pointer(&slot[0])), a.W*a.H)
	return Frame{&pixel.Image{Pix: pix, Stride: a.W, W: a.W, H: a.H}, a.Time}, nil
}

// request sends a request. What the service said before the connection broke is still
// read.
func (f *Film) request(word string, value int) {
	f.conn.SetWriteDeadline(time.Now().Add(maxSending))
	if _, err := f.conn.Write(binary.BigEndian.AppendUint32([]byte(word), uint32(value))); errors.Is(err, os.ErrDeadlineExceeded) {
		f.conn.Close()
	}
}

// Pause stops the film and its sound at the next frame, or resumes it.
func (f *Film) Pause(paused bool) {
	f.mu.Lock()
	changed := f.paused != paused
	f.paused = paused
	if changed && !paused {
		f.resumed = time.Now()
	}
	f.mu.Unlock()
	value := 0
	if paused {
		value = 1
	}
	if changed {
		f.request(WordPause, value)
	}
}

// SetVolume sets the volume of the sound, from 0 to 100. At 0 the sound device is closed.
func (f *Film) SetVolume(volume int) { f.request(WordVolume, min(max(volume, 0), 100)) }

// Info returns what is known of the film.
func (f *Film) Info() Info {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.info
}

// Close ends the film and its sound. The pixels of its last frame become black.
func (f *Film) Close() error {
	f.mu.Lock()
	closed := f.closed
	f.closed = true
	f.mu.Unlock()
	if closed {
		return nil
	}
	err := f.conn.Close()
	<-f.ended
	releaseMemory(f.memory)
	return err
}
