package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/inet"
	"pickerd/oauthdevice/oauthtest"
)

func try(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, func(k string) string { return env[k] }, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// daemon starts the program. stop ends it and returns its exit code, also when it is
// called again.
func daemon(t *testing.T, env map[string]string, args ...string) (log *syncBuffer, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	log = new(syncBuffer)
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, args, func(k string) string { return env[k] }, strings.NewReader(""), log, log)
	}()
	return log, sync.OnceValue(func() int {
		cancel()
		return <-ended
	})
}

// untilStatus waits until the status of a running daemon is ok, and returns it.
func untilStatus(t *testing.T, env map[string]string, log *syncBuffer, what string, ok func(device.Status) bool) device.Status {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		_, out, errs := try(t, env, "status", "--json")
		var s device.Status
		err := json.Unmarshal([]byte(out), &s)
		if err == nil && ok(s) {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("not %s: %v %s %s\n%s", what, err, out, errs, log)
		}
	}
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExitCodes(t *testing.T) {
	good := writeFile(t, "good.toml", "[google]\nclient_id='i'\nclient_secret='s'\n")
	socket := filepath.Join(t.TempDir(), "none.sock")
	client := writeFile(t, "client.json", `{"web":{"client_id":"i"}}`)
	tests := []struct {
		name  string
		args  []string
		code  int
		wants []string // on stderr, or on stdout for code 0
	}{
		{"nothing", nil, 64, []string{"Usage:"}},
		{"faults", []string{"demo", "--list-faults"}, 0, []string{"throttle", "no-account"}},
		{"no such item", []string{"demo", "--item", "main_test.go"}, 64, []string{"main_test.go is no photo or video", "demo --help"}},
		{"unknown fault", []string{"demo", "--fault", "throttle,thrott"}, 64, []string{`"thrott"`, "--list-faults"}},
		{"help", []string{"--help"}, 0, []string{"demo", "unpair", "Exit codes"}},
		{"help of a command", []string{"status", "--help"}, 0, []string{"Usage: pickerd status"}},
		{"no such command", []string{"dance"}, 64, []string{"dance", "hint:"}},
		{"no such flag", []string{"status", "--sockett", "x"}, 64, []string{"unknown flag --sockett", "did you mean --socket?", "pickerd status --help"}},
		{"typo", []string{"stauts"}, 64, []string{`unknown command "stauts"`, `did you mean "status"?`}},
		{"another typo", []string{"import-tokne", "x"}, 64, []string{`did you mean "import-token"?`}},
		{"far from any command", []string{"qqqqqqqqq"}, 64, []string{`unknown command "qqqqqqqqq"`, "hint: pickerd --help"}},
		{"flag far from any", []string{"status", "-zzzzzzzz"}, 64, []string{"unknown flag --zzzzzzzz", "hint: pickerd status --help"}},
		{"flag without a value", []string{"status", "--socket"}, 64, []string{"--socket needs a value"}},
		{"flag with a wrong value", []string{"status", "--json=x"}, 64, []string{`invalid boolean value "x" for --json: `}},
		{"two changes", []string{"items", "--hide", "a", "--show", "b"}, 64, []string{`invalid value "b" for --show: only one of`}},
		{"bad flag", []string{"status", "--=x"}, 64, []string{"bad flag syntax"}},
		{"an argument too many", []string{"pick", "me"}, 64, []string{`"me"`}},
		{"no daemon", []string{"status", "--socket", socket}, 69, []string{"no pickerd is running", "systemctl"}},
		{"version", []string{"version"}, 0, []string{"pickerd "}},
		{"default configuration", []string{"config", "default"}, 0, []string{"[google]"}},
		{"good configuration", []string{"config", "check", good}, 0, []string{"is valid"}},
		{"no configuration", []string{"config", "check", "/none.toml"}, 78, []string{"/none.toml", "hint:"}},
		{"unknown key", []string{"config", "check", writeFile(t, "a.toml", "\nnaem='x'\n")}, 78, []string{"a.toml:2", "naem", "did you mean name?"}},
		{"bad duration", []string{"config", "check", writeFile(t, "b.toml", "[slideshow]\ninterval='x'\n")}, 78, []string{"b.toml:2", `"x" is not a duration`}},
		{"important key misspelt", []string{"run", "--check", "--config", writeFile(t, "i.toml", "\nmod='guest'\n")}, 78, []string{"i.toml:2", "mod", "did you mean mode?"}},
		{"shown configuration", []string{"config", "show", "--origin", "--config", writeFile(t, "j.toml", "[slideshow]\ninterval='20s'\n[http]\nkey='a secret of mine'\n[mqtt]\nlabels={site='lobby', floor='2'}\n")}, 0,
			[]string{`slideshow.interval = "20s"`, "j.toml:2", "# http.key is set", "mqtt.labels = {floor = '2', site = 'lobby'}", `slideshow.order = "picked"`}},
		{"set nothing", []string{"set", "slideshow.interval"}, 64, []string{"KEY VALUE", "--default"}},
		{"set without a daemon", []string{"set", "slideshow.interval", "20s", "--socket", socket}, 69, []string{"no pickerd is running"}},
		{"no client", []string{"run", "--check", "--config", writeFile(t, "c.toml", "")}, 78, []string{"no OAuth client", "README"}},
		{"no secret", []string{"config", "check", writeFile(t, "s.toml", "[google]\nclient_id='i'\n")}, 78, []string{"client_secret is missing"}},
		{"client file missing", []string{"run", "--check", "--config", writeFile(t, "d.toml", "[google]\nclient_file='/none.json'\n")}, 78, []string{"google.client_file", "/none.json"}},
		{"client file empty", []string{"run", "--check", "--config", writeFile(t, "h.toml", "[google]\ndesktop_client_file='"+writeFile(t, "empty.json", "\n")+"'\n")}, 78, []string{"empty.json is empty", "Desktop app"}},
		{"client of another type", []string{"run", "--check", "--config", writeFile(t, "e.toml", "[google]\nclient_file='"+client+"'\n")}, 78, []string{"Web application", "TVs and Limited Input"}},
		{"directory not writable", []string{"run", "--check", "--config", writeFile(t, "f.toml", "[google]\nclient_id='i'\nclient_secret='s'\n[store]\ndir='"+good+"/x'\n[http]\nlisten='127.0.0.1:0'\n")}, 78, []string{"store.dir", "can write"}},
		{"impossible address", []string{"run", "--check", "--config", writeFile(t, "g.toml", "[google]\nclient_id='i'\nclient_secret='s'\n[store]\ndir='"+t.TempDir()+"'\n[control]\nsocket='"+socket+"'\n[http]\nlisten='192.0.2.1:1'\n")}, 78, []string{"display's address", "http.listen"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := try(t, nil, tt.args...)
			text := stderr
			if tt.code == 0 {
				text = stdout
			}
			if code != tt.code {
				t.Errorf("exit code %d, want %d; %s", code, tt.code, stderr)
			}
			for _, want := range tt.wants {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in:\n%s", want, text)
				}
			}
		})
	}
}

