// Command pickerd shows photos that people choose on their phone on a screen
// without a keyboard. See the README.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/control"
	"pickerd/display/framebuffer"
	"pickerd/display/terminal"
	"pickerd/systemd"
)

// Exit codes, after sysexits.h: supervisors act on them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 64 // invalid usage: restarting won't help
	exitUnreachable = 69 // no daemon behind the control socket
	exitConfig      = 78 // invalid configuration: restarting won't help
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal kills
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// An env is the environment that the program was started in.
type env struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	tail           *terminal.Tail // takes the log while a page uses the terminal, or nil
	sockets        systemd.Sockets
}

// A command is one verb of the command line.
type command struct {
	name, args, help string
	run              runner
}

func commands() []command {
	return []command{
		{"run", "[--config FILE]", "Run the daemon.", runCommand},
		{"demo", "[--listen ADDR]", "Try pickerd with built-in simulators, without an account or a network.", demoCommand},
		{"status", "[--json] [--socket PATH]", "Show what the daemon is doing.",
			show((*control.Client).Status, func(s *device.Status) any { return s }, printStatus)},
		{"pick", "[--account NAME | --new] [--socket PATH]", "Start a new pick. The screen shows a code to scan.", pickCommand},
		{"cancel", "[--socket PATH]", "Cancel the current pick.",
			action((*control.Client).Cancel, "Pick cancelled. Its session at Google, if any, is being deleted.")},
		{"sessions", "[--json] [--socket PATH]", "List picking sessions that are not yet confirmed as deleted.",
			show((*control.Client).Sessions, func(l []device.Session) any { return map[string]any{"sessions": l} }, printSessions)},
		{"items", "[--json | --hide ID | --show ID | --remove ID]", "List the photos and videos on this box, or change one.", itemsCommand},
		{"unpair", "[--account NAME] [--here | --everywhere]", "Forget all accounts and their photos, or one account.", unpairCommand},
		{"authorize", "[--to RECIPIENT] [--client FILE]", "Sign in on this computer and write a sealed token file for a box.", authorizeCommand},
		{"import-token", "FILE|- [--socket PATH]", "Pair this box with a token file from pickerd authorize.", importTokenCommand},
		{"relay-page", "", "Print the web page that the pairing method relay needs on a static host.", relayPageCommand},
		{"doctor", "[--json] [--bundle FILE] [FLAGS]", "Diagnose problems of this box.", doctorCommand},
		{"config", "check FILE | default", "Check a configuration file, or print the commented default.", configCommand},
		{"completion", "bash | fish | zsh", "Print a completion script for a shell.", completionCommand},
		{"version", "", "Print the version.", versionCommand},
	}
}

// A usageError is an invalid command line.
type usageError struct {
	msg  string
	hint string // "" means the help of the command
}

func (e *usageError) Error() string { return e.msg }

// errReported is a failure that standard output already shows.
var errReported = errors.New("failed")

// A hintedError is an error with a next step for the person at the keyboard.
type hintedError struct {
	err  error
	hint string
	code int
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }

// run is the whole program.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := env{getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr, sockets: systemd.Inherited(getenv)}
	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	switch args[0] {
	case "help":
		if len(args) > 1 {
			args = []string{args[1], "--help"}
			break
		}
		fallthrough
	case "-h", "-help", "--help":
		usage(stdout)
		return exitDone
	case "-version", "--version":
		args[0] = "version"
	}
	if args[0] == framebuffer.GuardCommand { // internal
		return e.finish(args[0], framebuffer.Guard(args[1:]))
	}
	if write := documentation[args[0]]; write != nil {
		write(stdout)
		return exitDone
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return e.finish(c.name, e.start(ctx, c, args[1:]))
		}
	}
	return e.finish("", unknownCommand(args[0]))
}

// unknownCommand is the error for a command that does not exist. It suggests one
// with a similar name.
func unknownCommand(name string) *usageError {
	known := []string{"help"}
	for _, c := range commands() {
		known = append(known, c.name)
	}
	err := &usageError{msg: fmt.Sprintf("unknown command %q", name)}
	if best := configs.Nearest(name, known); best != "" {
		err.hint = fmt.Sprintf("did you mean %q?", best)
	}
	return err
}

