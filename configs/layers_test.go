package configs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pickerd/configs"
)

// A box has files of the operator and of people.
type box struct {
	t          *testing.T
	etc, state string
	env        map[string]string
}

func newBox(t *testing.T, files map[string]string) *box {
	t.Helper()
	b := &box{t, t.TempDir(), t.TempDir(), map[string]string{"PICKERD_GOOGLE_CLIENT_ID": "i"}}
	b.env["STATE_DIRECTORY"] = b.state
	for name, text := range files {
		b.write(name, text)
	}
	return b
}

// path returns where a file is. That of people is called "phone".
func (b *box) path(name string) string {
	if name == "phone" {
		return filepath.Join(b.state, configs.ConfigFolder, configs.PhoneFile)
	}
	return filepath.Join(b.etc, name)
}

func (b *box) write(name, text string) {
	b.t.Helper()
	path := b.path(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) sources() configs.Sources {
	return configs.Sources{File: filepath.Join(b.etc, "pickerd.toml"), Optional: true, Phone: true, Getenv: func(k string) string { return b.env[k] }}
}

func TestLayers(t *testing.T) {
	all := map[string]string{
		"pickerd.toml":      "name = 'main'\n[slideshow]\ninterval = '1s'\n",
		"conf.d/10-a.toml":  "slideshow.interval = '2s'\n",
		"conf.d/20-b.toml":  "slideshow.interval = '3s'\n",
		"conf.d/30-c.toml~": "slideshow.interval = 'no configuration'\n",
		"phone":             "[slideshow]\ninterval = '4s'\n",
	}
	for _, tt := range []struct {
		name   string
		change func(b *box)
		want   time.Duration
		origin configs.Origin
		locked bool
	}{
		{"nothing", func(b *box) { os.RemoveAll(b.etc); os.RemoveAll(b.state) }, 10 * time.Second, configs.FromDefault, false},
		{"the main file", func(b *box) { os.RemoveAll(b.path("conf.d")); os.RemoveAll(b.state) }, time.Second, configs.FromFile, false},
		{"conf.d by name", func(b *box) { os.RemoveAll(b.state) }, 3 * time.Second, configs.FromFile, false},
		{"a phone", func(*box) {}, 4 * time.Second, configs.FromPhone, false},
		{"the environment", func(b *box) { b.env["PICKERD_SLIDESHOW_INTERVAL"] = "5s" }, 5 * time.Second, configs.FromEnvironment, true},
		{"a locked table", func(b *box) { b.write("conf.d/10-a.toml", "lock = ['slideshow']\n") }, 3 * time.Second, configs.FromFile, true},
		{"a locked key", func(b *box) { b.write("conf.d/10-a.toml", "lock = ['slideshow.interval', 'mode']\n") }, 3 * time.Second, configs.FromFile, true},
		{"another locked key", func(b *box) { b.write("conf.d/10-a.toml", "lock = ['slideshow.order', 'name']\n") }, 4 * time.Second, configs.FromPhone, false},
		{"locks of two files", func(b *box) {
			b.write("conf.d/10-a.toml", "lock = ['slideshow']\n")
			b.write("conf.d/20-b.toml", "lock = ['mode']\n")
		}, time.Second, configs.FromFile, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBox(t, all)
			tt.change(b)
			l := b.sources().Read()
			if l.Err != nil || len(l.Problems) > 0 {
				t.Fatal(l.Err, l.Problems)
			}
			if got := time.Duration(l.Config.Slideshow.Interval); got != tt.want || l.Origin("slideshow.interval") != tt.origin || l.Locked("slideshow.interval") != tt.locked {
				t.Errorf("%v from %s, locked %t", got, l.Origin("slideshow.interval"), l.Locked("slideshow.interval"))
			}
			if l.Default("slideshow.interval") != "10s" {
				t.Errorf("default %v", l.Default("slideshow.interval"))
			}
		})
	}
}

