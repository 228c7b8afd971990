package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func noEnv(string) string { return "" }

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pickerd.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDefault(t *testing.T) {
	c, err := Load("", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if c.Google.PickerURL != "https://photospicker.googleapis.com" || c.Store.MaxBytes != 8e9 ||
		time.Duration(c.Slideshow.Interval) != 10*time.Second || c.Store.Dir != "/var/lib/pickerd" ||
		c.Control.Socket != "/run/pickerd/control.sock" || c.Name == "" {
		t.Errorf("defaults: %+v", c)
	}
	// What the default file shows as examples must be keys too.
	if _, err := Load(write(t, strings.ReplaceAll(Default, "\n# client_file", "\nclient_file")), noEnv); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ name, text, line, want string }{
		{"unknown key", "[google]\nclient_idd = 'x'\n", ":2:", "google.client_idd: unknown key (did you mean google.client_id?)"},
		{"unknown table", "[goggle]\nclient_id = 'x'\n", ":2:", "unknown key"},
		{"far from any key", "zzzzzzzzzzzzz = 1\n", ":1:", "pickerd config default"},
		{"bad duration", "[slideshow]\n\ninterval = '10'\n", ":3:", `"10" is not a duration`},
		{"duration too short", "[slideshow]\ninterval = '1ms'\n", ":2:", "not between 1s and 24h"},
		{"bad size", "[store]\nmax_bytes = 'lots'\n", ":2:", `"lots" is not a size`},
		{"negative size", "[store]\nmax_bytes = '-1GB'\n", ":2:", "is not a size"},
		{"bad percentage", "[framebuffer]\noverscan = '101%'\n", ":2:", "is not a percentage"},
		{"wrong type", "[pick]\nmax_items = 'many'\n", ":2:", "pick.max_items"},
		{"too many items", "[pick]\nmax_items = 2001\n", ":2:", "not between 1 and 2000"},
		{"not TOML", "name = \n", ":1:", ""},
		{"bad address", "[google]\ntoken_url = 'ftp://x'\n", ":2:", "not an http(s) address"},
		{"sign-in that would be a script", "[google]\nauth_url = 'javascript://x/%0aalert(1)'\n", ":2:", "not an http(s) address"},
		{"no scopes", "[google]\nscopes = []\n", ":2:", "no scopes"},
		{"bad listen", "[http]\nlisten = '8420'\n", ":2:", "not an address"},
		{"secret alone", "[google]\nclient_secret = 'x'\n", ":2:", "google.client_id is missing"},
		{"bad mode", "mode = 'hotel'\n", ":1:", "not one of home, guest"},
		{"a guest whose photos are kept", "mode = 'guest'\n[unpair]\nphotos = 'keep'\n", ":3:", "does not keep photos"},
		{"a guest who signs in nowhere", "mode = 'guest'\n[pairing]\nmethods = ['device', 'import']\n", ":3:", "is for operators"},
		{"a guest without a moment", "[guest]\nforget_after = '1s'\n", ":2:", "less than 10s"},
		{"a crowd", "accounts_max = 40\n", ":1:", "not between 1 and 8"},
		{"unknown output", "[display]\noutputs = ['http', 'hdmi']\n", ":2:", `"hdmi" is not one of http, framebuffer, terminal`},
		{"no output", "[display]\noutputs = []\n", ":2:", "choose from http"},
		{"bad hours", "[slideshow]\nnight = '22-6'\n", ":2:", `"22-6" is not hours such as "22:30-06:30"`},
		{"bad order", "[slideshow]\norder = 'random'\n", ":2:", "not one of picked, newest, shuffle"},
		{"a fade that never ends", "[slideshow]\nfade = '1m'\n", ":2:", "not between 0s and 10s"},
		{"bad device", "[framebuffer]\ndevice = 'fb0'\n", ":2:", "/dev/fb0"},
		{"overscan of all", "[framebuffer]\noverscan = '50%'\n", ":2:", "more than 20%"},
		{"a word instead of a list", "[pairing]\nmethods = 'device'\n", ":2:", `expected a list: write ["`},
		{"no pairing methods", "[pairing]\nmethods = []\n", ":2:", "no pairing methods"},
		{"unknown way to pair", "[pairing]\nmethods = ['device', 'rely']\n", ":2:", `"rely" is not one of device, relay, paste, import`},
		{"a way twice", "[pairing]\nmethods = ['paste', 'paste']\n", ":2:", "twice"},
		{"a way after import", "[pairing]\nmethods = ['import', 'paste']\n", ":2:", "never tried"},
		{"relay without a page", "[pairing]\nmethods = ['relay']\n", "", "pickerd relay-page"},
		{"relay page without TLS", "[pairing]\nrelay_url = 'http://you.test/p.html'\n", ":2:", "not an https address"},
		{"bad pairing address", "[pairing]\naddress = '192.168.1.20:8420'\n", ":2:", "http://192.168.1.20:8420"},
		{"bad client_auth", "[google]\nclient_auth = 'post'\n", ":2:", "not one of form, basic"},
		{"bad unpair.photos", "[unpair]\nphotos = 'hide'\n", ":2:", "not one of remove, keep"},
		{"bad rotation", "[framebuffer]\nrotate = 45\n", ":2:", "not one of 0, 90, 180, 270"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, tt.text)
			_, err := Load(file, noEnv)
			if err == nil {
				t.Fatal("no error")
			}
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("not an *Error: %v", err)
			}
			if !strings.Contains(err.Error(), file+tt.line) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want file, line %s and %q", err, tt.line, tt.want)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{
		"PICKERD_GOOGLE_CLIENT_ID":   "from-env",
		"PICKERD_SLIDESHOW_INTERVAL": "30s",
		"PICKERD_STORE_MAX_BYTES":    "1GiB",
		"PICKERD_GOOGLE_SCOPES":      "a, b",
		"PICKERD_PICK_MAX_ITEMS":     "7",
		"STATE_DIRECTORY":            "/state",
		"RUNTIME_DIRECTORY":          "/run/x",
		"CREDENTIALS_DIRECTORY":      "/creds",
	}
	c, err := Load(write(t, "[google]\nclient_id = 'from-file'\n"), func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	if c.Google.ClientID != "from-env" || c.Slideshow.Interval != Duration(30*time.Second) || c.Store.MaxBytes != 1<<30 ||
		strings.Join(c.Google.Scopes, "+") != "a+b" || c.Pick.MaxItems != 7 || c.Store.Dir != "/state" ||
		c.Control.Socket != "/run/x/control.sock" || c.Google.ClientFile != "" {
		t.Errorf("%+v", c)
	}
	env["PICKERD_PICK_MAX_ITEMS"], env["PICKERD_MODE"] = "7", "gest"
	if _, err := Load(write(t, "mode = 'guest'\n"), func(k string) string { return env[k] }); err == nil || err.Error() != `environment: PICKERD_MODE: "gest" is not one of home, guest` {
		t.Errorf("got %v, want an error that names the variable and not the file", err)
	}
	env["PICKERD_PICK_MAX_ITEMS"] = "x"
	if _, err := Load("", func(k string) string { return env[k] }); err == nil || !strings.Contains(err.Error(), "PICKERD_PICK_MAX_ITEMS") {
		t.Errorf("got %v, want an error that names the variable", err)
	}
}

