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
	"log"
	"os"
	"runtime"
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
	// budget is the largest size of the JPEG in bytes. It keeps the
	// repository small: each picture gets the best quality that fits.
	budget int
	draw   func(*canvas)
}

var scenes = []scene{
	{"sunset.jpg", 1600, 1066, 1, 90_000, drawSunset},
	{"mountains.jpg", 1600, 900, 1, 62_000, drawMountains},
	{"aurora.jpg", 1600, 1066, 1, 76_000, drawAurora},
	{"dunes.jpg", 1600, 900, 2, 76_000, drawDunes},
	{"meadow.jpg", 1280, 853, 1, 120_000, drawMeadow},
	{"harbour.jpg", 1440, 810, 1, 95_000, drawHarbour},
	{"birches.jpg", 800, 1200, 1, 82_000, drawBirches},
	{"citylights.jpg", 900, 1350, 1, 54_000, drawCityLights},
	{"lighthouse.jpg", 900, 1350, 1, 74_000, drawLighthouse},
	{"snowpeaks.jpg", 2400, 600, 2, 108_000, drawSnowPeaks},
	{"leaves.jpg", 900, 900, 1, 82_000, drawLeaves},
	{"balloon.jpg", 64, 48, 8, 4_000, drawBalloon},
	{"waves.still.jpg", videoWidth, videoHeight, 1, 50_000, func(c *canvas) { drawWaves(c, 0) }},
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
	data, quality, err := encodeWithin(img, s.budget)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if err := os.WriteFile(s.name, data, 0o644); err != nil {
		return err
	}
	r, g, b := meanColour(img)
	fmt.Printf("%-15s %4dx%-4d %7d bytes  quality %d  mean (%d,%d,%d)\n",
		s.name, s.width, s.height, len(data), quality, r, g, b)
	return nil
}

// encodeWithin returns the JPEG of the highest quality that fits the budget.
func encodeWithin(img image.Image, budget int) (data []byte, quality int, err error) {
	const best, worst, step = 93, 45, 2
	for quality = best; quality >= worst; quality -= step {
		var buf bytes.Buffer
		if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality}); err != nil {
			return nil, 0, err
		}
		if buf.Len() <= budget {
			return buf.Bytes(), quality, nil
		}
	}
	return nil, 0, fmt.Errorf("does not fit %d bytes at quality %d", budget, worst)
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
