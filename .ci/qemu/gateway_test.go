package qemu

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pickerd/.ci/qemu/google"
	"pickerd/display/httpserve/testcert"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/oauthdevice/oauthtest/browser"
)

// A gatewayInstallation is a Debian machine with a gateway and a box. Its port 443 is
// reached from here.
type gatewayInstallation struct {
	*installation
	cert, key string // PEM
	roots     *x509.CertPool
	port      string // here, of the machine's port 443
	google    string // address at which the machine reaches Google by TLS
}

func newGatewayInstallation(t *testing.T) *gatewayInstallation {
	t.Helper()
	in := &gatewayInstallation{installation: newInstallation(t), roots: x509.NewCertPool()}
	pair := in.makeCertificate()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, in.port, _ = net.SplitHostPort(l.Addr().String())
	l.Close()
	in.forward = ",hostfwd=tcp:127.0.0.1:" + in.port + "-:443"
	srv := httptest.NewUnstartedServer(in.Handler())
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	in.google = fmt.Sprintf("https://10.0.2.2:%d", srv.Listener.Addr().(*net.TCPAddr).Port)
	return in
}

// makeCertificate makes a certificate for the gateway and for Google.
func (in *gatewayInstallation) makeCertificate() tls.Certificate {
	in.t.Helper()
	cert, key, err := testcert.New(time.Now().Add(-24*time.Hour), time.Now().AddDate(0, 2, 0), strings.TrimPrefix(google.Gateway, "https://"), "10.0.2.2")
	if err != nil {
		in.t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		in.t.Fatal(err)
	}
	in.cert, in.key = string(cert), string(key)
	in.roots.AppendCertsFromPEM(cert)
	return pair
}

// installGateway installs the gateway as its README says.
func (in *gatewayInstallation) installGateway(m *machine) {
	in.t.Helper()
	out := m.run("dpkg -i /packages/pickerd-gateway_*.deb 2>&1")
	if !strings.Contains(out, "issuer: it is missing") || !strings.Contains(out, "systemctl restart pickerd-gateway") {
		in.t.Errorf("dpkg -i printed: %s", out)
	}
	m.run("echo 127.0.0.1 " + strings.TrimPrefix(google.Gateway, "https://") + " >>/etc/hosts")
	m.put("/etc/ssl/gateway.pem", in.cert)
	m.put("/etc/ssl/gateway.key", in.key)
	m.run("cat /etc/ssl/gateway.pem >>/etc/ssl/certs/ca-certificates.crt; chgrp pickerd-gateway /etc/ssl/gateway.key; chmod 640 /etc/ssl/gateway.key")
	id, secret := in.Auth.Client(oauthtest.Web)
	m.put("/etc/pickerd-gateway/client_secret.json", fmt.Sprintf(`{"web":{"client_id":%q,"client_secret":%q,"redirect_uris":[%q]}}`, id, secret, google.Gateway+"/callback"))
	m.put("/etc/pickerd-gateway/gateway.toml", fmt.Sprintf(`issuer = %q
clients = [{id = "pickerd"}]
[tls]
cert_file = "/etc/ssl/gateway.pem"
key_file = "/etc/ssl/gateway.key"
[upstream]
issuer = ""
auth_url = "%[2]s/auth/auth"
token_url = "%[2]s/auth/token"
revoke_url = "%[2]s/auth/revoke"
`, google.Gateway, in.google))
	m.run("mkdir -p /etc/systemd/system/pickerd-gateway.service.d")
	m.put("/etc/systemd/system/pickerd-gateway.service.d/strict.conf", "[Service]\nSystemCallErrorNumber=kill\n")
	m.run("systemctl daemon-reload; pickerd-gateway config check")
	m.run("systemctl enable --now pickerd-gateway.socket pickerd-gateway-http.socket 2>&1; systemctl restart pickerd-gateway")
}

// gateway returns a property of the gateway's service.
func (m *machine) gateway(property string) string {
	m.t.Helper()
	return m.run("systemctl show --value -p " + property + " pickerd-gateway.service")
}

// phone returns a phone that reaches the gateway and nothing else.
func (in *gatewayInstallation) phone() *browser.Browser {
	tr := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+in.port)
		},
		TLSClientConfig: &tls.Config{RootCAs: in.roots},
	}
	in.t.Cleanup(tr.CloseIdleConnections)
	return browser.New(tr)
}

// open opens an address on a phone until the gateway answers with a page.
func (m *machine) open(phone *browser.Browser, address string) {
	m.t.Helper()
	m.until("the gateway shows a page", func() bool {
		err := phone.Open(m.t.Context(), address)
		return err == nil && phone.Status == http.StatusOK
	})
}

