package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device/inet"
	"pickerd/oauthdevice"
	"pickerd/picker"
)

// TestRepeats logs pairs of errors and expects one line for those of one kind.
func TestRepeats(t *testing.T) {
	offline := func(err error) error { return &oauthdevice.Error{Op: "poll", Err: err} }
	for name, tt := range map[string]struct {
		a, b error
		same bool
	}{
		"ports":             {offline(fmt.Errorf("read udp 192.168.1.20:%d: i/o timeout", 40001)), offline(fmt.Errorf("read udp 192.168.1.20:%d: i/o timeout", 40002)), true},
		"causes offline":    {offline(syscall.ENETUNREACH), offline(&net.DNSError{Err: "no such host", Name: "a.test"}), true},
		"requests offline":  {offline(syscall.ENETUNREACH), &picker.Error{Op: "sessions.get", Err: context.DeadlineExceeded}, true},
		"descriptions":      {&oauthdevice.Error{Op: "poll", HTTPStatus: 400, Code: "invalid_client", Description: "ID 17"}, &oauthdevice.Error{Op: "poll", HTTPStatus: 400, Code: "invalid_client", Description: "ID 18"}, true},
		"messages":          {&picker.Error{Op: "sessions.get", HTTPStatus: 403, Code: "PERMISSION_DENIED", Message: "a"}, &picker.Error{Op: "sessions.get", HTTPStatus: 403, Code: "PERMISSION_DENIED", Message: "b"}, true},
		"paths":             {&os.PathError{Op: "open", Path: "/a1", Err: syscall.EIO}, &os.PathError{Op: "open", Path: "/a2", Err: syscall.EIO}, true},
		"codes":             {&oauthdevice.Error{Op: "poll", HTTPStatus: 400, Code: "invalid_client"}, &oauthdevice.Error{Op: "poll", HTTPStatus: 400, Code: "unauthorized_client"}, false},
		"statuses":          {&picker.Error{Op: "media", HTTPStatus: 500, Code: "INTERNAL"}, &picker.Error{Op: "media", HTTPStatus: 503, Code: "UNAVAILABLE"}, false},
		"proxy and network": {offline(syscall.ENETUNREACH), offline(&inet.ProxyError{Proxy: "p:1", Status: 407}), false},
		"errno":             {&os.PathError{Op: "open", Path: "/a", Err: syscall.EIO}, &os.PathError{Op: "open", Path: "/a", Err: syscall.EACCES}, false},
		"texts":             {errors.New("one thing"), errors.New("another thing"), false},
		"no text":           {errors.New(""), errors.New("12"), true},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			r := newRepeats(slog.New(slog.NewTextHandler(&b, nil)))
			r.warn("failed", tt.a)
			r.warn("failed", tt.b)
			if n := strings.Count(b.String(), "\n"); n == 1 != tt.same {
				t.Errorf("%d lines:\n%s", n, &b)
			}
		})
	}
}

// TestRepeatsInterval checks when the same trouble is logged again.
func TestRepeatsInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		r := newRepeats(slog.New(slog.NewTextHandler(&b, nil)))
		for range 24 * 60 {
			r.warn("failed", syscall.EIO)
			r.warn("failed", nil)
			time.Sleep(time.Minute)
		}
		if n := strings.Count(b.String(), "\n"); n != 24 {
			t.Errorf("%d lines in a day", n)
		}
		if n := strings.Count(b.String(), "repeats=59"); n != 23 {
			t.Errorf("%d lines say how often it came:\n%s", n, &b)
		}
		before := b.Len()
		r.note(slog.LevelError, "failed", "", syscall.EIO, true, "request_id", "x")
		if text := b.String()[before:]; !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "request_id=x") {
			t.Errorf("a fresh one: %q", text)
		}
		for i := range 3 * maxRepeats {
			r.note(slog.LevelWarn, "failed", fmt.Sprint(i), syscall.EIO, false)
		}
		if len(r.logged) > maxRepeats {
			t.Errorf("%d are remembered", len(r.logged))
		}
	})
}
