package configs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pickerd/configs"
)

// TestRescue checks what a box keeps of a configuration that can't be used: its screen
// and its name, and never half of what protects the page.
func TestRescue(t *testing.T) {
	const page = "[http]\nlisten = '0.0.0.0:8420'\nkey = 'long-enough-to-be-strong'\n"
	for name, tt := range map[string]struct {
		text, env, value string
		want             string // name, outputs, listen
	}{
		"nothing":               {"", "", "", "Kitchen http 127.0.0.1:8420"},
		"an unknown key":        {"name = 'Hall'\nnaem = 'x'\n[display]\noutputs = ['framebuffer']\n" + page, "", "", "Hall framebuffer 0.0.0.0:8420"},
		"a wrong value":         {"name = 'Hall'\n[display]\noutputs = ['framebufer']\n" + page, "", "", "Hall http 0.0.0.0:8420"},
		"a wrong type":          {"name = 7\n[display]\noutputs = ['framebuffer', 'http']\n", "", "", "7 framebuffer http 127.0.0.1:8420"},
		"torn":                  {"name = 'Hall'\n[display]\noutputs = ['framebuffer']\n[slideshow]\ninterval = '1", "", "", "Hall framebuffer 127.0.0.1:8420"},
		"torn in its page":      {"name = 'Hall'\n" + page + "cert_file = '/c", "", "", "Hall http 127.0.0.1:8420"},
		"half of a certificate": {page + "cert_file = '/c.pem'\n", "", "", "Kitchen http 127.0.0.1:8420"},
		"a wrong method":        {"pairing.methods = ['relay']\ndisplay.outputs = ['terminal']\n", "", "", "Kitchen terminal 127.0.0.1:8420"},
		"the environment":       {"name = 'Hall'\n", "PICKERD_DISPLAY_OUTPUTS", "framebuffer,http", "Hall framebuffer http 127.0.0.1:8420"},
		"a wrong variable":      {"display.outputs = ['framebuffer']\n", "PICKERD_SLIDESHOW_INTERVAL", "x", "Kitchen framebuffer 127.0.0.1:8420"},
		"the package's screen":  {"naem = 'x'\n", "_PICKERD_OUTPUT", "framebuffer", "Kitchen framebuffer 127.0.0.1:8420"},
		"another than that":     {"display.outputs = ['http']\n", "_PICKERD_OUTPUT", "framebuffer", "Kitchen http 127.0.0.1:8420"},
		"a table as a value":    {"name = {a = {b = 1}}\nhttp = 7\ndisplay = []\n", "", "", "Kitchen http 127.0.0.1:8420"},
		"no text":               {"\x00\xff\xfe", "", "", "Kitchen http 127.0.0.1:8420"},
	} {
		t.Run(name, func(t *testing.T) {
			text := tt.text
			if !strings.Contains(text, "name = ") {
				text = "name = 'Kitchen'\n" + text
			}
			if name == "a table as a value" || name == "no text" {
				text = tt.text
			}
			c := configs.Rescue(configFile(t, text), env(tt.env, tt.value))
			got := strings.Join([]string{c.Name, strings.Join(c.Display.Outputs, " "), c.HTTP.Listen}, " ")
			want := tt.want
			if host := configs.Rescue("", env("", "")).Name; !strings.Contains(text, "Kitchen") {
				want = strings.Replace(want, "Kitchen", host, 1)
			}
			if got != want {
				t.Errorf("%q, want %q", got, want)
			}
			if c.HTTP.Listen != "127.0.0.1:8420" && c.HTTP.Key == "" {
				t.Error("the page is on the network without its key")
			}
		})
	}
	if c := configs.Rescue("/nothing/here.toml", env("", "")); c.HTTP.Listen != "127.0.0.1:8420" {
		t.Errorf("without a file: %+v", c.HTTP)
	}
}

// TestRescueClients checks that the clients that are there, and even checks that refuse
// the defaults, keep no box from saying that its configuration can't be used.
func TestRescueClients(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "web_client_secret.json"), []byte(`{"web":{"client_id":"i","client_secret":"s"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "naem = 'x'\n"} {
		text = "display.outputs = ['framebuffer']\n" + text
		if c := configs.Rescue(configFile(t, text), env("CREDENTIALS_DIRECTORY", dir)); !c.Display.HasOutput("framebuffer") {
			t.Errorf("%q: outputs %v", text, c.Display.Outputs)
		}
	}
	never := func(_ *configs.Config, bad func(key, format string, args ...any)) { bad("mode", "never") }
	if c := configs.Rescue("", env("", ""), never); !c.Display.HasOutput("http") || c.HTTP.Listen != "127.0.0.1:8420" || c.Name == "" || c.Store.Dir == "" {
		t.Errorf("the last resort: %+v", c)
	}
}

// TestRescuePIN checks that a mistake elsewhere does not switch the PIN off, and that
// one without quotes counts.
func TestRescuePIN(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"naem = 'x'\nremote.pin = '480915'\n", "480915"},
		{"remote.pin = 480915\n", "480915"},
		{"remote.pin = '4809'\nremote.ok = ['KEY_A']\n", ""},
	} {
		if got := configs.Rescue(configFile(t, tt.text), env()).Remote.PIN; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.text, got, tt.want)
		}
	}
}

// TestRescueFilesOfOthers checks that a file that a running box would not read decides
// nothing, not even whether the others are whole.
func TestRescueFilesOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	file := configFile(t, "naem = 'x'\n[http]\nlisten = '0.0.0.0:8420'\nkey = 'long-enough-to-be-strong'\n")
	other := filepath.Join(filepath.Dir(file), configs.ConfigFolder, "x.toml")
	if err := errors.Join(os.MkdirAll(filepath.Dir(other), 0o700), os.WriteFile(other, []byte("http.key = 'known-to-somebody-else'\ndisplay.outputs = ['terminal']\n= ="), 0o600), os.Chown(other, 12345, 0)); err != nil {
		t.Fatal(err)
	}
	c := configs.Rescue(file, env("", ""))
	if c.HTTP.Listen != "0.0.0.0:8420" || c.HTTP.Key != "long-enough-to-be-strong" || c.Display.HasOutput("terminal") {
		t.Errorf("%+v, outputs %v", c.HTTP, c.Display.Outputs)
	}
}

// FuzzRescue checks that no file keeps a box from saying that it can't be used.
func FuzzRescue(f *testing.F) {
	f.Add("name = 'x'\n[http]\nlisten = '0.0.0.0:1'\n")
	f.Add("[[http]]\n[http]\n= =\n\n[display]\noutputs = [[1], {a = 2}]")
	f.Fuzz(func(t *testing.T, text string) {
		if c := configs.Rescue(configFile(t, text), env("", "")); len(c.Display.Outputs) == 0 || c.Store.Dir == "" {
			t.Errorf("%q: %+v", text, c)
		}
	})
}
