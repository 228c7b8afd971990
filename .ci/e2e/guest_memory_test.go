package e2e

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// What a guest leaves in memory: e-mail addresses, names of files, tokens, links to
// choose photos, and the end of each file.
var (
	guestPrefixes = []string{"guest-", "HOLIDAY-", "ya29.", "1//", "/picker/", "PHOTOBYTES-"}
	guestMarks    = regexp.MustCompile(`^(?:guest-[0-9]+@hotel\.example|HOLIDAY-[0-9]+\.jpg|ya29\.` + oauthtest.Mark + `[A-Z2-7]+|1//` + oauthtest.Mark + `[A-Z2-7]+|/picker/` + pickertest.Mark + `[\w-]+|PHOTOBYTES-[0-9]+)`)
)

// maxMark bounds the length of a mark.
const maxMark = 100

// marksOf counts what of guests is in the memory of a process, as a core dump would
// have it.
func marksOf(t *testing.T, pid int) map[string]int {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Skip(err)
	}
	defer mem.Close()
	found := map[string]int{}
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); err != nil || !strings.HasPrefix(mode, "rw") {
			continue
		}
		data := make([]byte, to-from)
		if _, err := mem.ReadAt(data, from); err != nil && err != io.EOF {
			continue // it is not mapped any more, or belongs to the kernel
		}
		for _, prefix := range guestPrefixes {
			for rest := data; ; {
				i := bytes.Index(rest, []byte(prefix))
				if i < 0 {
					break
				}
				if m := guestMarks.Find(rest[i:min(len(rest), i+maxMark)]); m != nil {
					found[string(m)]++
				}
				rest = rest[i+len(prefix):]
			}
		}
	}
	return found
}

// inherited counts the second and further descriptors of sockets that a process has:
// one of each socket that stays when the program executes itself anew.
func inherited(t *testing.T, pid int) int {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	copies := map[string]int{}
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && strings.HasPrefix(to, "socket:") {
			copies[to]++
		}
	}
	n := 0
	for _, c := range copies {
		n += c - 1
	}
	return n
}

// kinds counts marks by what they are of.
func kinds(found map[string]int) string {
	n := map[string]int{}
	for m := range found {
		n[guestPrefixes[slices.IndexFunc(guestPrefixes, func(p string) bool { return strings.HasPrefix(m, p) })]]++
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		out = append(out, fmt.Sprintf("%d of %q", n[k], k))
	}
	return strings.Join(out, ", ")
}

// TestGuestMemory checks that the process has nothing of guests who have left, and
// that its page, its sockets and its process ID stay meanwhile.
func TestGuestMemory(t *testing.T) {
	t.Parallel()
	const guests = 10
	items := pickertest.PlainPhotos(5)
	for i, it := range items {
		it.Filename, it.Unscaled = fmt.Sprintf("HOLIDAY-%d.jpg", 100+i), true
		it.Data = append(it.Data, bytes.Repeat(fmt.Appendf(nil, "PHOTOBYTES-%d ", 100+i), 4000)...)
	}
	g := newGoogle(t, items...)
	g.noLeaks(t)
	b := configured(t, g, t.TempDir())
	b.env = []string{"PICKERD_MODE=guest", "PICKERD_GUEST_FORGET_AFTER=10m", "PICKERD_GOOGLE_USERINFO_URL=" + g.url + "/auth/userinfo",
		"PICKERD_GOOGLE_SCOPES=" + oauthtest.PickerScope + ",openid,email"}
	b.start()
	pid := b.cmd.Process.Pid
	watch := watchPage(t, b.screen)
	present, renewed := 0, 0
	for i := range guests {
		renewed = strings.Count(b.log.String(), "msg=ready")
		s := b.untilStatus("a code", func(s *device.Status) bool { return s.State == device.Pairing && s.Pairing != nil })
		if !g.auth.ApproveAs(s.Pairing.UserCode, fmt.Sprintf("guest-%d@hotel.example", 100+i)) {
			t.Fatal("the code on the screen is not valid")
		}
		s = b.untilStatus("a session", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
		if err := g.photos.Choose(s.Pick.SessionID); err != nil {
			t.Fatal(err)
		}
		b.untilStatus("photos", func(s *device.Status) bool { return s.State == device.Showing && s.Sessions == device.Sessions{} })
		if i == 0 {
			if resp, err := http.Get(b.screen + "events"); err == nil { // what a page may leave
				io.ReadAtLeast(resp.Body, make([]byte, 100), 100)
				resp.Body.Close()
			}
			present = len(marksOf(t, pid))
		}
		b.tell("unpair", "--everywhere")
		if i%2 == 0 { // others are followed at once by the next guest
			b.until("the program is re-executed", func() bool { return strings.Count(b.log.String(), "msg=ready") > renewed })
		}
	}
	if present == 0 {
		t.Error("nothing of a guest is found while one is here: the search is wrong")
	}
	b.untilStatus("a code", func(s *device.Status) bool { return s.State == device.Pairing && s.Pairing != nil })
	var found map[string]int
	for deadline := time.Now().Add(maxWait); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if found = marksOf(t, pid); len(found) == 0 {
			break
		}
	}
	// Only the sockets come from the program before, once.
	if n := inherited(t, pid); n > 2 {
		t.Errorf("%d copies of sockets, want one of the page and one of the control socket", n)
	}
	if len(found) > 0 {
		t.Errorf("after %d guests the process has %s", guests, kinds(found))
	}
	watch.stop()
	if s := b.status(); s == nil || s.State != device.Pairing {
		t.Errorf("status %+v", s)
	}
	b.stop()
}

