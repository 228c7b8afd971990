package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func newPhoneListener(t *testing.T, listen string) *phoneListener {
	t.Helper()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	d := &phoneListener{
		display: l.Addr().(*net.TCPAddr),
		handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the phone pages") }),
		lan:     func() (net.IP, error) { return net.IPv4(127, 0, 0, 2), nil }, // another address of this machine
		own:     func(net.IP) bool { return false },
		log:     slog.New(slog.DiscardHandler),
		ended:   make(chan struct{}),
	}
	t.Cleanup(d.end)
	return d
}

func knock(t *testing.T, base string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/pair/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return "nobody"
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPhoneListener(t *testing.T) {
	d := newPhoneListener(t, "127.0.0.1:0")
	base, err := d.open("pairing")
	if err != nil || base != fmt.Sprintf("http://127.0.0.2:%d", d.display.Port) {
		t.Fatalf("%q, %v", base, err)
	}
	if got := knock(t, base); got != "the phone pages" {
		t.Errorf("open: %s", got)
	}
	if again, err := d.open("pairing"); again != base || err != nil {
		t.Errorf("opened again: %q, %v", again, err)
	}
	d.close("pairing") // who comes late is still told why
	if got := knock(t, base); got != "the phone pages" {
		t.Errorf("just closed: %s", got)
	}
	if _, err := d.open("pairing"); err != nil || d.closing != nil {
		t.Errorf("opened before it was shut: %v", err)
	}
	// One user does not close it for the other.
	if other, err := d.user("remote").Open(); other != base || err != nil {
		t.Errorf("opened by another user: %q, %v", other, err)
	}
	if d.close("pairing"); d.closing != nil {
		t.Error("closed for both")
	}
	if d.user("remote").Close(); d.closing == nil {
		t.Error("open for nobody")
	}
	d.lan = func() (net.IP, error) { return net.IPv4(127, 0, 0, 3), nil }
	moved, err := d.open("pairing")
	if err != nil || !strings.HasPrefix(moved, "http://127.0.0.3:") || knock(t, moved) != "the phone pages" || knock(t, base) != "nobody" {
		t.Errorf("moved to %q, %v", moved, err)
	}
	d.mu.Lock()
	d.stopLocked()
	d.mu.Unlock()
	if got := knock(t, moved); got != "nobody" {
		t.Errorf("shut: %s", got)
	}
}

// A listener that nobody needs is closed after a grace period.
func TestPhoneListenerCloses(t *testing.T) {
	d := newPhoneListener(t, "127.0.0.1:0")
	base, err := d.open("pairing")
	if err != nil {
		t.Fatal(err)
	}
	d.close("pairing")
	if d.closing == nil {
		t.Fatal("it stays open")
	}
	d.closing.Reset(0) // the while is over
	for late := time.Now().Add(10 * time.Second); knock(t, base) != "nobody"; {
		if time.Now().After(late) {
			t.Fatal("it is still open")
		}
	}
}

// Strangers can exhaust neither the listener's connections nor its memory.
func TestPhoneListenerBounds(t *testing.T) {
	d := newPhoneListener(t, "127.0.0.1:0")
	base, err := d.open("pairing")
	if err != nil {
		t.Fatal(err)
	}
	if d.srv.ReadHeaderTimeout == 0 || d.srv.MaxHeaderBytes == 0 {
		t.Errorf("%v, %d", d.srv.ReadHeaderTimeout, d.srv.MaxHeaderBytes)
	}
	// These come from this machine, which has a budget of its own. TestStrangers has
	// those of others.
	var held []net.Conn
	for range phoneLimits.Local + 1 {
		c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		held = append(held, c)
	}
	if got := knock(t, base); got != "the phone pages" {
		t.Errorf("among silent connections: %s", got)
	}
	held[0].SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := held[0].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the first of too many connections: %v", err)
	}
}

func TestPhoneListenerAddresses(t *testing.T) {
	t.Run("on no network", func(t *testing.T) {
		d := newPhoneListener(t, "127.0.0.1:0")
		for _, lan := range []func() (net.IP, error){
			func() (net.IP, error) { return nil, nil },
			func() (net.IP, error) { return nil, errors.New("no") },
		} {
			d.lan = lan
			if base, err := d.open("pairing"); err == nil {
				t.Errorf("open at %q", base)
			}
		}
		d.address = "http://frame.local:8420/"
		if base, err := d.open("pairing"); err != nil || base != "http://frame.local:8420" {
			t.Errorf("%q, %v", base, err)
		}
	})
	t.Run("another one of this machine is announced", func(t *testing.T) {
		d := newPhoneListener(t, "127.0.0.1:0")
		d.own = func(ip net.IP) bool { return ip.Equal(net.IPv4(127, 0, 0, 3)) }
		d.address = fmt.Sprintf("http://127.0.0.3:%d", d.display.Port)
		base, err := d.open("pairing")
		if err != nil || base != d.address || knock(t, base) != "the phone pages" {
			t.Errorf("%q, %v: nobody answers there", base, err)
		}
	})
	t.Run("one of another machine is announced", func(t *testing.T) {
		d := newPhoneListener(t, "127.0.0.1:0")
		d.address = "http://192.0.2.1:8420"
		if base, err := d.open("pairing"); err != nil || base != d.address || knock(t, fmt.Sprintf("http://127.0.0.2:%d", d.display.Port)) != "the phone pages" {
			t.Errorf("%q, %v: nobody answers on the network", base, err)
		}
	})
	t.Run("the display is on the network itself", func(t *testing.T) {
		d := newPhoneListener(t, "0.0.0.0:0")
		if base, err := d.open("pairing"); err != nil || base != fmt.Sprintf("http://127.0.0.2:%d", d.display.Port) || d.srv != nil {
			t.Errorf("%q, %v", base, err)
		}
	})
}

// A page at a socket of IPv4 alone, as systemd may open it, is not at the box's address
// of IPv6. The phone listener is.
func TestPhoneListenerIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	l.Close()
	for name, tt := range map[string]struct {
		page    string
		at      net.IP // instead of the page's address, if set
		lan     string
		listens bool // apart from the page
	}{
		"page by IPv4":      {"127.0.0.1:0", net.IPv4zero, "::1", true},
		"page by both":      {"[::]:0", nil, "::1", false},
		"page by both, LAN": {"[::]:0", nil, "127.0.0.1", false},
		"page on loopback":  {"127.0.0.1:0", nil, "::1", true},
	} {
		t.Run(name, func(t *testing.T) {
			d := newPhoneListener(t, tt.page)
			d.lan = func() (net.IP, error) { return net.ParseIP(tt.lan), nil }
			d.secure = true
			if tt.at != nil {
				d.display.IP = tt.at
			}
			base, err := d.open("pairing")
			scheme := "https://"
			if tt.listens {
				scheme = "http://"
			}
			if want := scheme + net.JoinHostPort(tt.lan, fmt.Sprint(d.display.Port)); err != nil || base != want {
				t.Fatalf("%q, %v, want %q", base, err, want)
			}
			if (d.srv != nil) != tt.listens || tt.listens && knock(t, base) != "the phone pages" {
				t.Errorf("a listener of its own: %v, want %v", d.srv != nil, tt.listens)
			}
		})
	}
}
