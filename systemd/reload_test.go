package systemd

import (
	"net"
	"path/filepath"
	"regexp"
	"testing"
)

// A reload is told as sd_notify(3) asks, with the time by which the manager tells it
// from earlier ones.
func TestReloading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := NewNotifier(func(key string) string { return map[string]string{"NOTIFY_SOCKET": path}[key] }).Reloading(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 200)
	n, err := l.Read(b)
	if err != nil || !regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=[1-9]\d+$`).Match(b[:n]) {
		t.Errorf("%q, %v", b[:n], err)
	}
}
