// Command pickerd brings photos that somebody picks on their phone to a screen
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
	exitUsage       = 64 // wrong usage: restarting won't help
	exitUnreachable = 69 // no daemon behind the control socket
	exitConfig      = 78 // wrong configuration: restarting won't help
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal kills
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// An env is what the program was started with.
type env struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	tail           *terminal.Tail // takes the log while a page has the terminal; nil without
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
		{"demo", "[--listen ADDR]", "Try everything on built-in simulators: no account, no network.", demoCommand},
		{"status", "[--json] [--socket PATH]", "Tell what the daemon is doing.",
			show((*control.Client).Status, func(s *device.Status) any { return s }, printStatus)},
		{"pick", "[--account WHO | --new] [--socket PATH]", "Start a new pick: the screen shows a code to scan.", pickCommand},
		{"cancel", "[--socket PATH]", "Cancel the pick under way.",
			wish((*control.Client).Cancel, "Cancelled. If Google has a session for it, that is being deleted.")},
		{"sessions", "[--json] [--socket PATH]", "List picking sessions that are not known to be deleted.",
			show((*control.Client).Sessions, func(l []device.Session) any { return map[string]any{"sessions": l} }, printSessions)},
		{"items", "[--json | --hide ID | --show ID | --remove ID]", "List the photos and videos that are here, or change one.", itemsCommand},
		{"unpair", "[--account WHO] [--here | --everywhere]", "Forget everybody, or an account and its photos, on this box.", unpairCommand},
		{"authorize", "[--to RECIPIENT] [--client FILE]", "Sign in on this computer; writes a sealed token file for a box.", authorizeCommand},
		{"import-token", "FILE|- [--socket PATH]", "Pair this box with such a token file.", importTokenCommand},
		{"relay-page", "", "Print the page for a static host that the pairing method relay needs.", relayPageCommand},
		{"doctor", "[--json] [--bundle FILE] [FLAGS]", "Check this box and explain what is wrong with it.", doctorCommand},
		{"config", "check FILE | default", "Check a configuration file, or print the commented default.", configCommand},
		{"completion", "bash | fish | zsh", "Print a completion script for a shell.", completionCommand},
		{"version", "", "Print the version.", versionCommand},
	}
}

// A usageError is a command line that can't be meant.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

// errTold is a failure that standard output has told already.
var errTold = errors.New("failed")

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
	if args[0] == framebuffer.GuardCommand { // of no interest to people
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
	return e.finish("", &usageError{fmt.Sprintf("there is no command %q", args[0])})
}

func (e env) start(ctx context.Context, c command, args []string) error {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are told once, by finish
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

// parse reads flags, before and after the n arguments that there have to be.
func parse(fs *flag.FlagSet, args []string, n int) error {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return err
			}
			return &usageError{err.Error()}
		}
		if fs.NArg() == 0 {
			break
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
	if err := fs.Parse(append([]string{"--"}, rest...)); err != nil {
		return &usageError{err.Error()}
	}
	switch {
	case fs.NArg() > n:
		return &usageError{fmt.Sprintf("what is %q for?", fs.Arg(n))}
	case fs.NArg() < n:
		return &usageError{"an argument is missing"}
	}
	return nil
}

// finish tells an error with its hint, and finds the exit code.
func (e env) finish(name string, err error) int {
	if err == nil {
		return exitDone
	}
	code, hint := exitFailed, ""
	if _, ok := errors.AsType[*usageError](err); ok {
		code, hint = exitUsage, "pickerd --help"
		if name != "" {
			hint = "pickerd " + name + " --help"
		}
	}
	if _, ok := errors.AsType[*configs.Error](err); ok {
		code = exitConfig
	}
	if errors.Is(err, control.ErrUnreachable) {
		code, hint = exitUnreachable, "is it running? systemctl status pickerd; another socket: --socket PATH"
	}
	if errors.Is(err, control.ErrForbidden) {
		code, hint = exitUnreachable, "put sudo before the command, or the user into the group: usermod -aG pickerd USER"
	}
	if errors.Is(err, errTold) {
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
	fmt.Fprint(w, "\nExit codes: 0 done, 1 failed, 64 wrong usage, 69 daemon not reachable, 78 wrong configuration.\n")
}
