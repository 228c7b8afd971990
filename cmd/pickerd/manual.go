package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"pickerd/cmd/command"
	"pickerd/configs"
)

// about describes the program in one sentence.
const about = "pickerd shows photos that people choose on their phone on a screen without a keyboard."

// documentation are commands for building packages. They are not in the help.
var documentation = map[string]func(w io.Writer){
	"man":      manPage,
	"man-toml": manToml,
}

// flagsOf returns the flags of a command.
func flagsOf(c verb) []*flag.Flag {
	e := env{getenv: func(string) string { return "" }, stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}
	return command.Flags(c.name, func(fs *flag.FlagSet, args []string) error { return c.run(context.Background(), e, fs, args) })
}

// manPage writes pickerd(1).
func manPage(w io.Writer) {
	m := command.Manual{
		Name: "pickerd", Section: 1, Group: "User Commands", Date: builtOn(), Summary: "show photos from a phone on a screen without a keyboard",
		Text: []string{about, "It runs as a service. The other commands talk to it over its control socket."},
		Tables: []command.ManualTable{
			{Name: "EXIT STATUS", Rows: [][2]string{{"0", "success"}, {"1", "failure"}, {"64", "invalid usage"}, {"69", "daemon unreachable"}, {"78", "invalid configuration (config check, run --check)"}}},
			{Name: "ENVIRONMENT", Rows: [][2]string{{"PICKERD_…", "Set a configuration key, such as PICKERD_GOOGLE_CLIENT_ID for google.client_id."},
				{"STATE_DIRECTORY, RUNTIME_DIRECTORY, CREDENTIALS_DIRECTORY", "Directories that systemd provides for state, the control socket and credentials."}}},
			{Name: "FILES", Rows: [][2]string{{defaultConfig, "The configuration, see pickerd.toml(5)."}, {defaultConfigFolder + "/*.toml", "More configuration, read in the order of the names."}, {"/etc/pickerd/client_secret.json", "The OAuth client, as downloaded."},
				{"/var/lib/pickerd", "Tokens, the list of photos and the photos."}, {"/run/pickerd/control.sock", "The control socket, for root and the group pickerd."}}},
		},
		SeeAlso: []string{"pickerd.toml(5)", "systemctl(1)"},
	}
	for _, c := range commands() {
		m.Commands = append(m.Commands, command.ManualCommand{Name: c.name, Args: c.args, Help: c.help, Flags: flagsOf(c)})
	}
	m.Write(w)
}

// manToml writes pickerd.toml(5), which contains the commented default file.
func manToml(w io.Writer) {
	fmt.Fprintf(w, ".TH PICKERD.TOML 5 \"%s\" \"pickerd\" \"File Formats\"\n.nh\n.SH NAME\npickerd.toml \\- configuration of pickerd\n.SH SYNOPSIS\n/etc/pickerd/pickerd.toml\n.SH DESCRIPTION\n", builtOn())
	fmt.Fprint(w, "TOML. An unknown key is an error.\n.B pickerd config check\n.I FILE\nchecks a file. Durations are written as 90s, 1h30m or 30d, sizes as 500MB. These are all keys with their defaults:\n.PP\n.nf\n")
	for line := range strings.Lines(configs.Default) {
		fmt.Fprintln(w, command.Roff(strings.TrimSuffix(line, "\n")))
	}
	fmt.Fprint(w, ".fi\n.SH SEE ALSO\n.BR pickerd (1)\n")
}

func completionCommand(_ context.Context, e env, fs *flag.FlagSet, args []string) error {
	shells := map[string]func(io.Writer){"bash": completeBash, "zsh": completeZsh, "fish": completeFish}
	if err := parse(fs, args, 1); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return &command.UsageError{Msg: "name a shell: " + strings.Join(slices.Sorted(maps.Keys(shells)), ", ")}
	}
	write := shells[fs.Arg(0)]
	if write == nil {
		return &command.UsageError{Msg: fmt.Sprintf("%q is not one of %s", fs.Arg(0), strings.Join(slices.Sorted(maps.Keys(shells)), ", "))}
	}
	write(e.stdout)
	return nil
}