// A file of any text, of the operator or of people, gives a configuration that can be
// used, or an error.
func FuzzLoad(f *testing.F) {
	f.Add(Default)
	f.Add("[google]\nclient_id = 'x'\n[[a]]\nb={c=1}")
	f.Add("slideshow.interval = '-1s'\nstore.max_bytes='1e99GB'\n")
	f.Add("lock = ['slideshow', 7]\n[slideshow]\nOrder = {}\n")
	f.Add("\x00=\xff")
	dir := f.TempDir()
	file, people := filepath.Join(f.TempDir(), "f.toml"), filepath.Join(dir, ConfigFolder, PhoneFile)
	if err := os.Mkdir(filepath.Dir(people), 0o700); err != nil {
		f.Fatal(err)
	}
	getenv := func(key string) string { return map[string]string{"STATE_DIRECTORY": dir}[key] }
	f.Fuzz(func(t *testing.T, text string) {
		for _, path := range []string{file, people} {
			if err := errors.Join(os.WriteFile(file, nil, 0o600), os.WriteFile(people, nil, 0o600), os.WriteFile(path, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
			l := Sources{File: file, Phone: true, Getenv: getenv}.Read()
			if (l.Config == nil) != (l.Err != nil) || path == people && l.Err != nil {
				t.Fatalf("%s: %v", path, l.Err)
			}
			if l.Err != nil {
				continue
			}
			if next, err := l.With(map[string]any{"slideshow.order": "newest"}); err != nil && !l.Locked("slideshow.order") || err == nil && len(next.PhoneData()) == 0 {
				t.Fatalf("%s: %v", path, err)
			}
		}
	})
}

// Without a usable ID in the file, the machine is told from others by its network
// card, if it has one.
func TestMachineID(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	file := filepath.Join(t.TempDir(), "machine-id")
	fallback := machineID(file)
	if fallback == "" {
		t.Error("this machine can't be told from others")
	}
	for content, want := range map[string]string{
		id:                                     id,
		id + "\n":                              id,
		"":                                     fallback,
		"uninitialized\n":                      fallback,
		id[1:]:                                 fallback,
		id + "01":                              fallback,
		"01234567-89ab-cdef-0123-456789abcdef": fallback,
		strings.Repeat("x", 32):                fallback,
		strings.Repeat("0", 32):                fallback,
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := machineID(file); got != want {
			t.Errorf("%q: %q, want %q", content, got, want)
		}
	}
}

func TestExpand(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	for in, want := range map[string]string{
		"Lobby %m": "Lobby 01234567", "%H": "box", "100 %% at %H, %m": "100 % at box, 01234567", "Küche": "Küche", "": "",
	} {
		if got, err := expand(in, "box", id); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"%", "%x", "Lobby %"} {
		if got, err := expand(in, "box", id); err == nil {
			t.Errorf("%q: %q", in, got)
		}
	}
	if got, err := expand("%m", "box", "0a1b"); err != nil || got != "0a1b" {
		t.Errorf("a short ID: %q, %v", got, err)
	}
	file := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(file, []byte("\nname = \"Lobby %q\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(file, func(string) string { return "" })
	if e, ok := errors.AsType[*Error](err); !ok || e.Line != 2 || e.Key != "name" {
		t.Errorf("%v", err)
	}
}
