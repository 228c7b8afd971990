package httpserve

import (
	"crypto/tls"
	"os"
	"sync"
	"time"

	"pickerd/store/regular"
)

// maxPEM bounds each of the two files in bytes. A chain has less than 20 kB.
const maxPEM = 1 << 20

// A Certificate is a certificate with its key in two PEM files. It is read again when
// its file has changed, because certificates are renewed while a server runs.
type Certificate struct {
	cert, key string

	mu   sync.Mutex
	read time.Time // modification time of the file that was read
	pair *tls.Certificate
}

// NewCertificate reads a certificate. The error is that of reading the files.
func NewCertificate(cert, key string) (*Certificate, error) {
	c := &Certificate{cert: cert, key: key}
	if err := c.renew(); err != nil {
		return nil, err
	}
	return c, nil
}

// Get returns the certificate. It is for tls.Config.GetCertificate.
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.renew() // keep the old pair while only one of the two files is new
	return c.pair, nil
}

func (c *Certificate) renew() error {
	st, err := os.Stat(c.cert)
	if err != nil || c.pair != nil && st.ModTime().Equal(c.read) {
		return err
	}
	// Opening a pipe would make every connection wait.
	certs, err := regular.ReadFile(c.cert, maxPEM)
	if err != nil {
		return err
	}
	key, err := regular.ReadFile(c.key, maxPEM)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(certs, key)
	if err != nil {
		return err
	}
	c.pair, c.read = &pair, st.ModTime()
	return nil
}
