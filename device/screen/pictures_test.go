//go:build !race

// Under the race detector the pictures would take minutes, in one goroutine.

package screen

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

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/paint"
	"pickerd/display/photo"
	"pickerd/display/pixel"
	"pickerd/display/words"
	"pickerd/picker/pickertest/samples"
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
	link := "http://192.168.178.24:8420/pair/k7m2qpxw4hrt9cva"
	code := func(method string, ends time.Duration) *device.Code {
		if method != device.ByDevice {
			return &device.Code{Method: method, VerificationURI: link, QRURI: link, ExpiresAt: soon(ends)}
		}
		return &device.Code{Method: method, UserCode: "GQVQ-JKEC", VerificationURI: "https://www.google.com/device",
			QRURI: "https://www.google.com/device?user_code=GQVQ-JKEC", ExpiresAt: soon(ends)}
	}
	pick := &device.Pick{PickerURI: "https://photos.google.com/picker/eyJzZXNzaW9uIjoiNGY5MmM2ZDEtYzA4Yi00ZTJhLTkzN2YtMWI1YzBhN2Q2ZTIwIn0", ExpiresAt: soon(25 * time.Minute)}
	some := device.Library{Items: 24}
	slide := device.Frame{Slide: &display.Slide{Media: []display.Media{{File: "mountains.webp"}}, Caption: w.Day(then)}}
	pair := device.Frame{Slide: &display.Slide{Media: []display.Media{{File: "lighthouse.webp"}, {File: "birches.webp"}}}}
	problem := func(code string) *device.Problem { return &device.Problem{Code: code, RetryAt: soon(42 * time.Second)} }
	one := &device.AccountStatus{}
	showing := device.Snapshot{State: device.Showing, Account: one, Library: some}
	of := func(s device.Snapshot, change func(*device.Snapshot)) device.Snapshot { change(&s); return s }
	revoked := &device.Forgotten{Revocation: device.RevocationDone}
	refused := problem("client_refused")
	refused.Key, refused.Args, refused.Methods = "page.refused_client", []any{"type", device.ClientType(device.ByDevice)}, []string{device.ByRelay, device.ByPaste, device.ByImport}
	refused.Operator, refused.Retryable = true, true
	guests := &Config{ForgetAfter: time.Hour}
	setUp := &device.SetUpInfo{Phone: "http://192.168.178.24:8420/setup/k7m2qpxw4hrt9cvak7m2qpxw4h", Address: "192.168.178.24", Document: "/usr/share/doc/pickerd/README.md"}
	all := []scene{
		{"starting", view{snap: device.Snapshot{State: device.Starting}}},
		{"setup", view{snap: device.Snapshot{State: device.SetUp, SetUp: setUp}}},
		{"wifi", view{snap: device.Snapshot{State: device.Idle}, wifi: device.WiFi{Usable: true, Problem: "wifi_password", Access: &device.AccessPoint{SSID: "Living room setup", Passphrase: "kxmbpqtrwzac"}}}},
		{"setup_mistake", view{snap: device.Snapshot{State: device.SetUp, SetUp: &device.SetUpInfo{Address: setUp.Address}, Standing: device.ConfigurationProblem(device.Place{File: "/etc/pickerd/pickerd.toml", Line: 12, Key: "pairing.methods"}, `"pasta" is not one of device, relay, paste, import`)}}},
		{"waiting", view{snap: device.Snapshot{State: device.Waiting, Problem: problem("no_network")}}},
		{"proxy", view{snap: device.Snapshot{State: device.Waiting, Problem: problem("proxy")}}},
		{"pairing", view{snap: device.Snapshot{State: device.Pairing, Code: code(device.ByDevice, 29*time.Minute+31*time.Second)}}},
		{"pairing_relay", view{snap: device.Snapshot{State: device.Pairing, Code: code(device.ByRelay, 14*time.Minute), Problem: problem("denied")}}},
		{"pairing_paste", view{snap: device.Snapshot{State: device.Pairing, Code: code(device.ByPaste, 14*time.Minute), Library: some}}},
		{"pairing_import", view{snap: device.Snapshot{State: device.Pairing, Method: device.ByImport}}},
		{"pairing_another", view{snap: device.Snapshot{State: device.Pairing, NewAccount: true, Account: one, Accounts: []device.AccountStatus{{Email: "mira@example.org"}}, Code: code(device.ByDevice, 29*time.Minute)}}},
		{"opening", view{snap: device.Snapshot{State: device.Opening}}},
		{"picking", view{snap: device.Snapshot{State: device.Picking, Pick: pick, Library: some}}},
		{"picking_phone", view{snap: device.Snapshot{State: device.Picking, Pick: &device.Pick{PickerURI: pick.PickerURI, ExpiresAt: pick.ExpiresAt, OnPhone: true}}}},
		{"fetching_first", view{snap: device.Snapshot{State: device.Fetching, Fetch: &device.Fetch{Done: 0, Total: 24}}}},
		{"fetching", view{frame: slide, snap: device.Snapshot{State: device.Fetching, Fetch: &device.Fetch{Done: 7, Total: 24, Failed: 1}, Library: some}}},
		{"fetching_limited_first", view{snap: device.Snapshot{State: device.Fetching, Fetch: &device.Fetch{Done: 0, Total: 24}, Problem: problem("rate_limited")}}},
		{"fetching_limited", view{frame: slide, snap: device.Snapshot{State: device.Fetching, Fetch: &device.Fetch{Done: 7, Total: 24}, Library: some, Problem: problem("rate_limited")}}},
		{"showing_receipt", view{frame: slide, snap: showing, receipt: &device.Receipt{Photos: 24, Failed: 1, Deleted: true}}},
		{"showing_videos", view{frame: slide, snap: showing, receipt: &device.Receipt{Photos: 12, Videos: 2}}},
		{"showing_skipped", view{frame: slide, snap: showing, receipt: &device.Receipt{Photos: 12, Videos: 2, Failed: 3, Unshowable: 2, Until: then.AddDate(0, 1, 0), Deleted: true}}},
		{"showing_clock", view{frame: device.Frame{Slide: slide.Slide, Paused: true}, snap: showing, time: display.TimeOfDay{Clock: w.Clock(then), Date: w.Date(words.WeekdayDate, then)}}},
		{"showing_pair", view{frame: pair, snap: showing}},
		{"showing_trouble", view{frame: slide, snap: device.Snapshot{State: device.Showing, Library: some, Standing: &device.Problem{Code: "testing_project"}}}},
		{"unshowable", view{frame: device.Frame{Unshowable: true}, snap: showing}},
		{"idle", view{snap: device.Snapshot{State: device.Idle, Account: one, Accounts: []device.AccountStatus{{Email: "mira@example.org"}}}}},
		{"blocked", view{snap: device.Snapshot{State: device.Blocked, Problem: refused}}},
		{"menu", view{frame: slide, snap: showing, menu: menu{page: menuMain, selected: "forget"}}},
		{"menu_forget", view{frame: slide, snap: showing, menu: menu{page: menuForget}}},
		{"menu_remote", view{frame: slide, snap: showing, menu: menu{page: menuMain},
			remote: remoteKey{key: "k", address: "http://192.168.178.24:8420/remote/k7m2qpxw4hrt9cvak7m2qpxw4h", until: time.Now().Add(time.Hour)}}},
		{"menu_who", view{frame: slide, snap: of(showing, func(s *device.Snapshot) {
			s.Accounts, s.CanAdd = []device.AccountStatus{{ID: "a", Email: "mira@example.org"}, {ID: "b"}}, true
		}), menu: menu{page: menuWho}}},
		{"menu_settings", view{frame: slide, snap: showing, menu: menu{page: menuSettings, selected: "slideshow.order", note: w.Say("settings.locked")}}},
		{"menu_pin", view{frame: slide, snap: showing, menu: menu{page: menuPIN, selected: "5", note: w.Say("settings.pin_wait", "n", 2), visit: visit{pin: "4809"}}}},
		{"guest_pairing", view{cfg: guests, snap: device.Snapshot{State: device.Pairing, Code: code(device.ByDevice, 29*time.Minute)}, forgotten: revoked}},
		{"guest_leaving", view{cfg: guests, frame: slide, snap: showing, leavesAt: soon(42 * time.Second)}},
		{"guest_choosing", view{cfg: guests, snap: device.Snapshot{State: device.Picking, Pick: pick}, leavesAt: soon(7 * time.Second)}},
		{"menu_about", view{snap: device.Snapshot{State: device.Idle, Account: one}, menu: menu{page: menuAbout}}},
		{"farewell", view{snap: device.Snapshot{State: device.Pairing, Code: code(device.ByDevice, 30*time.Minute)}, forgotten: revoked}},
	}
	for i := range all {
		v := &all[i].view
		cfg := Config{Options: Options{Name: "Living room", Style: display.Style{Words: w}}, Version: "v1.4.0", Settings: newSettings(), Snapshots: new(display.Board[device.Snapshot]), Address: func() string { return "http://192.168.178.24:8420/" }}
		if v.cfg != nil {
			cfg.ForgetAfter = v.cfg.ForgetAfter
		}
		v.cfg = &cfg
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
		p, err := photo.Decode(t.Context(), bytes.NewReader(it.Data), int64(len(it.Data)), photo.Limit{})
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
	behind map[string]*pixel.Image // composed slides, and the backdrop
	frame  *pixel.Image
}

