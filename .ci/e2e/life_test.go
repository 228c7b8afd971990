package e2e

import (
	"image"
	_ "image/jpeg" // for image.Decode
	"math"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"pickerd/oauthdevice/oauthtest"
)

// A person's phone opens what the screen's QR code holds.
func (tb *tab) follow(link string) { tb.do("open the scanned link", chromedp.Navigate(link)) }

// tap clicks on something. A person moves the mouse to a button first, which
// shows buttons that have faded.
func (tb *tab) tap(id string) {
	tb.t.Helper()
	tb.do("tap "+id, chromedp.Evaluate[chromedp.Void](`document.querySelector("body.near, body.leaving") || dispatchEvent(new PointerEvent("pointermove"))`), chromedp.WaitVisible(chromedp.ID(id)), chromedp.Click(chromedp.ID(id)))
}

// approve scans the pairing code, compares the codes and allows.
func approve(t *testing.T, screen, phone *tab) {
	t.Helper()
	screen.untilState("pairing")
	link, share := screen.scan()
	if share < 1.0/3 {
		t.Errorf("the QR code takes only %.2f of the picture's height", share)
	}
	code := screen.text("code")
	u, err := url.Parse(link)
	if err != nil || u.Query().Get("user_code") != code {
		t.Fatalf("the QR code holds %q, the screen shows the code %q", link, code)
	}
	if shown := screen.text("link"); !strings.HasPrefix(link, shown) {
		t.Errorf("the screen says to open %q, the QR code holds %q", shown, link)
	}
	phone.follow(link)
	if got := phone.text("code"); got != code {
		t.Errorf("the phone shows the code %q, the screen %q", got, code)
	}
	phone.tap("allow")
	phone.until("document.getElementById('outcome') && document.getElementById('outcome').textContent === 'Connected' || document.getElementById('done')")
}

// choose picks the samples of these names and taps Done.
func choose(screen, phone *tab, names ...string) {
	screen.t.Helper()
	screen.untilState("picking")
	link, _ := screen.scan()
	phone.follow(link)
	pickAndTapDone(phone, names...)
}

func pickAndTapDone(phone *tab, names ...string) {
	phone.t.Helper()
	for _, n := range names {
		phone.do("choose "+n, chromedp.Click(chromedp.CSS(`input[value="sample-`+n+`"]`)))
	}
	if names == nil {
		phone.tap("all")
	}
	phone.tap("done")
	phone.until("document.getElementById('outcome') && document.getElementById('outcome').textContent.startsWith('Done')")
}

