package systemd

import (
	"bytes"
	"log/slog"
	"net"
	"path/filepath"
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