// What is wrong with a tolerant setting costs that setting alone. The rest of the file
// counts, and the next weaker layer has a value.
func TestToleratedProblems(t *testing.T) {
	for _, tt := range []struct {
		name, file, text string
		want             string // the problem, without the file
		fatal            bool
	}{
		{"range", "pickerd.toml", "mode = 'guest'\nslideshow.interval = '25h'\n", ":2: slideshow.interval: 24h", false},
		{"range in conf.d", "conf.d/x.toml", "mode = 'guest'\n[slideshow]\ninterval = '25h'\n", ":3: slideshow.interval: ", false},
		{"type", "pickerd.toml", "mode = 'guest'\nslideshow.pairs = 'maybe'\n", ":2: slideshow.pairs: expected true or false", false},
		{"name", "pickerd.toml", "mode = 'guest'\nname = '%x'\n", ":2: name: ", false},
		{"unknown key near a tolerant one", "pickerd.toml", "mode = 'guest'\nslideshow.intervall = '5s'\n", ":2: slideshow.intervall: unknown key (did you mean slideshow.interval?)", false},
		{"unknown key in conf.d", "conf.d/x.toml", "mode = 'guest'\nqqqqqqqqqqq = '5s'\n", ":2: qqqqqqqqqqq: unknown key", false},
		{"several", "conf.d/x.toml", "slideshow.order = 'x'\nmode = 'guest'\nslideshow.interval = 'x'\nslideshow.fade = '1h'\n", ":3: slideshow.interval: ", false},

		{"unknown key in the main file", "pickerd.toml", "mode = 'guest'\nqqqqqqqqqqq = '5s'\n", ":2: qqqqqqqqqqq: unknown key", true},
		{"misspelt mode", "pickerd.toml", "\nmod = 'guest'\n", ":2: mod: unknown key (did you mean mode?)", true},
		{"mode", "conf.d/x.toml", "mode = 'gest'\n", ":1: mode: ", true},
		{"address", "pickerd.toml", "http.listen = 'x'\n", ":1: http.listen: ", true},
		{"hook", "pickerd.toml", "[hooks]\non_state = ['x']\n", ":2: hooks.on_state: ", true},
		{"lock", "conf.d/x.toml", "lock = ['slidshow']\n", ":1: lock: \"slidshow\" is neither", true},
		{"torn", "conf.d/x.toml", "mode = 'guest'\n[slidesh", ":2: ", true},
		{"torn main file", "pickerd.toml", "mode = 'gue", ":1: ", true},

		{"people's range", "phone", "slideshow.order = 'newest'\nslideshow.interval = '25h'\n", ":2: slideshow.interval: ", false},
		{"people's hook", "phone", "hooks.on_state = ['/bin/sh']\nslideshow.order = 'newest'\n", ":1: hooks.on_state: only the operator", false},
		{"people's lock", "phone", "lock = ['slideshow']\nslideshow.order = 'newest'\n", ":1: lock: only the operator", false},
		{"people's gateway", "phone", "google.gateway = 'no address'\nslideshow.order = 'newest'\n", ":1: google.gateway: ", false},
		{"people's torn file", "phone", "slideshow.order = 'newest'\nslides", ":2: ", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBox(t, map[string]string{tt.file: tt.text})
			l := b.sources().Read()
			err := l.Err
			for _, p := range l.Problems {
				err = errors.Join(err, p)
			}
			if err == nil || !strings.Contains(err.Error(), b.path(tt.file)+tt.want[:3]) || (l.Err != nil) != tt.fatal || (l.Config == nil) != tt.fatal {
				t.Fatalf("problems %v; fatal %v", l.Problems, l.Err)
			}
			if tt.name != "range" && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v; want %s", err, tt.want)
			}
			torn := strings.Contains(tt.name, "torn")
			if l.Torn != torn {
				t.Errorf("torn: %t", l.Torn)
			}
			if l.Err != nil {
				return
			}
			if l.Config.Slideshow.Interval != configs.Duration(10*time.Second) || !l.Config.Slideshow.Pairs || len(l.Config.Hooks.OnState) > 0 || l.Config.Google.Gateway != "" {
				t.Errorf("%+v", l.Config.Slideshow)
			}
			if tt.file == "phone" {
				if want := map[bool]string{false: "newest", true: "picked"}[torn]; l.Config.Slideshow.Order != want {
					t.Errorf("order %s", l.Config.Slideshow.Order)
				}
			} else if l.Config.Mode != "guest" {
				t.Errorf("mode %s", l.Config.Mode)
			}
			// The check before a start tolerates nothing.
			if _, err := configs.Load(b.sources().File, b.sources().Getenv); tt.file != "phone" && (err == nil || !strings.Contains(err.Error(), b.path(tt.file))) && tt.file != "conf.d/x.toml" {
				t.Errorf("Load: %v", err)
			}
		})
	}
}

