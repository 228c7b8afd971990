package qemu

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pickerd/.ci/qemu/google"
	"pickerd/device/setup"
	"pickerd/display/httpserve/testcert"
	"pickerd/display/words"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/gateway/boltstore"
	"pickerd/oauthdevice/oauthtest"
)

// A hostGateway is a gateway on this machine, which the home network of a laboratory
// reaches as google.Gateway.
type hostGateway struct {
	listener net.Listener
	cert     string // PEM
	pair     tls.Certificate
}

func newHostGateway(t *testing.T) *hostGateway {
	t.Helper()
	cert, key, err := testcert.New(time.Now().Add(-24*time.Hour), time.Now().AddDate(0, 2, 0), strings.TrimPrefix(google.Gateway, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	g := &hostGateway{cert: string(cert)}
	if g.pair, err = tls.X509KeyPair(cert, key); err != nil {
		t.Fatal(err)
	}
	if g.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *hostGateway) port() int { return g.listener.Addr().(*net.TCPAddr).Port }

// serve serves the gateway before the Google of an installation, to the end of the test.
func (g *hostGateway) serve(in *installation) {
	t := in.t
	t.Helper()
	in.Auth.Change(func(o *oauthtest.Options) { o.RefuseScope = true })
	log := slog.New(slog.DiscardHandler)
	store, err := boltstore.Open(filepath.Join(t.TempDir(), "gateway.db"), boltstore.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	id, secret := in.Auth.Client(oauthtest.Web)
	// The gateway reaches Google on this machine, and phones by TLS.
	near := strings.Replace(strings.TrimSuffix(in.PickerURL(), "/photos"), "10.0.2.2", "127.0.0.1", 1) + "/auth"
	public := httptest.NewTLSServer(in.Handler())
	t.Cleanup(public.Close)
	far := fmt.Sprintf("https://10.0.2.2:%d/auth", public.Listener.Addr().(*net.TCPAddr).Port)
	server, err := gateway.New(gateway.Config{
		Issuer: google.Gateway,
		Upstream: gateway.Upstream{Client: oauthdevice.Client{
			ID: id, Secret: oauthdevice.Secret(secret), Scopes: []string{oauthtest.PickerScope},
			AuthURL: far + "/auth", TokenURL: near + "/token", RevokeURL: near + "/revoke",
		}},
		Clients: []gateway.ClientConfig{{ID: "pickerd"}},
		Texts:   func(accept string) gateway.Text { return words.Accepted(accept, words.English()) },
		Store:   store, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: server, TLSConfig: &tls.Config{Certificates: []tls.Certificate{g.pair}}, ErrorLog: slog.NewLogLogger(log.Handler(), 0)}
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.ServeTLS(g.listener, "", "") }()
	t.Cleanup(func() { srv.Close(); <-served })
}

// carton is the configuration of an image for boxes: what is not a person's choice.
const carton = "[display]\noutputs = [\"http\", \"framebuffer\"]\n[google]\npicker_url = %q\n"

// TestWiFi takes a box out of its carton: it has no network, no client, no keyboard and
// no administrator. A phone joins its access point by its radio, brings it into the home
// network after a wrong password, and names a gateway. Then photos are chosen, and the
// phone sets the slideshow to 20 s and fill. No command is given.
func TestWiFi(t *testing.T) {
	if !*radio {
		t.Skip("runs with -radio")
	}
	t.Parallel()
	gw := newHostGateway(t)
	l := newLaboratory(t, gw.port(), func(in *installation) map[string]string {
		gw.serve(in)
		return map[string]string{
			"etc/pickerd/pickerd.toml":                         fmt.Sprintf(carton, in.PickerURL()),
			"etc/ssl/certs/ca-certificates.crt":                gw.cert,
			"etc/systemd/system/pickerd.service.d/strict.conf": "[Service]\nSystemCallErrorNumber=kill\n",
		}
	})
	l.router("wpa2", homePassword)
	m := l.m
	step := func(what string) { t.Logf("%v: %s", time.Since(m.started).Round(time.Second), what) }
	step("radios")

	ssid, passphrase := l.access()
	step("access point on the screen")
	l.join(ssid, passphrase)
	phone := l.newPhone()
	phone.open("http://connectivitycheck.gstatic.com/generate_204")
	phone.save("probe")
	phone.until("location.hostname !== 'connectivitycheck.gstatic.com'")
	step("probe of the phone answered with the box's page")

	link := m.setUpLink(accessAddress)
	phone.open(link)
	phone.tap("#start")
	phone.fill("name", "Hall")
	phone.tap("#go-on")
	l.chooseHome(phone, "wrong-horse")
	step("joining with a wrong password")
	m.until("the box knows that the password was wrong", func() bool { return strings.Contains(m.wifiProblem(), "password") })
	m.save("wrong-password")
	l.join(ssid, passphrase) // that of before
	phone.open(link)
	phone.until("document.getElementById('complaint')")
	phone.save("wrong-password")
	step("wrong password said on screen and phone")
	l.chooseHome(phone, homePassword)
	link = m.setUpLink("192.168.77.")
	m.save("joined")
	step("box in the home network")

	l.join("Home", homePassword)
	phone.open(link)
	phone.tap("#start")
	phone.fill("gateway", strings.TrimPrefix(google.Gateway, "https://"))
	phone.tap("#check")
	phone.tap("#finish")
	m.waitForCode("the box shows the gateway's code", google.Gateway)
	m.save("pairing")
	step("set up, code on the screen")

	phone.open(m.code())
	phone.tap("#yes")
	phone.tap("#person")
	phone.tap("#allow")
	// The gateway leads on to https only. The phone scans the second code.
	m.waitForCode("the picker's code is on the screen", "/photos/picker/")
	m.save("picker")
	phone.open(m.code())
	phone.until("(document.querySelector('input[value=\"picture-0\"]').click(), true)")
	phone.tap("#done")
	m.waitForPicture(0)
	step("photo on the screen")
	l.waitForCleanup(m)

	l.remote(phone)
	step("20 s and fill")
	if failed := m.run("systemctl --failed --no-legend --plain"); failed != "" {
		t.Errorf("failed units: %s", failed)
	}
	if n := m.property("NRestarts"); n != "0" {
		t.Errorf("restarted %s times", n)
	}
}

// access waits until the screen has the code of the access point, and returns what it
// says.
func (l *laboratory) access() (ssid, passphrase string) {
	l.t.Helper()
	l.m.until("the access point's code is on the screen", func() (ok bool) {
		ssid, passphrase, ok = wifiCode(l.m.code())
		return ok
	})
	l.m.save("access-point")
	return ssid, passphrase
}

// setUpLink waits until the screen has the code of the set-up pages at an address, and
// returns their link.
func (m *machine) setUpLink(address string) (link string) {
	m.t.Helper()
	m.until("the set-up pages' code is on the screen", func() bool {
		link = m.code()
		return strings.HasPrefix(link, "http://"+address) && strings.Contains(link, setup.Prefix)
	})
	return link
}

// chooseHome chooses the home network on the phone, and has the box join it.
func (l *laboratory) chooseHome(p *phone, password string) {
	p.tap(`[value="Home"]`)
	p.fill("password", password)
	p.tap("#go-on")
	p.tap("#join")
}

// remote opens the menu with the box's key, scans the remote, and sets 20 s and fill.
func (l *laboratory) remote(p *phone) {
	l.t.Helper()
	l.m.press("ret", 1500*time.Millisecond)
	l.m.waitForCode("the remote's code is on the screen", "http://192.168.77.")
	l.m.save("menu")
	link := l.m.code()
	l.m.press("esc", 60*time.Millisecond)
	p.open(link)
	p.save("remote")
	p.open(strings.TrimSuffix(link, "/") + "/settings")
	p.fill("slideshow.interval", "20s")
	p.fill("slideshow.fit", "fill")
	p.tap("#save")
	l.m.until("the settings are in force", func() bool {
		s := l.m.run("cat /var/lib/pickerd/conf.d/50-settings.toml 2>/dev/null || true")
		return strings.Contains(s, "20s") && strings.Contains(s, "fill")
	})
	p.save("saved")
}

// wifiProblem is the code of the problem that the status has, "" for none.
func (m *machine) wifiProblem() string {
	m.t.Helper()
	return m.run(`pickerd status --json 2>/dev/null | grep -o 'wifi_[a-z]*' || true`)
}
