// Package media keeps copies of photos and videos that not every screen can show. A
// copy is a JPEG that an outside decoder made; without the package pickerd-media there
// are none.
package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"pickerd/display/photo/outside"
	"pickerd/store"
)

const (
	// jpegQuality is the quality of copies, from 1 to 100.
	jpegQuality = 90
	// maxFailures bounds the files that are remembered as undecodable.
	maxFailures = 4096
	// passing is how long trouble is remembered that may pass, such as a full disk.
	passing = 10 * time.Minute
	// minW and minH are the least size in which copies are made: a larger screen may
	// come later.
	minW, minH = 1920, 1080
)

// Config is what a Copier needs. All fields but MaxBytes must be set.
type Config struct {
	Photos   *store.Photos
	Socket   string            // of the outside decoder
	Size     func() (w, h int) // that copies have at most: that of the largest screen
	MaxBytes int64             // of all photos on the disk with their copies; 0 means no limit
	Now      func() time.Time
	Log      *slog.Logger
}

// A Copier makes copies, one at a time, while Run runs. Open may be called from any
// goroutine.
type Copier struct {
	cfg   Config
	wake  chan struct{} // holds a value while Run has to look at the queue
	ended chan struct{} // closed when Run has returned

	mu     sync.Mutex
	queue  []*job             // that wait for Run
	active *job               // that Run does, nil if none
	failed map[string]failure // by file
}

// A job is a copy to be made.
type job struct {
	file    string
	waiting int           // calls that wait for it
	done    chan struct{} // closed after err is set
	err     error
}

// A failure is why a copy can't be made, until a time or, with the zero time, the next
// start.
type failure struct {
	err   error
	until time.Time
}

// New returns a Copier.
func New(cfg Config) *Copier {
	return &Copier{cfg: cfg, wake: make(chan struct{}, 1), ended: make(chan struct{}), failed: map[string]failure{}}
}

// Open opens the copy of a file, named as in store.Photo.File. The first call has it
// made, which may take half a minute, and it is kept until the photo is deleted. What Run
// has begun it ends, even if nobody waits any more: whoever asks again finds the copy. The
// error is that of outside.Decode, of the disk, ctx's, or context.Canceled after the end
// of Run.
func (c *Copier) Open(ctx context.Context, file string) (*os.File, error) {
	if f, err := c.cfg.Photos.OpenCopy(file); err == nil {
		return f, nil
	}
	if err := c.failure(file); err != nil {
		return nil, err
	}
	j := c.join(file)
	defer c.leave(j)
	select {
	case <-j.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.ended:
		return nil, context.Canceled
	}
	if j.err != nil {
		return nil, j.err
	}
	return c.cfg.Photos.OpenCopy(file)
}

// join returns the job of a file. The caller has to leave it.
func (c *Copier) join(file string) *job {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active != nil && c.active.file == file {
		c.active.waiting++
		return c.active
	}
	i := slices.IndexFunc(c.queue, func(j *job) bool { return j.file == file })
	if i < 0 {
		i = len(c.queue)
		c.queue = append(c.queue, &job{file: file, done: make(chan struct{})})
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
	c.queue[i].waiting++
	return c.queue[i]
}

// leave drops a job that has not begun when nobody waits for it any more.
func (c *Copier) leave(j *job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	j.waiting--
	if j.waiting == 0 {
		c.queue = slices.DeleteFunc(c.queue, func(q *job) bool { return q == j })
	}
}

// next begins the next job. It returns nil if there is none.
func (c *Copier) next() *job {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return nil
	}
	c.active = c.queue[0]
	c.queue = slices.Delete(c.queue, 0, 1)
	return c.active
}

// finish ends a job. Whoever asks from then on begins another.
func (c *Copier) finish(j *job) {
	c.mu.Lock()
	c.active = nil
	c.mu.Unlock()
	close(j.done)
}

// Run makes copies until ctx ends, and returns its error. It must be called once.
func (c *Copier) Run(ctx context.Context) error {
	defer close(c.ended)
	for {
		for j := c.next(); j != nil && ctx.Err() == nil; j = c.next() {
			j.err = c.make(ctx, j.file)
			c.finish(j)
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// make makes a copy, unless there is one, and remembers why it can't be made.
func (c *Copier) make(ctx context.Context, file string) error {
	if f, err := c.cfg.Photos.OpenCopy(file); err == nil { // made since Open looked
		return f.Close()
	}
	if err := c.failure(file); err != nil {
		return err
	}
	data, err := c.decode(ctx, file)
	if err == nil {
		if err = c.cfg.Photos.KeepCopy(file, data, c.cfg.MaxBytes); err != nil {
			err = fmt.Errorf("keep a copy: %w", err)
		}
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, outside.ErrUnavailable) && !errors.Is(err, fs.ErrNotExist) {
		c.note(file, err)
	}
	return err
}

// decode returns a JPEG of a file.
func (c *Copier) decode(ctx context.Context, file string) ([]byte, error) {
	f, err := c.cfg.Photos.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	began := time.Now()
	w, h := c.cfg.Size()
	m, err := outside.Decode(ctx, c.cfg.Socket, f, max(w, minW), max(h, minH))
	if err != nil {
		return nil, err
	}
	defer debug.FreeOSMemory() // the pixels take many times the memory of the copy
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return nil, err
	}
	c.cfg.Log.Info("decoded outside", "file", file, "width", m.Rect.Dx(), "height", m.Rect.Dy(), "took", time.Since(began).Round(time.Millisecond))
	return b.Bytes(), nil
}

// failure returns why a copy could not be made before.
func (c *Copier) failure(file string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.failed[file]
	if ok && !f.until.IsZero() && !c.cfg.Now().Before(f.until) {
		delete(c.failed, file)
		return nil
	}
	return f.err
}

// note remembers that a copy can't be made: until the next start if the reason is the
// file.
func (c *Copier) note(file string, err error) {
	f := failure{err: err}
	if why, ok := errors.AsType[outside.Reason](err); !ok || why == outside.ToolMissing {
		f.until = c.cfg.Now().Add(passing)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.failed) >= maxFailures {
		clear(c.failed)
	}
	c.failed[file] = f
}
