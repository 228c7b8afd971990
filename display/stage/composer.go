package stage

import (
	"image"
	"os"
	"time"

	"pickerd/display"
	"pickerd/display/paint"
	"pickerd/display/photo"
	"pickerd/display/pixel"
)

// A composer draws pages in one size.
type composer struct {
	w, h    int          // as people see it
	base    paint.Config // without Words
	painter *paint.Painter
	loader  loader

	page  display.Page
	scene *scene  // what is behind the words; nil means the backdrop
	moves bool    // its photos do, see display.Motion
	share float64 // of their way that they have gone
	list  paint.List
	code  bool // there is a QR code in it
}

// A scene is a decoded slide.
type scene struct {
	key   string
	slide *display.Slide
	*photo.Scene
	film filmState
}

func newComposer(cfg paint.Config, media func(file string) (*os.File, error), copies Copy) composer {
	return composer{w: cfg.W, h: cfg.H, base: cfg, loader: loader{w: cfg.W, h: cfg.H, media: media, copy: copies}}
}

// restyle prepares for pages of another style. Its error is a *fontError.
func (c *composer) restyle(s display.Style) error {
	if c.painter != nil && s.Lang() == c.page.Style.Lang() {
		return nil
	}
	cfg := c.base
	cfg.Words = s.Lang()
	painter, err := paint.New(cfg)
	if err != nil {
		return &fontError{err}
	}
	c.painter, c.page.Style = painter, s
	return nil
}

// key returns the key of a slide in the look of the page.
func (c *composer) key(s *display.Slide) string { return keyOf(s, c.page.Style.Look) }

// behind draws a part of the background of the words.
func (c *composer) behind(dst *pixel.Image, r image.Rectangle) {
	switch {
	case c.page.Night:
		dst.Fill(r, 0)
	case c.scene == nil:
		c.painter.Backdrop(dst, r)
	default:
		dst.Sub(r).Copy(c.scene.Still.Sub(r), image.Point{})
		if c.moves { // r is the whole picture then
			c.move(dst)
		}
	}
}

// move draws the photos of the slide where their motion has brought them, and returns
// their places.
func (c *composer) move(dst *pixel.Image) (parts []image.Rectangle) {
	for i, at := range c.scene.Places {
		m := c.scene.slide.Media[i].Motion()
		pixel.Zoom(dst.Sub(at.Rectangle), c.scene.Still.Sub(at.Rectangle), m.Factor(c.share), m.X, m.Y)
		parts = append(parts, at.Rectangle)
	}
	return parts
}

// words returns the page with the slide that is decoded.
func (c *composer) words(now time.Time) paint.List {
	page := c.page
	if page.Slide != nil {
		page.Slide = nil
		if c.scene != nil {
			page.Slide = c.scene.slide
		}
	}
	if page.Slide == nil && page.Title == "" {
		page.Title = c.page.Style.Lang().Say("page.one_moment")
	}
	c.code = page.QR != ""
	return c.painter.Page(page, now)
}

// unshowable returns what a page says if its photos can't be shown.
func (c *composer) unshowable() (title, text string) {
	lang := c.page.Style.Lang()
	return lang.Say("page.unshowable"), lang.Say("page.unshowable_text")
}

// compose draws the whole screen. With nothing over a slide, the frame is the slide's
// picture, which must not be modified.
func (c *composer) compose() *pixel.Image {
	if c.scene != nil && !c.moves && len(c.list) == 0 && !c.page.Night {
		return c.scene.Still
	}
	m := pixel.New(c.w, c.h)
	c.behind(m, m.Bounds())
	c.list.Draw(m, m.Bounds())
	return m
}
