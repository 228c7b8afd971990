package outside

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

// Socket is where the service listens.
const Socket = "/run/pickerd-media/decoder.sock"

// maxWait bounds one decoding. The service itself ends a little earlier.
const maxWait = 40 * time.Second

// Decode has a file decoded by the service that listens at a socket, scaled down to at
// most w by h pixels. The picture is upright and in sRGB. Errors are ErrUnavailable,
// ErrAnswer, a Reason, and ctx's.
func Decode(ctx context.Context, socket string, f *os.File, w, h int) (*image.YCbCr, error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	c, err := Dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return Ask(ctx, c, f, w, h)
}

// Dial connects to the service that listens at a socket. Errors are ErrUnavailable and
// those of the net package.
func Dial(ctx context.Context, socket string) (*net.UnixConn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", socket)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case err != nil:
		return nil, fmt.Errorf("reach the outside decoder: %w", err)
	}
	return c.(*net.UnixConn), nil
}

// Ask is Decode on a connection. It closes the connection when ctx ends.
func Ask(ctx context.Context, c *net.UnixConn, f *os.File, w, h int) (*image.YCbCr, error) {
	defer context.AfterFunc(ctx, func() { c.Close() })()
	w, h = min(w, MaxSide), min(h, MaxSide)
	m, err := ask(c, f, w, h)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return m, err
}

func ask(c *net.UnixConn, f *os.File, w, h int) (*image.YCbCr, error) {
	if err := Write(c, head(wordDecode, w, h), f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return readAnswer(c, w, h)
}

// Write sends a message with files.
func Write(c *net.UnixConn, text []byte, files ...*os.File) error {
	return withFDs(files, nil, func(fds []int) error {
		_, _, err := c.WriteMsgUnix(text, syscall.UnixRights(fds...), nil)
		return err
	})
}

// withFDs calls f with the descriptors of files. Fd would make their reads block.
func withFDs(files []*os.File, fds []int, f func(fds []int) error) error {
	if len(files) == 0 {
		return f(fds)
	}
	raw, err := files[0].SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = raw.Control(func(fd uintptr) { inner = withFDs(files[1:], append(fds, int(fd)), f) })
	return errors.Join(err, inner)
}

// readAnswer reads a picture of at most w by h pixels.
func readAnswer(r io.Reader, w, h int) (*image.YCbCr, error) {
	b := make([]byte, headSize)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	word, iw, ih := parseHead(b)
	switch {
	case word == wordFailed:
		return nil, Reason(binary.BigEndian.Uint32(b[4:]))
	case word != wordImage || !isSize(iw, ih, w, h):
		return nil, fmt.Errorf("%w: wrong header", ErrAnswer)
	}
	m := image.NewYCbCr(image.Rect(0, 0, iw, ih), image.YCbCrSubsampleRatio444)
	br := bufio.NewReader(r)
	row := make([]byte, 3*iw)
	for y := range ih {
		if _, err := io.ReadFull(br, row); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		i := m.YOffset(0, y)
		for x := range iw {
			m.Y[i+x], m.Cb[i+x], m.Cr[i+x] = color.RGBToYCbCr(row[3*x], row[3*x+1], row[3*x+2])
		}
	}
	if n, err := br.Read(row[:1]); n != 0 || err != io.EOF {
		return nil, fmt.Errorf("%w: more than a picture", ErrAnswer)
	}
	return m, nil
}
