package main

import (
	"context"
	"flag"
	"io"
	"strings"
	"time"

	"pickerd/cmd/command"
)

// about describes the program in one sentence.
const about = program + " shows and commands pickerd boxes through their MQTT broker."

// filterHelp explains the arguments that choose boxes.
const filterHelp = "BOX is an ID, a name, or a filter that matches one box. --all commands every box that matches.\n" +
	"FILTER is LABEL=VALUE, state=STATE, problem=CODE, version=VERSION, online, offline, an ID or a name.\n" +
	"Values, IDs and names are patterns such as 'lobby*'. Of several IDs and names one must match, and each other filter."

// manPage writes pickerd-fleet(1).
func manPage(w io.Writer) {
	m := command.Manual{
		Name: program, Section: 1, Group: "User Commands", Date: command.Built(packaged).Day, Summary: "show and command pickerd boxes through their MQTT broker",
		Text: []string{about, strings.ReplaceAll(filterHelp, "\n", " "), "Its README in /usr/share/doc/pickerd-fleet says how to set up the broker and the operator's key."},
		Tables: []command.ManualTable{
			{Name: "EXIT STATUS", Rows: [][2]string{{"0", "success"}, {"1", "failure, also of one box among several"}, {"64", "invalid usage"}, {"69", "broker unreachable"}}},
			{Name: "ENVIRONMENT", Rows: [][2]string{
				{envPrefix + "BROKER, " + envPrefix + "USER, " + envPrefix + "CA, …", "Defaults of the flags --broker, --user, --ca, --cert, --key, --base, --sign and --webhook."},
				{envPrefix + "PASSWORD", "The password of the user at the broker."}}},
		},
		SeeAlso: []string{"pickerd(1)", "pickerd.toml(5)", "mosquitto.conf(5)"},
	}
	e := env{getenv: func(string) string { return "" }, stdout: io.Discard, stderr: io.Discard, now: time.Now, dial: dial}
	for _, v := range verbs() {
		m.Commands = append(m.Commands, command.ManualCommand{Name: v.name, Args: v.args, Help: v.help,
			Flags: command.Flags(v.name, func(fs *flag.FlagSet, args []string) error { return v.run(context.Background(), e, fs, args) })})
	}
	m.Write(w)
}
