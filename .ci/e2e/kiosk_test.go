package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"pickerd/device"
)

// traces returns the texts of a guest that are found in the state directory.
func (b *box) traces(of ...string) (found []string) {
	b.t.Helper()
	dir := filepath.Join(filepath.Dir(b.socket), "state")
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, what := range of {
			if bytes.Contains(data, []byte(what)) || strings.Contains(path, what) {
				found = append(found, what+" in "+strings.TrimPrefix(path, dir))
			}
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

// TestGuestKiosk checks guest mode on two screens: a guest who stays and is then
// timed out, one who leaves, and one whose visit ends with a power cut.
func TestGuestKiosk(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	g.noLeaks(t)
	b := configured(t, g, t.TempDir())
	b.env = []string{"PICKERD_MODE=guest", "PICKERD_GUEST_FORGET_AFTER=60s"}
	b.start()
	one, other := newBrowser(t), newBrowser(t)
	screens := []*tab{one.open(t, 1920, 1080, b.screen), other.open(t, 1080, 1920, b.screen)}
	all := func(f func(tb *tab)) {
		t.Helper()
		for _, tb := range screens {
			f(tb)
		}
	}
	// The page must have been loaded anew, without what the browser kept.
	fresh := func(tb *tab) {
		t.Helper()
		tb.until("performance.getEntriesByType('navigation')[0].redirectCount === 1")
		tb.until("!document.querySelector('.slide') && !document.body.innerHTML.includes('media/')")
	}
	var session string
	visit := func() {
		t.Helper()
		all(func(tb *tab) { tb.untilState("pairing") })
		text, _ := screens[0].scan()
		code := text[strings.LastIndex(text, "=")+1:]
		if !g.auth.Approve(code) {
			t.Fatalf("code %q not accepted", code)
		}
		s := b.untilStatus("a session", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
		session = s.Pick.SessionID
		if err := g.photos.Choose(session); err != nil {
			t.Fatal(err)
		}
		all(func(tb *tab) { tb.untilState("showing"); tb.until("document.querySelector('.slide.on')") })
	}
	checkErased := func() {
		t.Helper()
		b.untilStatus("the guest is erased", func(s *device.Status) bool {
			return s.State == device.Pairing && s.Outstanding == nil && s.Sessions == device.Sessions{} && s.Library.Items == 0
		})
		if found := b.traces(session, "sample-", g.items[0].Filename, "Grant"); len(found) > 0 {
			t.Errorf("traces of the last guest: %v", found)
		}
		if left := g.photos.Open(); len(left) > 0 {
			t.Errorf("open sessions: %v", left)
		}
	}

	visit()
	if found := b.traces(session, "sample-"); len(found) < 1 {
		t.Error("no traces while a guest is present")
	}
	resp, err := http.Get(b.screen + attribute(t, screens[0], ".slide.on .front", "src"))
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a photo may be cached: %v %v", resp, err)
	}
	resp.Body.Close()
	all(func(tb *tab) {
		tb.until(`/^Still there\? .*\b0:\d\d\b/.test(document.getElementById('leaving').textContent)`)
	})
	screens[1].save("guest-leaving")
	screens[0].tap("stay")
	all(func(tb *tab) { tb.until("document.getElementById('leaving').hidden") })
	if s := b.status(); s == nil || s.State != device.Showing {
		t.Fatalf("status after a guest stayed: %+v", s)
	}
	// It stands for seconds, so no browser is asked: a busy one would miss it.
	receipt := func() {
		t.Helper()
		b.until("the receipt", func() bool {
			return strings.Contains(b.page(), "Your photos and sign-in were removed from this screen.")
		})
	}
	receipt()
	all(fresh)
	screens[0].save("guest-erased")
	checkErased()

	visit()
	screens[1].do("move the mouse", chromedp.MouseClickXY(540, 300))
	screens[1].tap("forget")
	receipt()
	all(fresh)
	checkErased()

	visit()
	b.kill()
	b.start()
	all(fresh)
	all(func(tb *tab) { tb.untilState("pairing") })
	for _, line := range strings.Split(b.log.String(), "\n") {
		if strings.Contains(line, "to=showing") {
			t.Errorf("after a power cut: %s", line)
		}
	}
	checkErased()
	b.stop()
}

func attribute(t *testing.T, tb *tab, selector, name string) string {
	t.Helper()
	s, err := chromedp.Run(tb.ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q).getAttribute(%q)", selector, name)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// chooseItem activates a menu item by its label.
func (tb *tab) chooseItem(label string) {
	tb.t.Helper()
	find := fmt.Sprintf("[...document.querySelectorAll('#items button')].find(b => b.textContent === %q)", label)
	tb.until("!document.getElementById('menu').hidden && (e => e && (e.click(), true))(" + find + ")") // one step: the menu may renew itself
}

// TestAccounts checks two accounts on two screens, and the commands for accounts and
// items.
func TestAccounts(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	g.noLeaks(t)
	b := configured(t, g, t.TempDir())
	b.env = []string{"PICKERD_PICK_COLLECTION=append", "PICKERD_GOOGLE_USERINFO_URL=" + g.url + "/auth/userinfo",
		"PICKERD_GOOGLE_SCOPES=https://www.googleapis.com/auth/photospicker.mediaitems.readonly,openid,email"}
	b.start()
	br := newBrowser(t)
	screen, second := br.open(t, 1920, 1080, b.screen), newBrowser(t).open(t, 1280, 720, b.screen)
	join := func(person string, ids ...string) {
		t.Helper()
		screen.untilState("pairing")
		screen.until("!document.getElementById('scan').hidden") // before, the code may be the last one
		if !g.auth.ApproveAs(screen.text("code"), person) {
			t.Fatal("code on the screen not accepted")
		}
		s := b.untilStatus("a session", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
		if err := g.photos.Choose(s.Pick.SessionID, ids...); err != nil {
			t.Fatal(err)
		}
		screen.untilState("showing")
		b.until("the session is deleted", func() bool { return len(g.photos.Open()) == 0 })
	}
	join("anna", "sample-sunset")
	screen.do("move the mouse", chromedp.MouseClickXY(900, 300))
	screen.tap("more")
	second.until("!document.getElementById('menu').hidden && document.getElementById('menutitle').textContent === 'Living room'")
	screen.chooseItem("Link another account")
	join("ben", "sample-harbour")
	screen.do("OK", press("\r"))
	for _, tb := range []*tab{screen, second} {
		tb.until("document.getElementById('menutitle').textContent === 'Who is choosing?' && document.activeElement.textContent === 'anna@example.org'")
	}
	screen.save("who")
	second.do("down", press("\u0301"))
	second.until("document.activeElement.textContent === 'ben@example.org'")
	second.do("OK", press("\r"))
	s := b.untilStatus("a pick", func(s *device.Status) bool { return s.State == device.Picking })
	if s.Account.Email != "ben@example.org" {
		t.Errorf("account %s, want ben@example.org", s.Account.Email)
	}
	b.tell("cancel")
	if out := b.tell("pick", "--account", "anna@example.org"); !strings.Contains(out, "shows a code") {
		t.Errorf("pick --account: %s", out)
	}
	b.untilStatus("her pick", func(s *device.Status) bool { return s.State == device.Picking && s.Account.Email == "anna@example.org" })
	b.tell("cancel")
	b.until("no session is open", func() bool { return len(g.photos.Open()) == 0 && b.sessions() == 0 })
	if out := b.tell("unpair", "--account", "ben@example.org", "--everywhere"); !strings.Contains(out, "Accounts left: 1. Photos and videos left: 1.") {
		t.Errorf("unpair --account: %s", out)
	}
	if out := b.tell("status"); !strings.Contains(out, "anna@example.org") || strings.Contains(out, "ben@") {
		t.Errorf("status: %s", out)
	}

	// Hiding and removing by command.
	var items struct{ Items []device.Item }
	if err := json.Unmarshal([]byte(b.tell("items", "--json")), &items); err != nil || len(items.Items) != 1 {
		t.Fatalf("%v %+v", err, items)
	}
	b.tell("items", "--hide", items.Items[0].ID)
	screen.until("document.getElementById('title').textContent === 'All photos are hidden'")
	if out := b.tell("items"); !strings.Contains(out, "hidden") {
		t.Errorf("items: %s", out)
	}
	b.tell("items", "--show", items.Items[0].ID)
	screen.untilState("showing")
	b.tell("items", "--remove", items.Items[0].ID)
	screen.untilState("idle")
	b.stop()
}

// TestPhoneRemote checks that a phone that scans the code in the menu is a remote
// control, and that no other phone is.
func TestPhoneRemote(t *testing.T) {
	t.Parallel()
	l, g, b, at := onNetwork(t, "PICKERD_SLIDESHOW_INTERVAL=10m", "PICKERD_SLIDESHOW_PAIRS=false", "PICKERD_REMOTE_PIN="+remotePIN)
	g.noLeaks(t)
	br := newBrowser(t)
	screen := br.open(t, 1920, 1080, b.screen)
	screen.untilState("pairing")
	g.auth.Approve(b.untilStatus("a code", func(s *device.Status) bool { return s.Pairing != nil }).Pairing.UserCode)
	s := b.untilStatus("a session", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
	if err := g.photos.Choose(s.Pick.SessionID, "sample-sunset", "sample-harbour", "sample-dunes"); err != nil {
		t.Fatal(err)
	}
	screen.until("document.querySelector('.slide.on')")
	b.until("all are here", func() bool { return b.sessions() == 0 })
	screen.do("the menu", chromedp.MouseClickXY(900, 300))
	screen.tap("more")
	screen.until("!document.getElementById('menuscan').hidden && document.getElementById('menuqr').complete && document.getElementById('menuqr').naturalWidth > 0")
	screen.save("menu-remote")
	link, err := decode(t.Context(), screen.picture())
	if err != nil || !strings.Contains(link, "/remote/") {
		t.Fatalf("code in the menu: %q, %v", link, err)
	}
	path := link[strings.Index(link, "/remote/"):]
	stranger := l.client(nil)
	if status, text := get(t, stranger, "http://"+at+path); status != 200 || !strings.Contains(text, "Remote for Living room") {
		t.Errorf("with the scanned link: %d: %s", status, text)
	}
	for path, want := range map[string]int{path[:len(path)-1]: 410, "/": 401, "/menu.svg": 401} {
		if status, text := get(t, stranger, "http://"+at+path); status != want || strings.Contains(text, "Next") {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	if resp, err := stranger.PostForm("http://"+at+path+"x", map[string][]string{"wish": {"away"}}); err != nil || resp.StatusCode != 410 {
		t.Errorf("with a wrong link: %v %v", resp, err)
	}
	if resp := foreign(t, stranger, "http://"+at+path); resp.StatusCode != 403 {
		t.Errorf("posted by another page: %d, want 403", resp.StatusCode)
	}

	phone := br.open(t, 360, 740, link)
	tap := func(wish string) {
		t.Helper()
		phone.tapOn(fmt.Sprintf("button[data-wish=%s]", wish))
	}
	now := func() string { return phone.text("now") }
	first := now()
	if !strings.HasSuffix(first, " of 3") {
		t.Errorf("current item: %q", first)
	}
	tap("next")
	phone.until(fmt.Sprintf("document.getElementById('now').textContent !== %q", first))
	tap("previous")
	phone.until(fmt.Sprintf("document.getElementById('now').textContent === %q", first))
	tap("pause")
	screen.until("!document.getElementById('paused').hidden")
	tap("pause")
	screen.until("document.getElementById('paused').hidden")
	useRemotePages(phone)
	tap("pick") // the phone is redirected to the picker
	phone.until("location.href.includes('/photos/picker/')")
	screen.untilState("picking")
	phone.do("back", chromedp.Navigate(link))
	tap("cancel")
	screen.untilState("showing")
	tap("away")
	phone.until("document.getElementById('title').textContent === 'Remote closed'")
	if status, _ := get(t, stranger, "http://"+at+path); status != 410 {
		t.Errorf("after closing the remote: %d, want 410", status)
	}
	b.until("no session is open", func() bool { return len(g.photos.Open()) == 0 && b.sessions() == 0 })
	b.stop()
}

// foreign posts as a browser does for a page of another site.
func foreign(t *testing.T, c *http.Client, url string) *http.Response {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, url, strings.NewReader("wish=next"))
	req.RequestURI = ""
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	req.Header.Set("Origin", "http://evil.example")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}