// syncBuffer is written by the daemon while the test reads.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// The whole program starts in a test, is asked over its socket, refuses a twin,
// and stops without a trace of a secret.
func TestRunAndAsk(t *testing.T) {
	auth := oauthtest.New(oauthtest.Options{})
	google := httptest.NewServer(auth)
	defer google.Close()
	dir := t.TempDir()
	notify := listenNotify(t, dir)
	env := map[string]string{
		"PICKERD_NAME":                   "Test box",
		"PICKERD_GOOGLE_CLIENT_ID":       auth.ClientID(),
		"PICKERD_GOOGLE_CLIENT_SECRET":   auth.ClientSecret(),
		"PICKERD_GOOGLE_DEVICE_AUTH_URL": google.URL + "/device/code",
		"PICKERD_GOOGLE_TOKEN_URL":       google.URL + "/token",
		"PICKERD_HTTP_LISTEN":            "127.0.0.1:0",
		"STATE_DIRECTORY":                filepath.Join(dir, "state"),
		"RUNTIME_DIRECTORY":              dir,
		"NOTIFY_SOCKET":                  notify.path,
	}
	getenv := func(k string) string { return env[k] }
	ctx, cancel := context.WithCancel(t.Context())
	var log syncBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"run", "--config", writeFile(t, "empty.toml", "")}, getenv, strings.NewReader(""), &log, &log)
	}()
	<-notify.ready
	code, out, errs := try(t, env, "status", "--json")
	var s struct{ State, Name string }
	if err := json.Unmarshal([]byte(out), &s); err != nil || code != 0 || s.Name != "Test box" {
		t.Fatalf("%d %v %s %s", code, err, out, errs)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"status"}, 0, "Test box: "},
		{[]string{"items"}, 0, "No photos"},
		{[]string{"items", "--json"}, 0, `"items": []`},
		{[]string{"sessions"}, 0, "No picking sessions"},
		{[]string{"cancel"}, 1, "No pick is under way."},
		{[]string{"slideshow", "mute"}, 0, "No photo or video is on the screen."},
		{[]string{"slideshow", "loud"}, 64, "say one of next"},
		{[]string{"unpair"}, 1, "No account is paired."},
		{[]string{"set", "slideshow.interval", "20s"}, 0, `slideshow.interval = "20s"`},
		{[]string{"set", "slideshow.intervall", "20s"}, 1, "did you mean slideshow.interval?"},
		{[]string{"set", "http.listen", "x"}, 1, "hint: set it in /etc/pickerd/pickerd.toml"},
		{[]string{"set", "name", "x"}, 1, "PICKERD_NAME"},
		{[]string{"set"}, 0, "phone"},
		{[]string{"set", "slideshow.interval", "--default"}, 0, `slideshow.interval = "10s"`},
		{[]string{"set", "slideshow.night", "22:30-06:30, fri,sat 23:30-8:00"}, 0, `slideshow.night = "sun-thu 22:30-06:30, fri-sat 23:30-08:00"`},
		{[]string{"set", "slideshow.night", "fri 23:30"}, 1, "is not hours"},
		{[]string{"screen", "off"}, 0, "The screen is off."},
		{[]string{"activity"}, 0, ""},
		{[]string{"status", "--json"}, 0, `"screen_on": false`},
		{[]string{"screen", "on"}, 0, "The screen is on."},
		{[]string{"status", "--json"}, 0, `"screen_on": true`},
		{[]string{"screen", "dim"}, 64, "say on or off"},
		{[]string{"pick"}, 0, "Pick started"},
		{[]string{"run"}, 1, "in use by another pickerd"},
	} {
		if code, out, errs := try(t, env, tt.args...); code != tt.code || !strings.Contains(out+errs, tt.want) {
			t.Errorf("%v: %d %s%s", tt.args, code, out, errs)
		}
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d\n%s", code, &log)
	}
	if strings.Contains(log.String(), oauthtest.Mark) {
		t.Errorf("a secret is in the log:\n%s", &log)
	}
	said := strings.Join(notify.until("STOPPING=1"), "; ")
	if strings.Count(said, "READY=1") != 1 || !strings.Contains(said, "STATUS=waiting for sign-in") || strings.Contains(said, auth.UserCode()) {
		t.Errorf("the service manager heard: %s", said)
	}
}