// A pageWatch asks for the page again and again.
type pageWatch struct {
	t       *testing.T
	quit    chan struct{}
	ended   chan struct{}
	longest time.Duration
	refused []error
}

func watchPage(t *testing.T, url string) *pageWatch {
	w := &pageWatch{t: t, quit: make(chan struct{}), ended: make(chan struct{})}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	go func() {
		defer close(w.ended)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-w.quit:
				return
			case <-tick.C:
			}
			began := time.Now()
			resp, err := client.Get(url + "screen.json")
			if err != nil {
				if strings.Contains(err.Error(), "refused") {
					w.refused = append(w.refused, err)
				}
				continue
			}
			resp.Body.Close()
			w.longest = max(w.longest, time.Since(began))
		}
	}()
	return w
}

// stop checks that the page was never refused.
func (w *pageWatch) stop() {
	w.t.Helper()
	close(w.quit)
	<-w.ended
	w.t.Log("the longest wait for the page: " + strconv.FormatInt(w.longest.Milliseconds(), 10) + " ms")
	if len(w.refused) > 0 {
		w.t.Errorf("the page was refused %d times: %v", len(w.refused), w.refused[0])
	}
}

// guestBox starts a box in guest mode. A guest shows photos and leaves with visit.
func guestBox(t *testing.T, change func(*box)) (b *box, visit func()) {
	t.Helper()
	g := newGoogle(t, pickertest.PlainPhotos(3)...)
	g.noLeaks(t)
	b = configured(t, g, t.TempDir())
	b.env = []string{"PICKERD_MODE=guest"}
	change(b)
	b.start()
	return b, func() {
		t.Helper()
		s := b.untilStatus("a code", func(s *device.Status) bool { return s.State == device.Pairing && s.Pairing != nil })
		g.auth.Approve(s.Pairing.UserCode)
		s = b.untilStatus("a session", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
		if err := g.photos.Choose(s.Pick.SessionID); err != nil {
			t.Fatal(err)
		}
		b.untilStatus("photos", func(s *device.Status) bool { return s.State == device.Showing && s.Sessions == device.Sessions{} })
		b.tell("unpair", "--everywhere")
	}
}

// TestGuestMemoryHook checks that a hook finishes that is told of the departure, and
// is not told again by the next program.
func TestGuestMemoryHook(t *testing.T) {
	t.Parallel()
	told := filepath.Join(t.TempDir(), "told")
	b, visit := guestBox(t, func(b *box) {
		hook := filepath.Join(t.TempDir(), "hook")
		text := "#!/bin/sh\nread -r status\nsleep 3\ncase $status in *'\"state\":\"pairing\"'*) echo done >> " + told + ";; esac\n"
		if err := os.WriteFile(hook, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		b.env = append(b.env, "PICKERD_HOOKS_ON_STATE="+hook)
	})
	b.until("the hook has been told of the start", func() bool { data, _ := os.ReadFile(told); return string(data) == "done\n" })
	visit()
	b.until("the program is re-executed", func() bool { return strings.Count(b.log.String(), "msg=ready") == 2 })
	if data, _ := os.ReadFile(told); string(data) != "done\ndone\n" {
		t.Errorf("when the program was re-executed the hook had written %q", data)
	}
	visit()
	b.until("and again", func() bool { return strings.Count(b.log.String(), "msg=ready") == 3 })
	if data, _ := os.ReadFile(told); string(data) != "done\ndone\ndone\n" {
		t.Errorf("after the second guest it had written %q", data)
	}
	b.stop()
}

// TestGuestMemoryFails checks that the box goes on if the program can't be executed
// anew: for want of memory, or because an operator is writing the configuration.
func TestGuestMemoryFails(t *testing.T) {
	t.Parallel()
	t.Run("program", func(t *testing.T) {
		t.Parallel()
		b, visit := guestBox(t, func(b *box) {
			b.wrap = []string{"strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", "/proc/self/exe", "-e", "trace=execve", "-e", "inject=execve:error=ENOMEM"}
		})
		watch := watchPage(t, b.screen)
		for range 2 {
			failed := strings.Count(b.log.String(), "not re-executed")
			visit()
			b.until("it has failed", func() bool { return strings.Count(b.log.String(), "not re-executed") > failed })
		}
		watch.stop()
		b.stop()
	})
	t.Run("configuration", func(t *testing.T) {
		t.Parallel()
		b, visit := guestBox(t, func(*box) {})
		config := b.args[len(b.args)-1]
		whole, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(config, append(whole, "torn = \n"...), 0o600); err != nil {
			t.Fatal(err)
		}
		visit()
		b.until("it has failed", func() bool { return strings.Contains(b.log.String(), "not re-executed") })
		if err := os.WriteFile(config, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		visit()
		b.until("the program is re-executed", func() bool { return strings.Count(b.log.String(), "msg=ready") == 2 })
		b.stop()
	})
}

// TestGuestMemorySocket checks that a socket of the service manager stays that of the
// page (sd_listen_fds(3)), and that the manager is told what it was told before.
func TestGuestMemorySocket(t *testing.T) {
	t.Parallel()
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	var told []string
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for buf := make([]byte, 4096); ; {
			n, err := manager.Read(buf)
			if err != nil || string(buf[:n]) == "END" {
				return
			}
			told = append(told, string(buf[:n]))
		}
	}()
	var socket *os.File
	b, visit := guestBox(t, func(b *box) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if socket, err = l.(*net.TCPListener).File(); err != nil {
			t.Fatal(err)
		}
		b.files = []*os.File{socket}
		b.wrap = []string{"sh", "-c", `export LISTEN_PID=$$; exec "$@"`, "sh"}
		b.env = append(b.env, "LISTEN_FDS=1", "LISTEN_FDNAMES=http", "WATCHDOG_USEC=6000000", "NOTIFY_SOCKET="+manager.LocalAddr().String())
		b.screen = "http://" + l.Addr().String() + "/"
	})
	socket.Close()
	watch := watchPage(t, b.screen)
	for i := range 3 {
		visit()
		b.until("the program is re-executed", func() bool { return strings.Count(b.log.String(), "msg=ready") == i+2 })
	}
	watch.stop()
	b.stop()
	if c, err := net.DialUnix("unixgram", nil, manager.LocalAddr().(*net.UnixAddr)); err == nil {
		c.Write([]byte("END"))
		c.Close()
	}
	<-heard
	if n := strings.Count(strings.Join(told, "\n"), "STOPPING=1"); n != 1 || !slices.Contains(told, "WATCHDOG=1") {
		t.Errorf("the manager was told %q", told)
	}
}
