package main

import (
	"time"

	"pickerd/configs"
	"pickerd/device/engine"
	"pickerd/device/screen"
	"pickerd/device/slideshow"
	"pickerd/display"
	"pickerd/display/words"
)

// live is what a running box takes from a configuration.
type live struct {
	engine engine.Options
	slides slideshow.Options
	screen screen.Options
}

// liveOptions returns what a box takes from cfg. Its error is words.ErrNoLanguage, or
// about the time zone.
func liveOptions(cfg *configs.Config) (live, error) {
	lang, err := words.For(cfg.Display.Language)
	if err != nil {
		return live{}, err
	}
	zone, err := cfg.Zone()
	if err != nil {
		return live{}, err
	}
	s := cfg.Slideshow
	look := display.Look{Fade: time.Duration(s.Fade), Interval: time.Duration(s.Interval), Zoom: s.Zoom,
		Plain: s.Backing == "black", Mat: s.Backing == "mat", Fill: s.Fit == "fill", Auto: s.Fit == "auto", Volume: s.Volume}
	return live{
		engine: engine.Options{Name: cfg.Name, Append: cfg.Pick.Collection == "append", OriginalVideos: cfg.Pick.Video == "original"},
		slides: slideshow.Options{Interval: time.Duration(s.Interval), Shuffle: s.Order == "shuffle", Newest: s.Order == "newest", Collection: s.Collection,
			Pairs: s.Pairs, Captions: s.Captions, Words: lang, Zone: zone},
		screen: screen.Options{Name: cfg.Name, Style: display.Style{Look: look, Words: lang}, Clock: clocks[s.Clock], Date: dates[s.Date], Dates: words.DateFormat(s.Dates),
			Nights: nights(s.Night), SleepAfter: time.Duration(s.SleepAfter), Zone: zone},
	}, nil
}

// nights are the values of slideshow.night.
func nights(days configs.Nights) (n screen.Nights) {
	for day, hours := range days {
		n[day] = screen.Night{From: hours[0], To: hours[1]}
	}
	return n
}

// clocks are the values of slideshow.clock.
var clocks = map[configs.Clock]screen.Clock{configs.NoClock: screen.NoClock, configs.Clock12: screen.Clock12, configs.Clock24: screen.Clock24}

// dates are the values of slideshow.date.
var dates = map[configs.Date]screen.Date{configs.NoDate: screen.NoDate, configs.ClockDate: screen.ClockDate, configs.AlwaysDate: screen.AlwaysDate}

// configure makes a running box take over another valid configuration, in any
// goroutine, without a restart: slideshow.*, display.language, name, time_zone,
// pick.collection and pick.video. The other keys have no effect on it.
func (b *box) configure(cfg *configs.Config) error {
	now, err := liveOptions(cfg)
	if err != nil {
		return err
	}
	engine.Configure(b.engine, now.engine)
	b.slides.Configure(now.slides)
	b.screen.Configure(now.screen)
	b.radio.configure(cfg, false)
	return nil
}

// lang returns the language of the screen.
func (b *box) lang() *words.Words {
	style := b.screen.Pages().Get().Style
	return style.Lang()
}

// fetchSize returns the size to fetch photos at.
func (b *box) fetchSize() (w, h int) {
	w, h = b.outputs.size()
	return fetchSize(b.screen.Pages().Get().Style.Look, w, h)
}

// fetchSize returns the size in which photos fit that are shown on a screen. Of those that
// fill it, photos of 4:3 do, as phones take them; others are enlarged a little.
func fetchSize(look display.Look, w, h int) (int, int) {
	switch {
	case look.Mat:
	case look.Fill && w < h:
		return max(w, h*3/4), h
	case look.Fill:
		return w, max(h, w*3/4)
	case look.Auto: // a photo that loses less than 12 % is enlarged by less than that
		return w * 8 / 7, h * 8 / 7
	}
	return w, h
}
