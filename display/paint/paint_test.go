package paint

import (
	"fmt"
	"image"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"pickerd/display"
	"pickerd/display/pixel"
	"pickerd/display/qr"
	"pickerd/display/words"
)

func painter(t testing.TB, w, h int, lang string) *Painter {
	t.Helper()
	l, err := words.For(lang)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{W: w, H: h, Overscan: 0.05, Words: l, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var now = time.Date(2026, 3, 9, 17, 42, 11, 0, time.UTC)

func pairing() display.Page {
	return display.Page{Device: "Kitchen", Title: "Show your photos on Kitchen", Steps: []string{"Scan the code with your phone and sign in to Google.", "They appear here."},
		Hint: "This screen sees only the photos you choose.", QR: "https://www.google.com/device?user_code=GQVQ-JKEC",
		Link: "https://www.google.com/device", Code: "GQVQ-JKEC", Ends: display.Ends{Until: now.Add(29 * time.Minute)}, Offers: []display.Offer{{Wish: display.Wish{Verb: display.Renew}, Label: "New code"}, {Wish: display.Wish{Verb: display.Cancel}, Label: "Cancel"}}}
}

// busy has everything that can stand over a photo.
func busy() display.Page {
	return display.Page{Slide: &display.Slide{Media: []display.Media{{File: "a"}}, Caption: "9 March 2026"}, TimeOfDay: display.TimeOfDay{Clock: "17:42", Date: "Monday 9 March"},
		Problem: "No internet connection.", Remedy: "Check this screen's network.", Ends: display.Ends{RetryAt: now.Add(time.Minute)}, Playing: display.Playing{Paused: "Paused"},
		Receipt: "24 photos are here.", Progress: &display.Progress{Done: 7, Total: 24, Failed: 1}}
}

func menu() display.Page {
	p := busy()
	p.Menu = &display.Menu{Title: "Kitchen", Text: "Some words.", Facts: []display.Fact{{Name: "Address", Value: "http://192.168.1.20:8420/"}}, Items: []display.MenuItem{{Label: "Choose photos"}, {Label: "Back"}}, Selected: 1}
	return p
}

func luminance(p uint32) float64 {
	part := func(v uint32) float64 {
		c := float64(v&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(p>>16) + 0.7152*part(p>>8) + 0.0722*part(p)
}

// contrast is WCAG 2's.
func contrast(a, b uint32) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// Every text can be read over any photo: where a letter covers a pixel wholly,
// that differs from what was there before the letter by 4.5 to 1 or more.
func TestContrast(t *testing.T) {
	const w, h = 1280, 720
	photos := map[string]func(x, y int) uint32{
		"white":   func(int, int) uint32 { return 0xffffff },
		"black":   func(int, int) uint32 { return 0 },
		"grey":    func(int, int) uint32 { return 0x777777 },
		"amber":   func(int, int) uint32 { return amber },
		"stripes": func(x, y int) uint32 { return uint32((x+y)/3%2) * 0xffffff },
		"noise":   func(x, y int) uint32 { return uint32(x*7919+y*104729) * 2654435761 >> 8 },
	}
	for name, colour := range photos {
		for kind, page := range map[string]display.Page{"photo": busy(), "menu": menu(), "pairing": pairing()} {
			p := painter(t, w, h, "en")
			m := pixel.New(w, h)
			for y := range h {
				for x := range w {
					m.Row(y)[x] = colour(x, y)
				}
			}
			if page.Slide == nil {
				p.Backdrop(m, m.Bounds())
			}
			letters := 0
			for _, it := range p.Page(page, now) {
				before := pixel.New(w, h)
				before.Copy(m, image.Point{})
				List{it}.Draw(m, m.Bounds())
				c, isText := inkOf(it)
				if !isText || page.Menu != nil && !overMenu(p, page, it) {
					continue
				}
				for y := it.Bounds.Min.Y; y < min(it.Bounds.Max.Y, h); y++ {
					for x := max(it.Bounds.Min.X, 0); x < min(it.Bounds.Max.X, w); x++ {
						if got, was := m.Row(y)[x], before.Row(y)[x]; got == c && was != got {
							letters++
							if r := contrast(got, was); r < 4.5 {
								t.Fatalf("%s over %s: %.1f to 1 at %d,%d in %s", kind, name, r, x, y, it.Key)
							}
						}
					}
				}
			}
			if letters < 1000 {
				t.Errorf("%s over %s: only %d pixels of letters", kind, name, letters)
			}
		}
	}
}

// inkOf reads a text's colour out of its key.
func inkOf(it Item) (c uint32, ok bool) {
	if strings.HasPrefix(it.Key, "box/") || strings.HasPrefix(it.Key, "qr/") {
		return 0, false
	}
	_, err := fmt.Sscanf(it.Key[strings.LastIndexByte(it.Key, '/')+1:], "%06x", &c)
	return c, err == nil
}

// overMenu tells a menu's own texts from those that it dims.
func overMenu(p *Painter, page display.Page, it Item) bool {
	for _, m := range p.menu(page.Menu) {
		if m.Bounds == it.Bounds && m.Key == it.Key {
			return true
		}
	}
	return false
}

// On every size of screen the code has whole modules, black on white, is at
// least a third of the height, and nothing stands in the overscan.
func TestSizes(t *testing.T) {
	for _, size := range []image.Point{{640, 480}, {800, 480}, {800, 600}, {1024, 600}, {1280, 720}, {1366, 768}, {1920, 1080}, {2560, 1080}, {3840, 2160}, {480, 640}, {720, 1280}, {1080, 1920}, {2160, 3840}} {
		for _, lang := range []string{"en", "de", "ar"} {
			p := painter(t, size.X, size.Y, lang)
			for name, page := range map[string]display.Page{"pairing": pairing(), "long link": longLink()} {
				l := p.Page(page, now)
				found := false
				for _, it := range l {
					if !strings.HasPrefix(it.Key, "qr/") {
						continue
					}
					found = true
					m := p.code.image
					if m.H*3 < size.Y {
						t.Errorf("%v %s %s: the code is %d high", size, lang, name, m.H)
					}
					if p.code.module < minModule {
						t.Errorf("%v %s %s: %d pixels a module", size, lang, name, p.code.module)
					}
					if !it.Bounds.In(p.safe) {
						t.Errorf("%v %s %s: the code is at %v", size, lang, name, it.Bounds)
					}
				}
				if !found {
					t.Errorf("%v %s %s: no code", size, lang, name)
				}
				for _, it := range l {
					over := it.Bounds.Dy() / 8
					if r := it.Bounds.Inset(over); !r.In(p.safe) {
						t.Errorf("%v %s %s: %q is at %v, outside %v", size, lang, name, it.Key, r, p.safe)
					}
				}
			}
		}
	}
}

// The code with its quiet zone takes 65 to 70 % of a landscape screen's height.
// The words beside it begin where it begins and end where it ends.
func TestProportions(t *testing.T) {
	for _, size := range []image.Point{{1280, 720}, {1920, 1080}, {2560, 1080}, {3840, 2160}} {
		for _, lang := range []string{"en", "ar"} {
			for name, page := range map[string]display.Page{"pairing": pairing(), "picking": longLink()} {
				p := painter(t, size.X, size.Y, lang)
				var code, words image.Rectangle
				for _, it := range p.Page(page, now) {
					switch {
					case strings.HasPrefix(it.Key, "qr/"):
						code = it.Bounds
					case strings.HasPrefix(it.Key, "box/"):
					default:
						if _, ok := inkOf(it); ok && !strings.Contains(it.Key, page.Label(display.Cancel)) && !strings.HasPrefix(it.Key, p.cfg.Words.Say("screen.key_back")) {
							words = words.Union(it.Bounds.Inset(it.Bounds.Dy() / 10))
						}
					}
				}
				if share := float64(code.Dy()) / float64(size.Y); share < 0.65 || share > 0.70 {
					t.Errorf("%v %s %s: the code takes %.3f of the height", size, lang, name, share)
				}
				if near := p.px(1.2); words.Min.Y < code.Min.Y-near || words.Min.Y > code.Min.Y+near || words.Max.Y < code.Max.Y-near || words.Max.Y > code.Max.Y+near {
					t.Errorf("%v %s %s: the words are at %v, the code at %v", size, lang, name, words, code)
				}
				if words.Overlaps(code) {
					t.Errorf("%v %s %s: the words at %v cover the code at %v", size, lang, name, words, code)
				}
			}
		}
	}
}

// No text is smaller than 16 pixels on a screen of 800 by 480, or than 12 on one
// of 480 by 320, and nothing covers anything there.
func TestSmallestText(t *testing.T) {
	idle := display.Page{Device: "Kitchen", Title: "No photos yet", Text: "Press OK to choose photos.", Account: "Linked to mira@example.org", Offers: []display.Offer{{Wish: display.Wish{Verb: display.Pick}, Label: "Choose photos"}}}
	fetching := display.Page{Title: "Your photos are on their way", Device: "Kitchen", Progress: &display.Progress{Done: 7, Total: 24}, Problem: "No internet connection."}
	for size, least := range map[image.Point]float64{{800, 480}: 16, {480, 320}: 12} {
		for name, page := range map[string]display.Page{"pairing": pairing(), "picking": longLink(), "idle": idle, "fetching": fetching, "photo": busy(), "menu": menu()} {
			p := painter(t, size.X, size.Y, "en")
			l := p.Page(page, now)
			texts := 0
			var seen []Item
			for _, it := range l {
				if _, ok := inkOf(it); ok {
					texts++
					parts := strings.Split(it.Key, "/")
					var px float64
					if _, err := fmt.Sscan(parts[len(parts)-4], &px); err != nil || px < least {
						t.Errorf("%v %s: %q has %.2f pixels (%v)", size, name, it.Key, px, err)
					}
				}
				if page.Slide != nil || strings.HasPrefix(it.Key, "box/") {
					continue
				}
				it.Bounds = it.Bounds.Inset(it.Bounds.Dy() / 6)
				for _, other := range seen {
					if it.Bounds.Overlaps(other.Bounds) {
						t.Errorf("%v %s: %q covers %q", size, name, it.Key, other.Key)
					}
				}
				if !strings.HasPrefix(it.Key, "qr/") {
					seen = append(seen, it)
				}
			}
			if texts < 3 {
				t.Errorf("%v %s: only %d texts", size, name, texts)
			}
		}
	}
}

func longLink() display.Page {
	p := pairing()
	p.Code, p.Title = "", "Choose your photos"
	p.Link = "https://photos.google.com/picker/" + strings.Repeat("aB3", 29)
	p.QR = p.Link
	return p
}

// A code whose pixels can't be read back is not shown; the words are.
func TestUnreadableCode(t *testing.T) {
	p := painter(t, 1280, 720, "en")
	page := pairing()
	page.QR = strings.Repeat("x", qr.MaxBytes+1)
	text := ""
	for _, it := range p.Page(page, now) {
		if strings.HasPrefix(it.Key, "qr/") {
			t.Error("a code is drawn")
		}
		text += it.Key
	}
	if !strings.Contains(text, "can't be shown here") || !strings.Contains(text, "GQVQ-JKEC") {
		t.Error("nothing says why there is no code, or the words are missing")
	}
	m := drawCode(qr.Code{{true, false}, {false, true}}, 4)
	if check(m, 4, "x") == nil {
		t.Error("what is no code is taken for one")
	}
	code, err := qr.New("x1")
	if err != nil {
		t.Fatal(err)
	}
	if m = drawCode(code, 4); check(m, 4, "x1") != nil || check(m, 4, "x") == nil {
		t.Error("what a code says does not count")
	}
	if m.Row(99)[99] ^= 0xffffff; check(m, 4, "x1") == nil {
		t.Error("a stray pixel is overlooked")
	}
}

// What is drawn in parts, as changes come, is what is drawn at once.
func TestChanges(t *testing.T) {
	p := painter(t, 1280, 720, "en")
	pages := []display.Page{pairing(), pairing(), longLink(), {Title: "One moment…"}, {Title: "No photos yet", Offers: []display.Offer{{Wish: display.Wish{Verb: display.Pick}, Label: "Choose photos"}}}, busy(), menu(), busy(), {}, pairing()}
	at := now
	frame := pixel.New(1280, 720)
	p.Backdrop(frame, frame.Bounds())
	var last List
	for i, page := range pages {
		at = at.Add(7 * time.Second) // countdowns change, and once things change sides
		if i == 5 {
			at = at.Add(turnEvery)
		}
		l := p.Page(page, at)
		for _, r := range Changes(last, l) {
			r = r.Intersect(frame.Bounds())
			p.Backdrop(frame, r)
			l.Draw(frame, r)
		}
		last = l
		whole := pixel.New(1280, 720)
		p.Backdrop(whole, whole.Bounds())
		l.Draw(whole, whole.Bounds())
		for j := range whole.Pix {
			if whole.Pix[j] != frame.Pix[j] {
				t.Fatalf("page %d: pixel %d,%d differs", i, j%1280, j/1280)
			}
		}
	}
	if parts := Changes(last, p.Page(pages[len(pages)-1], at)); len(parts) != 0 {
		t.Errorf("the same page has changes: %v", parts)
	}
	second := p.Page(pages[len(pages)-1], at.Add(time.Second))
	area := 0
	for _, r := range Changes(last, second) {
		area += r.Dx() * r.Dy()
	}
	if area == 0 || area > 1280*720/40 {
		t.Errorf("one second changes %d pixels", area)
	}
}

// Nothing bright stands on the same pixels for hours.
func TestBurnIn(t *testing.T) {
	const w, h, bright = 640, 360, 0.4
	for name, page := range map[string]display.Page{
		"pairing": pairing(), "idle": {Device: "Kitchen", Title: "No photos yet", Text: "Press OK to choose photos with your phone.", Offers: []display.Offer{{Wish: display.Wish{Verb: display.Pick}, Label: "Choose photos"}}},
		"clock": {Slide: &display.Slide{}, TimeOfDay: display.TimeOfDay{Clock: "17:42", Date: "Monday 9 March"}, Problem: "No internet connection."},
	} {
		p := painter(t, w, h, "en")
		page.Until = time.Time{}
		since := make([]int, w*h) // turns that a pixel has been bright for
		longest := 0
		for turn := range 12 * 16 { // sixteen hours
			m := pixel.New(w, h)
			p.Page(page, now.Add(time.Duration(turn)*turnEvery)).Draw(m, m.Bounds())
			for i, px := range m.Pix {
				if luminance(px) < bright {
					since[i] = 0
					continue
				}
				since[i]++
				longest = max(longest, since[i])
			}
		}
		if held := time.Duration(longest) * turnEvery; held > time.Hour {
			t.Errorf("%s: a pixel is bright for %v", name, held)
		}
	}
}

func TestNight(t *testing.T) {
	page := busy()
	page.Night = true
	if l := painter(t, 640, 360, "en").Page(page, now); len(l) != 0 {
		t.Errorf("%d things shine at night", len(l))
	}
}

func BenchmarkFirstPage(b *testing.B) {
	for b.Loop() {
		p := painter(b, 1920, 1080, "en")
		m := pixel.New(1920, 1080)
		p.Backdrop(m, m.Bounds())
		p.Page(pairing(), now).Draw(m, m.Bounds())
	}
}

// A second of a countdown.
func BenchmarkSecond(b *testing.B) {
	p := painter(b, 1920, 1080, "en")
	m := pixel.New(1920, 1080)
	at := now
	last := p.Page(pairing(), at)
	for b.Loop() {
		at = at.Add(time.Second)
		l := p.Page(pairing(), at)
		for _, r := range Changes(last, l) {
			l.Draw(m, r)
		}
		last = l
	}
}
