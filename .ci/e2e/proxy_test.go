package e2e

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"pickerd/device"
	"pickerd/picker/pickertest"
)

// proxied puts a proxy between boxes and the simulators.
func (g *google) proxied(t *testing.T) *toxiproxy.Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, "google", "127.0.0.1:0", strings.TrimPrefix(g.url, "http://"))
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	g.url = "http://" + p.Listen
	return p
}

// faults are faults of the connection to Google. Each returns how to undo it.
var faults = map[string]func(t *testing.T, g *google, p *toxiproxy.Proxy) (mend func()){
	"latency":                 toxic(`{"type":"latency","attributes":{"latency":600,"jitter":400}}`),
	"a narrow line":           toxic(`{"type":"bandwidth","attributes":{"rate":20}}`),
	"a few bytes at a time":   toxic(`{"type":"slicer","attributes":{"average_size":40,"size_variation":30,"delay":500}}`),
	"cut in an answer's head": toxic(`{"type":"limit_data","attributes":{"bytes":90}}`),
	"cut in the middle":       toxic(`{"type":"limit_data","attributes":{"bytes":700}}`),
	"cut in a photo":          toxic(`{"type":"limit_data","attributes":{"bytes":20000}}`),
	"cut in a request":        toxic(`{"type":"limit_data","stream":"upstream","attributes":{"bytes":60}}`),
	"reset":                   toxic(`{"type":"reset_peer","attributes":{"timeout":0}}`),
	"reset later":             toxic(`{"type":"reset_peer","attributes":{"timeout":300}}`),
	"requests get lost":       toxic(`{"type":"timeout","stream":"upstream","attributes":{"timeout":0}}`),
	"answers get lost":        toxic(`{"type":"timeout","attributes":{"timeout":0}}`),
	"nobody listens": func(t *testing.T, _ *google, p *toxiproxy.Proxy) func() {
		p.Stop()
		return func() {
			if err := p.Start(); err != nil {
				t.Error(err)
			}
		}
	},
	"lengths that are too long": media(func(w http.ResponseWriter, d []byte) {
		w.Header().Set("Content-Length", fmt.Sprint(len(d)+1000))
		w.Write(d)
	}),
	"lengths that are too short": media(func(w http.ResponseWriter, d []byte) {
		w.Header().Set("Content-Length", fmt.Sprint(len(d)/2))
		w.Write(d[:len(d)/2])
	}),
	"half a body": media(func(w http.ResponseWriter, d []byte) {
		w.Write(d[:len(d)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}),
	"pages instead of photos": media(func(w http.ResponseWriter, _ []byte) { fmt.Fprint(w, "<html>Welcome to the hotel") }),
}

func toxic(json string) func(*testing.T, *google, *toxiproxy.Proxy) func() {
	return func(t *testing.T, _ *google, p *toxiproxy.Proxy) func() {
		w, err := p.Toxics.AddToxicJson(strings.NewReader(json))
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := p.Toxics.RemoveToxic(context.Background(), w.Name); err != nil {
				t.Error(err)
			}
		}
	}
}

// media makes the downloads of all items answer differently.
func media(answer func(w http.ResponseWriter, data []byte)) func(*testing.T, *google, *toxiproxy.Proxy) func() {
	return func(_ *testing.T, g *google, _ *toxiproxy.Proxy) func() {
		set := func(h func(it *pickertest.Item) http.HandlerFunc) {
			for _, it := range g.items {
				g.photos.FailItem(it.ID, h(it))
			}
		}
		set(func(it *pickertest.Item) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { answer(w, it.Data) }
		})
		return func() { set(func(*pickertest.Item) http.HandlerFunc { return nil }) }
	}
}

// outage is how long TestNetworkFaults keeps a fault.
const outage = 4 * time.Second

// TestNetworkFaults injects each fault of the connection to Google for a few seconds
// in each phase, and expects that pickerd recovers.
func TestNetworkFaults(t *testing.T) {
	t.Parallel()
	begins := map[string]func(s *device.Status) bool{
		"at boot":        func(*device.Status) bool { return true },
		"while pairing":  func(s *device.Status) bool { return s.Pairing != nil },
		"while picking":  func(s *device.Status) bool { return s.State == device.Picking },
		"while fetching": func(s *device.Status) bool { return s.Fetch != nil || s.Library.Items > 0 },
	}
	for fault, begin := range faults {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			for when, is := range begins {
				t.Run(when, func(t *testing.T) {
					t.Parallel()
					g := newGoogle(t)
					p := g.proxied(t)
					v := &victim{t: t, g: g, b: configured(t, g, t.TempDir()), patient: true}
					v.b.launch()
					if !v.until(time.After(maxWait), is) {
						return
					}
					mend := begin(t, g, p)
					v.until(time.After(outage), func(*device.Status) bool { return false })
					mend()
					if !v.until(time.After(maxWait), func(s *device.Status) bool {
						return s.State == device.Showing && s.Library.Items == 13 && s.Pick == nil && s.Sessions == device.Sessions{}
					}) {
						return
					}
					if s := v.b.status(); s == nil || s.Library.Items != 13 || len(g.photos.Open()) > 0 {
						t.Errorf("%+v, %d sessions open\n%s", s, len(g.photos.Open()), v.b.log)
					}
					v.b.stop()
				})
			}
		})
	}
}

// TestFutureCertificate checks that a certificate that is not valid yet is reported
// as a wrong clock, and accepted when its time has come.
func TestFutureCertificate(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	ca := newAuthority(t)
	inner := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.handler.ServeHTTP(w, r) }))
	// The first handshake issues the certificate, so that it comes too early
	// however long pickerd takes to start.
	var validFrom atomic.Int64 // Unix seconds
	issue := sync.OnceValues(func() (*tls.Certificate, error) {
		from := time.Now().Add(15 * time.Second).Truncate(time.Second)
		validFrom.Store(from.Unix())
		return ca.issue(from)
	})
	inner.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		cert, err := issue()
		if err != nil {
			return nil, err
		}
		return &tls.Config{Certificates: []tls.Certificate{*cert}}, nil
	}}
	inner.StartTLS()
	t.Cleanup(inner.Close)
	g.url = inner.URL
	b := configured(t, g, t.TempDir())
	b.env = []string{"SSL_CERT_FILE=" + ca.file}
	b.launch()
	b.until("the clock is reported", func() bool {
		s := b.status()
		return s != nil && s.Problem != nil && s.Problem.Code == "clock" && s.State == device.Waiting
	})
	b.until("a code is offered", func() bool {
		s := b.status()
		return s != nil && s.Pairing != nil && s.Problem == nil
	})
	if time.Now().Before(time.Unix(validFrom.Load(), 0)) {
		t.Error("the certificate was accepted before its time")
	}
	b.stop()
}

// TestInterception checks that a proxy with another certificate is not taken for
// Google.
func TestInterception(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	inner := httptest.NewTLSServer(g.handler)
	t.Cleanup(inner.Close)
	g.url = inner.URL
	b := configured(t, g, t.TempDir())
	b.launch()
	b.until("the interception is reported", func() bool {
		s := b.status()
		return s != nil && s.Problem != nil && s.Problem.Code == "not_google"
	})
	b.stop()
}

// An authority issues certificates for the loopback address.
type authority struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
	file string // its own certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(2 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, cert: cert, file: filepath.Join(t.TempDir(), "ca.pem")}
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue returns a certificate that is valid for an hour from a time on.
func (a *authority) issue(from time.Time) (*tls.Certificate, error) {
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test"}, NotBefore: from, NotAfter: from.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}, nil
}
