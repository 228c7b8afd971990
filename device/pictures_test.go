//go:build !race

// Under the race detector the pictures would take minutes, in one goroutine.

package device

import (
	"bytes"
	"flag"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"pickerd/display"
	"pickerd/display/paint"
	"pickerd/display/photo"
	"pickerd/display/pixel"
	"pickerd/display/words"
	"pickerd/picker/pickertest/samples"
	"pickerd/store"
)

var (
	writePictures = flag.String("pictures", "", "a `folder` to write the pictures of every screen to, to be looked at")
	updateGolden  = flag.Bool("update", false, "take the pictures as they are for right ones")
)

// then is when all pictures are drawn.
var then = time.Date(2026, 3, 9, 17, 42, 11, 0, time.UTC)

// A scene is one screen as the view that it is composed of.
type scene struct {
	name string
	view view
}

// scenes are all the kinds of screens.
func scenes(w *words.Words) []scene {
	soon := func(d time.Duration) time.Time { return then.Add(d) }
	pairing := &store.Pairing{Method: ByDevice, UserCode: "GQVQ-JKEC", VerificationURI: "https://www.google.com/device",
		QRURI: "https://www.google.com/device?user_code=GQVQ-JKEC"}
	link := "http://192.168.178.24:8420/pair/k7m2qpxw4hrt9cva"
	relay := &store.Pairing{Method: ByRelay, VerificationURI: link, QRURI: link}
	paste := &store.Pairing{Method: ByPaste, VerificationURI: link, QRURI: link}
	pick := &store.Pick{PickerURI: "https://photos.google.com/picker/eyJzZXNzaW9uIjoiNGY5MmM2ZDEtYzA4Yi00ZTJhLTkzN2YtMWI1YzBhN2Q2ZTIwIn0"}
	some := Library{Items: 24}
	slide := &display.Slide{Media: []display.Media{{File: "mountains.jpg"}}, Caption: w.Day(then)}
	pair := &display.Slide{Media: []display.Media{{File: "lighthouse.jpg"}, {File: "birches.jpg"}}}
	told := func(code string) *Problem { p := notices[code].problem(); p.RetryAt = soon(42 * time.Second); return p }
	all := []scene{
		{"starting", view{state: Starting}},
		{"waiting", view{state: Waiting, problem: told("no_network")}},
		{"pairing", view{state: Pairing, pairing: pairing, pairUntil: soon(29*time.Minute + 31*time.Second)}},
		{"pairing_relay", view{state: Pairing, pairing: relay, pairUntil: soon(14 * time.Minute), problem: told("denied")}},
		{"pairing_paste", view{state: Pairing, pairing: paste, pairUntil: soon(14 * time.Minute), library: some}},
		{"pairing_import", view{state: Pairing, method: ByImport}},
		{"pairing_another", view{state: Pairing, newcomer: true, paired: true, accounts: []store.Grant{{Account: "mira@example.org"}}, pairing: pairing, pairUntil: soon(29 * time.Minute)}},
		{"opening", view{state: Opening}},
		{"picking", view{state: Picking, pick: pick, pickUntil: soon(25 * time.Minute), library: some}},
		{"fetching_first", view{state: Fetching, fetch: &Fetch{Done: 0, Total: 24}}},
		{"fetching", view{state: Fetching, slide: slide, fetch: &Fetch{Done: 7, Total: 24, Failed: 1}, library: some}},
		{"showing_receipt", view{state: Showing, paired: true, slide: slide, library: some, receipt: &receipt{photos: 24, failed: 1, deleted: true}}},
		{"showing_videos", view{state: Showing, paired: true, slide: slide, library: some, receipt: &receipt{photos: 12, videos: 2}}},
		{"showing_clock", view{state: Showing, paired: true, slide: slide, library: some, clockText: w.Clock(then), dateText: w.Date(then), paused: true}},
		{"showing_pair", view{state: Showing, paired: true, slide: pair, library: some}},
		{"showing_trouble", view{state: Showing, slide: slide, library: some, warning: "testing_project"}},
		{"unshowable", view{state: Showing, paired: true, unshowable: true, library: some}},
		{"idle", view{state: Idle, paired: true, accounts: []store.Grant{{Account: "mira@example.org"}}}},
		{"blocked", view{state: Blocked, problem: func() *Problem {
			p := told("client_refused")
			p.key, p.args, p.open, p.operator, p.asked = "page.refused_client", []any{"type", clientTypes[ByDevice]}, []string{ByRelay, ByPaste, ByImport}, true, true
			return p
		}()}},
		{"menu", view{state: Showing, paired: true, slide: slide, library: some, menu: menu{page: menuMain, selected: "forget"}}},
		{"menu_forget", view{state: Showing, paired: true, slide: slide, library: some, menu: menu{page: menuForget}}},
		{"menu_remote", view{state: Showing, paired: true, slide: slide, library: some, menu: menu{page: menuMain},
			remote: remoteKey{key: "k", address: "http://192.168.178.24:8420/remote/k7m2qpxw4hrt9cvak7m2qpxw4h", until: time.Now().Add(time.Hour)}}},
		{"menu_who", view{state: Showing, paired: true, slide: slide, library: some, accounts: []store.Grant{{ID: "a", Account: "mira@example.org"}, {ID: "b"}}, mayJoin: true, menu: menu{page: menuWho}}},
		{"guest_pairing", view{state: Pairing, guests: true, pairing: pairing, pairUntil: soon(29 * time.Minute), farewell: &farewell{asked: true, revoked: true}}},
		{"guest_leaving", view{state: Showing, guests: true, paired: true, slide: slide, library: some, leavesAt: soon(42 * time.Second)}},
		{"guest_choosing", view{state: Picking, guests: true, pick: pick, pickUntil: soon(25 * time.Minute), leavesAt: soon(7 * time.Second)}},
		{"menu_about", view{state: Idle, paired: true, menu: menu{page: menuAbout}}},
		{"farewell", view{state: Pairing, pairing: pairing, pairUntil: soon(30 * time.Minute), farewell: &farewell{asked: true, revoked: true}}},
	}
	for i := range all {
		v := &all[i].view
		v.words, v.name, v.since = w, "Living room", then
		v.about = about{version: "v1.4.0", address: func() string { return "http://192.168.178.24:8420/" }}
	}
	return all
}

