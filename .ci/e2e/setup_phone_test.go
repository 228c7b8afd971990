package e2e

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
)

// TestSetUpByPhone takes a new box out of its carton: a phone on its network scans the
// code on the box's own screen, enters a name and a gateway, and the box shows its
// sign-in code. Another phone is told so, and nothing opens the pages again.
func TestSetUpByPhone(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	site := newSite(t, l)
	g := googleLike(t, oauthtest.Options{Interval: time.Second, RefuseScope: true, WebRedirects: []string{site.issuer + "/callback"}})
	newGateway(t, g, site.settings(g.url))

	b := newCarton(t, l)
	b.env = append(b.env, site.trust())
	b.start()
	screen := newBrowser(t).open(t, 1920, 1080, b.screen)
	phone := browserOn(t, l, site.cert).open(t, phoneWidth, phoneHeight, "about:blank")
	screen.untilState("setup")
	screen.until("!document.getElementById('scan').hidden && document.getElementById('qr').naturalWidth > 0")
	link, _ := screen.scan()
	screen.save("setup-screen")
	if !strings.HasPrefix(link, b.lan+"/setup/") {
		t.Fatalf("QR code %q", link)
	}
	secret := link[strings.LastIndexByte(link, '/')+1:]
	if strings.Contains(b.tell("status", "--json"), secret) || strings.Contains(b.log.String(), secret) {
		t.Error("the key is in the status or the log")
	}

	look := func(what string) {
		t.Helper()
		phone.until("document.documentElement.scrollWidth <= innerWidth")
		phone.save("setup-" + what)
		phone.checkAccessibility("the page " + what)
	}
	enter := func(id, text string) {
		t.Helper()
		phone.until("document.getElementById('" + id + "')")
		phone.do("enter "+id, chromedp.SetValue(chromedp.ID(id), text))
	}
	phone.follow(link)
	phone.until("document.getElementById('start')")
	look("start")
	phone.tap("start")
	phone.until("document.getElementById('zone') && document.getElementById('zone').value === Intl.DateTimeFormat().resolvedOptions().timeZone")
	look("box")
	other := l.client(nil)
	if status, text := get(t, other, link); status != 409 || !strings.Contains(text, "Another phone") {
		t.Errorf("another phone: %d %s", status, text)
	}
	enter("name", "Kitchen")
	phone.tap("go-on")
	enter("gateway", l.box+":9") // nobody is there
	phone.tap("check")
	phone.until("document.getElementById('complaint') && document.getElementById('complaint').textContent.includes('does not answer')")
	look("wrong-gateway")
	enter("gateway", strings.TrimPrefix(site.issuer, "https://"))
	phone.tap("check")
	phone.until("document.getElementById('finish')")
	look("summary")
	phone.tap("finish")
	phone.until("document.getElementById('title') && document.getElementById('title').textContent === 'Look at the screen'")
	look("done")

	screen.untilState("pairing")
	if next, _ := screen.scan(); !strings.HasPrefix(next, site.issuer+"/") {
		t.Errorf("QR code %q", next)
	}
	screen.save("setup-pairing")
	if s := b.untilStatus("a code", func(s *device.Status) bool { return s.Pairing != nil }); s.Name != "Kitchen" {
		t.Errorf("the box is called %q", s.Name)
	}
	b.stop()
	// A box that loses what it was set up with stays closed.
	if err := os.Remove(filepath.Join(b.dir, "conf.d", "50-settings.toml")); err != nil {
		t.Fatal(err)
	}
	b.start()
	screen.untilState("setup")
	screen.until("document.getElementById('scan').hidden")
	if _, err := l.dial(t.Context(), "tcp", strings.TrimPrefix(b.lan, "http://")); err == nil {
		t.Error("phones reach a box that was set up before")
	}
	b.stop()
}

// A carton is a box with its address for phones, and its state directory.
type carton struct {
	*box
	lan, dir string
}

// newCarton configures a box as it comes out of its carton.
func newCarton(t *testing.T, l *lan) *carton {
	t.Helper()
	dir, listen := t.TempDir(), freeAddress(t)
	u, err := url.Parse("http://" + listen)
	if err != nil {
		t.Fatal(err)
	}
	c := &carton{lan: "http://" + net.JoinHostPort(l.box, u.Port()), dir: filepath.Join(dir, "state")}
	config := filepath.Join(dir, "pickerd.toml")
	text := fmt.Sprintf("store.dir = %q\ncontrol.socket = %q\nhttp.listen = %q\npairing.address = %q\n", c.dir, filepath.Join(dir, "c.sock"), listen, c.lan)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c.box = &box{t: t, args: []string{"run", "--config", config}, socket: filepath.Join(dir, "c.sock"), screen: "http://" + listen + "/"}
	return c
}