// seesPhotos waits until each named sample has been on the screen, told by the
// colours of its pixels.
func seesPhotos(t *testing.T, screen *tab, names ...string) {
	t.Helper()
	missing := map[string][3]float64{}
	for _, n := range names {
		f, err := os.Open(filepath.Join("../../picker/pickertest/samples", n+".jpg"))
		if err != nil {
			t.Fatal(err)
		}
		img, _, err := image.Decode(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		missing[n] = mean(img, 0.5)
	}
	deadline := time.Now().Add(patience)
	for len(missing) > 0 {
		if time.Now().After(deadline) {
			screen.save("unseen")
			t.Fatalf("never seen on the screen: %v", missing)
		}
		shown := screen.picture()
		// A 3:2 photo on a 16:9 screen: its own middle half is the screen's
		// middle in height, and 27/32 of that in width.
		b := shown.Bounds()
		inner := image.Rect(b.Dx()/2-b.Dy()*3/8, b.Dy()/4, b.Dx()/2+b.Dy()*3/8, b.Dy()*3/4)
		got := mean(shown.(interface {
			SubImage(image.Rectangle) image.Image
		}).SubImage(inner), 1)
		for n, want := range missing {
			if math.Abs(got[0]-want[0])+math.Abs(got[1]-want[1])+math.Abs(got[2]-want[2]) < 24 {
				screen.save("photo-" + n)
				delete(missing, n)
			}
		}
	}
}

func TestRunFromScanToPhotos(t *testing.T) {
	g := newGoogle(t)
	g.photos.NoLeaks(t)
	b := newBox(t, g, t.TempDir())
	chromium := newBrowser(t)
	screen := chromium.open(t, 1920, 1080, b.screen)
	phone := chromium.open(t, 390, 844, "about:blank")

	screen.untilState("pairing")
	screen.scan()
	screen.save("pairing")
	approve(t, screen, phone)
	phone.save("phone-approved")
	screen.untilState("picking")
	screen.scan()
	screen.save("picking")

	// A restart in the middle: the page heals by itself and the session goes on.
	before, _ := screen.scan()
	if took := b.stop(); took > 5*time.Second {
		t.Errorf("SIGTERM took %v", took)
	}
	if n := len(g.photos.Open()); n != 1 {
		t.Errorf("%d sessions open after SIGTERM, want the one that is being picked", n)
	}
	b.start()
	screen.until("document.getElementById('offline').hidden")
	screen.untilState("picking")
	if after, _ := screen.scan(); after != before {
		t.Error("the restart changed the link that a person may have scanned")
	}

	choose(screen, phone, "sunset", "aurora", "meadow")
	phone.save("phone-done")
	screen.untilState("showing")
	seesPhotos(t, screen, "sunset", "aurora", "meadow")
	b.until("every session is deleted", func() bool { return b.sessions() == 0 && len(g.photos.Open()) == 0 })

	// The plug is pulled while photos are shown: they are back without network.
	b.kill()
	g.auth.RevokeAll()
	b.start()
	screen.untilState("showing")

	// OK on the remote control wants new photos; the grant is gone: pair again.
	screen.do("press Enter", chromedp.KeyEvent("\r"))
	approve(t, screen, phone)
	screen.untilState("picking")
	choose(screen, phone) // all of them, the video too
	screen.untilState("showing")
	b.until("all thirteen are here", func() bool { return b.library() == 13 })
	screen.until("document.querySelector('.slide.on video') && document.querySelector('.slide.on video').currentTime > 0 || document.querySelector('.slide.on img')")
	b.until("every session is deleted", func() bool { return b.sessions() == 0 && len(g.photos.Open()) == 0 })
	b.stop()

	for _, s := range g.photos.Sessions() {
		if !s.Deleted {
			t.Errorf("session %s was left behind", s.ID)
		}
	}
	if strings.Contains(b.log.String(), oauthtest.Mark) {
		t.Error("a secret is in the log")
	}
}

var demoURL = regexp.MustCompile(`http://[0-9.:]+/`)

func TestDemo(t *testing.T) {
	b := &box{t: t, args: []string{"demo", "--listen", "127.0.0.1:0"}}
	b.start()
	b.screen = demoURL.FindString(b.out.String())
	b.socket = regexp.MustCompile(`--socket (\S+)`).FindStringSubmatch(b.out.String())[1]
	chromium := newBrowser(t)
	screen := chromium.open(t, 1280, 720, b.screen)
	phone := chromium.open(t, 390, 844, "about:blank")
	approve(t, screen, phone)
	// One scan is enough: the phone is carried on to the photos.
	phone.until("document.getElementById('done')")
	pickAndTapDone(phone, "harbour", "leaves", "waves")
	screen.untilState("showing")
	b.until("three are here", func() bool { return b.library() == 3 })
	b.until("every session is deleted", func() bool { return b.sessions() == 0 })
	screen.until(`document.getElementById("receipt").textContent.includes("The picking session was deleted at Google.") || document.getElementById("receipt").hidden`)
	screen.save("demo-showing")
	screen.until("document.querySelector('.slide.on video') && document.querySelector('.slide.on video').currentTime > 0.5")
	screen.save("demo-video")
	if took := b.stop(); took > 5*time.Second {
		t.Errorf("Ctrl-C took %v", took)
	}
	if _, err := os.Stat(filepath.Dir(b.socket)); err == nil {
		t.Error("the demo left its state behind")
	}
}
