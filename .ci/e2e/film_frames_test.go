package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"log/slog"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"pickerd/device/slideshow"
	"pickerd/display"
	"pickerd/display/qr/qrfilm"
	"pickerd/display/web"
	"pickerd/picker"
	"pickerd/store"
)

// filmSeconds is how long the film takes.
const filmSeconds = 6

// A projector is a slideshow of a film and a photo, and the server of its page.
type projector struct {
	*slideshow.Slideshow
	ctx   context.Context
	board *display.Board[display.Page]
	url   string

	mu   sync.Mutex
	page display.Page // without its slides
}

// Pages, Do and Choose implement web.Screen.
func (p *projector) Pages() *display.Board[display.Page]          { return p.board }
func (p *projector) Do(ctx context.Context, w display.Wish) error { return p.Slideshow.Do(ctx, w) }
func (p *projector) Choose(context.Context, string) error         { return nil }

// set changes the page.
func (p *projector) set(f func(*display.Page)) {
	p.mu.Lock()
	f(&p.page)
	p.mu.Unlock()
	p.compose()
}

func (p *projector) compose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	page, f := p.page, p.Frames().Get()
	page.Slide, page.Next = f.Slide, f.Next
	if page.Night {
		page.Slide = nil
	}
	p.board.Set(page)
}

// newProjector shows a film whose record says a wrong length.
func newProjector(t *testing.T) *projector {
	t.Helper()
	dir := t.TempDir()
	program(t, "ffmpeg")
	// In fragments without any length.
	if err := qrfilm.Make(t.Context(), filepath.Join(dir, "film"), filmSeconds, "-movflags", "frag_keyframe+empty_moov+default_base_moof"); err != nil {
		t.Fatal(err)
	}
	m := image.NewGray(image.Rect(0, 0, 64, 36))
	var photo bytes.Buffer
	if err := png.Encode(&photo, m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "photo"), photo.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	photos := []store.Photo{{ID: "film", File: "film", Type: picker.Video, Duration: time.Hour, Bytes: 1 << 30}, {ID: "photo", File: "photo", Type: picker.Photo}}
	p := &projector{ctx: t.Context(), board: new(display.Board[display.Page]), page: display.Page{State: "showing"}}
	p.page.Style.Look = display.Look{Interval: time.Second, Volume: 100}
	p.Slideshow = slideshow.New(slideshow.Config{Options: slideshow.Options{Interval: time.Second}, Photos: func() ([]store.Photo, error) { return photos, nil },
		Generation: func() int { return 0 }, ScreenSize: func() (int, int) { return 640, 360 }, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); wg.Wait() })
	wg.Go(func() { _ = p.Run(ctx) })
	wg.Go(func() {
		for range p.Frames().Watch(ctx) {
			p.compose()
		}
	})
	cfg := pageOf(p.board, func(name string) (*os.File, error) { return os.Open(filepath.Join(dir, name)) })
	cfg.Screen, cfg.Join = p, func() web.Viewer { return p.Join() }
	srv := httptest.NewServer(web.New(cfg))
	t.Cleanup(func() { srv.CloseClientConnections() })
	p.url = srv.URL + "/"
	return p
}

// watchFilms keeps a picture of each frame that a page presents, and where its sound
// begins: in the film's time, by the clock of the sound card.
const watchFilms = `
window.seen = [];
window.onsets = [];
const make = films.make;
films.make = function (m, slide) {
	const v = make.call(films, m, slide), c = document.createElement("canvas");
	c.width = 320;
	c.height = 180;
	const keep = (now, frame) => {
		c.getContext("2d").drawImage(v, 0, 0, 320, 180);
		seen.push({picture: c.toDataURL("image/png").slice(22), presented: frame.presentedFrames, at: frame.mediaTime});
		v.requestVideoFrameCallback(keep);
	};
	v.requestVideoFrameCallback(keep);
	if (window.listens) {
		const audio = new AudioContext(), ear = audio.createScriptProcessor(512, 1, 1), lags = [];
		let quiet = 1;
		ear.onaudioprocess = e => {
			const now = e.inputBuffer.getChannelData(0);
			if (v.paused || v.seeking) return;
			lags.push(v.currentTime - audio.currentTime);
			const lag = lags.slice(-400).sort((a, b) => a - b)[Math.min(lags.length, 400) >> 1];
			const i = now.findIndex(s => Math.abs(s) > 0.05);
			if (i >= 0 && quiet > 0.3) onsets.push(e.playbackTime - 512 / audio.sampleRate + i / audio.sampleRate + lag);
			quiet = i >= 0 ? 0 : quiet + 512 / audio.sampleRate;
		};
		audio.createMediaElementSource(v).connect(ear);
		ear.connect(audio.destination);
	}
	return v;
};
true`

