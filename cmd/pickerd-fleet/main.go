// Command pickerd-fleet shows and commands boxes through their MQTT broker. See the
// README.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"pickerd/cmd/command"
	"pickerd/configs"
)

// program is the name of the program in messages.
const program = "pickerd-fleet"

// packaged is the version of the packages that the program is shipped in.
var packaged string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	e := env{getenv: os.Getenv, stdout: os.Stdout, stderr: os.Stderr, now: time.Now, dial: dial}
	os.Exit(e.run(ctx, os.Args[1:]))
}

// An env is the environment that the program was started in.
type env struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	now            func() time.Time
	dial           func(context.Context, access) (link, error)
}

// A verb is one command of the command line.
type verb struct {
	name, args, help string
	run              func(ctx context.Context, e env, fs *flag.FlagSet, args []string) error
}

func verbs() []verb {
	return []verb{
		{"ls", "[FILTER…] [--watch] [--json]", "List boxes.", list},
		{"show", "BOX | LABEL=VALUE", "Show a box with its settings, or the settings of a group.", show},
		{"set", "BOX | LABEL=VALUE KEY=VALUE…", "Set settings of a box, where KEY= returns one to the box's files, or replace all settings of a group.", set},
		{"pick", "BOX…", "Show the code for choosing photos.", pick},
		{"cancel", "BOX…", "Cancel the pick.", simple(order{command: "cancel"})},
		{"next", "BOX…", "Show the next photo.", simple(order{command: "next"})},
		{"previous", "BOX…", "Show the previous photo.", simple(order{command: "previous"})},
		{"pause", "BOX…", "Pause the slideshow.", simple(order{command: "pause"})},
		{"resume", "BOX…", "Resume the slideshow.", simple(order{command: "pause", args: onOff(false)})},
		{"screen", "BOX… on|off", "Switch the screen on or off.", screen},
		{"logs", "BOX", "Print the newest lines of the log.", logs},
		{"unpair", "BOX…", "Forget all accounts with their photos.", unpair},
		{"rm", "BOX…", "Remove from the broker what it keeps of boxes that are gone.", remove},
		{"watch", "[FILTER…]", "Report boxes that are offline or blocked, or whose picking session is old.", watch},
		{"key", "FILE", "Make an operator's key, and print its public half for mqtt.operator_key.", key},
		{"version", "", "Print the version.", versionCommand},
	}
}

// run is the whole program.
func (e env) run(ctx context.Context, args []string) int {
	if len(args) == 0 {
		usage(e.stderr)
		return command.Usage
	}
	args, help := command.Resolve(args)
	if help {
		usage(e.stdout)
		return command.Done
	}
	if args[0] == "man" { // for building packages
		manPage(e.stdout)
		return command.Done
	}
	known := []string{"help"}
	for _, v := range verbs() {
		if v.name == args[0] {
			return command.Finish(e.stderr, program, v.name, e.start(ctx, v, args[1:]))
		}
		known = append(known, v.name)
	}
	return command.Finish(e.stderr, program, "", command.Unknown(args[0], known))
}

func (e env) start(ctx context.Context, v verb, args []string) error {
	return command.Run(e.stdout, program, v.name, v.name+" "+v.args, v.help, func(fs *flag.FlagSet) error { return v.run(ctx, e, fs, args) })
}

func usage(w io.Writer) {
	fmt.Fprintf(w, "%s\n\nUsage: %s COMMAND [flags]\n\n", about, program)
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-8s  %-29s %s\n", v.name, v.args, v.help)
	}
	fmt.Fprintf(w, "\n%s\n\nThe environment variables %sBROKER, USER, CA, CERT, KEY, BASE, SIGN and WEBHOOK, each with\nthat beginning, stand for flags, and %[2]sPASSWORD for the user's password.\n\n"+
		"Exit codes: 0 success, 1 failure, 64 invalid usage, 69 broker unreachable.\n", filterHelp, envPrefix)
}

func versionCommand(_ context.Context, e env, fs *flag.FlagSet, args []string) error {
	if err := command.Parse(program, fs, args, 0); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, command.Built(packaged).Text(program))
	return nil
}

// envPrefix begins the environment variables that stand for flags.
const envPrefix = "PICKERD_FLEET_"

// text adds a flag whose default an environment variable sets. The help does not print the
// variable, which may have a secret.
func (e env) text(fs *flag.FlagSet, p *string, name, value, help string) {
	fs.StringVar(p, name, value, help)
	if v := e.getenv(envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))); v != "" {
		*p = v
	}
}

// duration adds a flag that takes days too, as the settings of a box do.
func duration(fs *flag.FlagSet, name string, value time.Duration, help string) *time.Duration {
	fs.TextVar((*configs.Duration)(&value), name, configs.Duration(value), help)
	return &value
}

// access adds the flags of the broker.
func (e env) access(fs *flag.FlagSet) *access {
	a := &access{password: e.getenv(envPrefix + "PASSWORD")}
	e.text(fs, &a.url, "broker", "", "the broker's `address`, as mqtts://broker.example")
	e.text(fs, &a.user, "user", "", "`name` at the broker; its password is "+envPrefix+"PASSWORD")
	e.text(fs, &a.ca, "ca", "", "`file` with the certificates of the broker's authority; without it the system's count")
	e.text(fs, &a.cert, "cert", "", "`file` with a client certificate")
	e.text(fs, &a.key, "key", "", "`file` with the key of the client certificate")
	e.text(fs, &a.base, "base", "pickerd", "`topic` that those of all boxes begin with")
	return a
}
