package strict_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pickerd/configs/strict"
)

type config struct {
	Name  string   `toml:"name"`
	Words []string `toml:"words"`
	Shops []shop   `toml:"shops"`
	Door  struct {
		Width int  `toml:"width"`
		Open  bool `toml:"open"`
	} `toml:"door"`
}

type shop struct {
	ID    string `toml:"id"`
	Limit int    `toml:"limit"`
}

// source returns a Source with a file of the given text and some variables.
func source(text string, env map[string]string) *strict.Source {
	return &strict.Source{File: "f.toml", Data: []byte(text), Prefix: "X_", Getenv: func(k string) string { return env[k] }, Hint: "see the default file"}
}

func TestRead(t *testing.T) {
	const file = "name = 'a'\nwords = ['b']\nshops = [{id = 'c', limit = 1}]\n[door]\nwidth = 2\n"
	var want config
	want.Name, want.Words, want.Shops, want.Door.Width = "a", []string{"b"}, []shop{{"c", 1}}, 2
	for _, tt := range []struct {
		name, text string
		env        map[string]string
		change     func(*config)
	}{
		{"file", file, nil, func(*config) {}},
		{"tables one by one", strings.Replace(file, "shops = [{id = 'c', limit = 1}]\n", "", 1) + "[[shops]]\nid = 'c'\nlimit = 1\n", nil, func(*config) {}},
		{"variables", file, map[string]string{"X_NAME": "z", "X_WORDS": "y, x,", "X_DOOR_WIDTH": "9", "X_DOOR_OPEN": "true"},
			func(c *config) { c.Name, c.Words, c.Door.Width, c.Door.Open = "z", []string{"y", "x"}, 9, true }},
		{"tables in a variable", file, map[string]string{"X_SHOPS": `[{id = "d"}, {id = "e", limit = 3}]`},
			func(c *config) { c.Shops = []shop{{"d", 0}, {"e", 3}} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := want
			tt.change(&want)
			var got config
			if err := source(tt.text, tt.env).Read(&got); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		env        map[string]string
		want       string
	}{
		{"unknown key", "\nnaem = 'x'\n", nil, "f.toml:2: naem: unknown key (did you mean name?)"},
		{"unknown key in a list of tables", "shops = [{idd = 'x'}]\n", nil, "f.toml:1: idd: unknown key (did you mean id?)"},
		{"unknown key in a table of a list", "[[shops]]\nidd = 'x'\n", nil, "f.toml:2: shops.idd: unknown key (did you mean shops.id?)"},
		{"far from any", "qqqqqqqqqqq = 1\n", nil, "f.toml:1: qqqqqqqqqqq: unknown key (see the default file)"},
		{"wrong type", "[door]\nwidth = 'wide'\n", nil, "f.toml:2: door.width: expected a whole number, without quotes"},
		{"not TOML", "name = \n", nil, "f.toml:1: "},
		{"number", "", map[string]string{"X_DOOR_WIDTH": "wide"}, `environment: X_DOOR_WIDTH: "wide" is not a whole number`},
		{"truth", "", map[string]string{"X_DOOR_OPEN": "ajar"}, `environment: X_DOOR_OPEN: "ajar" is neither true nor false`},
		{"unknown key in a variable", "", map[string]string{"X_SHOPS": "[{ide = 'x'}]"}, "environment: X_SHOPS: unknown key ide, did you mean id?"},
		{"no list in a variable", "", map[string]string{"X_SHOPS": "x"}, "environment: X_SHOPS: "},
		{"two lines in a variable", "", map[string]string{"X_SHOPS": "[]\nw = 1"}, "environment: X_SHOPS: unknown key w"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c config
			err := source(tt.text, tt.env).Read(&c)
			if _, ok := errors.AsType[*strict.Error](err); !ok || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("%v; want %s", err, tt.want)
			}
		})
	}
}

func TestBad(t *testing.T) {
	s := source("name = 'x'\n[door]\nwidth = 1\n[[shops]]\nid = 'a'\n", map[string]string{"X_WORDS": "a"})
	for key, want := range map[string]string{
		"name":       "f.toml:1: name: bad 7",
		"door.width": "f.toml:3: door.width: bad 7",
		"shops":      "f.toml:4: shops: bad 7",
		"door.open":  "f.toml: door.open: bad 7",
		"words":      "environment: X_WORDS: bad 7",
	} {
		if err := s.Bad(key, "bad %d", 7); err.Error() != want {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"status", "import-token", "run"}
	for name, want := range map[string]string{"stauts": "status", "import-tokne": "import-token", "rn": "run", "qqqqqq": "", "": ""} {
		if got := strict.Nearest(name, known); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// A file and a variable of any text give a configuration or an error of ours.
func FuzzRead(f *testing.F) {
	f.Add("name = 'a'\n[[shops]]\nid = 'b'\n", "[{id = 'c'}]")
	f.Add("[door]\nwidth = 9e9\n", "[{}]\n[x]")
	f.Add("\x00=\xff", "'''")
	f.Fuzz(func(t *testing.T, text, shops string) {
		var c config
		s := source(text, map[string]string{"X_SHOPS": shops})
		err := s.Read(&c)
		if _, ok := errors.AsType[*strict.Error](err); err != nil && !ok {
			t.Errorf("%T %v", err, err)
		}
		_ = s.Bad("door.width", "x").Error()
	})
}
