package e2e

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// The size of a small phone's page.
const phoneWidth, phoneHeight = 360, 740

// browserOn starts Chromium on the other machine of a network. It trusts a
// certificate.
func browserOn(t *testing.T, l *lan, certFile string) *browser {
	t.Helper()
	data, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "chromium")
	text := fmt.Sprintf("#!/bin/sh\nexec ip netns exec %s %s \"$@\"\n", l.name, path)
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return newBrowser(t, chromedp.ExecPath(script),
		chromedp.Flag("ignore-certificate-errors-spki-list", base64.StdEncoding.EncodeToString(key[:])))
}

// A site is where a gateway with TLS is to be on a network.
type site struct{ dir, issuer, listen, cert, key string }

// newSite makes a certificate for the box's address and finds a free port there.
func newSite(t *testing.T, l *lan) site {
	t.Helper()
	dir := t.TempDir()
	s := site{dir: dir, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	writeCertificate(t, s.cert, s.key, l.box)
	at, err := net.Listen("tcp", l.box+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	s.listen = at.Addr().String()
	s.issuer = "https://" + s.listen
	return s
}

// trust is the variable by which a program trusts the certificate.
func (s site) trust() string { return "SSL_CERT_FILE=" + s.cert }

// settings are those of the gateway in front of a Google.
func (s site) settings(google string) gatewaySettings {
	return gatewaySettings{issuer: s.issuer, listen: s.listen, google: google, env: []string{s.trust()},
		store: "bbolt://" + filepath.Join(s.dir, "gateway.db"), more: fmt.Sprintf("[tls]\ncert_file = %q\nkey_file = %q\n", s.cert, s.key)}
}

// TestGatewayPhone pairs and picks with one scan, on a phone that reaches the gateway
// and Google but not the box.
func TestGatewayPhone(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	site := newSite(t, l)
	g := googleLike(t, oauthtest.Options{Interval: time.Second, RefuseScope: true, WebRedirects: []string{site.issuer + "/callback"}})
	g.noLeaks(t)
	public := g.serveTLS(t, l.box+":443", site.cert, site.key)
	newGateway(t, g, site.settings(public))
	b := throughGateway(t, g.url, site.issuer)
	b.env = append(b.env, site.trust())
	b.start()

	// The phone can't reach the box.
	u, err := url.Parse(b.screen)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{l.box, "127.0.0.1"} {
		if resp, err := l.client(nil).Get("http://" + net.JoinHostPort(host, u.Port())); err == nil {
			t.Fatalf("the phone reaches the box at %s: %s", host, resp.Status)
		}
	}

	screen := newBrowser(t).open(t, 1920, 1080, b.screen)
	phone := browserOn(t, l, site.cert).open(t, phoneWidth, phoneHeight, "about:blank")
	screen.untilState("pairing")
	if link, _ := screen.scan(); !strings.HasPrefix(link, site.issuer+"/?c=") || len(link) > 78 {
		t.Fatalf("QR code %q", link)
	}
	screen.save("gateway-pairing")
	approveAtGateway(t, screen, phone)
	phone.until("document.getElementById('done')") // the picker
	phone.save("gateway-picker")
	pickAndTapDone(phone, "sunset", "aurora")
	screen.untilState("showing")
	b.until("two photos are stored", func() bool { return b.library() == 2 })
	waitForPhotos(t, screen, "sunset", "aurora")
	b.until("every session is deleted", func() bool { return b.sessions() == 0 && len(g.photos.Open()) == 0 })
	b.stop()
	for _, secret := range []string{oauthtest.Mark, "c=", "code="} {
		if strings.Contains(b.log.String(), secret) {
			t.Errorf("%q in the log", secret)
		}
	}
}

// approveAtGateway scans the pairing code, compares the codes and approves.
func approveAtGateway(t *testing.T, screen, phone *tab) {
	t.Helper()
	screen.untilState("pairing")
	link, _ := screen.scan()
	phone.follow(link)
	phone.until("document.getElementById('code').firstElementChild.textContent === " + quote(screen.text("code")))
	phone.until("document.getElementById('screen').textContent === 'Living room'")
	phone.until("document.documentElement.scrollWidth <= innerWidth")
	phone.save("gateway-confirm")
	phone.tap("yes")
	phone.signIn("allow")
}

// serveTLS serves the simulators at another address, which is the one for phones. It
// returns the address.
func (g *google) serveTLS(t *testing.T, address, certFile, keyFile string) string {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: g.handler, ReadHeaderTimeout: maxWait}
	go srv.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}}))
	t.Cleanup(func() { srv.Close() })
	public := "https://" + strings.TrimSuffix(address, ":443")
	g.photos.Change(func(o *pickertest.Options) { o.PublicURL = public + "/photos" })
	return public
}

// A pagesTest walks through the gateway's pages.
type pagesTest struct {
	*cluster
	box    *oauthdevice.Client
	server *oauthdevice.Metadata
	phone  *tab
}

// TestGatewayPages checks each page of the gateway for accessibility, as a phone shows
// it. Pages that lead on are kept from it while they are checked.
func TestGatewayPages(t *testing.T) {
	t.Parallel()
	if axe(t) == "" {
		t.Skip("set AXE to axe.min.js (npm pack axe-core)")
	}
	p := newPagesTest(t)
	p.typing()
	p.signingIn()
	p.refusals()
	p.storeAway()
}

