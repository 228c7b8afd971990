// Package qrfilm makes films for tests whose frames have their number as a QR code, and
// whose sound is a beep at each whole second.
package qrfilm

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"os/exec"
	"strconv"

	"pickerd/display/qr"
)

// Size of a frame, in pixels.
const (
	Width  = 320
	Height = 180
)

// Rate is the number of frames in a second.
const Rate = 5

// Make writes an MP4 file of some whole seconds with ffmpeg, which may be given more
// options for its output.
func Make(ctx context.Context, path string, seconds int, more ...string) error {
	var frames bytes.Buffer
	for n := range seconds * Rate {
		m, err := frame(n)
		if err != nil {
			return err
		}
		frames.Write(m.Pix)
	}
	args := []string{"-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s", fmt.Sprintf("%dx%d", Width, Height), "-r", strconv.Itoa(Rate), "-i", "-",
		"-f", "lavfi", "-t", strconv.Itoa(seconds), "-i", "aevalsrc=if(lt(mod(t\\,1)\\,0.1)\\,0.8*sin(6283*t)\\,0):s=48000",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "5", "-c:a", "aac", "-f", "mp4"}
	cmd := exec.CommandContext(ctx, "ffmpeg", append(append(args, more...), "-y", path)...)
	cmd.Stdin = &frames
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return nil
}

// frame draws a number.
func frame(n int) (*image.Gray, error) {
	m := image.NewGray(image.Rect(0, 0, Width, Height))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	code, err := qr.New(strconv.Itoa(n))
	if err != nil {
		return nil, err
	}
	const module = 5 // pixels
	left, top := (Width-module*len(code))/2, (Height-module*len(code))/2
	for y := range module * len(code) {
		for x := range module * len(code) {
			if code[y/module][x/module] {
				m.Pix[m.PixOffset(left+x, top+y)] = 0
			}
		}
	}
	return m, nil
}
