package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
)

// An acmeServer is Pebble, a certificate authority by Let's Encrypt for tests.
type acmeServer struct {
	*httptest.Server
	root     *x509.CertPool
	certFile string // the certificate of its own address
}

// newACMEServer starts a certificate authority that validates names at a port of this
// machine.
func newACMEServer(t *testing.T, tlsPort int) *acmeServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	names := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		a := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			a.Answer = append(a.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)})
		}
		_ = w.WriteMsg(a)
	})}
	go names.ActivateAndServe()
	t.Cleanup(func() { names.Shutdown() })

	quiet, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {}})
	validator := va.New(quiet, 0, tlsPort, true, l.Addr().String(), store)
	front := wfe.New(quiet, store, validator, authority, []string{"ca.test"}, true, false, 1, 1)
	s := &acmeServer{Server: httptest.NewTLSServer(front.Handler()), root: x509.NewCertPool(), certFile: filepath.Join(t.TempDir(), "acme.pem")}
	t.Cleanup(s.Close)
	s.root.AppendCertsFromPEM(authority.GetRootCert(0).PEM())
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(s.certFile, own, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestACME checks that the gateway gets a certificate by itself, and keeps it over a
// restart during which the certificate authority is gone.
func TestACME(t *testing.T) {
	t.Parallel()
	const name = "photos.test"
	listen := freeAddress(t)
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	acme, dir := newACMEServer(t, number), t.TempDir()
	g := googleLike(t, oauthtest.Options{RefuseScope: true})
	issuer := "https://" + net.JoinHostPort(name, port)
	d := newGateway(t, g, gatewaySettings{issuer: issuer, listen: listen, google: g.url, store: "bbolt://" + filepath.Join(dir, "gateway.db"),
		more: "[tls]\ndomain = \"" + name + "\"\nacme_url = \"" + acme.URL + wfe.DirectoryPath + "\"\n",
		env:  []string{"SSL_CERT_FILE=" + acme.certFile, "STATE_DIRECTORY=" + dir}})

	// discover requests the metadata as a box does. It returns the certificate.
	discover := func() (cert *x509.Certificate, err error) {
		tr := &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, listen)
			},
			TLSClientConfig: &tls.Config{RootCAs: acme.root, VerifyConnection: func(s tls.ConnectionState) error {
				cert = s.PeerCertificates[0]
				return nil
			}},
			DisableKeepAlives: true,
		}
		_, err = oauthdevice.Discover(t.Context(), &http.Client{Transport: tr}, issuer)
		return cert, err
	}
	var first *x509.Certificate
	until(t, "the gateway has a certificate", func() bool {
		first, err = discover()
		return err == nil
	}, d.ended, d.log)
	acme.Close()
	d.stop()
	d.start()
	second, err := discover()
	if err != nil || !second.Equal(first) {
		t.Errorf("after a restart: %v, the same certificate: %t", err, err == nil && second.Equal(first))
	}
	if strings.Contains(d.log.String(), "BEGIN") {
		t.Error("a key is in the log")
	}
}
