package redisstore_test

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pickerd/display/httpserve/testcert"
	"pickerd/oauthdevice/gateway/redisstore/redistest"
)

// certificate writes a certificate for 127.0.0.1 that nobody has signed, and its
// key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	certPEM, keyPEM, err := testcert.New(time.Time{}, time.Now().Add(time.Hour), "127.0.0.1")
	must(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	must(t, os.WriteFile(cert, certPEM, 0o600))
	must(t, os.WriteFile(key, keyPEM, 0o600))
	return cert, key
}

// rediss speaks TLS and refuses a server whose certificate the system does not
// trust. The tests of this package verify no other certificate, so the system's are
// read here first.
func TestTLS(t *testing.T) {
	trusted, trustedKey := certificate(t)
	t.Setenv("SSL_CERT_FILE", trusted)
	t.Setenv("SSL_CERT_DIR", t.TempDir())
	other, otherKey := certificate(t)
	for _, tt := range []struct {
		cert, key string
		works     bool
	}{
		{trusted, trustedKey, true},
		{other, otherKey, false},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		_, port, _ := net.SplitHostPort(l.Addr().String())
		must(t, l.Close())
		redistest.New(t, "--tls-port", port, "--tls-cert-file", tt.cert, "--tls-key-file", tt.key,
			"--tls-ca-cert-file", tt.cert, "--tls-auth-clients", "no")
		s := open(t, "rediss://127.0.0.1:"+port)
		err = s.Ping(t.Context())
		var unknown *tls.CertificateVerificationError
		if tt.works && err != nil || !tt.works && !errors.As(err, &unknown) {
			t.Errorf("trusted %t: %v", tt.works, err)
		}
	}
}