// A mistake in what a file locks is told of that file, whatever others lock.
func TestBadLock(t *testing.T) {
	b := newBox(t, map[string]string{"pickerd.toml": "lock = ['slidshow']\n", "conf.d/10-a.toml": "\nlock = ['slideshow', 'nmae']\n", "conf.d/20-b.toml": "lock = ['mode']\n"})
	err := b.sources().Read().Err
	if err == nil {
		t.Fatal("no error")
	}
	got := err.Error()
	for _, want := range []string{b.path("pickerd.toml") + `:1: lock: "slidshow"`, b.path("conf.d/10-a.toml") + `:2: lock: "nmae"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s; want %s", got, want)
		}
	}
	if strings.Contains(got, "20-b.toml") {
		t.Error(got)
	}
}

// A file in a folder counts only if it is root's or this user's, and regular.
func TestFilesOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	b := newBox(t, map[string]string{"conf.d/x.toml": "mode = 'guest'\n", "phone": "slideshow.order = 'newest'\n"})
	if err := errors.Join(os.Chown(b.path("conf.d/x.toml"), 12345, 0), os.Chown(b.path("phone"), 12345, 0)); err != nil {
		t.Fatal(err)
	}
	l := b.sources().Read()
	if l.Err != nil || len(l.Problems) != 2 || l.Config.Mode != "home" || l.Config.Slideshow.Order != "picked" || !strings.Contains(l.Problems[0].Error(), "12345") {
		t.Errorf("%v %v", l.Err, l.Problems)
	}
	// Root reads what the daemon's user has written in that user's state directory.
	if err := os.Chown(b.state, 12345, 0); err != nil {
		t.Fatal(err)
	}
	if l = b.sources().Read(); l.Config.Slideshow.Order != "newest" {
		t.Errorf("%v %v", l.Err, l.Problems)
	}
	if err := errors.Join(os.Remove(b.path("conf.d/x.toml")), syscall.Mkfifo(b.path("conf.d/x.toml"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if l = b.sources().Read(); l.Err == nil || !l.Torn {
		t.Errorf("a pipe: %v", l.Err)
	}
}

func TestWith(t *testing.T) {
	b := newBox(t, map[string]string{"phone": "slideshow.order = 'newest'\nslideshow.interval = '7s'\nqqqqqqqqqqq = 1\n"})
	l := b.sources().Read()
	next, err := l.With(map[string]any{"slideshow.interval": nil, "slideshow.pairs": "false", "slideshow.zoom": true, "name": "Hall 100%%"})
	if err != nil {
		t.Fatal(err)
	}
	s := next.Config.Slideshow
	if s.Interval != configs.Duration(10*time.Second) || s.Order != "newest" || s.Pairs || !s.Zoom || next.Config.Name != "Hall 100%" || l.Config.Slideshow.Zoom {
		t.Errorf("%+v", s)
	}
	b.write("phone", string(next.PhoneData()))
	if again := b.sources().Read(); again.Err != nil || len(again.Problems) > 0 || again.Config.Slideshow != s || again.Config.Name != "Hall 100%" {
		t.Errorf("%v %v\n%s", again.Err, again.Problems, next.PhoneData())
	}
	for key, value := range map[string]any{"slideshow.interval": "25h", "slideshow.order": 7, "slideshow.pairs": "maybe", "slideshow.night": []any{"x"}, "name": map[string]any{"a": 1}} {
		if _, err := l.With(map[string]any{key: value, "slideshow.zoom": true}); err == nil {
			t.Errorf("%s = %v is taken", key, value)
		} else if e, ok := errors.AsType[*configs.Error](err); !ok || e.Key != key {
			t.Errorf("%s: %v", key, err)
		}
	}
}