// A completion is what a shell offers after a command's name.
type completion struct {
	name, help string
	words      []string // arguments that are words
	flags      []*flag.Flag
}

func completions() []completion {
	words := map[string][]string{"config": {"check", "default", "show"}, "displays": {"allow", "link", "name", "remove"}, "screen": {"on", "off"}, "slideshow": slideshowActions, "completion": {"bash", "fish", "zsh"}}
	var list []completion
	for _, c := range commands() {
		list = append(list, completion{c.name, c.help, words[c.name], flagsOf(c)})
	}
	return list
}

func completeBash(w io.Writer) {
	fmt.Fprint(w, "# bash completion for pickerd\n_pickerd() {\n  local cur=${COMP_WORDS[COMP_CWORD]} words='' flags=''\n  case ${COMP_WORDS[1]} in\n")
	var names []string
	for _, c := range completions() {
		names = append(names, c.name)
		flags := []string{"--help"}
		for _, f := range c.flags {
			flags = append(flags, "--"+f.Name)
		}
		fmt.Fprintf(w, "    %s) words='%s' flags='%s' ;;\n", c.name, strings.Join(c.words, " "), strings.Join(flags, " "))
	}
	// Without words the shell completes file names.
	fmt.Fprintf(w, "  esac\n  case $COMP_CWORD in 1) words='%s' ;; 2) ;; *) words='' ;; esac\n  case $cur in -*) words=$flags ;; esac\n", strings.Join(names, " "))
	fmt.Fprint(w, "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\ncomplete -o default -F _pickerd pickerd\n")
}

func completeZsh(w io.Writer) {
	quote := strings.NewReplacer("'", `'\''`, ":", `\:`, "[", `\[`, "]", `\]`)
	fmt.Fprint(w, "#compdef pickerd\n_pickerd() {\n  local -a commands\n  commands=(\n")
	list := completions()
	for _, c := range list {
		fmt.Fprintf(w, "    '%s:%s'\n", c.name, quote.Replace(c.help))
	}
	fmt.Fprint(w, "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n  case $words[2] in\n")
	for _, c := range list {
		fmt.Fprintf(w, "    %s) _arguments", c.name)
		for _, f := range c.flags {
			arg, usage := flag.UnquoteUsage(f)
			takes := ""
			if arg != "" {
				takes = ":" + quote.Replace(arg) + ":_files"
			}
			fmt.Fprintf(w, " '--%s[%s]%s'", f.Name, quote.Replace(usage), takes)
		}
		if len(c.words) > 0 {
			fmt.Fprintf(w, " '2:what:(%s)'", strings.Join(c.words, " "))
		}
		fmt.Fprint(w, " '*:file:_files' ;;\n")
	}
	fmt.Fprint(w, "  esac\n}\n_pickerd \"$@\"\n")
}

func completeFish(w io.Writer) {
	quote := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	fmt.Fprint(w, "# fish completion for pickerd\n")
	for _, c := range completions() {
		fmt.Fprintf(w, "complete -c pickerd -n __fish_use_subcommand -f -a %s -d '%s'\n", c.name, quote.Replace(c.help))
		in := "'__fish_seen_subcommand_from " + c.name + "'"
		if len(c.words) > 0 {
			fmt.Fprintf(w, "complete -c pickerd -n %s -a '%s'\n", in, strings.Join(c.words, " "))
		}
		for _, f := range c.flags {
			arg, usage := flag.UnquoteUsage(f)
			takes := ""
			if arg != "" {
				takes = " -r"
			}
			fmt.Fprintf(w, "complete -c pickerd -n %s -l %s%s -d '%s'\n", in, f.Name, takes, quote.Replace(usage))
		}
	}
}
