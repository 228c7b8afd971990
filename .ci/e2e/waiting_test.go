package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"pickerd/device"
)

func (b *box) displays() (d device.Displays) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(b.tell("displays", "--json")), &d); err != nil {
		b.t.Fatal(err)
	}
	return d
}

// waits waits until a browser shows a code, and returns it.
func (tb *tab) waits() string {
	tb.t.Helper()
	tb.until(`document.getElementById("waitcode")?.textContent.length === 4 && document.getElementById("waitqr").complete`)
	return tb.text("waitcode")
}

// TestWaiting lets a television in by the code that it shows, and a kiosk by a link.
func TestWaiting(t *testing.T) {
	t.Parallel()
	l, _, b, at := onNetwork(t)
	pairing := b.untilStatus("a code", func(s *device.Status) bool { return s.Pairing != nil }).Pairing.UserCode
	shows := fmt.Sprintf(`document.querySelector("#code")?.textContent.includes(%q)`, pairing)
	address := "http://lobby.example:" + port(t, l.forward(at)) + "/"
	tv := newBrowser(t).open(t, 1920, 1080, address)
	code := tv.waits()
	tv.save("waiting")
	tv.checkAccessibility("the page that waits")
	link, err := decode(tv.ctx, tv.picture())
	if want := address + "allow?code=" + code; link != want || err != nil {
		t.Fatalf("the QR code says %q, %v, want %q", link, err, want)
	}
	phone := newBrowser(t).open(t, 360, 740, link)
	phone.until(fmt.Sprintf(`document.body.textContent.includes(%q)`, code))
	phone.save("waiting-help")
	phone.checkAccessibility("the page for the phone")
	if d := b.displays(); len(d.Waiting) != 1 || d.Waiting[0].Code != code || len(d.Displays) != 0 {
		t.Errorf("displays %+v", d)
	}

	code = tv.waits() // a busy browser gets another one
	b.tell("displays", "allow", strings.ToLower(code), "--name", "Hall")
	tv.until(shows)
	d := b.displays()
	if len(d.Displays) != 1 || d.Displays[0].Name != "Hall" || d.Displays[0].Address != strings.TrimSuffix(l.box, "1")+"2" {
		t.Fatalf("displays %+v", d)
	}
	b.stop()
	b.env = append(b.env, "PICKERD_DISPLAY_LANGUAGE=ar")
	b.start()
	tv.until(`document.querySelector("#offline").hidden && document.dir === "rtl"`)
	b.tell("displays", "remove", d.Displays[0].ID)
	if again := tv.waits(); again == code {
		t.Errorf("the code %s again", again)
	}
	tv.save("waiting-ar")
	tv.checkAccessibility("the page that waits, in Arabic")
	if n := len(b.displays().Displays); n != 0 {
		t.Errorf("%d displays after removing one", n)
	}

	// A program that makes a preview gets the page of the link, and does not use it up.
	var one device.DisplayLink
	if err := json.Unmarshal([]byte(b.tell("displays", "link", "--json")), &one); err != nil {
		t.Fatal(err)
	}
	path, token, _ := strings.Cut(strings.TrimPrefix(one.URL, "http://"), "#")
	if _, path, _ = strings.Cut(path, "/"); path != "link" {
		t.Errorf("link %s", one.URL)
	}
	for range 2 {
		if status, _ := get(t, l.client(nil), "http://"+at+"/"+path); status != 200 {
			t.Errorf("a preview of the link: %d", status)
		}
	}
	kiosk := newBrowser(t).open(t, 1280, 720, address+path+"#"+token)
	kiosk.until(`document.querySelector("#offline")?.hidden && location.pathname === "/"`)
	kiosk.do("open it again", chromedp.Navigate(address+path+"#"+token))
	kiosk.until(`document.querySelector("#offline")?.hidden && location.pathname === "/"`)
	late := newBrowser(t).open(t, 1280, 720, address+path+"#"+token)
	late.until(`(n => n ? n.textContent === n.dataset.gone : location.pathname === "/")(document.getElementById("note"))`) // the note stands for seconds
	if n := len(b.displays().Displays); n != 1 {
		t.Errorf("%d displays after a link", n)
	}
	b.stop()
}

// TestFraming checks which pages may show the page in a frame.
func TestFraming(t *testing.T) {
	t.Parallel()
	b := configured(t, newGoogle(t), t.TempDir())
	dashboard := func() *httptest.Server {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<!doctype html><title>Dashboard</title><iframe src=%q width=800 height=450></iframe>`, b.screen)
		}))
		t.Cleanup(srv.Close)
		return srv
	}
	friend, stranger := dashboard(), dashboard()
	b.env = []string{"PICKERD_HTTP_FRAME_ANCESTORS=" + friend.URL}
	b.start()
	chromium := newBrowser(t)
	// A page in a frame of another origin can't be read, but seen: it is dark, and the
	// browser's page in its place is not.
	framed := func(url string) bool {
		tb := chromium.open(t, 800, 450, url)
		tb.until(`document.readyState === "complete"`)
		tb.save("framed")
		return mean(tb.picture(), 0.5)[2] < 100
	}
	if !framed(friend.URL) {
		t.Error("a page that may frame the page does not")
	}
	if framed(stranger.URL) {
		t.Error("a page that may not frame the page does")
	}
	b.stop()
}
