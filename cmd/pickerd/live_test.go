package main

import (
	"image"
	"reflect"
	"testing"

	"pickerd/configs"
	"pickerd/display"
	"pickerd/display/photo"
)

// TestLive checks that a running box takes over each key that people may set.
func TestLive(t *testing.T) {
	load := func(key, value string) live {
		t.Helper()
		cfg, err := configs.Load("", func(name string) string {
			if name == configs.EnvName(key) {
				return value
			}
			return ""
		}, checkNames)
		if err != nil {
			t.Fatal(err)
		}
		l, err := liveOptions(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	others := map[string]string{
		"name": "Kitchen", "time_zone": "Asia/Tokyo", "display.language": "ar", "pick.collection": "append", "pick.video": "original",
		"slideshow.interval": "20s", "slideshow.order": "shuffle", "slideshow.collection": "Family", "slideshow.fade": "0s", "slideshow.fit": "fill", "slideshow.backing": "black",
		"slideshow.pairs": "false", "slideshow.zoom": "true", "slideshow.clock": "12", "slideshow.date": "always", "slideshow.date_format": "iso", "slideshow.captions": "true", "slideshow.volume": "30", "slideshow.night": "sat-sun 22:30-06:30", "slideshow.sleep_after": "1h",
	}
	before := load("", "")
	for key, value := range map[string]string{"slideshow.fit": "auto", "slideshow.backing": "mat"} {
		if now := load(key, value); reflect.DeepEqual(now, before) || reflect.DeepEqual(now, load(key, others[key])) {
			t.Errorf("%s = %s changes nothing", key, value)
		}
	}
	for _, s := range configs.Settings() {
		if s.By != configs.Anyone {
			continue
		}
		if others[s.Key] == "" {
			t.Errorf("%s has no value here", s.Key)
		} else if reflect.DeepEqual(load(s.Key, others[s.Key]), before) {
			t.Errorf("%s changes nothing", s.Key)
		}
	}
}

// TestFetchSize checks the size of photos that are fetched for a look.
func TestFetchSize(t *testing.T) {
	fill, auto, mat := display.Look{Fill: true}, display.Look{Auto: true}, display.Look{Fill: true, Mat: true}
	for _, tt := range []struct {
		look         display.Look
		w, h, fw, fh int
	}{
		{display.Look{}, 1920, 1080, 1920, 1080}, {fill, 1920, 1080, 1920, 1440}, {fill, 1080, 1920, 1440, 1920}, {fill, 3840, 2160, 3840, 2880},
		{fill, 1024, 768, 1024, 768}, {fill, 800, 800, 800, 800}, {auto, 1920, 1080, 2194, 1234}, {auto, 1080, 1920, 1234, 2194}, {mat, 1920, 1080, 1920, 1080},
	} {
		if w, h := fetchSize(tt.look, tt.w, tt.h); w != tt.fw || h != tt.fh {
			t.Errorf("%+v, %d by %d: %d by %d, want %d by %d", tt.look, tt.w, tt.h, w, h, tt.fw, tt.fh)
		}
	}
	// The flattest photo that fills the screen, and the highest, are large enough for it.
	w, h := fetchSize(auto, 1920, 1080)
	for _, shape := range []image.Point{{1565, 1000}, {2020, 1000}} {
		by := min(float64(w)/float64(shape.X), float64(h)/float64(shape.Y))
		got := image.Pt(int(by*float64(shape.X)), int(by*float64(shape.Y)))
		if place := (photo.Layout{Auto: true}).Places(1920, 1080, []image.Point{shape})[0]; !place.Cover || got.X < 1920 || got.Y < 1080 {
			t.Errorf("%v is fetched at %v and seen at %v", shape, got, place)
		}
	}
}
