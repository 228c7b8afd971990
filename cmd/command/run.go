package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// Resolve returns the command and the arguments that a command line means: "help NAME" is
// "NAME --help", and --version is the command version. help says that the help of the
// whole program is asked for. args must not be empty.
func Resolve(args []string) (resolved []string, help bool) {
	switch args[0] {
	case "help":
		if len(args) == 1 {
			return nil, true
		}
		return []string{args[1], "--help"}, false
	case "-h", "-help", "--help":
		return nil, true
	case "-version", "--version":
		return append([]string{"version"}, args[1:]...), false
	}
	return args, false
}

// Run runs a program's command, which adds its flags to fs and parses them. If they ask
// for help, it prints that to w. The usage is the command's name with its arguments.
func Run(w io.Writer, program, name, usage, help string, run func(fs *flag.FlagSet) error) error {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // Finish reports errors
	fs.Usage = func() {}
	err := run(fs)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(w, "%s\n\nUsage: %s %s\n", help, program, usage)
		PrintFlags(w, fs)
		return nil
	}
	return err
}
