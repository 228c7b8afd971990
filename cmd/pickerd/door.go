package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

const (
	// doorLate is how long the door stays open for those who come late: they
	// are told why it does not go on, instead of nothing at all.
	doorLate = 2 * time.Minute
	// doorConns bounds what the local network may hold open.
	doorConns = 64
)

// A door lets phones on the local network reach the pages for them, and nothing
// else, while the box is being paired. Where the display listens on the network
// anyway they are part of it, and there is nothing to open.
type door struct {
	secure  bool         // the display speaks TLS on the network
	address string       // how phones reach the box; "" means the address on the LAN
	display *net.TCPAddr // where the display listens
	handler http.Handler
	lan     func() (net.IP, error)
	log     *slog.Logger

	mu      sync.Mutex
	srv     *http.Server
	socket  net.Listener
	at      string
	closing *time.Timer
	ended   chan struct{} // closed by end
	wg      sync.WaitGroup
}

// Open implements device.Door.
func (d *door) Open() (base string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing != nil {
		d.closing.Stop()
		d.closing = nil
	}
	ip := d.display.IP
	if ip.IsLoopback() || ip.IsUnspecified() {
		if ip, err = d.lan(); err == nil && ip == nil {
			err = errors.New("this machine has no address on a local network")
		}
		if err != nil && d.address == "" {
			return "", err
		}
	}
	at := net.JoinHostPort(ip.String(), strconv.Itoa(d.display.Port))
	if err == nil && d.display.IP.IsLoopback() {
		err = d.listen(at)
	}
	if d.address != "" {
		if err != nil {
			d.log.Debug("phone listener not opened", "err", err) // pairing.address leads elsewhere
		}
		return strings.TrimSuffix(d.address, "/"), nil
	}
	if d.display.IP.IsLoopback() {
		return "http://" + at, err
	}
	return d.scheme() + at, err
}

// scheme is how the display's own address begins.
func (d *door) scheme() string {
	if d.secure {
		return "https://"
	}
	return "http://"
}

// listen opens the door at an address, or moves it there.
func (d *door) listen(at string) error {
	if d.srv != nil && d.at == at {
		return nil
	}
	d.shutLocked()
	l, err := net.Listen("tcp", at)
	if err != nil {
		return fmt.Errorf("listen for phones: %w", err)
	}
	srv := &http.Server{
		Handler:           d.handler,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       20 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	d.srv, d.socket, d.at = srv, l, at
	d.log.Info("phone listener opened", "address", at)
	d.wg.Go(func() {
		err := srv.Serve(netutil.LimitListener(l, doorConns))
		if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			d.log.Warn("phone listener failed", "err", err)
		}
	})
	return nil
}

// Close implements device.Door.
func (d *door) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.srv == nil || d.closing != nil {
		return
	}
	d.closing = time.AfterFunc(doorLate, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.closing != nil {
			d.closing = nil
			d.shutLocked()
		}
	})
}

// shutLocked lets nobody in any more; who is in may finish.
func (d *door) shutLocked() {
	if d.srv == nil {
		return
	}
	srv := d.srv
	d.socket.Close() // at once, not when the goroutine below comes to it
	d.srv, d.socket, d.at = nil, nil, ""
	d.log.Info("phone listener closed")
	d.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), doorLate)
		defer cancel()
		left := make(chan struct{})
		go func() {
			defer close(left)
			_ = srv.Shutdown(ctx)
		}()
		select {
		case <-left:
		case <-d.ended:
			cancel()
			<-left
		}
		srv.Close()
	})
}

// end shuts the door at once, for good.
func (d *door) end() {
	d.mu.Lock()
	srv := d.srv
	if d.closing != nil {
		d.closing.Stop()
	}
	d.srv = nil
	close(d.ended)
	d.mu.Unlock()
	if srv != nil {
		srv.Close()
	}
	d.wg.Wait()
}
