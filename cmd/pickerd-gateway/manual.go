package main

import (
	"context"
	"flag"
	"io"

	"pickerd/cmd/command"
)

// about describes the program in one sentence.
const about = program + " lets boxes sign people in to Google by a code on their screen, through one server of yours."

// manPage writes pickerd-gateway(8).
func manPage(w io.Writer) {
	m := command.Manual{
		Name: program, Section: 8, Group: "System Administration", Date: command.Built(packaged).Day, Summary: "sign in to Google by a code on a screen, for many boxes",
		Text: []string{about, "It is a device authorization server (RFC 8628) in front of Google's sign-in for web applications. Its README in /usr/share/doc/pickerd-gateway says how to set it up."},
		Tables: []command.ManualTable{
			{Name: "EXIT STATUS", Rows: [][2]string{{"0", "success"}, {"1", "failure"}, {"64", "invalid usage"}, {"69", "store unusable"}, {"78", "invalid configuration"}}},
			{Name: "ENVIRONMENT", Rows: [][2]string{{envPrefix + "…", "Set a configuration key, such as " + envPrefix + "STORE_URL for store.url."},
				{"STATE_DIRECTORY, CREDENTIALS_DIRECTORY", "Directories that systemd provides for the store, the certificate and credentials."}}},
			{Name: "FILES", Rows: [][2]string{{defaultConfig, "The configuration. " + program + " config default prints every key with comments."},
				{"/etc/pickerd-gateway/client_secret.json", "The OAuth client of type Web application, as downloaded."},
				{"/var/lib/pickerd-gateway", "Pending sign-ins, unless they are in Redis, and the certificate from a certificate authority."}}},
		},
		SeeAlso: []string{"pickerd(1)", "systemctl(1)"},
	}
	e := env{getenv: func(string) string { return "" }, stdout: io.Discard, stderr: io.Discard}
	for _, c := range commands() {
		m.Commands = append(m.Commands, command.ManualCommand{Name: c.name, Args: c.args, Help: c.help,
			Flags: command.Flags(c.name, func(fs *flag.FlagSet, args []string) error { return c.run(context.Background(), e, fs, args) })})
	}
	m.Write(w)
}
