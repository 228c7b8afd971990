package e2e

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"pickerd/device"
)

// TestSettings changes settings and files of a running box. A setting of people needs
// no new process. One that does keeps the process ID and the code on the screen. A torn
// file changes nothing.
func TestSettings(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	b := configured(t, g, t.TempDir())
	b.env = []string{"NOTIFY_SOCKET=/nonexistent"} // as under a service manager, SIGHUP means to reload
	b.start()
	file := b.args[2]
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	processes := func() int { return strings.Count(b.log.String(), "msg=ready") }
	code := b.untilStatus("a code", func(s *device.Status) bool { return s.Pairing != nil }).Pairing.UserCode
	if said := b.tell("set", "slideshow.interval", "20s"); !strings.Contains(said, `slideshow.interval = "20s"`) || processes() != 1 {
		t.Errorf("%s, %d processes", said, processes())
	}
	listen := freeAddress(t)
	edit(strings.Replace(string(text), "listen = ", "listen = \""+listen+"\" # ", 1))
	b.until("the page at another address", func() bool {
		resp, err := http.Get("http://" + listen + "/healthz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	s := b.untilStatus("the code again", func(s *device.Status) bool { return s.Pairing != nil })
	b.until("the next process is ready", func() bool { return processes() > 1 })
	if s.Pairing.UserCode != code || processes() != 2 {
		t.Errorf("code %s, then %s; %d processes", code, s.Pairing.UserCode, processes())
	}
	edit("[slideshow]\ninterv")
	s = b.untilStatus("the problem", func(s *device.Status) bool { return s.Problem != nil })
	if p := s.Problem; p.Code != "configuration" || p.File != file || p.Line != 2 || s.Name != "Living room" || processes() != 2 {
		t.Errorf("%+v, %d processes", p, processes())
	}
	edit("lock = ['slideshow']\n" + strings.Replace(string(text), "Living room", "Hall", 1))
	b.untilStatus("another name", func(s *device.Status) bool { return s.Name == "Hall" && s.Problem == nil })
	if err := b.try("set", "slideshow.interval", "30s"); err == nil {
		t.Error("a locked setting is changed")
	}
	if setting := b.tell("set"); !strings.Contains(setting, `"3s"`) {
		t.Errorf("a locked setting of people counts:\n%s", setting)
	}
	b.stop()
}
