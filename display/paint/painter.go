package paint

import (
	"image"
	"log/slog"
	"time"

	"pickerd/display"
	"pickerd/display/pixel"
	"pickerd/display/typeface"
	"pickerd/display/words"
)

// Config is what a Painter needs.
type Config struct {
	W, H     int     // of the screen
	Overscan float64 // share of each side to leave free, 0 to 0.2
	Words    *words.Words
	Log      *slog.Logger
}

// A Painter draws the pages of one screen. It must not be used concurrently.
type Painter struct {
	cfg    Config
	u      float64         // a hundredth of the width of a 16:9 screen as high as this one
	least  float64         // the smallest text, in pixels
	safe   image.Rectangle // area for words
	family *typeface.Family
	code   drawnCode
	menuQR drawnCode
}

// New returns a Painter. It returns an error if the embedded fonts are invalid.
func New(cfg Config) (*Painter, error) {
	family, err := typeface.New(cfg.Words.Code, cfg.Words.RightToLeft, cfg.Log)
	if err != nil {
		return nil, err
	}
	p := &Painter{cfg: cfg, family: family}
	w, h := float64(cfg.W), float64(cfg.H)
	p.u = min(w, h*16/9) / 100
	if h > w {
		p.u = min(w*16/9, h) / 100
	}
	p.least = min(max(2.5*p.u, 12), 16)
	p.safe = image.Rect(int(w*cfg.Overscan), int(h*cfg.Overscan), cfg.W-int(w*cfg.Overscan), cfg.H-int(h*cfg.Overscan))
	return p, nil
}

// Colours, as in the browser's style sheet.
const (
	ink    = 0xf4f2ee
	soft   = 0xc4c0b8
	accent = 0x8fc1ff
	plate  = 0x0c0d11
	sheet  = 0x1a1d26
	amber  = 0xffb454
	chosen = 0xd8e8ff
	onIt   = 0x10233f // ink on chosen
	centre = 0x262b38 // of the backdrop
	rim    = 0x14161c
)

// px is n hundredths of the screen in pixels.
func (p *Painter) px(n float64) int { return int(n*p.u + 0.5) }

// text is the size of text of n units, at least the smallest readable size.
func (p *Painter) text(n float64) float64 { return max(n*p.u, p.least) }

// heading is text, a little larger than the smallest.
func (p *Painter) heading(n float64) float64 { return max(n*p.u, 1.25*p.least) }

// margin is the free space within the safe part of the screen, in units.
const margin = 2.2

// stage returns the area of a page. On a very wide screen without a photo it is in the
// middle, so that the words are close together.
func (p *Painter) stage(page display.Page) image.Rectangle {
	r := p.safe.Inset(p.px(margin))
	if spare := r.Dx() - p.px(92); page.Slide == nil && p.cfg.W > p.cfg.H && spare > 0 {
		r.Min.X += spare / 2
		r.Max.X -= spare / 2
	}
	return r
}

// turnEvery is how long things stay in one place. They move to prevent burn-in.
const turnEvery = 5 * time.Minute

// place returns the number of the turn at a time.
func place(now time.Time) int { return int(now.Unix() / int64(turnEvery/time.Second) & 0xffff) }

// NextPlace returns when things move next.
func NextPlace(now time.Time) time.Time { return now.Truncate(turnEvery).Add(turnEvery) }

// Page lays out a page over its photo, or over the Backdrop if it has none. At night
// the list is empty.
func (p *Painter) Page(page display.Page, now time.Time) List {
	if page.Night {
		return nil
	}
	l := p.layers(page, now)
	if page.Menu != nil {
		l = append(l, p.menu(page.Menu)...)
	}
	return l
}

// layers lays out a page without its menu: words and code, and the bars over them or
// over a photo. Where a small screen has no room for all of it, bars say less.
func (p *Painter) layers(page display.Page, now time.Time) List {
	shorten := []func(){func() { page.Receipt = "" }, func() { page.Remedy = "" }}
	for {
		b := p.bars(page, now)
		if page.Slide != nil {
			return b.items
		}
		l, ok := p.panel(page, now, b.height())
		if ok || len(shorten) == 0 {
			return append(l, b.items...)
		}
		shorten[0]()
		shorten = shorten[1:]
	}
}

// Backdrop draws a part of the background of words without a photo.
func (p *Painter) Backdrop(dst *pixel.Image, r image.Rectangle) { gradient(dst, r) }
