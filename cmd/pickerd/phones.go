package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"pickerd/display/httpserve"
)

const (
	// phonesGrace is how long the listener stays open so that late phones get an
	// explanation.
	phonesGrace = 2 * time.Minute
)

// phoneLimits bound the connections of the local network.
var phoneLimits = httpserve.ConnLimits{Local: 16, Others: 64, Unknown: 64, PerHost: 32, Idle: maxUnknownIdle}

// A phoneListener serves only the pages for phones to the local network, while at
// least one user needs them. If the display listens on the network, it serves these
// pages too and nothing has to be opened.
type phoneListener struct {
	secure  bool         // the display speaks TLS on the network
	address string       // how phones reach the box; "" means the address on the LAN
	display *net.TCPAddr // where the display listens
	handler http.Handler
	lan     func() (net.IP, error)
	own     func(net.IP) bool // reports whether an address is this machine's
	log     *slog.Logger

	mu      sync.Mutex
	users   map[string]bool // by purpose
	srv     *http.Server
	socket  net.Listener
	at      string
	closing *time.Timer
	ended   chan struct{} // closed by end
	wg      sync.WaitGroup
}

// A phoneUser opens a phoneListener for one purpose. It is a device.PhoneListener.
type phoneUser struct {
	listener *phoneListener
	purpose  string
}

func (l *phoneListener) user(purpose string) phoneUser { return phoneUser{l, purpose} }

// Open implements device.PhoneListener.
func (u phoneUser) Open() (base string, err error) { return u.listener.open(u.purpose) }

// Close implements device.PhoneListener. It closes the listener unless another
// user needs it.
func (u phoneUser) Close() { u.listener.close(u.purpose) }

func (l *phoneListener) open(purpose string) (base string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users == nil {
		l.users = map[string]bool{}
	}
	l.users[purpose] = true
	if l.closing != nil {
		l.closing.Stop()
		l.closing = nil
	}
	ip := l.display.IP
	if own := l.ownAddress(); own != nil {
		ip = own
	} else if ip.IsLoopback() || ip.IsUnspecified() {
		if ip, err = l.lan(); err == nil && ip == nil {
			err = errors.New("this machine has no address on a local network")
		}
		if err != nil && l.address == "" {
			return "", err
		}
	}
	at := net.JoinHostPort(ip.String(), strconv.Itoa(l.display.Port))
	apart := l.display.IP.IsLoopback() || !serves(l.display.IP, ip)
	if err == nil && apart {
		err = l.listen(at)
	}
	if l.address != "" {
		if err != nil {
			l.log.Debug("phone listener", "err", err) // pairing.address names another one
		}
		return strings.TrimSuffix(l.address, "/"), nil
	}
	if apart {
		return "http://" + at, err
	}
	return l.scheme() + at, err
}

// serves reports whether a listener at an address takes connections to another: at
// 0.0.0.0 it has all of IPv4 and none of IPv6.
func serves(at, ip net.IP) bool {
	if at.IsUnspecified() {
		return at.To4() == nil || ip.To4() != nil
	}
	return at.Equal(ip)
}

// ownAddress returns the announced address if it is one of this machine on a network,
// nil if it is a name or a port forward of another machine.
func (l *phoneListener) ownAddress() net.IP {
	u, err := url.Parse(l.address)
	if err != nil {
		return nil
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && l.own(ip) {
		return ip
	}
	return nil
}

// isOwnAddress reports whether this machine has an address on a network.
func isOwnAddress(ip net.IP) bool {
	all, err := net.InterfaceAddrs()
	return err == nil && !ip.IsLoopback() && slices.ContainsFunc(all, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.Equal(ip)
	})
}

// scheme returns the beginning of the display's URL.
func (l *phoneListener) scheme() string {
	if l.secure {
		return "https://"
	}
	return "http://"
}

// listen listens at an address, or moves there.
func (l *phoneListener) listen(at string) error {
	if l.srv != nil && l.at == at {
		return nil
	}
	l.stopLocked()
	socket, err := net.Listen("tcp", at)
	if err != nil {
		return fmt.Errorf("listen for phones: %w", err)
	}
	srv := &http.Server{
		Handler:           l.handler,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       20 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	httpserve.Watch(srv)
	l.srv, l.socket, l.at = srv, socket, at
	l.log.Info("phone listener opened", "address", at)
	l.wg.Go(func() {
		err := srv.Serve(httpserve.NewConns(socket, phoneLimits))
		if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			l.log.Warn("phone listener failed", "err", err)
		}
	})
	return nil
}

func (l *phoneListener) close(purpose string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.users, purpose)
	if l.srv == nil || l.closing != nil || len(l.users) > 0 {
		return
	}
	l.closing = time.AfterFunc(phonesGrace, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.closing != nil {
			l.closing = nil
			l.stopLocked()
		}
	})
}

// stopLocked stops listening. Requests that are being answered may finish.
func (l *phoneListener) stopLocked() {
	if l.srv == nil {
		return
	}
	srv := l.srv
	l.socket.Close() // before the goroutine below runs
	l.srv, l.socket, l.at = nil, nil, ""
	l.log.Info("phone listener closed")
	l.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), phonesGrace)
		defer cancel()
		left := make(chan struct{})
		go func() {
			defer close(left)
			_ = srv.Shutdown(ctx)
		}()
		select {
		case <-left:
		case <-l.ended:
			cancel()
			<-left
		}
		srv.Close()
	})
}

// end closes the listener and its connections immediately. It must not be opened
// again.
func (l *phoneListener) end() {
	l.mu.Lock()
	srv := l.srv
	if l.closing != nil {
		l.closing.Stop()
	}
	l.srv = nil
	close(l.ended)
	l.mu.Unlock()
	if srv != nil {
		srv.Close()
	}
	l.wg.Wait()
}
