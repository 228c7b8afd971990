package command_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"

	"pickerd/cmd/command"
	"pickerd/configs/strict"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		n    int
		want string // of the error
	}{
		{"flags before and after", []string{"--json", "a", "--file", "f"}, 1, ""},
		{"too many", []string{"a", "b"}, 1, `unexpected argument "b"`},
		{"too few", nil, 1, "an argument is missing"},
		{"unknown flag", []string{"--jsn"}, 0, "unknown flag --jsn"},
		{"no value", []string{"--file"}, 0, "--file needs a value"},
		{"bad value", []string{"--json=x"}, 0, `invalid boolean value "x" for --json`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fs := flag.NewFlagSet("do", flag.ContinueOnError)
			fs.SetOutput(io.Discard)
			fs.Bool("json", false, "")
			fs.String("file", "", "")
			err := command.Parse("prog", fs, tt.args, tt.n)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e, ok := errors.AsType[*command.UsageError](err); !ok || !strings.HasPrefix(e.Msg, tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestFinish(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"none", nil, 0, ""},
		{"reported", command.ErrReported, 1, ""},
		{"any", errors.New("x"), 1, "prog: x\n"},
		{"usage", &command.UsageError{Msg: "x"}, 64, "prog: x\n  hint: prog do --help\n"},
		{"typo", command.Unknown("rnu", []string{"run"}), 64, "prog: unknown command \"rnu\"\n  hint: did you mean \"run\"?\n"},
		{"configuration", &strict.Error{File: "f", Key: "k", Msg: "m"}, 78, "prog: f: k: m\n"},
		{"hinted", command.Hint(fmt.Errorf("w: %w", &strict.Error{File: "f", Msg: "m"}), "h", 69), 69, "prog: w: f: m\n  hint: h\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			if code := command.Finish(&out, "prog", "do", tt.err); code != tt.code || out.String() != tt.want {
				t.Errorf("%d %q, want %d %q", code, out.String(), tt.code, tt.want)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	for want, b := range map[string]command.Build{
		"pickerd v1.4.0": {Version: "v1.4.0"},
		"pickerd (devel) (commit 0123456789ab of 2026-11-28)": {Version: "(devel)", Commit: "0123456789abcdef0123456789abcdef01234567", Day: "2026-11-28"},
		"pickerd v1 (commit 0123+dirty)":                      {Version: "v1", Commit: "0123", Dirty: true},
	} {
		if got := b.Text("pickerd"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := command.Built("1.2.3").Version; got != "1.2.3" {
		t.Errorf("a packaged version: %q", got)
	}
}
