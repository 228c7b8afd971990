package command

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// A Manual is the manual page of a program with commands, see man-pages(7).
type Manual struct {
	Name    string
	Section int
	Group   string // such as "User Commands"
	Date    string // of the program
	Summary string // one line, without the name
	Text    []string
	// Commands are described with their flags.
	Commands []ManualCommand
	Tables   []ManualTable
	SeeAlso  []string // such as "systemctl(1)"
}

// A ManualCommand is one command of a program.
type ManualCommand struct {
	Name, Args, Help string
	Flags            []*flag.Flag
}

// A ManualTable is a section of terms and what they mean.
type ManualTable struct {
	Name string
	Rows [][2]string
}

// Flags returns the flags of a command, as running it with a flag set declares them.
// run is called with the argument --help, and returns flag.ErrHelp.
func Flags(name string, run func(fs *flag.FlagSet, args []string) error) []*flag.Flag {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	_ = run(fs, []string{"--help"}) // a command without flags may find that it has too many arguments
	var flags []*flag.Flag
	fs.VisitAll(func(f *flag.Flag) { flags = append(flags, f) })
	return flags
}

// Roff escapes text for troff.
func Roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

// Write writes the page for man(1).
func (m *Manual) Write(w io.Writer) {
	fmt.Fprintf(w, ".TH %s %d \"%s\" \"pickerd\" \"%s\"\n.nh\n", strings.ToUpper(m.Name), m.Section, m.Date, m.Group)
	fmt.Fprintf(w, ".SH NAME\n%s \\- %s\n", Roff(m.Name), Roff(m.Summary))
	fmt.Fprintf(w, ".SH SYNOPSIS\n.B %s\n.I COMMAND\n[flags]\n.SH DESCRIPTION\n", Roff(m.Name))
	for _, line := range m.Text {
		fmt.Fprintln(w, Roff(line))
	}
	fmt.Fprint(w, ".SH COMMANDS\n")
	for _, c := range m.Commands {
		fmt.Fprintf(w, ".TP\n.B %s %s %s\n%s\n", Roff(m.Name), Roff(c.Name), Roff(c.Args), Roff(c.Help))
		writeFlags(w, c.Flags)
	}
	for _, t := range m.Tables {
		fmt.Fprintf(w, ".SH %s\n", t.Name)
		for _, r := range t.Rows {
			fmt.Fprintf(w, ".TP\n.B %s\n%s\n", Roff(r[0]), Roff(r[1]))
		}
	}
	fmt.Fprint(w, ".SH SEE ALSO\n")
	for i, page := range m.SeeAlso {
		name, section, _ := strings.Cut(page, "(")
		comma := ","
		if i == len(m.SeeAlso)-1 {
			comma = ""
		}
		fmt.Fprintf(w, ".BR %s (%s%s\n", Roff(name), section, comma)
	}
}

func writeFlags(w io.Writer, flags []*flag.Flag) {
	if len(flags) == 0 {
		return
	}
	fmt.Fprint(w, ".RS\n")
	for _, f := range flags {
		arg, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, ".TP\n.BI %s \" %s\"\n%s\n", Roff("--"+f.Name), Roff(arg), Roff(usage))
		if f.DefValue != "" && f.DefValue != "false" {
			fmt.Fprintf(w, "(default %s)\n", Roff(f.DefValue))
		}
	}
	fmt.Fprint(w, ".RE\n")
}
