package systemd

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n := NewNotifier(func(string) string { return path })
	for _, tt := range []struct {
		send func() error
		want string
	}{
		{n.Ready, "READY=1"}, {n.Stopping, "STOPPING=1"},
		{func() error { return n.Status("a\nb") }, "STATUS=a b"},
	} {
		if err := tt.send(); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		k, err := l.Read(b)
		if err != nil || string(b[:k]) != tt.want {
			t.Errorf("got %q, %v; want %q", b[:k], err, tt.want)
		}
	}
	if err := NewNotifier(func(string) string { return "" }).Ready(); err != nil {
		t.Errorf("without a manager: %v", err)
	}
	if err := NewNotifier(func(string) string { return "/none/there" }).Ready(); err == nil {
		t.Error("no error from a socket that isn't there")
	}
}

// A manager that does not read does not block the program.
func TestDeafManager(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n := NewNotifier(func(name string) string { return map[string]string{"NOTIFY_SOCKET": path}[name] })
	const most = 10_000 // far more than a queue has room for
	for range most {
		if err = n.Ready(); err != nil {
			break
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want %v", err, os.ErrDeadlineExceeded)
	}
}

func TestKeepAlive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	env := map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "3000", "WATCHDOG_PID": strconv.Itoa(os.Getpid())}
	n := NewNotifier(func(k string) string { return env[k] })
	ctx, stop := context.WithCancel(t.Context())
	asked, starved := 0, 0
	alive := func() bool { // well, then not for three times, then well again
		asked++
		return asked < 3 || asked > 5
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.KeepAlive(ctx, alive, func() { starved++ }, func(err error) { t.Error(err) })
	}()
	for range 4 { // two before, two after
		b := make([]byte, 100)
		k, err := l.Read(b)
		if err != nil || string(b[:k]) != "WATCHDOG=1" {
			t.Errorf("got %q, %v", b[:k], err)
		}
	}
	stop()
	if <-ended; starved != 1 {
		t.Errorf("starved %d times", starved)
	}
	env["WATCHDOG_PID"] = "1"
	NewNotifier(func(k string) string { return env[k] }).KeepAlive(t.Context(), nil, nil, nil) // somebody else's

	// A manager that is not there for a moment is no reason to starve.
	env["WATCHDOG_PID"], env["NOTIFY_SOCKET"] = "", "/none/there"
	ctx, stop = context.WithCancel(t.Context())
	fails := 0
	NewNotifier(func(k string) string { return env[k] }).KeepAlive(ctx, func() bool { return true }, nil, func(error) {
		if fails++; fails == 3 {
			stop()
		}
	})
	if fails != 3 {
		t.Errorf("it gave up after %d failures", fails)
	}
}

// A listener that is closed leaves the manager's socket open for the next one.
func TestSockets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(int(f.Fd()))
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	s := inherited(fd, 1, []string{"http"})
	defer s["http"].Close()
	for range 2 {
		got, err := s.Listen("http")
		if err != nil {
			t.Fatal(err)
		}
		if got.Addr().String() != l.Addr().String() {
			t.Errorf("it listens at %v, not %v", got.Addr(), l.Addr())
		}
		got.Close()
	}
	if got, err := s.Listen("other"); got != nil || err != nil {
		t.Errorf("a socket that is not there: %v, %v", got, err)
	}
	env := map[string]string{"LISTEN_FDS": "1", "LISTEN_PID": "1"}
	if s := Inherited(func(k string) string { return env[k] }); s != nil {
		t.Errorf("somebody else's sockets: %v", s)
	}
}

func TestJournalLines(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(NewJournalHandler(&b, slog.LevelDebug)).With("a", 1).WithGroup("g")
	log.Debug("d")
	log.Info("two\nlines", "k", "v")
	log.Warn("w")
	log.Error("e")
	want := "<7>msg=d a=1\n<6>msg=\"two\\nlines\" a=1 g.k=v\n<4>msg=w a=1\n<3>msg=e a=1\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", &b, want)
	}
}