var installGateway = flag.Bool("gateway", false, "run TestGateway, which takes ten minutes")

// TestGateway installs, uses, upgrades and removes a gateway under systemd, with a box
// that has one line of configuration for it.
func TestGateway(t *testing.T) {
	if !*installGateway {
		t.Skip("runs with -gateway")
	}
	t.Parallel()
	in := newGatewayInstallation(t)
	in.Auth.Change(func(o *oauthtest.Options) { o.RefuseScope = true })
	m := in.boot()
	in.installGateway(m)

	t.Run("service", func(t *testing.T) {
		m.t = t
		for name, want := range map[string]string{"ActiveState": "active", "User": "pickerd-gateway", "StatusText": "serving " + google.Gateway} {
			m.until(name+" is "+want, func() bool { return m.gateway(name) == want })
		}
		if out := m.run("pickerd-gateway doctor; echo code $?"); !strings.HasSuffix(out, "code 0") || strings.Contains(out, "warn  ") {
			t.Errorf("doctor: %s", out)
		}
		const get = `exec 3<>/dev/tcp/127.0.0.1/80; printf "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" >&3; cat <&3`
		if answer := m.run("bash -c '" + get + "'"); !strings.Contains(answer, "301") || !strings.Contains(answer, "Location: "+google.Gateway+"/x") {
			t.Errorf("port 80: %s", answer)
		}
		t.Log(m.run("systemd-analyze security pickerd-gateway.service | grep Overall"))
		t.Log("rss kB:", m.run("grep -h VmRSS /proc/$(systemctl show --value -p MainPID pickerd-gateway)/status"))
	})
	m.t = t
	in.pairAndPick(m)

	t.Run("upgrade", func(t *testing.T) {
		m.t = t
		pid := m.gateway("MainPID")
		m.run("dpkg -i /packages/next/pickerd-gateway_*.deb 2>&1")
		if p := m.gateway("MainPID"); p == pid {
			t.Error("the old version still runs")
		}
		if v := m.run("pickerd-gateway version"); !strings.Contains(v, "99.0.0") {
			t.Errorf("version %s after the upgrade", v)
		}
		m.open(in.phone(), google.Gateway+"/")
		if failed := m.run("systemctl --failed --no-legend --plain"); failed != "" {
			t.Errorf("failed units: %s", failed)
		}
	})
	m.t = t

	t.Run("remove, purge", func(t *testing.T) {
		m.t = t
		m.run("dpkg -r pickerd-gateway 2>&1")
		if left := m.run("ls /etc/pickerd-gateway; systemctl is-active pickerd-gateway.service pickerd-gateway.socket || true"); !strings.Contains(left, "client_secret.json") || strings.Contains(left, "\nactive") {
			t.Errorf("after dpkg -r: %s", left)
		}
		m.run("dpkg -P pickerd-gateway 2>&1")
		if left := m.run("ls -d /var/lib/pickerd-gateway /etc/pickerd-gateway /etc/systemd/system/*.wants/pickerd-gateway* 2>/dev/null || true"); left != "" {
			t.Errorf("left after dpkg -P: %s", left)
		}
	})
}

// pairAndPick installs the box, pairs it and picks. The gateway is killed between the
// consent and the token. The phone is not led on, because the gateway leads to no port
// but 443.
func (in *gatewayInstallation) pairAndPick(m *machine) {
	t := m.t
	t.Helper()
	m.run("dpkg -i /packages/pickerd_*.deb 2>&1")
	m.put("/etc/pickerd/pickerd.toml", fmt.Sprintf("name = \"Lobby\"\n[google]\ngateway = %q\npicker_url = %q\n", google.Gateway, in.PickerURL()))
	link := m.pairingLink("the box shows a code")
	phone := in.phone()
	m.open(phone, link)
	if err := phone.Submit(t.Context(), map[string]string{"answer": "yes"}); err != nil {
		t.Fatalf("%v: %s", err, phone.Page)
	}
	callback, err := in.Auth.Allow(phone.Next(), "person")
	if err != nil {
		t.Fatal(err)
	}
	m.run("systemctl kill -s STOP pickerd.service") // it must not fetch the token yet
	m.open(phone, callback)
	m.run("systemctl kill -s KILL pickerd-gateway.service; systemctl kill -s CONT pickerd.service")
	m.until("the box has a session", func() bool { return m.status().State == "picking" })
	if err := in.Choose("picture-0"); err != nil {
		t.Fatal(err)
	}
	m.until("the photo is shown", func() bool { return m.status().State == "showing" })
	in.waitForCleanup(m)
	if n := m.gateway("NRestarts"); n != "1" {
		t.Errorf("the gateway was restarted %s times, want 1", n)
	}
}
