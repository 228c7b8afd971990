package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pickerd/device"
	"pickerd/device/control"
	"pickerd/systemd"
)

// TestRenewalState checks that only what this process has left to itself is taken over.
func TestRenewalState(t *testing.T) {
	own := os.Getpid()
	for text, want := range map[string]bool{
		"":           false,
		"{}":         false,
		"no JSON":    false,
		`{"pid":1`:   false,
		`{"pid":-1}`: false,
		fmt.Sprintf(`{"pid":%d,"carried":{"since":"2026-01-02T03:04:05Z"}}`, own+1): false,
		fmt.Sprintf(`{"pid":%d,"carried":{"since":"2026-01-02T03:04:05Z"}}`, own):   true,
		fmt.Sprintf(`{"pid":%d,"carried":{"since":7}}`, own):                        false,
		fmt.Sprintf(`{"pid":%d}`, own):                                              false,
	} {
		getenv := func(name string) string {
			if name == renewalVar {
				return text
			}
			return ""
		}
		if got := isSuccessor(getenv); got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
	}
}

// TestHeldSockets checks that the sockets of a box outlive it, that no other program
// gets them, and that those of the next box are the same.
func TestHeldSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	r := newRenewal(func(string) string { return "" }, nil)
	e := env{getenv: os.Getenv, renewal: r, sockets: r.sockets}
	display, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.keep(displaySocket, display)
	ctl, err := e.listenControl(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.hold(); err != nil {
		t.Fatal(err)
	}
	display.Close()
	ctl.Close()
	for network, address := range map[string]string{"tcp": display.Addr().String(), "unix": path} {
		c, err := net.DialTimeout(network, address, time.Second) // it waits in the queue
		if err != nil {
			t.Errorf("after the box: %v", err)
			continue
		}
		c.Close()
	}
	for name, f := range r.sockets {
		c, err := f.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		c.Control(func(fd uintptr) {
			if flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("other programs get %s: %v", name, err)
			}
		})
	}
	again, err := e.listenControl(path)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the control socket is left behind: %v", err)
	}
	for _, f := range r.sockets {
		f.Close()
	}
}

// TestRenewalFails checks that a program that can't be executed is no end: its
// sockets are as they were.
func TestRenewalFails(t *testing.T) {
	l, err := control.Listen(filepath.Join(t.TempDir(), "c.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := newRenewal(func(string) string { return "" }, systemd.Sockets{})
	r.program, r.carried = filepath.Join(t.TempDir(), "none"), &device.Carryover{}
	r.keep(controlSocket, l)
	if err := r.hold(); err != nil {
		t.Fatal(err)
	}
	if err := r.execute(t.Context()); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("execute: %v, want %v", err, syscall.ENOENT)
	}
	f := r.sockets[controlSocket]
	defer f.Close()
	c, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	c.Control(func(fd uintptr) {
		if flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("other programs get the socket: %v", err)
		}
	})
	if err := r.prepare(nil); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("prepare: %v, want %v", err, syscall.ENOENT)
	}
}

// What is logged if the program is not re-executed speaks of a guest only where one
// has left.
func TestNotReexecuted(t *testing.T) {
	for _, why := range []error{errGuestLeft, errConfigChanged, fmt.Errorf("box: %w", errReset)} {
		got := notReexecuted(why)
		if strings.Contains(got, "guest") != (why == errGuestLeft) || !strings.HasPrefix(got, "not re-executed: ") {
			t.Errorf("%v: %s", why, got)
		}
	}
}
