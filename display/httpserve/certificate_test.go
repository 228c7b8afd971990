package httpserve_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"pickerd/display/httpserve"
)

// A certificate is read again when both of its files are new, and kept while only one
// of them is, or while they are missing.
func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := httpserve.NewCertificate(cert, key); err == nil {
		t.Fatal("no error without files")
	}
	at := time.Now().Add(-time.Hour)
	put := func(path string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Minute)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	firstCert, firstKey := newPair(t, 1)
	put(cert, firstCert)
	put(key, firstKey)
	c, err := httpserve.NewCertificate(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	serial := func(want int64) {
		t.Helper()
		pair, err := c.Get(nil)
		if err != nil || pair.Leaf.SerialNumber.Int64() != want {
			t.Errorf("certificate %v, %v; want %d", pair.Leaf.SerialNumber, err, want)
		}
	}
	serial(1)
	secondCert, secondKey := newPair(t, 2)
	put(cert, secondCert)
	serial(1) // the key is still the old one
	put(key, secondKey)
	serial(2)
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	serial(2)
	if err := syscall.Mkfifo(cert, 0o600); err != nil {
		t.Fatal(err)
	}
	serial(2) // without waiting for a writer
}

// newPair returns a certificate and its key in PEM.
func newPair(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}