// A manager is the service manager's end of the notifications.
type manager struct {
	path  string
	ready chan struct{} // closed at READY=1
	heard chan string
}

// until returns what was said up to a message.
func (m *manager) until(last string) []string {
	var all []string
	for said := range m.heard {
		if all = append(all, said); said == last {
			break
		}
	}
	return all
}

func listenNotify(t *testing.T, dir string) *manager {
	t.Helper()
	m := &manager{path: filepath.Join(dir, "notify"), ready: make(chan struct{}), heard: make(chan string, 100)}
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(m.heard)
		ready := m.ready
		b := make([]byte, 1000)
		for {
			n, err := l.Read(b)
			if err != nil {
				return
			}
			m.heard <- string(b[:n])
			if string(b[:n]) == "READY=1" && ready != nil {
				close(ready)
				ready = nil
			}
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return m
}

func TestDemoAddresses(t *testing.T) {
	near, far, err := addresses(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8420})
	if near != "http://127.0.0.1:8420" || far != near || err != nil {
		t.Errorf("%s, %s, %v", near, far, err)
	}
	near, far, err = addresses(&net.TCPAddr{IP: net.IPv4zero, Port: 8420})
	lan, lanErr := inet.LANAddress()
	want := "http://127.0.0.1:8420"
	if lan != nil {
		want = fmt.Sprintf("http://%s:8420", lan)
	}
	if near != "http://127.0.0.1:8420" || far != want || err != nil || lanErr != nil {
		t.Errorf("%s, %s, want %s, %v", near, far, want, err)
	}
}