// A seenFrame is a frame that a page has presented.
type seenFrame struct {
	Picture   []byte
	Presented int
	At        float64
	number    int
}

// frames returns what a page has presented, and forgets it there.
func (tb *tab) frames() (list []seenFrame) {
	tb.t.Helper()
	if err := json.Unmarshal([]byte(evaluated(tb, "JSON.stringify(seen.splice(0))")), &list); err != nil {
		tb.t.Fatal(err)
	}
	for i := range list {
		m, err := png.Decode(bytes.NewReader(list[i].Picture))
		if err != nil {
			tb.t.Fatalf("%v: %s", err, base64.StdEncoding.EncodeToString(list[i].Picture))
		}
		text, _ := decode(tb.ctx, m)
		if list[i].number, err = strconv.Atoi(text); err != nil {
			tb.t.Fatalf("frame %d of %d at %v has no number: %v", i, len(list), list[i].At, err)
		}
	}
	return list
}

// numbers returns the numbers of frames, and checks that they grow.
func numbers(t *testing.T, what string, list []seenFrame) string {
	t.Helper()
	var b strings.Builder
	for i, f := range list {
		if i > 0 && f.number < list[i-1].number || math.Abs(f.At-float64(f.number)/qrfilm.Rate) > 0.5/qrfilm.Rate {
			t.Errorf("%s: frame %d at %.2f s", what, f.number, f.At)
		}
		b.WriteString(strconv.Itoa(f.number) + " ")
	}
	return b.String()
}

// begin has the slideshow, which is paused, show the film from its beginning.
func (p *projector) begin(tb *tab) {
	tb.t.Helper()
	if f := p.Frames().Get(); f.Slide.Media[0].Video {
		p.do(tb.t, display.Next)
	}
	tb.until("slides.layer && !films.now().length")
	tb.do("forget", chromedp.Evaluate[chromedp.Void]("window.seen = []; window.onsets = []; true"))
	p.do(tb.t, display.Next)
	tb.until("films.now().length && films.now()[0].readyState >= 2")
	if evaluated(tb, "String(films.now()[0].paused && films.now()[0].currentTime)") != "0" {
		tb.t.Error("a film begins during a pause")
	}
	p.do(tb.t, display.Pause)
}

func (p *projector) do(t *testing.T, v display.Verb) {
	t.Helper()
	if err := p.Do(t.Context(), display.Wish{Verb: v}); err != nil {
		t.Fatal(err)
	}
}

