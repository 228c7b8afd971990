package e2e

import (
	"fmt"
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

// follow opens a scanned link on a phone.
func (tb *tab) follow(link string) { tb.do("open the scanned link", chromedp.Navigate(link)) }

// tap is tapOn for an element's ID.
func (tb *tab) tap(id string) {
	tb.t.Helper()
	tb.tapOn("#" + id)
}

// tapOn clicks the first element that a selector finds, once a finger would reach it:
// the page and its style sheets are loaded, and nothing covers the element. It shows
// buttons that have faded, as a person does who moves the mouse. All of that is one step:
// meanwhile the page may renew itself, and the element move or fade.
func (tb *tab) tapOn(selector string) {
	tb.t.Helper()
	tb.until(fmt.Sprintf(`(e => {
		if (!e || document.readyState !== "complete" || !Array.from(document.querySelectorAll("link[rel=stylesheet]")).every(l => l.sheet)) return false;
		if (!document.querySelector("body.near, body.leaving")) dispatchEvent(new PointerEvent("pointermove"));
		e.scrollIntoView({block: "nearest"});
		const at = e.getBoundingClientRect();
		if (!e.checkVisibility() || !e.contains(document.elementFromPoint(at.left + at.width / 2, at.top + at.height / 2))) return false;
		e.focus({preventScroll: true});
		e.click();
		return true;
	})(document.querySelector(%q))`, selector))
}

// approve scans the pairing code, compares the codes and approves.
func approve(t *testing.T, screen, phone *tab) {
	t.Helper()
	screen.untilState("pairing")
	link, share := screen.scan()
	if share < 1.0/3 {
		t.Errorf("the QR code takes %.2f of the height, want 1/3", share)
	}
	code := screen.text("code")
	u, err := url.Parse(link)
	if err != nil || u.Query().Get("user_code") != code {
		t.Fatalf("QR code %q, code on the screen %q", link, code)
	}
	if shown := screen.text("link"); !strings.HasPrefix(link, shown) {
		t.Errorf("link on the screen %q, QR code %q", shown, link)
	}
	phone.follow(link)
	if got := phone.text("code"); got != code {
		t.Errorf("code on the phone %q, on the screen %q", got, code)
	}
	phone.tap("allow")
	phone.until("document.getElementById('outcome') && document.getElementById('outcome').textContent === 'Connected' || document.getElementById('done')")
}

// choose scans the picker link, chooses samples by name, all without names, and
// taps Done.
func choose(screen, phone *tab, names ...string) {
	screen.t.Helper()
	screen.untilState("picking")
	link, _ := screen.scan()
	phone.follow(link)
	pickAndTapDone(phone, names...)
}

// pickAndTapDone chooses samples by name, all without names, and taps Done.
func pickAndTapDone(phone *tab, names ...string) {
	phone.t.Helper()
	for _, n := range names {
		phone.tapOn(`input[value="sample-` + n + `"]`)
	}
	if names == nil {
		phone.tap("all")
	}
	phone.tap("done")
	phone.until("document.getElementById('outcome') && document.getElementById('outcome').textContent.startsWith('Done')")
}

// waitForPhotos waits until each named sample has been on the screen, by the colours
// of its pixels.
func waitForPhotos(t *testing.T, screen *tab, names ...string) {
	t.Helper()
	missing := map[string][3]float64{}
	for _, n := range names {
		f, err := os.Open(filepath.Join("../../picker/pickertest/samples", n+".webp"))
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
	deadline := time.Now().Add(maxWait)
	for len(missing) > 0 {
		if time.Now().After(deadline) {
			screen.save("unseen")
			t.Fatalf("not on the screen: %v", missing)
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

// TestPick scans, picks and shows photos in a browser, with a restart and a power
// cut.
func TestPick(t *testing.T) {
	g := newGoogle(t)
	g.noLeaks(t)
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

	// After a restart during a pick the page reconnects and the session is the same.
	before, _ := screen.scan()
	if took := b.stop(); took > maxStop {
		t.Errorf("SIGTERM took %v", took)
	}
	if n := len(g.photos.Open()); n != 1 {
		t.Errorf("%d sessions open after SIGTERM, want the one that is being picked", n)
	}
	b.start()
	screen.until("document.getElementById('offline').hidden")
	screen.untilState("picking")
	if after, _ := screen.scan(); after != before {
		t.Error("the restart changed the picker link")
	}

	choose(screen, phone, "sunset", "aurora", "meadow")
	phone.save("phone-done")
	screen.untilState("showing")
	waitForPhotos(t, screen, "sunset", "aurora", "meadow")
	b.until("every session is deleted", func() bool { return b.sessions() == 0 && len(g.photos.Open()) == 0 })

	// After a power cut photos are shown without a token.
	b.kill()
	g.auth.RevokeAll()
	b.start()
	screen.untilState("showing")

	// OK on the remote control requests a pick, which needs a new pairing.
	screen.do("press Enter", press("\r"))
	approve(t, screen, phone)
	screen.untilState("picking")
	choose(screen, phone) // all of them, with the video
	screen.untilState("showing")
	b.until("all 13 items are stored", func() bool { return b.library() == 13 })
	screen.until("document.querySelector('.slide.on video') && document.querySelector('.slide.on video').currentTime > 0 || document.querySelector('.slide.on img')")
	b.until("every session is deleted", func() bool { return b.sessions() == 0 && len(g.photos.Open()) == 0 })
	b.stop()

	for _, s := range g.photos.Sessions() {
		if !s.Deleted {
			t.Errorf("session %s was not deleted", s.ID)
		}
	}
	if strings.Contains(b.log.String(), oauthtest.Mark) {
		t.Error("secret in the log")
	}
}

// maxStop is how long pickerd may take to end.
const maxStop = 5 * time.Second

var demoURL = regexp.MustCompile(`http://[0-9.:]+/`)

// TestDemo checks the demo from its code to its photos, with and without a gateway.
func TestDemo(t *testing.T) {
	for name, tt := range map[string]struct {
		args    []string
		approve func(t *testing.T, screen, phone *tab)
	}{
		"Google":  {nil, approve},
		"gateway": {[]string{"--gateway"}, approveAtGateway},
	} {
		t.Run(name, func(t *testing.T) {
			b := &box{t: t, args: append([]string{"demo", "--listen", "127.0.0.1:0"}, tt.args...)}
			b.start()
			// What it prints and its log come by two pipes.
			b.until("the demo says where the screen is", func() bool { return demoURL.MatchString(b.out.String()) })
			b.screen = demoURL.FindString(b.out.String())
			b.socket = regexp.MustCompile(`--socket (\S+)`).FindStringSubmatch(b.out.String())[1]
			chromium := newBrowser(t)
			screen := chromium.open(t, 1280, 720, b.screen)
			phone := chromium.open(t, 390, 844, "about:blank")
			tt.approve(t, screen, phone)
			// The approval redirects the phone to the picker.
			phone.until("document.getElementById('done')")
			pickAndTapDone(phone, "harbour", "leaves", "waves")
			screen.untilState("showing")
			b.until("three photos are stored", func() bool { return b.library() == 3 })
			b.until("every session is deleted", func() bool { return b.sessions() == 0 })
			screen.until(`document.getElementById("receipt").textContent.includes("Access to your selection in Google Photos has ended.") || document.getElementById("receipt").hidden`)
			screen.save("demo-showing")
			screen.until("document.querySelector('.slide.on video') && document.querySelector('.slide.on video').currentTime > 0.5")
			screen.save("demo-video")
			if took := b.stop(); took > maxStop {
				t.Errorf("Ctrl-C took %v", took)
			}
			if _, err := os.Stat(filepath.Dir(b.socket)); err == nil {
				t.Error("the demo did not remove its state")
			}
		})
	}
}