func newPagesTest(t *testing.T) *pagesTest {
	t.Helper()
	p := &pagesTest{cluster: newCluster(t)}
	server, err := oauthdevice.Discover(t.Context(), nil, p.issuer)
	if err != nil {
		t.Fatal(err)
	}
	p.server = server
	p.box = &oauthdevice.Client{ID: "pickerd", Scopes: []string{oauthtest.PickerScope}, DeviceAuthURL: server.DeviceAuthURL, TokenURL: server.TokenURL}
	p.phone = newBrowser(t).open(t, phoneWidth, phoneHeight, "about:blank")
	return p
}

// code requests a code.
func (p *pagesTest) code() *oauthdevice.Authorization {
	p.t.Helper()
	a, err := p.box.Authorize(p.t.Context(), `{"displayName":"Living room"}`)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// check waits for a condition and checks the page.
func (p *pagesTest) check(what, condition string) {
	p.t.Helper()
	p.phone.until(condition)
	p.phone.until("document.documentElement.scrollWidth <= innerWidth")
	p.phone.save("gateway-" + what)
	p.phone.checkAccessibility(what)
}

// wait waits until the page has led on, and was kept from it.
func (p *pagesTest) wait(led <-chan struct{}) {
	p.t.Helper()
	select {
	case <-led:
	case <-time.After(maxWait):
		p.t.Fatal("the page does not lead on")
	}
}

func (p *pagesTest) typing() {
	p.phone.follow(p.issuer + "/")
	p.check("enter", "document.getElementById('user_code')")
	p.phone.do("type a wrong code", chromedp.SendKeys(chromedp.ID("user_code"), "bcd-fgh-jkl"))
	p.phone.tap("send")
	p.check("wrong", "document.getElementById('complaint')")
	a := p.code()
	p.phone.do("type the code", chromedp.SendKeys(chromedp.ID("user_code"), strings.ToLower(strings.ReplaceAll(a.UserCode, "-", ""))))
	p.phone.tap("send")
	p.check("typed", "document.getElementById('yes')")
	p.speak("ar")
	p.phone.follow(a.QRURI())
	p.check("arabic", "document.documentElement.dir === 'rtl' && document.getElementById('yes')")
	p.speak("en")
	p.phone.follow(a.QRURI())
	p.phone.tap("no")
	p.check("not-this", "!document.getElementById('yes') && document.getElementById('text')")
}

// speak sets the phone's language.
func (p *pagesTest) speak(language string) {
	p.t.Helper()
	headers := network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}}
	p.phone.do("speak "+language, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, headers)
		return err
	}))
}

func (p *pagesTest) signingIn() {
	a := p.code()
	p.phone.follow(a.QRURI())
	p.check("confirm", "document.getElementById('yes')")
	led, release := p.google.stay("/auth/auth")
	p.phone.tap("yes")
	p.wait(led)
	p.check("leave", "document.getElementById('next') && location.pathname === '/confirm'")
	release()
	p.phone.tap("next")
	p.phone.signIn("allow")
	p.phone.until("location.pathname === '/wait' && document.getElementById('next')")
	reloaded, release := p.front.stay("/wait")
	p.wait(reloaded)
	p.check("wait", "location.pathname === '/wait' && document.getElementById('next')")
	if _, err := p.box.Poll(p.t.Context(), a.DeviceCode); err != nil {
		p.t.Fatal(err)
	}
	uri := p.url + "/photos/picker/x"
	if err := p.box.Continue(p.t.Context(), p.server.ContinueURL, a.DeviceCode, oauthdevice.Secret(uri)); err != nil {
		p.t.Fatal(err)
	}
	release()
	led, release = p.google.stay("/photos/")
	p.phone.tap("next")
	p.wait(led)
	p.check("next", "document.getElementById('next')?.href === "+quote(uri))
	release()
	p.phone.tap("next")
	p.phone.until("location.href === " + quote(uri))
	p.phone.follow(a.QRURI())
	p.check("used", "document.getElementById('text')")
}

func (p *pagesTest) refusals() {
	p.phone.follow(p.code().QRURI())
	p.phone.tap("yes")
	p.phone.tap("person")
	p.phone.tap("deny")
	p.check("denied", "location.pathname === '/callback' && document.getElementById('text')")

	h := p.newHandset("127.0.0.1")
	to, err := p.g.auth.Allow(h.confirm(p.code().QRURI()), "person")
	if err != nil {
		p.t.Fatal(err)
	}
	p.phone.follow(to)
	p.check("other-browser", "location.pathname === '/callback' && document.getElementById('text')")
	p.phone.follow(p.issuer + "/?c=AAAAAAAAAAAAAAAA")
	p.check("expired", "document.getElementById('text')")
	p.phone.follow(p.issuer + "/nothing")
	p.check("not-found", "document.getElementById('text')")
}

func (p *pagesTest) storeAway() {
	a := p.code()
	p.redis.kill()
	p.phone.follow(a.QRURI())
	p.check("store-away", "document.getElementById('text') && !document.getElementById('yes')")
	p.redis.start()
}