func TestDemoSimulatorsAnswer(t *testing.T) {
	_, mux, err := new(simulation).start("http://box.test")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{demoAuth + "/device", demoPhotos + "/thumb/sample-sunset", demoPhotos + "/picker/x"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestFaults(t *testing.T) {
	var list strings.Builder
	if err := listFaults(&list); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(faults, func(a, b fault) int { return strings.Compare(a.name, b.name) }) {
		t.Error("not sorted")
	}
	for _, f := range faults {
		var s simulation
		if err := s.setFaults(" " + f.name + ","); err != nil || reflect.DeepEqual(s, simulation{}) {
			t.Errorf("%s changes nothing: %v", f.name, err)
		}
		if !strings.Contains(list.String(), f.name+" ") || f.what == "" {
			t.Errorf("%s is not listed", f.name)
		}
		if _, _, err := s.start("http://box.test"); err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
	}
}

// TestArrows keeps the house in order: who may import whom.
func TestArrows(t *testing.T) {
	allowed := map[string][]string{
		"oauthdevice":                              {"oauthdevice/httperror"},
		"oauthdevice/gateway":                      {"oauthdevice", "oauthdevice/httperror", "display/markup"},
		"oauthdevice/httperror":                    nil,
		"oauthdevice/tokenfile":                    nil,
		"oauthdevice/oauthtest":                    {"display/markup"},
		"oauthdevice/oauthtest/browser":            nil,
		"oauthdevice/oauthtest/conformance":        {"oauthdevice"},
		"picker":                                   {"oauthdevice/httperror"},
		"picker/pickertest":                        {"display/markup"},
		"picker/pickertest/samples":                {"picker/pickertest"},
		"picker/pickertest/samples/draw":           nil,
		"store":                                    {"store/regular", "store/pagecheck"},
		"store/regular":                            nil,
		"display":                                  {"display/words"},
		"display/qr":                               nil,
		"display/qr/qrfilm":                        {"display/qr"},
		"display/words":                            nil,
		"display/pixel":                            nil,
		"display/markup":                           nil,
		"display/typeface":                         {"display/pixel"},
		"display/photo":                            {"display/photo/jpeg", "display/pixel", "display/photo/icc", "display/photo/raster", "display/photo/vp8l"},
		"display/photo/jpeg":                       nil,
		"display/photo/icc":                        nil,
		"display/photo/raster":                     nil,
		"display/photo/vp8l":                       nil,
		"display/paint":                            {"display", "display/pixel", "display/qr", "display/typeface", "display/words"},
		"display/stage":                            {"display", "display/film", "display/paint", "display/photo", "display/pixel", "display/words"},
		"display/snapshot":                         {"display", "display/httpserve", "display/paint", "display/pixel", "display/stage"},
		"display/framebuffer":                      {"display/pixel"},
		"display/terminal":                         {"display", "display/qr", "display/words"},
		"display/remote":                           nil,
		"display/cec":                              {"display"},
		"display/httpserve":                        {"store/regular"},
		"display/httpserve/pipelisten":             nil,
		"display/httpserve/testcert":               nil,
		"display/web":                              {"display", "display/httpserve", "display/photo", "display/qr", "display/words", "display/markup"},
		"device":                                   {"display", "display/words"},
		"device/engine":                            {"device", "device/fetch", "display", "device/inet", "oauthdevice", "oauthdevice/tokenfile", "picker", "store"},
		"device/fetch":                             {"device", "display/photo", "oauthdevice", "picker", "store"},
		"device/library":                           {"device", "display/photo", "store"},
		"device/screen":                            {"device", "display", "display/words"},
		"device/screen/screentest":                 {"device", "device/screen", "display", "display/words"},
		"device/slideshow":                         {"device", "display", "display/words", "picker", "store"},
		"device/control":                           {"device", "display", "display/httpserve", "display/words"},
		"device/displays":                          {"device", "display", "display/httpserve", "store"},
		"device/hooks":                             {"device", "display"},
		"device/health":                            nil,
		"device/mqtt":                              {"device", "device/control", "device/health", "display", "display/words"},
		"device/metrics":                           {"device", "device/metrics/exposition"},
		"device/phone":                             {"device", "display", "display/httpserve", "display/words", "display/markup"},
		"device/settings":                          {"configs", "device", "display"},
		"device/setup":                             {"device", "device/phone", "display", "display/httpserve", "display/words", "oauthdevice", "display/markup"},
		"device/inet":                              nil,
		"systemd":                                  {"store/regular"},
		"configs":                                  {"configs/strict", "store/regular"},
		"cmd/pickerd/doctor":                       {"cmd/command", "cmd/findings", "configs", "device", "device/engine", "device/inet", "display/film", "display/photo/outside", "display/typeface", "oauthdevice", "store/regular", "store", "display/cec"},
		"cmd/pickerd":                              {"cmd/command", "cmd/pickerd/doctor", "configs", "device", "device/control", "device/engine", "device/health", "device/hooks", "device/library", "device/metrics", "device/mqtt", "device/phone", "device/screen", "device/setup", "device/slideshow", "display", "display/film", "display/framebuffer", "display/httpserve", "display/qr", "display/remote", "display/snapshot", "display/stage", "display/terminal", "display/typeface", "display/web", "display/words", "device/inet", "oauthdevice", "oauthdevice/oauthtest", "oauthdevice/tokenfile", "picker", "picker/pickertest", "picker/pickertest/samples", "store/regular", "store", "systemd", "oauthdevice/gateway", "oauthdevice/gateway/boltstore", "device/pin", "device/displays", "device/settings", "device/wifi", "device/media", "display/photo", "display/photo/outside", "display/cec"},
		"device/wifi":                              {"device", "display"},
		"oauthdevice/gateway/boltstore":            {"oauthdevice/gateway", "store/pagecheck"},
		"oauthdevice/gateway/redisstore":           {"oauthdevice/gateway"},
		"display/photo/outside":                    {"display/pixel"},
		"display/photo/outside/outsidetest":        nil,
		"display/film":                             {"display/photo/outside", "display/pixel"},
		"device/media":                             {"display/photo/outside", "store"},
		"oauthdevice/gateway/redisstore/redistest": nil,
		"oauthdevice/gateway/storetest":            {"oauthdevice/gateway"},
		"store/pagecheck":                          nil,
		"device/metrics/exposition":                nil,
		"configs/strict":                           nil,
		"cmd/pickerd-gateway":                      {"cmd/command", "cmd/findings", "configs/strict", "device/metrics/exposition", "display/httpserve", "display/words", "device/inet", "oauthdevice", "oauthdevice/gateway", "oauthdevice/gateway/boltstore", "oauthdevice/gateway/redisstore", "store/regular", "systemd"},
		"cmd/pickerd-fleet":                        {"cmd/command", "configs", "device", "device/mqtt"},
		"cmd/pickerd-media":                        {"display/film", "display/photo", "display/photo/outside", "display/pixel"},
		"device/pin":                               {"device"},
		"cmd/command":                              {"configs/strict", "systemd"},
		"cmd/findings":                             nil,
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "pickerd/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		name := strings.TrimPrefix(words[0], "pickerd/")
		may, known := allowed[name]
		if !known {
			t.Errorf("%s is a new package: say here what it may import", name)
		}
		for _, w := range words[1:] {
			if dep, ours := strings.CutPrefix(w, "pickerd/"); ours && !slices.Contains(may, dep) {
				t.Errorf("%s must not import %s", name, dep)
			}
		}
	}
}

// TestLightPackages checks that what talks to other programs and to phones does
// not bring the database, encryption, QR codes or image decoding with it.
func TestLightPackages(t *testing.T) {
	for _, pkg := range []string{"control", "hooks", "metrics", "mqtt", "phone", "settings"} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "pickerd/device/"+pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, heavy := range []string{"go.etcd.io/bbolt", "filippo.io/age", "github.com/skip2/go-qrcode", "rsc.io/qr", "golang.org/x/image", "pickerd/device/engine", "pickerd/store"} {
			if slices.ContainsFunc(strings.Fields(string(out)), func(dep string) bool {
				return dep == heavy || strings.HasPrefix(dep, heavy+"/") && dep != "pickerd/store/regular" // which needs nothing
			}) {
				t.Errorf("device/%s depends on %s", pkg, heavy)
			}
		}
	}
}

// TestSmallBinary checks that pickerd does not bring along what only the gateway
// needs.
func TestSmallBinary(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "pickerd/cmd/pickerd").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, heavy := range []string{"github.com/redis", "golang.org/x/crypto/acme", "pickerd/oauthdevice/gateway/redisstore"} {
		if strings.Contains(string(out), heavy) {
			t.Errorf("pickerd depends on %s", heavy)
		}
	}
}
