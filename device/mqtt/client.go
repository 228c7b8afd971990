package mqtt

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// firstRetry and maxRetry bound the pause before a try to connect. It doubles with each
// failure, and half of it is chance.
const (
	firstRetry = 2 * time.Second
	maxRetry   = 2 * time.Minute
)

// Backoff returns the pause before the nth try in a row.
func Backoff(n int) time.Duration {
	d := min(firstRetry<<min(n, 10), maxRetry)
	return d/2 + rand.N(d/2)
}

// Pause reports whether a time has passed before ctx ended.
func Pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// Address returns the host and the port of a broker, by default those of mqtt: and mqtts:.
func Address(broker *url.URL) string {
	port := "1883"
	if broker.Scheme == "mqtts" {
		port = "8883"
	}
	return net.JoinHostPort(broker.Hostname(), cmp.Or(broker.Port(), port))
}

// TLS returns what a connection by mqtts: needs, from files in PEM: the certificates of the
// broker's authority, without a file those of the system, and a client certificate with
// its key, if any.
func TLS(authority, cert, key string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if authority != "" {
		pem, err := os.ReadFile(authority)
		if err != nil {
			return nil, fmt.Errorf("authority of the broker: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("authority of the broker: %s has no certificate in PEM", authority)
		}
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("client certificate %s: %w", cert, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// NoAuth takes part in no enhanced authentication (MQTT 5.0 §4.12). Without an
// AuthHandler paho's client panics when a broker names a method.
type NoAuth struct{}

// Authenticate implements paho.Auther. The broker refuses the answer.
func (NoAuth) Authenticate(*paho.Auth) *paho.Auth { return &paho.Auth{} }

// Authenticated implements paho.Auther.
func (NoAuth) Authenticated() {}

// Refusal says why a broker refuses a connection, by the reason code of its CONNACK
// (MQTT 5.0 §3.2.2.2).
func Refusal(reason byte) error {
	switch reason {
	case packets.ConnackBadUsernameOrPassword:
		return errors.New("the broker refuses the user name or password")
	case packets.ConnackNotAuthorized:
		return errors.New("the broker does not let this user in")
	}
	return fmt.Errorf("the broker refuses the connection with reason %#x", reason)
}

// Disconnection says why a broker ends a connection, by the reason code of its DISCONNECT
// (MQTT 5.0 §3.14.2.1).
func Disconnection(reason byte) error {
	switch reason {
	case packets.DisconnectSessionTakenOver:
		return errors.New("another client has connected with the same ID")
	case packets.DisconnectServerShuttingDown:
		return errors.New("the broker shuts down")
	case packets.DisconnectKeepAliveTimeout:
		return errors.New("the broker has heard nothing for too long")
	case packets.DisconnectAdministrativeAction:
		return errors.New("the broker's operator has ended the connection")
	}
	return fmt.Errorf("the broker ends the connection with reason %#x", reason)
}
