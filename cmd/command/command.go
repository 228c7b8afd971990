// Package command reads command lines and reports errors in the same way for each
// program.
package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"

	"pickerd/configs/strict"
)

// Exit codes, after sysexits.h: supervisors act on them.
const (
	Done        = 0
	Failed      = 1
	Usage       = 64 // invalid usage: restarting won't help
	Unreachable = 69 // nothing answers where a daemon should
	Config      = 78 // invalid configuration: restarting won't help
)

// A UsageError is an invalid command line.
type UsageError struct {
	Msg  string
	Hint string // "" means the help of the command
}

func (e *UsageError) Error() string { return e.Msg }

// A HintedError is an error with a next step for the person at the keyboard.
type HintedError struct {
	Err  error
	Hint string
	Code int
}

func (e *HintedError) Error() string { return e.Err.Error() }
func (e *HintedError) Unwrap() error { return e.Err }

// Hint returns err with a next step and an exit code.
func Hint(err error, hint string, code int) error { return &HintedError{err, hint, code} }

// ErrReported is a failure that standard output already shows.
var ErrReported = errors.New("failed")

// Unknown is the error for a command that does not exist. It suggests a known one
// with a similar name.
func Unknown(name string, known []string) error {
	err := &UsageError{Msg: fmt.Sprintf("unknown command %q", name)}
	if best := strict.Nearest(name, known); best != "" {
		err.Hint = fmt.Sprintf("did you mean %q?", best)
	}
	return err
}

// Parse reads the flags of a program's command, before and after exactly n
// arguments. The name of fs is the command's.
func Parse(program string, fs *flag.FlagSet, args []string, n int) error {
	if err := ParseAny(program, fs, args); err != nil {
		return err
	}
	switch {
	case fs.NArg() > n:
		return &UsageError{Msg: fmt.Sprintf("unexpected argument %q", fs.Arg(n))}
	case fs.NArg() < n:
		return &UsageError{Msg: "an argument is missing"}
	}
	return nil
}

// ParseAny is Parse for any number of arguments.
func ParseAny(program string, fs *flag.FlagSet, args []string) error {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return err
			}
			return flagError(program, fs, err)
		}
		if fs.NArg() == 0 {
			break
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
	if err := fs.Parse(append([]string{"--"}, rest...)); err != nil {
		return flagError(program, fs, err)
	}
	return nil
}

// flagError words an error of package flag with flags as they are typed, --like
// this. It suggests a flag with a similar name for an unknown one.
func flagError(program string, fs *flag.FlagSet, err error) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		known := []string{"help"}
		fs.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
		e := &UsageError{Msg: "unknown flag --" + name}
		if best := strict.Nearest(name, known); best != "" {
			e.Hint = fmt.Sprintf("did you mean --%s? See %s %s --help", best, program, fs.Name())
		}
		return e
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return &UsageError{Msg: "--" + name + " needs a value"}
	}
	// A value may contain anything, also what follows it.
	invalid := regexp.MustCompile(`(?s)^(invalid (?:boolean )?value ".*") for (?:flag )?-([\w-]+): (.*)$`)
	if m := invalid.FindStringSubmatch(text); m != nil {
		return &UsageError{Msg: m[1] + " for --" + m[2] + ": " + m[3]}
	}
	return &UsageError{Msg: text}
}

// PrintFlags prints the flags of a command.
func PrintFlags(w io.Writer, fs *flag.FlagSet) {
	var flags strings.Builder
	fs.SetOutput(&flags)
	fs.PrintDefaults()
	for line := range strings.Lines(flags.String()) {
		if rest, ok := strings.CutPrefix(line, "  -"); ok { // written as everywhere else
			line = "  --" + rest
		}
		fmt.Fprint(w, line)
	}
}

// Finish reports the error of a program's command, "" for none, with its hint. It
// returns the exit code.
func Finish(w io.Writer, program, name string, err error) int {
	if err == nil {
		return Done
	}
	if errors.Is(err, ErrReported) {
		return Failed
	}
	code, hint := Failed, ""
	if u, ok := errors.AsType[*UsageError](err); ok {
		code, hint = Usage, u.Hint
		switch {
		case hint != "":
		case name == "":
			hint = program + " --help"
		default:
			hint = program + " " + name + " --help"
		}
	}
	if _, ok := errors.AsType[*strict.Error](err); ok {
		code = Config
	}
	if h, ok := errors.AsType[*HintedError](err); ok {
		code, hint = h.Code, h.Hint
	}
	fmt.Fprintf(w, "%s: %v\n", program, err)
	if hint != "" {
		fmt.Fprintf(w, "  hint: %s\n", hint)
	}
	return code
}