// TestFilmFrames shows a film in fragments whose length is wrong in its record: all of it
// and in step with its sound. A pause, a display that comes late, and the next slide are
// at the right frames.
func TestFilmFrames(t *testing.T) {
	p := newProjector(t)
	chromium := newBrowser(t)
	p.do(t, display.Pause)
	tb := chromium.open(t, 640, 360, p.url)
	tb.until("window.films && slides.layer")
	tb.do("watch", chromedp.Evaluate[chromedp.Void]("window.listens = true; "+watchFilms))

	p.begin(tb)
	for f := range p.Frames().Watch(t.Context()) {
		if !f.Slide.Media[0].Video { // after its end, long before the hour in its record
			break
		}
	}
	p.do(t, display.Pause)
	tb.until("!films.now().length")
	list := tb.frames()
	if got := numbers(t, "whole", list); len(list) < filmSeconds*qrfilm.Rate/2 || list[0].number > 1 || list[len(list)-1].number != filmSeconds*qrfilm.Rate-1 {
		t.Errorf("frames %s", got)
	}
	var onsets []float64
	if err := json.Unmarshal([]byte(evaluated(tb, "JSON.stringify(onsets)")), &onsets); err != nil {
		t.Fatal(err)
	}
	inStep := 0
	for _, at := range onsets {
		if math.Abs(at-math.Round(at)) < 0.15 {
			inStep++
		}
	}
	if inStep < filmSeconds/2 || inStep < len(onsets)*2/3 {
		t.Errorf("beeps at %.2f s of the film", onsets)
	}

	p.begin(tb)
	tb.until("seen.length > 3 && (wish('pause'), true)") // in one step, or the film may be over
	tb.until("films.now()[0].paused")
	tb.drawn()
	before := tb.frames()
	p.set(func(page *display.Page) { page.Muted = true })
	tb.until("films.now()[0].muted")
	if n := evaluated(tb, "String(seen.length)"); n != "0" {
		t.Errorf("%s frames are presented during a pause", n)
	}
	p.do(t, display.Pause)
	tb.until("seen.length > 3 && (wish('pause'), true)")
	tb.until("films.now()[0].paused")
	list = append(before, tb.frames()...)
	got := numbers(t, "paused", list)
	for i := 1; i < len(list); i++ {
		if list[i].number == list[i-1].number && i != len(before) {
			t.Errorf("paused, frames %s", got)
		}
	}
	tb.do("keep the film", chromedp.Evaluate[chromedp.Void]("window.film = films.now()[0]; true"))
	p.do(t, display.Next)
	tb.until("!films.now().length && film.paused && !film.hasAttribute('src') && !film.isConnected")

	p.begin(tb)
	tb.until("films.now()[0].currentTime > 2.5 && (wish('pause'), true)")
	tb.until("films.now()[0].paused")
	at := p.Frames().Get().Slide.At(time.Now()).Seconds()
	tb.do("come late", chromedp.Navigate(p.url+"?late"))
	tb.until("location.search && window.films && films.now().length && films.now()[0].readyState >= 2 && !films.now()[0].seeking && films.now()[0].paused")
	if got, err := strconv.ParseFloat(evaluated(tb, "String(films.now()[0].currentTime)"), 64); err != nil || math.Abs(got-min(at, filmSeconds-0.5)) > 0.01 {
		t.Errorf("a page that comes late is at %v s of the film, want %v: %v", got, at, err)
	}
}

// TestFilmSoundRefused checks what the page does in a browser that refuses sound until
// somebody touches it: the film plays mute, a mark says how to get sound, and leaves.
func TestFilmSoundRefused(t *testing.T) {
	p := newProjector(t)
	tb := newBrowser(t, chromedp.Flag("autoplay-policy", "document-user-activation-required")).open(t, 1280, 720, p.url)
	tb.until("films.blocked && !document.getElementById('sound').hidden && films.now()[0].muted && films.now()[0].currentTime > 0")
	p.do(t, display.Pause)
	if got := tb.text("sound"); got != "Tap or press OK for sound" {
		t.Errorf("the mark says %q", got)
	}
	tb.save("film-sound")
	tb.checkAccessibility("a mark over a film")
	tb.do("shorten", chromedp.Evaluate[chromedp.Void]("films.hush(); true"))
	tb.until("document.getElementById('sound').hidden")
	tb.do("mark", chromedp.Evaluate[chromedp.Void]("films.say('sound_blocked'); true"))
	tb.do("press OK", press(kb.Enter))
	tb.until("document.getElementById('sound').hidden && !films.blocked")
	p.do(t, display.Pause)
	tb.until("!films.now().length || !films.now()[0].muted && films.now()[0].volume > 0.5 && !films.now()[0].paused")
	tb.do("press M", press("m"))
	tb.until("films.silent && location.hash === '#muted' && document.getElementById('sound').textContent === 'This screen plays no sound'")
	tb.until("!films.now().length || films.now()[0].muted")
}
