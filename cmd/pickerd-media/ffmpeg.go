package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"pickerd/display/photo/outside"
	"pickerd/display/pixel"
)

// ffmpeg returns the first picture of a file.
func (t *tools) ffmpeg(ctx context.Context, req outside.Request, demuxer string) (*pixel.Image, error) {
	path, err := t.find("ffmpeg")
	if err != nil {
		return nil, err
	}
	scale := fmt.Sprintf("scale=iw*max(sar\\,1):ih/min(1\\,if(sar\\,sar\\,1)),scale=min(%d\\,iw):min(%d\\,ih):force_original_aspect_ratio=decrease:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp,setsar=1", req.W, req.H)
	var failure error
	for _, seeks := range []bool{true, false} {
		if seeks && demuxer != "mov" { // which may have to seek
			continue
		}
		in := input{req.File, demuxer, seeks}
		out := &boundedBuffer{max: 3*req.W*req.H + maxPPMHead}
		cmd := command(ctx, path, append(append([]string{"-nostdin", "-v", "error", "-threads", "1"}, in.arguments()...),
			"-map", "0:v:0", "-frames:v", "1", "-vf", scale, "-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "pipe:1")...)
		if err := in.attach(cmd); err != nil {
			return nil, err
		}
		cmd.Stdout = out
		if err := cmd.Run(); err != nil {
			failure = failed(path, err)
			continue
		}
		return parsePPM(out.b, req.W, req.H)
	}
	return nil, failure
}

// errPPM means that a file is no PPM of 8 bits for each color, or too large.
var errPPM = errors.New("no usable PPM")

const (
	maxSizeText = 20
	maxPPMHead  = maxSizeText + 16
)

// parsePPM reads a binary PPM as ffmpeg writes it, of at most w by h pixels.
func parsePPM(b []byte, w, h int) (*pixel.Image, error) {
	magic, rest, _ := bytes.Cut(b, []byte("\n"))
	size, rest, _ := bytes.Cut(rest, []byte("\n"))
	depth, pix, _ := bytes.Cut(rest, []byte("\n"))
	var iw, ih int
	if n, err := fmt.Sscanf(string(size[:min(len(size), maxSizeText)]), "%d %d", &iw, &ih); n != 2 || err != nil {
		return nil, errors.Join(outside.ToolFailed, errPPM)
	}
	if string(magic) != "P6" || string(depth) != "255" || iw < 1 || ih < 1 || iw > w || ih > h || len(pix) != 3*iw*ih {
		return nil, errors.Join(outside.ToolFailed, errPPM)
	}
	m := pixel.New(iw, ih)
	for i := range m.Pix {
		m.Pix[i] = uint32(pix[3*i])<<16 | uint32(pix[3*i+1])<<8 | uint32(pix[3*i+2])
	}
	return m, nil
}
