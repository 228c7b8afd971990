package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"pickerd/display/photo"
	"pickerd/display/photo/outside"
	"pickerd/display/pixel"
)

const (
	// maxFile bounds a photo. A video is read by ffmpeg as it needs it.
	maxFile = 64 << 20
	// maxOutput bounds the JPEG that a tool writes.
	maxOutput = 2 * maxFile
)

// errOutput means that a tool wrote more than allowed.
var errOutput = errors.New("too much output")

// A tools runs programs that decode.
type tools struct {
	bin string // the folder of the programs
	tmp string // a folder in memory for their files
	dev string // the folder of devices
	// silence bounds the time of a decoder for one frame of a film or a chunk of its sound,
	// and deviceSilence that of hardware for a frame.
	silence, deviceSilence time.Duration
}

func newTools(bin, tmp string) *tools { return &tools{bin, tmp, "/dev", maxSilence, maxDeviceSilence} }

// decode returns the picture of a request. Its error wraps an outside.Reason.
func (t *tools) decode(ctx context.Context, req outside.Request) (*pixel.Image, error) {
	head, err := photo.Head(req.File)
	if err != nil {
		return nil, err
	}
	switch format := photo.Format(head); format {
	case "":
		return nil, outside.Unknown
	case "image/heic", "image/avif":
		return t.throughFiles(ctx, req, true, []string{"heif-dec", "heif-convert"}, "-q", "95")
	case "image/jxl":
		return t.throughFiles(ctx, req, false, []string{"djxl"}, "--quiet")
	case "image/jpeg":
		m, err := t.transcode(ctx, req, head)
		if err == nil {
			return m, nil
		}
		if m, ferr := t.ffmpeg(ctx, req, demuxers[format]); ferr == nil {
			return m, nil
		}
		return nil, err
	case "video/mp4", "video/webm":
		return t.ffmpeg(ctx, req, demuxers[format])
	}
	return nil, outside.ToolFailed // ffmpeg would lose the colours, the orientation and the transparency
}

// demuxers are the names of ffmpeg's demuxers by media type. None of them opens other
// files. Those of playlists do (HLS, DASH, concat), and ffmpeg chooses them by a file's
// name or content unless another one is forced.
var demuxers = map[string]string{
	"image/jpeg": "jpeg_pipe", "video/mp4": "mov", "video/webm": "matroska",
}

// find returns the path of the first program that is installed.
func (t *tools) find(names ...string) (string, error) {
	for _, name := range names {
		path := filepath.Join(t.bin, name)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", names[0], outside.ToolMissing)
}

// command prepares a program. It gets nothing but its arguments and what the caller
// sets.
func command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{} // nil would be the environment of this process
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	return cmd
}

// failed returns the error of a program.
func failed(path string, err error) error {
	return fmt.Errorf("%s: %w: %w", filepath.Base(path), outside.ToolFailed, err)
}

// A boundedBuffer fails when too much is written. It has no ReadFrom, which io.Copy
// would prefer.
type boundedBuffer struct {
	b    []byte
	max  int
	full bool // more was written
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if len(b.b)+len(p) > b.max {
		b.full = true
		return 0, errOutput
	}
	b.b = append(b.b, p...)
	return len(p), nil
}

// transcode has a JPEG of any variant made one that package photo decodes, without loss
// and with its profile and orientation. head is the beginning of the file.
func (t *tools) transcode(ctx context.Context, req outside.Request, head []byte) (*pixel.Image, error) {
	path, err := t.find("jpegtran")
	if err != nil {
		return nil, err
	}
	lead := int64(max(bytes.Index(head, []byte("\xff\xd8\xff")), 0))
	out := &boundedBuffer{max: maxOutput}
	cmd := command(ctx, path, "-copy", "all")
	cmd.Stdin = io.NewSectionReader(req.File, lead, maxFile)
	cmd.Stdout = out
	err = cmd.Run()
	switch {
	case out.full: // the program's own error is that of its pipe
		return nil, failed(path, errOutput)
	case len(out.b) == 0 || ctx.Err() != nil: // after a warning the exit status is 2, and there is a picture
		return nil, failed(path, err)
	}
	return fit(ctx, bytes.NewReader(out.b), int64(len(out.b)), req)
}

// throughFiles runs a program that converts a file to a JPEG file. With upright set, the
// Exif orientation in that file is not meant.
func (t *tools) throughFiles(ctx context.Context, req outside.Request, upright bool, names []string, args ...string) (*pixel.Image, error) {
	path, err := t.find(names...)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(t.tmp, "pickerd-media-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	in := filepath.Join(dir, "in")
	if err := copyFile(in, req.File); err != nil {
		return nil, err
	}
	if err := command(ctx, path, append(args, in, filepath.Join(dir, "out.jpg"))...).Run(); err != nil {
		return nil, failed(path, err)
	}
	for _, name := range []string{"out.jpg", "out-1.jpg"} { // the latter of a file with several photos
		b, err := readFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if upright {
			hideExif(b)
		}
		return fit(ctx, bytes.NewReader(b), int64(len(b)), req)
	}
	return nil, failed(path, errors.New("no output"))
}

// readFile reads a file of at most maxOutput bytes.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxOutput+1))
	if err == nil && len(b) > maxOutput {
		err = errOutput
	}
	return b, err
}

// hideExif makes the Exif segments of a JPEG ones of an unknown application. libheif's
// tools turn the pixels as the file says (ISO/IEC 23008-12, 6.5.10), and before version
// 1.16 also copy an Exif orientation that says the same.
func hideExif(b []byte) {
	for at := 2; at+4 <= len(b) && b[at] == 0xff && b[at+1] != 0xda; {
		if b[at+1] == 0xe1 {
			b[at+1] = 0xec
		}
		at += 2 + int(b[at+2])<<8 + int(b[at+3])
	}
}

// copyFile writes what is open to a new file: the tools open files by name, and this
// user may not open the original.
func copyFile(path string, from io.ReaderAt) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.NewSectionReader(from, 0, maxFile+1))
	if n > maxFile {
		err = fmt.Errorf("more than %d bytes: %w", maxFile, outside.ToolFailed)
	}
	return errors.Join(err, f.Close())
}

// fit decodes what a tool made and scales it to the request.
func fit(ctx context.Context, r io.ReaderAt, size int64, req outside.Request) (*pixel.Image, error) {
	p, err := photo.Decode(ctx, r, size, photo.Limit{W: req.W, H: req.H})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", outside.ToolFailed, err)
	}
	f := min(float64(req.W)/float64(p.W), float64(req.H)/float64(p.H), 1)
	m := pixel.New(max(int(float64(p.W)*f), 1), max(int(float64(p.H)*f), 1))
	p.Draw(m, 0)
	return m, nil
}
