package command

import (
	"bytes"
	"errors"
	"flag"
	"slices"
	"testing"
)

func TestResolve(t *testing.T) {
	for _, tt := range []struct{ args, want []string }{
		{[]string{"ls", "-v"}, []string{"ls", "-v"}},
		{[]string{"help", "ls"}, []string{"ls", "--help"}},
		{[]string{"--version"}, []string{"version"}},
		{[]string{"-version", "x"}, []string{"version", "x"}},
		{[]string{"help"}, nil},
		{[]string{"-h"}, nil},
		{[]string{"--help", "ls"}, nil},
	} {
		if got, help := Resolve(tt.args); !slices.Equal(got, tt.want) || help != (tt.want == nil) {
			t.Errorf("%q: %q, %v, want %q", tt.args, got, help, tt.want)
		}
	}
}

func TestRun(t *testing.T) {
	failed := errors.New("failed")
	for _, tt := range []struct {
		args []string
		err  error
		out  string
	}{
		{nil, failed, ""},
		{[]string{"--help"}, nil, "Lists.\n\nUsage: p ls [--all]\n  --all\n    \tall of them\n"},
	} {
		var out bytes.Buffer
		err := Run(&out, "p", "ls", "ls [--all]", "Lists.", func(fs *flag.FlagSet) error {
			fs.Bool("all", false, "all of them")
			if err := Parse("p", fs, tt.args, 0); err != nil {
				return err
			}
			return failed
		})
		if err != tt.err || out.String() != tt.out {
			t.Errorf("%q: %v, %q", tt.args, err, out.String())
		}
	}
}
