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
	"slices"
	"syscall"

	"pickerd/cmd/command"
	"pickerd/device"
	"pickerd/device/control"
	"pickerd/device/settings"
	"pickerd/display/framebuffer"
	"pickerd/display/terminal"
	"pickerd/systemd"
)

// Exit codes: supervisors act on them.
const (
	exitDone        = command.Done
	exitFailed      = command.Failed
	exitUsage       = command.Usage
	exitUnreachable = command.Unreachable // no daemon behind the control socket
	exitConfig      = command.Config
)

// stopSignals returns the signals that end the program.
func stopSignals(getenv func(string) string) []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if isManaged(getenv) {
		return signals
	}
	return append(signals, syscall.SIGHUP)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals(os.Getenv)...)
	context.AfterFunc(ctx, stop) // a second signal kills
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// An env is the environment that the program was started in.
type env struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	tail           *terminal.Tail // takes the log while a page uses the terminal, or nil
	recent         *recentLog     // keeps the log for an operator at the broker, or nil
	sockets        systemd.Sockets
	renewal        *renewal
	radio          *radio
	process        bool // the program is this process, and not called by a test
	keeper         *settings.Keeper
	hangups        chan os.Signal // SIGHUP, where it does not end the program
}

// A verb is one command of the command line.
type verb struct {
	name, args, help string
	run              runner
}

func commands() []verb {
	return []verb{
		{"run", "[--config FILE] [--check]", "Run the daemon.", runCommand},
		{"demo", "[--listen ADDR | --gateway] [--fault NAME,...] [--item FILE]...", "Try pickerd with built-in simulators, without an account or a network.", demoCommand},
		{"status", "[--json] [--socket PATH]", "Show what the daemon is doing.",
			show((*control.Client).Status, func(s *device.Status) any { return s }, printStatus)},
		{"pick", "[--account NAME | --new] [--collection NAME] [--socket PATH]", "Start a new pick. The screen shows a code to scan.", pickCommand},
		{"cancel", "[--socket PATH]", "Cancel the current pick.",
			action((*control.Client).Cancel, "Pick cancelled. Its session at Google, if any, is being deleted.")},
		{"sessions", "[--json] [--socket PATH]", "List picking sessions that are not yet confirmed as deleted.",
			show((*control.Client).Sessions, func(l []device.Session) any { return map[string]any{"sessions": l} }, printSessions)},
		{"items", "[--json] [--collection NAME] | --hide ID | --show ID | --remove ID", "List the photos and videos on this box, or change one.", itemsCommand},
		{"collections", "[--json | --rename ID --to NAME | --remove ID]", "List the collections of photos, or change one.", collectionsCommand},
		{"displays", "[--json] | allow CODE | link | name ID NAME | remove ID", "List the browsers on other machines that may show the page, or change them.", displaysCommand},
		{"screen", "on | off [--socket PATH]", "Switch the screen on or off.", screenCommand},
		{"activity", "[--socket PATH]", "Tell that somebody is near: it wakes the screen, but not one that was switched off.", activityCommand},
		{"slideshow", "next | previous | pause | resume | mute | unmute", "Go to another photo or video, pause the slideshow, or mute its videos.", slideshowCommand},
		{"unpair", "[--account NAME] [--here | --everywhere]", "Forget all accounts and their photos, or one account.", unpairCommand},
		{"reset", "[--yes] [--socket PATH]", "Erase this box: accounts, photos, Wi-Fi networks and settings.", resetCommand},
		{"authorize", "[--to RECIPIENT] [--client FILE]", "Sign in on this computer and write a sealed token file for a box.", authorizeCommand},
		{"import-token", "FILE|- [--socket PATH]", "Pair this box with a token file from pickerd authorize.", importTokenCommand},
		{"relay-page", "", "Print the web page that the pairing method relay needs on a static host.", relayPageCommand},
		{"doctor", "[--json] [--bundle FILE] [FLAGS]", "Diagnose problems of this box.", doctorCommand},
		{"set", "[KEY VALUE | KEY --default]", "Change a setting of the running daemon, or list the settings.", setCommand},
		{"config", "check FILE | default | show [--origin]", "Check or show the configuration, or print the commented default.", configCommand},
		{"completion", "bash | fish | zsh", "Print a completion script for a shell.", completionCommand},
		{"version", "", "Print the version.", versionCommand},
	}
}

// run is the whole program.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := env{getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr, renewal: newRenewal(getenv, systemd.Inherited(getenv)),
		process: slices.Equal(os.Args[1:], args), hangups: make(chan os.Signal, 1)}
	e.sockets = e.renewal.sockets
	e.radio = &radio{}
	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	args, help := command.Resolve(args)
	if help {
		usage(stdout)
		return exitDone
	}
	if args[0] == framebuffer.GuardCommand { // internal
		return e.finish(args[0], framebuffer.Guard(args[1:]))
	}
	if args[0] == handoverCommand { // internal
		return e.finish(args[0], reportHandover())
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
	known := []string{"help"}
	for _, c := range commands() {
		known = append(known, c.name)
	}
	return e.finish("", command.Unknown(args[0], known))
}

func (e env) start(ctx context.Context, c verb, args []string) error {
	return command.Run(e.stdout, program, c.name, c.name+" "+c.args, c.help, func(fs *flag.FlagSet) error { return c.run(ctx, e, fs, args) })
}

// program is the name of the program in messages.
const program = "pickerd"

// parse reads flags, before and after exactly n arguments.
func parse(fs *flag.FlagSet, args []string, n int) error {
	return command.Parse(program, fs, args, n)
}

// finish reports an error with its hint and returns the exit code.
func (e env) finish(name string, err error) int {
	switch {
	case errors.Is(err, control.ErrUnreachable):
		err = command.Hint(err, "check that it runs (systemctl status pickerd), or name another socket: --socket PATH", exitUnreachable)
	case errors.Is(err, control.ErrForbidden):
		err = command.Hint(err, "use sudo, or add the user to the group: usermod -aG pickerd USER", exitUnreachable)
	}
	return command.Finish(e.stderr, program, name, err)
}

func usage(w io.Writer) {
	fmt.Fprint(w, about+"\n\nUsage: pickerd COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-12s %-40s %s\n", c.name, c.args, c.help)
	}
	fmt.Fprint(w, "\nExit codes: 0 success, 1 failure, 64 invalid usage, 69 daemon unreachable, 78 invalid configuration.\n")
}