// decoded holds the sample photos.
func decoded(t *testing.T) map[string]*photo.Photo {
	t.Helper()
	items, err := samples.Items()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*photo.Photo{}
	for _, it := range items {
		if it.Type == "VIDEO" {
			continue
		}
		p, err := photo.Decode(bytes.NewReader(it.Data), int64(len(it.Data)))
		if err != nil {
			t.Fatal(err)
		}
		all[it.Filename] = p
	}
	return all
}

// A wall draws pages on one size of screen.
type wall struct {
	size   image.Point
	photos map[string]*photo.Photo
	behind map[string]*pixel.Image // composed slides
	frame  *pixel.Image
}

func (w *wall) draw(p *paint.Painter, page display.Page) *pixel.Image {
	if page.Slide == nil {
		p.Backdrop(w.frame, w.frame.Bounds())
	} else {
		key := fmt.Sprint(page.Slide.Media)
		if w.behind[key] == nil {
			var list []*photo.Photo
			for _, media := range page.Slide.Media {
				list = append(list, w.photos[media.File])
			}
			w.behind[key] = photo.Compose(w.size.X, w.size.Y, list, false).Still
		}
		w.frame.Copy(w.behind[key], image.Point{})
	}
	p.Page(page, then).Draw(w.frame, w.frame.Bounds())
	return w.frame
}

var pictureSizes = []image.Point{{X: 1280, Y: 720}, {X: 1920, Y: 1080}, {X: 3840, Y: 2160}, {X: 1080, Y: 1920}}

// Every screen in every language and size looks as it looked when somebody
// looked at it, and its code can be scanned.
func TestPictures(t *testing.T) {
	const golden = "testdata/pictures.txt"
	var mu sync.Mutex
	var lines []string
	t.Run("sizes", func(t *testing.T) {
		for _, size := range pictureSizes {
			t.Run(fmt.Sprintf("%dx%d", size.X, size.Y), func(t *testing.T) {
				t.Parallel()
				some := drawAll(t, size)
				mu.Lock()
				defer mu.Unlock()
				lines = append(lines, some...)
			})
		}
	})
	slices.Sort(lines)
	if *updateGolden {
		if err := os.WriteFile(golden, []byte(strings.Join(lines, "")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	right := slices.Collect(strings.Lines(string(want)))
	if len(right) != len(lines) {
		t.Errorf("%d pictures, %d were looked at", len(lines), len(right))
	}
	for _, l := range lines {
		if !slices.Contains(right, l) {
			t.Errorf("looks different: %s; look at it with -pictures, then -update", strings.TrimSpace(l))
		}
	}
}

// drawAll draws all screens in all languages and returns a line for each.
func drawAll(t *testing.T, size image.Point) (lines []string) {
	on := &wall{size: size, photos: decoded(t), behind: map[string]*pixel.Image{}, frame: pixel.New(size.X, size.Y)}
	for _, code := range words.Languages() {
		w, err := words.For(code)
		if err != nil {
			t.Fatal(err)
		}
		p, err := paint.New(paint.Config{W: size.X, H: size.Y, Overscan: 0.03, Words: w, Log: slog.New(slog.DiscardHandler), Cache: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range scenes(w) {
			page := s.view.page()
			m := on.draw(p, page)
			name := fmt.Sprintf("%s_%s_%dx%d", s.name, code, size.X, size.Y)
			if page.QR != "" {
				scan(t, name, m, page.QR)
			}
			if page.Menu != nil && page.Menu.QR != "" {
				scan(t, name, m, page.Menu.QR)
			}
			lines = append(lines, fmt.Sprintf("%s %08x\n", name, sumOf(m)))
			if *writePictures != "" {
				writePNG(t, filepath.Join(*writePictures, name+".png"), m)
			}
		}
	}
	return lines
}

func sumOf(m *pixel.Image) uint32 {
	sum := crc32.NewIEEE()
	b := make([]byte, 3*m.W)
	for y := range m.H {
		for x, p := range m.Row(y) {
			b[3*x], b[3*x+1], b[3*x+2] = byte(p>>16), byte(p>>8), byte(p)
		}
		sum.Write(b)
	}
	return sum.Sum32()
}

// scan reads a code off a whole screen, as a phone's camera sees it.
func scan(t *testing.T, name string, m image.Image, want string) {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil || got.GetText() != want {
		t.Errorf("%s: the code reads %v (%v), want %q", name, got, err, want)
	}
}

func writePNG(t *testing.T, path string, m image.Image) {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
