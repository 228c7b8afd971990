package configs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pickerd/configs"
)

func configFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pickerd.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// env returns a getenv func for pairs of names and values.
func env(pairs ...string) func(string) string {
	return func(key string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == key {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// Each error names the file, the line and the key.
func TestLoadErrorPositions(t *testing.T) {
	for _, tt := range []struct {
		key, text string
		line      int
		says      string
	}{
		{"log.level", "[log]\nlevel = 'loud'", 2, `"loud" is not one of debug, info, warn, error`},
		{"log.format", "log.format = 'xml'", 1, "not one of auto, text, json"},
		{"pick.collection", "\n\n[pick]\n# none\ncollection = 'add'", 5, "not one of replace, append"},
		{"slideshow.backing", "[slideshow]\nbacking = 'white'", 2, "not one of blur, black"},
		{"pick.video", "[pick]\nvideo = 'small'", 2, "not one of screen, original"},
		{"pick.max_items", "[pick]\nmax_items = 0", 2, "0 is not between 1 and 2000"},
		{"hooks.on_photos", "[hooks]\non_photos = ['notify-send']", 2, `"notify-send" is not the path of a program`},
		{"hooks.on_state", "[hooks]\non_state = ['./x']", 2, `"./x" is not the path of a program`},
		{"hooks.timeout", "[hooks]\ntimeout = '10ms'", 2, "not between 1s and 1h"},
		{"store.forget_after", "[store]\nforget_after = '10m'", 2, "10m0s is less than 1h"},
		{"store.forget_after", "[store]\nforget_after = '30ns'", 2, `write "30d"`},
		{"store.forget_after", "[store]\nforget_after = '-30d'", 2, `neither "never" nor an age`},
		{"store.forget_after", "[store]\nforget_after = '0s'", 2, `neither "never" nor an age`},
		{"hooks.timeout", "[hooks]\ntimeout = '2h'", 2, "not between 1s and 1h"},
		{"http.key", "[http]\nkey = '1234567'", 2, "shorter than eight"},
		{"http.cert_file", "[http]\ncert_file = '/c.pem'", 2, "http.key_file"},
		{"guest.forget_after", "[guest]\nforget_after = '90ns'", 2, `write "90m"`},
		{"slideshow.interval", "[slideshow]\ninterval = '15ns'", 2, `write "15s"`},
		{"slideshow.interval", "[slideshow]\ninterval = '25h'", 2, "not between 1s and 24h"},
		{"slideshow.fade", "[slideshow]\nfade = '-1s'", 2, "not between 0s and 10s"},
		{"slideshow.volume", "[slideshow]\nvolume = 101", 2, "not between 0 and 100"},
		{"slideshow.night", "[slideshow]\nnight = '08:00-08:00'", 2, "same time"},
		{"slideshow.night", "[slideshow]\nnight = '08:00'", 2, "is not hours"},
		{"slideshow.night", "[slideshow]\nnight = 'mon-fri 22:00-06:00, sat 08:00-08:00'", 2, "same time"},
		{"slideshow.night", "[slideshow]\nnight = 'mon-fri 22:00-06:00, fri 21:00-08:00'", 2, "names fri twice"},
		{"slideshow.night", "[slideshow]\nnight = 'mon-fri'", 2, "days without hours"},
		{"slideshow.sleep_after", "[slideshow]\nsleep_after = 30", 2, `write "30m"`},
		{"slideshow.sleep_after", "[slideshow]\nsleep_after = '30ns'", 2, `write "30m"`},
		{"slideshow.sleep_after", "[slideshow]\nsleep_after = '59s'", 2, "neither 0s nor between 1m and 24h"},
		{"slideshow.night", "[slideshow]\nnight = '08:00-25:00'", 2, "is not hours"},
		{"remote.hold", "[remote]\nhold = '100ms'", 2, "not between 200ms and 10s"},
		{"remote.hold", "[remote]\nhold = '11s'", 2, "not between 200ms and 10s"},
		{"display.outputs", "[display]\noutputs = ['http', 'http']", 2, "twice"},
		{"cec.device", "[cec]\ndevice = 'cec0'", 2, "/dev/cec0"},
		{"terminal.device", "[terminal]\ndevice = 'ttyS0'", 2, "/dev/ttyS0"},
		{"pairing.relay_url", "[pairing]\nrelay_url = 'https://you.test/p.html?x=1'", 2, "without a query"},
		{"pairing.address", "[pairing]\naddress = 'http://box.test/path'", 2, "auto"},
		{"pick.max_items", "[pick]\nmax_items = '5'", 2, "expected a whole number, without quotes"},
		{"slideshow.zoom", "[slideshow]\nzoom = 'yes'", 2, "expected true or false, without quotes"},
		{"name", "name = 5", 1, `expected a string: write "…"`},
		{"name", "name = '50%'", 1, "% for a percent sign"},
		{"store.max_bytes", "[store]\nmax_bytes = '5 parsecs'", 2, "is not a size"},
		{"store.max_bytes", "[store]\nmax_bytes = '9e99TB'", 2, "is not a size"},
		{"framebuffer.overscan", "[framebuffer]\noverscan = '5'", 2, "is not a percentage"},
	} {
		t.Run(tt.key+" "+tt.says, func(t *testing.T) {
			file := configFile(t, tt.text)
			_, err := configs.Load(file, env())
			e, ok := errors.AsType[*configs.Error](err)
			if !ok {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.File != file || e.Line != tt.line || e.Key != tt.key || !strings.Contains(e.Msg, tt.says) {
				t.Errorf("got %+v, want line %d, key %s and %q", e, tt.line, tt.key, tt.says)
			}
			if want := fmt.Sprintf("%s:%d: %s: ", file, tt.line, tt.key); !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got %q, want the prefix %q", err, want)
			}
		})
	}
}

// All errors of a file are reported at once.
func TestLoadReportsAll(t *testing.T) {
	file := configFile(t, "mode = 'hotel'\n[pick]\nmax_items = -1\n[log]\nlevel = 'loud'\n")
	_, err := configs.Load(file, env("PICKERD_LOG_FORMAT", "xml"))
	for _, want := range []string{file + ":1: mode: ", file + ":3: pick.max_items: ", file + ":5: log.level: ", "environment: PICKERD_LOG_FORMAT: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	file = configFile(t, "moed = 'home'\n[pick]\nmax_item = 1\n")
	_, err = configs.Load(file, env())
	for _, want := range []string{file + ":1: moed: unknown key (did you mean mode?)", file + ":3: pick.max_item: unknown key (did you mean pick.max_items?)"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestLoadHints(t *testing.T) {
	for key, want := range map[string]string{
		"slideshow.intervall":   "did you mean slideshow.interval?",
		"sldeshow.fade":         "did you mean slideshow.fade?",
		"framebuffer.rotation":  "did you mean framebuffer.rotate?",
		"http.adress.of.no.key": "see the commented default file: pickerd config default",
	} {
		_, err := configs.Load(configFile(t, key+" = 1"), env())
		if e, ok := errors.AsType[*configs.Error](err); !ok || e.Hint != want {
			t.Errorf("%s: %v, want %q", key, err, want)
		}
	}
}

func TestLoadUnreadable(t *testing.T) {
	if _, err := configs.Load(filepath.Join(t.TempDir(), "none.toml"), env()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

// The checks of other packages see the whole configuration and report in the
// same form.
func TestLoadChecks(t *testing.T) {
	check := func(c *configs.Config, bad func(key, format string, args ...any)) {
		if c.Display.Language != "tlh" {
			t.Errorf("language %q", c.Display.Language)
		}
		bad("display.language", "%q is not spoken here", c.Display.Language)
	}
	file := configFile(t, "[display]\nlanguage = 'tlh'\n")
	if _, err := configs.Load(file, env(), check); err == nil || err.Error() != file+`:2: display.language: "tlh" is not spoken here` {
		t.Errorf("got %v", err)
	}
	_, err := configs.Load("", env("PICKERD_DISPLAY_LANGUAGE", "tlh"), check)
	if err == nil || err.Error() != `environment: PICKERD_DISPLAY_LANGUAGE: "tlh" is not spoken here` {
		t.Errorf("got %v", err)
	}
}

// An invalid value in a variable is an error that names the variable.
func TestEnvironmentErrors(t *testing.T) {
	for name, tt := range map[string]struct{ value, says string }{
		"PICKERD_PICK_MAX_ITEMS":       {"many", `"many" is not a whole number`},
		"PICKERD_SLIDESHOW_ZOOM":       {"maybe", `"maybe" is neither true nor false`},
		"PICKERD_SLIDESHOW_INTERVAL":   {"10", "is not a duration"},
		"PICKERD_SLIDESHOW_NIGHT":      {"x", "is not hours"},
		"PICKERD_STORE_MAX_BYTES":      {"1", "is not a size"},
		"PICKERD_FRAMEBUFFER_OVERSCAN": {"NaN%", "is not a percentage"},
		"PICKERD_FRAMEBUFFER_ROTATE":   {"1", "not one of 0, 90, 180, 270"},
		"PICKERD_NAME":                 {"%x", "unknown specifier"},
		"PICKERD_DISPLAY_OUTPUTS":      {"http,hdmi", `"hdmi" is not one of`},
		"PICKERD_PAIRING_ADDRESS":      {"http://", `is neither "auto" nor`},
	} {
		_, err := configs.Load(configFile(t, "name = 'Lobby'\n"), env(name, tt.value))
		if e, ok := errors.AsType[*configs.Error](err); !ok || e.File != "" || e.Key != name || !strings.Contains(e.Msg, tt.says) {
			t.Errorf("%s=%s: %v, want %q", name, tt.value, err, tt.says)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "environment: "+name+": ") {
			t.Errorf("%s: %q", name, err)
		}
	}
}

func TestEnvironmentOverrides(t *testing.T) {
	file := configFile(t, "mode = 'guest'\n[slideshow]\nzoom = true\nnight = '20:00-21:00'\n[display]\noutputs = ['http']\n")
	c, err := configs.Load(file, env(
		"PICKERD_SLIDESHOW_ZOOM", "false", "PICKERD_SLIDESHOW_NIGHT", "22:30-06:30", "PICKERD_DISPLAY_OUTPUTS", " framebuffer, ,terminal",
		"PICKERD_CONTROL_SOCKET", "/run/other.sock", "PICKERD_FRAMEBUFFER_OVERSCAN", "2.5%", "PICKERD_NAME", "Hall %%"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Slideshow.Zoom || c.Slideshow.Night[time.Monday] != (configs.Hours{22*time.Hour + 30*time.Minute, 6*time.Hour + 30*time.Minute}) ||
		c.Control.Socket != "/run/other.sock" || c.Framebuffer.Overscan != 2.5 || c.Name != "Hall %" || !c.IsGuest() {
		t.Errorf("%+v", c)
	}
	for output, want := range map[string]bool{"http": false, "framebuffer": true, "terminal": true} {
		if c.Display.HasOutput(output) != want {
			t.Errorf("output %s is %v, want %v", output, !want, want)
		}
	}
	if c, err = configs.Load(configFile(t, "[slideshow]\nnight = ''"), env()); err != nil || c.Slideshow.Night != (configs.Nights{}) {
		t.Errorf("night is %v, %v", c.Slideshow.Night, err)
	}
}

func TestDefaultSocket(t *testing.T) {
	for _, tt := range []struct {
		env  []string
		want string
	}{
		{nil, "/run/pickerd/control.sock"},
		{[]string{"RUNTIME_DIRECTORY", "/run/x"}, "/run/x/control.sock"},
		{[]string{"RUNTIME_DIRECTORY", "/run/x", "PICKERD_CONTROL_SOCKET", "/s"}, "/s"},
	} {
		if got := configs.DefaultSocket(env(tt.env...)); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.env, got, tt.want)
		}
	}
}

// Client files are looked for beside the configuration, or among the service's
// credentials, if a pairing method needs them.
func TestClientFiles(t *testing.T) {
	for _, tt := range []struct {
		text                 string
		env                  []string
		device, web, desktop string
	}{
		{"", nil, "", "", "/etc/credstore/desktop_client_secret.json"},
		{"", []string{"CREDENTIALS_DIRECTORY", "/creds"}, "", "", "/creds/desktop_client_secret.json"},
		{"google.client_id = 'x'\npairing.methods = ['device', 'paste']", nil, "", "", "/etc/credstore/desktop_client_secret.json"},
		{"pairing.methods = ['relay']\npairing.relay_url = 'http://localhost/p'", nil, "", "/etc/credstore/web_client_secret.json", ""},
		{"google.client_file = '/c.json'\npairing.methods = ['import']", nil, "/c.json", "", ""},
	} {
		c, err := configs.Load(configFile(t, tt.text), env(tt.env...))
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if g := c.Google; g.ClientFile != tt.device || g.WebFile != tt.web || g.DesktopFile != tt.desktop {
			t.Errorf("%q, %v: %q, %q, %q", tt.text, tt.env, g.ClientFile, g.WebFile, g.DesktopFile)
		}
	}
}

func TestSizeString(t *testing.T) {
	for text, want := range map[string]string{"8GB": "8.0 GB", "1GiB": "1.1 GB", "500MB": "500.0 MB", "1 KiB": "1 kB", "20KB": "20 kB", "0B": "0 kB"} {
		var s configs.Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s.String() != want {
			t.Errorf("%s is %s, %v; want %s", text, s, err, want)
		}
	}
}

func TestAge(t *testing.T) {
	for text, want := range map[string]time.Duration{"never": 0, "30d": 30 * 24 * time.Hour, "1d12h": 36 * time.Hour, "90m": 90 * time.Minute, "65535d24h": 65536 * 24 * time.Hour} {
		var a configs.Age
		if err := a.UnmarshalText([]byte(text)); err != nil || time.Duration(a) != want {
			t.Errorf("%s is %v, %v; want %v", text, time.Duration(a), err, want)
		}
	}
	for _, text := range []string{"", "d", "0d", "-1d", "1.5d", "30", "30 d", "30d12", "1d-1h", "1d25h", "65536d", "1h1d", "Never"} {
		if err := new(configs.Age).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	c, err := configs.Load("", env("PICKERD_STORE_FORGET_AFTER", "7d", "PICKERD_GUEST_FORGET_AFTER", "1d"))
	if err != nil || time.Duration(c.Store.ForgetAfter) != 7*24*time.Hour || time.Duration(c.Guest.ForgetAfter) != 24*time.Hour {
		t.Errorf("%+v, %v", c, err)
	}
}

// A value that is accepted has the range it promises.
func FuzzValues(f *testing.F) {
	for _, s := range []string{"10s", "1h30m", "500MB", "8 GiB", "5%", "22:30-06:30", "1e30TB", "-1B", "NaN%", "24:00-00:00", "never", "30d", "1d12h", "65535d24h", "65536d", "1d-1h", "d", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s configs.Size
		if s.UnmarshalText([]byte(text)) == nil && s < 0 {
			t.Errorf("size %d", s)
		}
		var p configs.Percent
		if p.UnmarshalText([]byte(text)) == nil && !(p >= 0 && p <= 100) {
			t.Errorf("percentage %v", p)
		}
		var a configs.Age
		if a.UnmarshalText([]byte(text)) == nil && a < 0 {
			t.Errorf("age %v", a)
		}
		var h configs.Hours
		if h.UnmarshalText([]byte(text)) == nil {
			for _, d := range h {
				if d < 0 || d >= 24*time.Hour {
					t.Errorf("hours %v", h)
				}
			}
		}
		_ = new(configs.Duration).UnmarshalText([]byte(text))
		for _, key := range []string{"PICKERD_NAME", "PICKERD_PAIRING_ADDRESS", "PICKERD_PAIRING_RELAY_URL", "PICKERD_HTTP_LISTEN"} {
			if _, err := configs.Load("", env(key, text)); err != nil {
				if _, ok := errors.AsType[*configs.Error](err); !ok {
					t.Errorf("%s: %v is not an *Error", key, err)
				}
			}
		}
	})
}
