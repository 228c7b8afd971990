package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"pickerd/display/photo/outside"
)

// A description is what ffprobe says of a film.
type description struct {
	duration time.Duration // 0 if unknown
	picture  int           // number of the stream
	codec    string
	matrix   string // of colors, as the filter scale calls it
	sound    bool
	large    bool // more lines than 4K has
}

const (
	// maxDescription bounds ffprobe's output.
	maxDescription = 1 << 20
	// maxProbe bounds its time.
	maxProbe = 10 * time.Second
	// minHD is the height from which films without colorimetry are those of BT.709, which
	// is also what Chromium takes them for.
	minHD = 720
	// max4K is the height of the largest films of 4K, upright ones left aside.
	max4K = 2304
)

// A probedStream is a stream as ffprobe shows it.
type probedStream struct {
	Index       int    `json:"index"`
	Type        string `json:"codec_type"`
	Codec       string `json:"codec_name"`
	Height      int    `json:"height"`
	ColorSpace  string `json:"color_space"`
	Disposition struct {
		AttachedPicture int `json:"attached_pic"`
	} `json:"disposition"`
}

// probe describes the film of an input, and finds out how it can be read.
func (t *tools) probe(ctx context.Context, in *input) (description, error) {
	path, err := t.find("ffprobe")
	if err != nil {
		return description{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, maxProbe)
	defer cancel()
	var failure error
	for _, seeks := range []bool{true, false} {
		in.seeks = seeks
		out := &boundedBuffer{max: maxDescription}
		cmd := command(ctx, path, append([]string{"-v", "error", "-show_entries",
			"stream=index,codec_type,codec_name,height,color_space:stream_disposition=attached_pic:format=duration", "-of", "json"}, in.arguments()...)...)
		if err := in.attach(cmd); err != nil {
			return description{}, err
		}
		cmd.Stdout = out
		if err := cmd.Run(); err != nil {
			failure = failed(path, err)
			if ctx.Err() != nil {
				return description{}, fmt.Errorf("%w: %w", outside.Silent, failure)
			}
			continue
		}
		return describe(out.b)
	}
	return description{}, failure
}

// describe reads ffprobe's output.
func describe(b []byte) (description, error) {
	var probed struct {
		Streams []probedStream `json:"streams"`
		Format  struct {
			Duration string `json:"duration"`
		} `json:"format"`
	}
	if err := json.Unmarshal(b, &probed); err != nil {
		return description{}, fmt.Errorf("%w: %w", outside.ToolFailed, err)
	}
	var d description
	at := slices.IndexFunc(probed.Streams, func(s probedStream) bool { return s.Type == "video" && s.Disposition.AttachedPicture == 0 })
	if at < 0 {
		return description{}, outside.NoPicture
	}
	picture := probed.Streams[at]
	d.picture, d.codec, d.matrix = picture.Index, picture.Codec, "auto"
	if (picture.ColorSpace == "" || picture.ColorSpace == "unknown") && picture.Height >= minHD {
		d.matrix = "bt709" // the filter takes it for BT.601
	}
	d.large = picture.Height > max4K
	d.sound = slices.ContainsFunc(probed.Streams, func(s probedStream) bool { return s.Type == "audio" })
	if s, err := strconv.ParseFloat(probed.Format.Duration, 64); err == nil && s > 0 && s < maxTimestamp.Seconds() && !math.IsNaN(s) {
		d.duration = time.Duration(s * float64(time.Second))
	}
	return d, nil
}
