package device_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// TestQuietLog counts the lines of a day offline, or of a quarter where that takes long
// to simulate. Each error has ports and times in
// it that no other has.
func TestQuietLog(t *testing.T) {
	skipShort(t)
	t.Parallel()
	for moment, begin := range map[string]func(w *world){
		"at boot":        func(*world) {},
		"code on screen": func(w *world) { w.untilCode() },
		"link on screen": func(w *world) { w.pair() },
		"downloading":    func(w *world) { w.pair(); w.choose() },
		"sessions to delete": func(w *world) {
			w.net.hook(func(r *http.Request) error {
				if r.Method == http.MethodDelete {
					return oauthtest.ErrConnection
				}
				return nil
			}, nil)
			w.pair()
			w.choose()
			w.untilState(device.Showing)
			for range 5 {
				if err := w.dev.Pick(w.t.Context()); err != nil {
					w.t.Fatal(err)
				}
				w.untilState(device.Picking)
				if err := w.dev.Cancel(w.t.Context()); err != nil {
					w.t.Fatal(err)
				}
				w.untilState(device.Showing)
			}
		},
		"forgetting": func(w *world) {
			w.pair()
			w.net.replace(failWith(syscall.ENETUNREACH))
			if err := w.dev.Unpair(w.t.Context(), true); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(moment, func(t *testing.T) {
			inWorld(t, options{photos: pickertest.Options{RepeatedRequest: pickertest.SameSession}, before: func(w *world) {
				if moment == "at boot" {
					w.net.replace(numbered())
				}
			}}, func(t *testing.T, w *world) {
				begin(w)
				before := len(w.log.String())
				w.net.hook(nil, nil)
				w.net.replace(numbered())
				hours := 6
				if moment == "at boot" || moment == "code on screen" {
					hours = 24
				}
				w.pass(time.Duration(hours) * time.Hour)
				checkQuiet(t, w.log.String()[before:], hours)
				w.net.mend()
				w.pass(11 * time.Minute)
			})
		})
	}
}

// maxOtherLines bounds the lines about what is not the same trouble.
const maxOtherLines = 30

// checkQuiet checks the lines of some hours: one an hour about the same trouble.
func checkQuiet(t *testing.T, log string, hours int) {
	t.Helper()
	lines := map[string]int{}
	total := 0
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=DEBUG") {
			continue
		}
		total++
		_, kind, _ := strings.Cut(line, "level=")
		lines[unnumbered.ReplaceAllString(kind, "#")]++
	}
	for line, n := range lines {
		if n > hours+1 {
			t.Errorf("%d lines: %s", n, line)
		}
	}
	if total > 2*hours+maxOtherLines { // about what the screen wants, and what the sweeper does
		t.Errorf("%d lines in %d hours", total, hours)
	}
	t.Logf("%d lines in %d hours", total, hours)
}

// unnumbered matches what differs between lines about the same trouble.
var unnumbered = regexp.MustCompile(`[0-9][0-9a-z.:µ-]*|(request|session)_id=\S+`)

// numbered fails each request in one of a few ways, with other numbers each time.
func numbered() http.RoundTripper {
	var n atomic.Int64
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		i := n.Add(1)
		local := &net.UDPAddr{IP: net.IPv4(192, 168, 1, 20), Port: 30000 + int(i%30000)}
		switch i % 4 {
		case 0:
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Name: r.URL.Host, Server: "192.168.1.1:53", Err: fmt.Sprintf("read udp %s->192.168.1.1:53: i/o timeout", local), IsTimeout: true}}
		case 1:
			return nil, &net.OpError{Op: "read", Net: "tcp", Source: local, Err: os.NewSyscallError("read", syscall.ECONNRESET)}
		case 2:
			return nil, fmt.Errorf("http2: server sent GOAWAY; LastStreamID=%d, after %v", i, time.Duration(i)*time.Second)
		}
		return nil, errors.Join(&net.OpError{Op: "dial", Net: "tcp", Source: local, Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}, context.DeadlineExceeded)
	})
}

// TestRepeatedLog checks which troubles are logged again within an hour.
func TestRepeatedLog(t *testing.T) {
	skipShort(t)
	t.Parallel()
	inWorld(t, options{}, func(t *testing.T, w *world) {
		// A person who declines twice has done so twice.
		for range 2 {
			s := w.untilCode()
			w.auth.Deny(s.Pairing.UserCode)
			w.until("another code", func(now device.Status) bool { return now.Pairing != nil && now.Pairing.UserCode != s.Pairing.UserCode })
		}
		if n := strings.Count(w.log.String(), "problem=denied"); n != 2 {
			t.Errorf("%d lines about two refusals", n)
		}
		// A network that fails now and then is the same trouble.
		for range 6 * 6 {
			w.net.replace(numbered())
			w.pass(time.Minute)
			w.net.mend()
			w.pass(9 * time.Minute)
		}
		n := strings.Count(w.log.String(), "problem=no_network")
		if n < 3 || n > 7 {
			t.Errorf("%d lines in six hours", n)
		}
		if !strings.Contains(w.log.String(), "repeats=") {
			t.Error("no line says how often it came")
		}
		if strings.Count(w.log.String(), "problem=server_trouble") != 0 {
			t.Error("another trouble was logged")
		}
		w.net.replace(respond(503, "", "application/json", unavailable))
		w.pass(time.Minute)
		if strings.Count(w.log.String(), "problem=server_trouble") != 1 {
			t.Error("another trouble is not logged at once")
		}
		w.net.mend()
		w.pass(11 * time.Minute)
	})
}
