// Command draw generates the sample photos and the sample video. Run it in their
// directory:
//
//	go run ./draw
//
// The seeds are fixed: a second run generates the same files, and changing one
// scene changes only its file.
//
// Coordinates: the height of a picture is 1, x grows to the right from 0 to
// the aspect ratio, y grows downwards. A scene therefore does not depend on
// the number of pixels it is drawn with.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"log"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strconv"
	"sync"
)

// scene is one picture: its file, its shape and the function that draws it.
type scene struct {
	name   string
	width  int
	height int
	// oversample is the factor by which the canvas is larger than the
	// picture. Shapes have smooth edges of their own; only scenes made of
	// hard point samples, and the very small one, need more than 1.
	oversample int
	draw       func(*canvas)
}

// quality is that of the WebP files, which the program of the box embeds.
const quality = 45

var scenes = []scene{
	{"sunset.webp", 1600, 1066, 1, drawSunset},
	{"mountains.webp", 1600, 900, 1, drawMountains},
	{"aurora.webp", 1600, 1066, 1, drawAurora},
	{"dunes.webp", 1600, 900, 2, drawDunes},
	{"meadow.webp", 1280, 853, 1, drawMeadow},
	{"harbour.webp", 1440, 810, 1, drawHarbour},
	{"birches.webp", 800, 1200, 1, drawBirches},
	{"citylights.webp", 900, 1350, 1, drawCityLights},
	{"lighthouse.webp", 900, 1350, 1, drawLighthouse},
	{"snowpeaks.webp", 2400, 600, 2, drawSnowPeaks},
	{"leaves.webp", 900, 900, 1, drawLeaves},
	{"balloon.webp", 64, 48, 8, drawBalloon},
	{"waves.still.jpg", videoWidth, videoHeight, 1, func(c *canvas) { drawWaves(c, 0) }},
}

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	errs := make([]error, len(scenes))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, s := range scenes {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = s.write()
		})
	}
	wg.Wait()
	return errors.Join(append(errs, writeVideo("waves.mp4"))...)
}

func (s scene) write() error {
	c := newCanvas(s.width*s.oversample, s.height*s.oversample)
	s.draw(c)
	img := c.shrink(s.oversample).develop()
	data, err := encode(img, path.Ext(s.name))
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if err := os.WriteFile(s.name, data, 0o644); err != nil {
		return err
	}
	r, g, b := meanColour(img)
	fmt.Printf("%-15s %4dx%-4d %7d bytes  mean (%d,%d,%d)\n",
		s.name, s.width, s.height, len(data), r, g, b)
	return nil
}

// encode returns the file of an image: a WebP, which is half as large as a JPEG of these
// pictures that looks as good, or a JPEG.
func encode(img image.Image, ext string) ([]byte, error) {
	var in, out bytes.Buffer
	if ext == ".jpg" {
		err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 87})
		return out.Bytes(), err
	}
	if err := png.Encode(&in, img); err != nil {
		return nil, err
	}
	cmd := exec.Command("ffmpeg", "-v", "error", "-f", "image2pipe", "-c:v", "png", "-i", "-", "-c:v", "libwebp", "-quality", strconv.Itoa(quality), "-compression_level", "6", "-f", "image2pipe", "-")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("ffmpeg: %w", err)
	}
	return out.Bytes(), nil
}

func meanColour(img *image.RGBA) (r, g, b int) {
	for i := 0; i < len(img.Pix); i += 4 {
		r += int(img.Pix[i])
		g += int(img.Pix[i+1])
		b += int(img.Pix[i+2])
	}
	n := len(img.Pix) / 4
	return r / n, g / n, b / n
}
