// Command pickerd-gateway is a device authorization server (RFC 8628) in front of
// Google's sign-in for web applications. See the README.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"pickerd/cmd/command"
	"pickerd/systemd"
)

// program is the name of the program in messages.
const program = "pickerd-gateway"

// packaged is the version of the packages that the program is shipped in.
var packaged string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal kills
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// An env is the environment that the program was started in.
type env struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	sockets        systemd.Sockets
}

// A verb is one command of the command line.
type verb struct {
	name, args, help string
	run              func(ctx context.Context, e env, fs *flag.FlagSet, args []string) error
}

func commands() []verb {
	return []verb{
		{"run", "[--config FILE]", "Run the gateway.", runCommand},
		{"config", "check [FILE] | default", "Check a configuration, or print the commented default.", configCommand},
		{"doctor", "[--config FILE] [--json]", "Diagnose problems of this gateway.", doctorCommand},
		{"version", "", "Print the version.", versionCommand},
	}
}

// run is the whole program.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	e := env{getenv: getenv, stdout: stdout, stderr: stderr, sockets: systemd.Inherited(getenv)}
	if len(args) == 0 {
		usage(stderr)
		return command.Usage
	}
	args, help := command.Resolve(args)
	if help {
		usage(stdout)
		return command.Done
	}
	if args[0] == "man" { // for building packages
		manPage(stdout)
		return command.Done
	}
	known := []string{"help"}
	for _, c := range commands() {
		if c.name == args[0] {
			return command.Finish(stderr, program, c.name, e.start(ctx, c, args[1:]))
		}
		known = append(known, c.name)
	}
	return command.Finish(stderr, program, "", command.Unknown(args[0], known))
}

func (e env) start(ctx context.Context, c verb, args []string) error {
	return command.Run(e.stdout, program, c.name, c.name+" "+c.args, c.help, func(fs *flag.FlagSet) error { return c.run(ctx, e, fs, args) })
}

func usage(w io.Writer) {
	fmt.Fprintf(w, "%s\n\nUsage: %s COMMAND [flags]\n\n", about, program)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-8s %-26s %s\n", c.name, c.args, c.help)
	}
	fmt.Fprint(w, "\nExit codes: 0 success, 1 failure, 64 invalid usage, 69 store unusable, 78 invalid configuration.\n")
}

func versionCommand(_ context.Context, e env, fs *flag.FlagSet, args []string) error {
	if err := command.Parse(program, fs, args, 0); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, command.Built(packaged).Text(program))
	return nil
}

func configCommand(_ context.Context, e env, fs *flag.FlagSet, args []string) error {
	if len(args) == 1 && args[0] == "default" {
		fmt.Fprint(e.stdout, defaultFile)
		return nil
	}
	if len(args) == 0 || args[0] != "check" {
		if err := command.Parse(program, fs, args, 0); err != nil {
			return err
		}
		return &command.UsageError{Msg: `use "check [FILE]" or "default"`}
	}
	file, n := command.Existing(defaultConfig), 0
	if len(args) > 1 {
		n = 1
	}
	if err := command.Parse(program, fs, args[1:], n); err != nil {
		return err
	}
	if n == 1 {
		file = fs.Arg(0)
	}
	cfg, err := loadConfig(file, e.getenv)
	if err != nil {
		return err
	}
	up, err := cfg.client()
	if err != nil {
		return err
	}
	// The server has checks of its own. It is not used.
	if _, err := newGateway(cfg, up, measuredStore{}, nil, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if file == "" {
		file = "The environment"
	}
	fmt.Fprintf(e.stdout, "%s is valid.\n", file)
	return nil
}
