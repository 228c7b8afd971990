package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"pickerd/oauthdevice/oauthtest"
)

// relayPage serves the output of "pickerd relay-page" as a static host does, and
// returns the URL.
func relayPage(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	html, err := exec.CommandContext(t.Context(), path, "relay-page").Output()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/pickerd.html" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(html)
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/pickerd.html"
}

// clientFile writes an OAuth client as the console offers it for download, and
// returns the path.
func clientFile(t *testing.T, g *google, k oauthtest.Kind, redirects ...string) string {
	t.Helper()
	kind := map[oauthtest.Kind]string{oauthtest.TV: "installed", oauthtest.Web: "web", oauthtest.Desktop: "installed"}[k]
	id, secret := g.auth.Client(k)
	data, err := json.Marshal(map[string]any{kind: map[string]any{"client_id": id, "client_secret": secret, "redirect_uris": redirects}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "client_secret.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// signIn signs in on the authorization server's pages and decides, "allow" or
// "deny".
func (tb *tab) signIn(decision string) {
	tb.t.Helper()
	tb.tap("person")
	tb.tap(decision)
}

// startRelay starts a box that pairs by relay, because the device flow is refused,
// and that has a name on the local network.
func startRelay(t *testing.T) (g *google, b *box, relay string) {
	t.Helper()
	relay = relayPage(t)
	g = googleLike(t, oauthtest.Options{Interval: time.Second, RefuseScope: true, WebRedirects: []string{relay}})
	b = configured(t, g, t.TempDir())
	near := strings.Replace(strings.TrimSuffix(b.screen, "/"), "127.0.0.1", "box.local", 1)
	b.env = []string{"PICKERD_PAIRING_METHODS=device,relay", "PICKERD_PAIRING_RELAY_URL=" + relay, "PICKERD_PAIRING_ADDRESS=" + near,
		"PICKERD_GOOGLE_WEB_CLIENT_FILE=" + clientFile(t, g, oauthtest.Web, relay)}
	b.start()
	return g, b, relay
}

// toRelayPage scans the code on the screen and signs in, up to the relay page.
func toRelayPage(screen, phone *tab, decision string) {
	screen.t.Helper()
	screen.untilState("pairing")
	link, _ := screen.scan()
	if !strings.HasPrefix(link, "http://box.local:") {
		screen.t.Fatalf("QR code: %q", link)
	}
	phone.follow(link)
	phone.signIn(decision)
	phone.untilVisible("go")
}

// TestRelay pairs by relay and picks with one scan.
func TestRelay(t *testing.T) {
	g, b, relay := startRelay(t)
	g.noLeaks(t)
	chromium := newBrowser(t)
	screen := chromium.open(t, 1920, 1080, b.screen)
	phone, other := chromium.open(t, 390, 844, "about:blank"), chromium.open(t, 390, 844, "about:blank")

	toRelayPage(screen, phone, "allow")
	screen.save("pairing-relay")
	phone.save("phone-relay")
	if title := phone.text("title"); !strings.Contains(title, "“Living room”") {
		t.Errorf("title of the relay page: %q", title)
	}
	if where := phone.text("where"); !strings.HasPrefix(where, "box.local:") {
		t.Errorf("target on the relay page: %q", where)
	}
	phone.until("location.search === '' && location.href.startsWith(" + quote(relay) + ")")
	phone.until("localStorage.length === 0 && sessionStorage.length === 0 && document.cookie === ''")
	toRelayPage(screen, other, "allow") // two phones at once

	phone.tap("go")
	phone.until("document.getElementById('done')") // the picker
	other.tap("go")
	other.until("document.getElementById('title') && document.getElementById('title').textContent === 'This link was already used'")
	other.save("phone-used")

	pickAndTapDone(phone, "sunset", "aurora")
	screen.untilState("showing")
	b.until("two photos are stored", func() bool { return b.library() == 2 })
	b.until("every session is deleted", func() bool { return b.sessions() == 0 && len(g.photos.Open()) == 0 })
	if s := b.tell("status"); !strings.Contains(s, "by relay") || !strings.Contains(s, "refused   device: invalid_scope") {
		t.Errorf("status:\n%s", s)
	}
	b.stop()
	for _, secret := range []string{oauthtest.Mark, "code=", "code_verifier"} {
		if strings.Contains(b.log.String(), secret) {
			t.Errorf("%q in the log", secret)
		}
	}
}

// TestRelayDenial denies consent: the screen reports it and offers a new code.
func TestRelayDenial(t *testing.T) {
	_, b, _ := startRelay(t)
	chromium := newBrowser(t)
	screen, phone := chromium.open(t, 1280, 720, b.screen), chromium.open(t, 390, 844, "about:blank")
	toRelayPage(screen, phone, "deny")
	if title := phone.text("title"); title != "You did not allow access" {
		t.Errorf("title of the relay page: %q", title)
	}
	before, _ := screen.scan()
	phone.tap("go")
	phone.until("document.getElementById('title').textContent === 'Access was declined on the phone.'")
	screen.until("!document.getElementById('problem').hidden")
	screen.until("document.getElementById('link').textContent && document.getElementById('link').textContent !== " + quote(before))
}

// callback returns the URL of the relay page, with code and state, to which the
// authorization server redirects a phone that scanned the code and allowed.
func callback(t *testing.T, g *google, screen *tab) *url.URL {
	t.Helper()
	screen.untilState("pairing")
	link, _ := screen.scan()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(link, "box.local", "127.0.0.1", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // does not follow
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	to, err := g.auth.Allow(resp.Header.Get("Location"), "person")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestRelayCallback checks the answers to wrong, foreign, incomplete, repeated and
// late callbacks.
func TestRelayCallback(t *testing.T) {
	g, b, _ := startRelay(t)
	g2, b2, _ := startRelay(t)
	b.stop()
	b.env = append(b.env, "PICKERD_UNPAIR_PHOTOS=keep")
	b.start()
	chromium := newBrowser(t)
	screen, screen2 := chromium.open(t, 1280, 720, b.screen), chromium.open(t, 1280, 720, b2.screen)
	phone := chromium.open(t, 390, 844, "about:blank")
	base := strings.Replace(b.screen, "127.0.0.1", "box.local", 1) + "pair/callback?"
	wantTitle := func(what, address, title string) {
		t.Helper()
		phone.follow(address)
		phone.until("document.getElementById('title') && document.getElementById('title').textContent === " + quote(title))
		phone.save("phone-" + what)
	}
	good := callback(t, g, screen)
	code, state := good.Query().Get("code"), good.Query().Get("state")
	query := func(code, state string) string { return url.Values{"code": {code}, "state": {state}}.Encode() }

	wantTitle("wrong", base+query(code, "wrong"), "This link is not from this screen")
	wantTitle("foreign", base+query(code, callback(t, g2, screen2).Query().Get("state")), "This link is not from this screen")
	wantTitle("no-code", base+query("", state), "No answer from Google in this address")
	wantTitle("no-code-at-the-relay", strings.Replace(good.String(), "code=", "kode=", 1), "No answer from Google in this address")
	phone.follow(good.String())
	phone.tap("go")
	phone.until("document.getElementById('done')")
	wantTitle("replayed", base+query(code, state), "This link was already used")
	if n := len(g.photos.Sessions()); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}

	// A callback comes late, when the screen shows photos.
	if err := g.photos.Choose(g.photos.Open()[0], "sample-sunset"); err != nil {
		t.Fatal(err)
	}
	screen.untilState("showing")
	b.tell("unpair", "--here")
	b.tell("pick")
	late := callback(t, g, screen)
	b.tell("cancel")
	screen.untilState("showing")
	wantTitle("late", base+late.RawQuery, "This code has expired")
	b2.stop()
	b.stop()
}

// TestRelayScopeRefusal checks that a scope refused on Google's page leads to the
// next pairing method.
func TestRelayScopeRefusal(t *testing.T) {
	relay := relayPage(t)
	g := googleLike(t, oauthtest.Options{Interval: time.Second, RefuseCodeScope: true, WebRedirects: []string{relay}})
	b := configured(t, g, t.TempDir())
	near := strings.Replace(strings.TrimSuffix(b.screen, "/"), "127.0.0.1", "box.local", 1)
	b.env = []string{"PICKERD_PAIRING_METHODS=relay,device", "PICKERD_PAIRING_RELAY_URL=" + relay, "PICKERD_PAIRING_ADDRESS=" + near,
		"PICKERD_GOOGLE_WEB_CLIENT_FILE=" + clientFile(t, g, oauthtest.Web, relay)}
	b.start()
	chromium := newBrowser(t)
	screen, phone := chromium.open(t, 1280, 720, b.screen), chromium.open(t, 390, 844, "about:blank")
	toRelayPage(screen, phone, "allow")
	if title := phone.text("title"); title != "Google did not sign you in" {
		t.Errorf("title of the relay page: %q", title)
	}
	phone.tap("go")
	screen.until("document.getElementById('code').textContent.includes('-')")
	phone.save("phone-relay-refused")
	b.stop()
}

// quote quotes a string for JavaScript.
func quote(s string) string {
	data, _ := json.Marshal(s)
	return string(data)
}

// TestRelayTargets checks that the relay page, which is public, forwards to local
// addresses only.
func TestRelayTargets(t *testing.T) {
	relay := relayPage(t)
	phone := newBrowser(t).open(t, 390, 844, "about:blank")
	open := func(to string) {
		t.Helper()
		state, err := json.Marshal(map[string]string{"to": to, "name": "<img src=x onerror=alert(1)>", "nonce": "n"})
		if err != nil {
			t.Fatal(err)
		}
		phone.follow(relay + "?" + url.Values{"code": {"c"}, "state": {base64.RawURLEncoding.EncodeToString(state)}}.Encode())
		phone.until("document.getElementById('title').textContent !== 'One moment…'")
	}
	for _, to := range []string{"http://10.1.2.3:8420", "http://172.16.0.1", "http://172.31.255.1:8420", "http://192.168.1.20:8420", "http://169.254.3.4",
		"http://[fd12:3456::1]:8420", "http://[fe80::1]:8420", "http://box.local:8420", "https://living-room.local"} {
		open(to)
		phone.until("!document.getElementById('go').hidden && document.querySelector('img') === null")
	}
	for _, to := range []string{"https://evil.example", "http://8.8.8.8", "http://127.0.0.1:8420", "http://localhost:8420", "http://172.32.0.1", "http://192.169.1.1",
		"http://box.local@evil.example", "http://evil.example/?x=.local", "http://10.0.0.1.evil.example", "http://evil.example#.local", "http://local",
		"http://192.168.1.20/path", "http://192.168.1.20/?q", "http://user@192.168.1.20", "javascript:alert(1)//.local", "ftp://192.168.1.20", "//192.168.1.20",
		"http://[2001:db8::1]", "http://[::ffff:8.8.8.8]", "http://[::1]", "http://3232235796.evil.example", "", "x"} {
		open(to)
		if hidden, err := chromedp.Run(phone.ctx, chromedp.Evaluate[bool]("document.getElementById('go').hidden")); err != nil || !hidden {
			t.Errorf("forwards to %q: %v", to, err)
		}
	}
	for _, query := range []string{"", "?state=%", "?code=c", "?code=c&state=e30", "?state=eyJ0byI6Imh0dHA6Ly8xOTIuMTY4LjEuMjAifQ"} {
		phone.follow(relay + query)
		phone.until("document.getElementById('title').textContent !== 'One moment…' && document.getElementById('go').hidden")
	}
}

// TestPaste pairs by copying an address.
func TestPaste(t *testing.T) {
	g := googleLike(t, oauthtest.Options{Interval: time.Second})
	g.noLeaks(t)
	b := configured(t, g, t.TempDir())
	near := strings.Replace(strings.TrimSuffix(b.screen, "/"), "127.0.0.1", "box.local", 1)
	b.env = []string{"PICKERD_PAIRING_METHODS=paste", "PICKERD_PAIRING_ADDRESS=" + near,
		"PICKERD_GOOGLE_DESKTOP_CLIENT_FILE=" + clientFile(t, g, oauthtest.Desktop, "http://localhost")}
	b.start()
	chromium := newBrowser(t)
	screen := chromium.open(t, 1280, 720, b.screen)
	phone, tab2 := chromium.open(t, 390, 844, "about:blank"), chromium.open(t, 390, 844, "about:blank")
	screen.untilState("pairing")
	link, _ := screen.scan()
	phone.follow(link)
	phone.save("phone-paste")
	href, err := chromedp.Run(phone.ctx, chromedp.Evaluate[string]("document.getElementById('signin').href"))
	if err != nil {
		t.Fatal(err)
	}
	tab2.follow(href)
	tab2.signIn("allow")
	copied := ""
	for deadline := time.Now().Add(maxWait); !strings.Contains(copied, "code=") && time.Now().Before(deadline); {
		history, err := chromedp.Run(tab2.ctx, chromedp.NavigationEntries())
		if err == nil { // it fails while pages change
			copied = history.Entries[len(history.Entries)-1].URL
		}
	}
	if !strings.HasPrefix(copied, "http://127.0.0.1/?") {
		t.Fatalf("final address: %q", copied)
	}
	tab2.save("phone-dead-end")

	phone.do("paste something else", chromedp.SendKeys(chromedp.ID("address"), "hello"))
	phone.tap("send")
	phone.untilVisible("complaint")
	phone.do("paste the address", chromedp.SendKeys(chromedp.ID("address"), copied))
	phone.tap("send")
	phone.until("document.getElementById('done')")
	pickAndTapDone(phone, "harbour")
	screen.untilState("showing")
	b.until("every session is deleted", func() bool { return b.sessions() == 0 && len(g.photos.Open()) == 0 })
	b.stop()
}

var consentURL = regexp.MustCompile(`http://\S+/auth/auth\?\S+`)

// TestTokenImport signs in on a computer and imports the sealed token from a pipe.
func TestTokenImport(t *testing.T) {
	g := googleLike(t, oauthtest.Options{Interval: time.Second})
	b := configured(t, g, t.TempDir())
	b.env = []string{"PICKERD_PAIRING_METHODS=import"}
	b.start()
	chromium := newBrowser(t)
	screen, computer := chromium.open(t, 1280, 720, b.screen), chromium.open(t, 1280, 800, "about:blank")
	screen.untilState("pairing")
	screen.save("pairing-import")
	recipient := regexp.MustCompile(`age1\S+`).FindString(b.tell("status"))

	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	authorize := exec.CommandContext(t.Context(), path, "authorize", "--config", b.args[2], "--client", clientFile(t, g, oauthtest.Desktop), "--to", recipient, "--output", "-", "--no-browser")
	sealed, said := &logBuffer{}, &logBuffer{}
	authorize.Stdout, authorize.Stderr = sealed, said
	if err := authorize.Start(); err != nil {
		t.Fatal(err)
	}
	b.until("the address is printed", func() bool { return consentURL.MatchString(said.String()) })
	address := consentURL.FindString(said.String())

	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	computer.follow(u.Query().Get("redirect_uri") + "?code=x&state=wrong")
	computer.until("document.getElementById('title').textContent === 'This page does not belong to this sign-in'")
	computer.follow(address)
	computer.signIn("allow")
	computer.until("document.getElementById('title') && document.getElementById('title').textContent === 'Done'")
	computer.save("computer-done")
	if err := authorize.Wait(); err != nil {
		t.Fatalf("authorize: %v\n%s", err, said)
	}
	if strings.Contains(sealed.String()+said.String(), oauthtest.Mark) {
		t.Error("the token is not sealed")
	}
	take := b.command("import-token", "-")
	take.Stdin = strings.NewReader(sealed.String())
	if out, err := take.CombinedOutput(); err != nil || !strings.Contains(string(out), "Google accepts the token") {
		t.Fatalf("import-token: %v\n%s", err, out)
	}
	screen.untilState("idle")
	screen.do("press OK", press("\r"))
	screen.untilState("picking")
	b.tell("cancel")
	b.until("every session is deleted", func() bool { return b.sessions() == 0 && len(g.photos.Open()) == 0 })
	b.stop()
}

// TestForgetting forgets the account with the arrows, OK and Back.
func TestForgetting(t *testing.T) {
	g := newGoogle(t)
	g.noLeaks(t)
	b := newBox(t, g, t.TempDir())
	screen := newBrowser(t).open(t, 1920, 1080, b.screen)
	screen.until("!document.getElementById('scan').hidden")
	fresh := screen.text("code")
	if spoken := screen.text("spoken"); !strings.Contains(spoken, strings.Join(strings.Split(strings.ReplaceAll(fresh, "-", ""), "")[:4], ", ")+", dash") {
		t.Errorf("code %s, spoken text %q", fresh, spoken)
	}
	g.auth.Approve(fresh)
	screen.untilState("picking")
	if err := g.photos.Choose(g.photos.Open()[0], "sample-sunset"); err != nil {
		t.Fatal(err)
	}
	screen.untilState("showing")
	screen.do("keep the buttons", chromedp.Evaluate[chromedp.Void]("showButtons(); clearTimeout(away); showButtons = () => {}"))
	key := func(k string) { t.Helper(); screen.do("press "+k, press(k)) }
	const down, left, right, ok, back = "\u0301", "\u0302", "\u0303", "\r", "\u001b"
	key(right) // the next photo, which is the same one
	key(down)  // choose photos
	key(left)  // forget this account
	screen.until("document.activeElement.id === 'forget'")
	key(ok)
	const asked = "!document.getElementById('menu').hidden && document.activeElement.dataset.id === "
	screen.until(asked + "'keep'")
	screen.save("forgetting")
	key(ok)         // keep it
	ask := func() { // opens the question again, from the button
		t.Helper()
		screen.until("document.getElementById('menu').hidden")
		screen.do("focus the button", chromedp.Evaluate[chromedp.Void]("document.getElementById('forget').focus()"))
		key(ok)
		screen.until(asked + "'keep'")
	}
	ask()
	key(back)
	ask()
	screen.untilState("showing")
	key(right)
	screen.until(asked + "'here'")
	key(right)
	screen.until(asked + "'everywhere'")
	key(ok)
	screen.untilState("pairing")
	b.until("the receipt", func() bool { return strings.Contains(b.page(), "the permission at Google is withdrawn") })
	screen.save("forgotten")
	b.until("photos and sessions are deleted", func() bool { return b.library() == 0 && b.sessions() == 0 })
	revoked := 0
	for _, c := range g.auth.Calls() {
		if c.Op == oauthtest.OpRevoke && c.Status == http.StatusOK {
			revoked++
		}
	}
	if revoked != 1 {
		t.Errorf("%d revocations, want 1", revoked)
	}
	b.stop()
	left2, err := os.ReadDir(filepath.Join(filepath.Dir(b.socket), "state", "media"))
	if err != nil || len(left2) > 0 {
		t.Errorf("left in the media folder: %v, %v", left2, err)
	}
}