func (w *wall) draw(p *paint.Painter, page display.Page) *pixel.Image {
	key := ""
	if page.Slide != nil {
		key = fmt.Sprint(page.Slide.Media)
	}
	if w.behind[key] == nil {
		w.behind[key] = w.compose(p, page.Slide)
	}
	w.frame.Copy(w.behind[key], image.Point{})
	p.Page(page, then).Draw(w.frame, w.frame.Bounds())
	return w.frame
}

// compose draws what is behind the page: a slide, or the backdrop without one.
func (w *wall) compose(p *paint.Painter, slide *display.Slide) *pixel.Image {
	if slide == nil {
		m := pixel.New(w.size.X, w.size.Y)
		p.Backdrop(m, m.Bounds())
		return m
	}
	var list []*photo.Photo
	for _, media := range slide.Media {
		list = append(list, w.photos[media.File])
	}
	return photo.Compose(w.size.X, w.size.Y, list, photo.Layout{}).Still
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
		p, err := paint.New(paint.Config{W: size.X, H: size.Y, Overscan: 0.03, Words: w, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range scenes(w) {
			page := s.view.page().OnBox()
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
func scan(t *testing.T, name string, m *pixel.Image, want string) {
	t.Helper()
	// NewBinaryBitmapFromImage asks for one color at a time, which takes longer than drawing.
	pixels := make([]int, 0, m.W*m.H)
	for y := range m.H {
		for _, p := range m.Row(y) {
			pixels = append(pixels, int(p))
		}
	}
	bitmap, err := gozxing.NewBinaryBitmap(gozxing.NewHybridBinarizer(gozxing.NewRGBLuminanceSource(m.W, m.H, pixels)))
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