func (e env) start(ctx context.Context, c command, args []string) error {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // finish reports errors
	fs.Usage = func() {}
	err := c.run(ctx, e, fs, args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(e.stdout, "%s\n\nUsage: pickerd %s %s\n", c.help, c.name, c.args)
		var flags strings.Builder
		fs.SetOutput(&flags)
		fs.PrintDefaults()
		for line := range strings.Lines(flags.String()) {
			if rest, ok := strings.CutPrefix(line, "  -"); ok { // written as everywhere else
				line = "  --" + rest
			}
			fmt.Fprint(e.stdout, line)
		}
		return nil
	}
	return err
}

// parse reads flags, before and after exactly n arguments.
func parse(fs *flag.FlagSet, args []string, n int) error {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return err
			}
			return flagError(fs, err)
		}
		if fs.NArg() == 0 {
			break
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
	if err := fs.Parse(append([]string{"--"}, rest...)); err != nil {
		return flagError(fs, err)
	}
	switch {
	case fs.NArg() > n:
		return &usageError{msg: fmt.Sprintf("unexpected argument %q", fs.Arg(n))}
	case fs.NArg() < n:
		return &usageError{msg: "an argument is missing"}
	}
	return nil
}

var (
	undefinedFlag = regexp.MustCompile(`^flag provided but not defined: -(.*)$`)
	valuelessFlag = regexp.MustCompile(`^flag needs an argument: -(.*)$`)
	invalidFlag   = regexp.MustCompile(`(?s)^(invalid (?:boolean )?value ".*") for (?:flag )?-([\w-]+): (.*)$`)
)

// flagError words an error of package flag with flags as they are typed, --like
// this. It suggests a flag with a similar name for an unknown one.
func flagError(fs *flag.FlagSet, err error) *usageError {
	text := err.Error()
	if m := undefinedFlag.FindStringSubmatch(text); m != nil {
		known := []string{"help"}
		fs.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
		e := &usageError{msg: "unknown flag --" + m[1]}
		if best := configs.Nearest(m[1], known); best != "" {
			e.hint = fmt.Sprintf("did you mean --%s? See pickerd %s --help", best, fs.Name())
		}
		return e
	}
	if m := valuelessFlag.FindStringSubmatch(text); m != nil {
		return &usageError{msg: "--" + m[1] + " needs a value"}
	}
	if m := invalidFlag.FindStringSubmatch(text); m != nil {
		return &usageError{msg: m[1] + " for --" + m[2] + ": " + m[3]}
	}
	return &usageError{msg: text}
}

// finish reports an error with its hint and returns the exit code.
func (e env) finish(name string, err error) int {
	if err == nil {
		return exitDone
	}
	code, hint := exitFailed, ""
	if u, ok := errors.AsType[*usageError](err); ok {
		code, hint = exitUsage, u.hint
		switch {
		case hint != "":
		case name == "":
			hint = "pickerd --help"
		default:
			hint = "pickerd " + name + " --help"
		}
	}
	if _, ok := errors.AsType[*configs.Error](err); ok {
		code = exitConfig
	}
	if errors.Is(err, control.ErrUnreachable) {
		code, hint = exitUnreachable, "check that it runs (systemctl status pickerd), or name another socket: --socket PATH"
	}
	if errors.Is(err, control.ErrForbidden) {
		code, hint = exitUnreachable, "use sudo, or add the user to the group: usermod -aG pickerd USER"
	}
	if errors.Is(err, errReported) {
		return exitFailed
	}
	if h, ok := errors.AsType[*hintedError](err); ok {
		code, hint = h.code, h.hint
	}
	fmt.Fprintf(e.stderr, "pickerd: %v\n", err)
	if hint != "" {
		fmt.Fprintf(e.stderr, "  hint: %s\n", hint)
	}
	return code
}

func usage(w io.Writer) {
	fmt.Fprint(w, about+"\n\nUsage: pickerd COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-12s %-40s %s\n", c.name, c.args, c.help)
	}
	fmt.Fprint(w, "\nExit codes: 0 success, 1 failure, 64 invalid usage, 69 daemon unreachable, 78 invalid configuration.\n")
}
