package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"os/exec"
)

const (
	videoWidth, videoHeight = 960, 540
	videoRate, videoFrames  = 24, 120
)

// writeVideo pipes the frames into ffmpeg. Without ffmpeg it leaves the video
// as it is, because the pictures alone are of use too.
func writeVideo(name string) error {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		log.Printf("%s: skipped, because ffmpeg is not installed", name)
		return nil
	}
	cmd := exec.Command(ffmpeg, "-y", "-loglevel", "error",
		"-f", "rawvideo", "-pix_fmt", "rgba", "-s", fmt.Sprintf("%dx%d", videoWidth, videoHeight),
		"-r", fmt.Sprint(videoRate), "-i", "-",
		"-an", "-c:v", "libx264", "-preset", "veryslow", "-crf", "25", "-pix_fmt", "yuv420p",
		"-movflags", "+faststart",
		// Neither version numbers nor encoder settings: they would change the
		// file with each release of ffmpeg. Type 6 units carry the settings.
		"-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1",
		"-bsf:v", "filter_units=remove_types=6", name)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	frameErr := writeFrames(stdin)
	if err := errors.Join(frameErr, stdin.Close(), cmd.Wait()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	fmt.Printf("%-15s %4dx%-4d %7d bytes\n", name, videoWidth, videoHeight, info.Size())
	return nil
}

func writeFrames(w io.Writer) error {
	for i := range videoFrames {
		c := newCanvas(videoWidth, videoHeight)
		drawWaves(c, float64(i)/videoFrames)
		if _, err := w.Write(c.develop().Pix); err != nil {
			return err
		}
	}
	return nil
}

// drawWaves draws rolling waves with a boat. The time runs from 0 to 1; all
// movements repeat after it, so that the video can loop.
func drawWaves(c *canvas, time float64) {
	sky := gradient{{0, hex(0x9fdfe0)}, {0.45, hex(0xf4f6dc)}}
	c.paint(func(_, y float64, _ rgb) rgb { return sky.at(y) })
	sun := vec{c.aspect * 0.7, 0.2}
	c.glow(sun, 0.2, hex(0xfff0b0).times(0.8))
	c.disc(sun, 0.06, flat(hex(0xfffbe6)).with(0.004, 1))
	const layers, boatLayer = 8, 3
	tones := gradient{{0, hex(0x9adbd4)}, {0.4, hex(0x38aab2)}, {0.75, hex(0x0f7388)}, {1, hex(0x083f5a)}}
	for i := range layers {
		depth := float64(i) / (layers - 1)
		crest := func(x float64) float64 { return waveCrest(x, time, i, depth) }
		if i == boatLayer {
			rockingBoat(c, crest, c.aspect*0.36)
		}
		waveLayer(c, crest, tones.at(depth), depth)
	}
}

// waveCrest is the outline of a layer: waves of which each moves on by whole
// lengths during the video. Neighbouring layers run at different speeds.
func waveCrest(x, time float64, layer int, depth float64) float64 {
	phase := 2 * math.Pi * time
	f := float64(layer)
	length := lerp(9, 3.6, depth)
	height := lerp(0.008, 0.05, depth)
	y := math.Sin(x*length + f*1.9 - phase)
	y += 0.45 * math.Sin(x*length*1.9+f*4.1-2*phase)
	y += 0.3 * math.Sin(x*length*0.6-f*2.3+phase)
	// Water swings up and down as well; each layer at its own moment.
	return lerp(0.44, 0.88, depth) + height*y + 0.012*depth*math.Sin(phase+f*1.3)
}

func waveLayer(c *canvas, crest func(float64) float64, tone rgb, depth float64) {
	edges := make([]float64, c.w)
	for i := range edges {
		edges[i] = crest((float64(i) + 0.5) * c.pixel)
	}
	thick := lerp(0.04, 0.2, depth)
	c.paintFrom(0.3, func(x, y float64, under rgb) rgb {
		edge := edges[min(int(x*float64(c.h)), c.w-1)]
		cover := c.below(edge, y)
		if cover == 0 {
			return under
		}
		deep := (y - edge) / thick
		// Light shines through the thin top of a wave, foam lies on its edge.
		colour := mix(tone, tone.times(0.72), ramp(0, 1.6, deep))
		colour = screen(colour, hex(0x6fe0c8).times(0.4*math.Exp(-4*deep)))
		colour = mix(colour, hex(0xf2fffa), 0.75*ramp(0.06, 0.02, deep))
		return mix(under, colour, 0.94*cover)
	})
}

// rockingBoat floats on the crest and leans with its slope.
func rockingBoat(c *canvas, crest func(float64) float64, x float64) {
	const size, reach = 0.2, 0.05
	slope := (crest(x+reach) - crest(x-reach)) / (2 * reach)
	sin, cos := math.Sincos(math.Atan(slope))
	base := vec{x, crest(x) + 0.012}
	at := func(dx, dy float64) vec { return base.plus(vec{dx * size, -dy * size}.turned(sin, cos)) }
	c.polygon([]vec{at(0.03, 0.2), at(0.03, 0.98), at(0.44, 0.22)}, flat(hex(0xfff8ea)))
	c.polygon([]vec{at(-0.03, 0.22), at(-0.02, 0.84), at(-0.3, 0.22)}, flat(hex(0xf0705a)))
	c.line(at(0, 0.1), at(0, 1.02), 0.02*size, 0.012*size, flat(hex(0x5a3a34)))
	c.polygon([]vec{at(-0.38, 0.17), at(0.48, 0.17), at(0.34, -0.02), at(-0.26, -0.02)}, flat(hex(0x8c4a3c)))
}
