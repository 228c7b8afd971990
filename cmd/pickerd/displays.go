package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"pickerd/cmd/command"
	"pickerd/device"
	"pickerd/device/control"
)

// A displayVerb is what pickerd displays does with a display.
type displayVerb struct {
	args int
	run  func(ctx context.Context, e env, c *control.Client, f displayFlags, args []string) error
}

// displayFlags are the flags of pickerd displays.
type displayFlags struct {
	json bool
	name string
}

var displayVerbs = map[string]displayVerb{
	"": {0, func(ctx context.Context, e env, c *control.Client, f displayFlags, _ []string) error {
		return listDisplays(ctx, e.stdout, c, f.json)
	}},
	"allow": {1, func(ctx context.Context, e env, c *control.Client, f displayFlags, args []string) error {
		err := c.AllowDisplay(ctx, args[0], f.name)
		if err == nil {
			fmt.Fprintln(e.stdout, "Allowed. The display shows the page within a few seconds.")
		}
		return err
	}},
	"link": {0, func(ctx context.Context, e env, c *control.Client, f displayFlags, _ []string) error {
		return linkDisplay(ctx, e.stdout, c, f.json)
	}},
	"name": {2, func(ctx context.Context, _ env, c *control.Client, _ displayFlags, args []string) error {
		return c.RenameDisplay(ctx, args[0], args[1])
	}},
	"remove": {1, func(ctx context.Context, e env, c *control.Client, _ displayFlags, args []string) error {
		err := c.RemoveDisplay(ctx, args[0])
		if err == nil {
			fmt.Fprintln(e.stdout, "Removed. The display has to be allowed again to show the page.")
		}
		return err
	}},
}

// displaysCommand lists the browsers on other machines, or changes one.
func displaysCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	var f displayFlags
	fs.BoolVar(&f.json, "json", false, "print the JSON of the control API")
	fs.StringVar(&f.name, "name", "", "`name` of the display that is allowed")
	client := e.socketFlag(fs)
	name := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	verb, ok := displayVerbs[name]
	if !ok {
		return command.Unknown("displays "+name, []string{"displays allow", "displays link", "displays name", "displays remove"})
	}
	if err := parse(fs, args, verb.args); err != nil {
		return err
	}
	return verb.run(ctx, e, client(), f, fs.Args())
}

func listDisplays(ctx context.Context, w io.Writer, c *control.Client, wantJSON bool) error {
	d, err := c.Displays(ctx)
	if err != nil {
		return err
	}
	if wantJSON {
		return printJSON(w, d)
	}
	return printDisplays(w, d)
}

func linkDisplay(ctx context.Context, w io.Writer, c *control.Client, wantJSON bool) error {
	link, err := c.LinkDisplay(ctx)
	if err != nil {
		return err
	}
	if wantJSON {
		return printJSON(w, link)
	}
	fmt.Fprintf(w, "%s\nThe first browser that opens it before %s may show the page.\n", link.URL, link.ExpiresAt.Local().Format("15:04:05"))
	return nil
}

func printDisplays(w io.Writer, d *device.Displays) error {
	if len(d.Displays)+len(d.Waiting) == 0 {
		fmt.Fprintln(w, "No browser on another machine shows the page or waits to be allowed.")
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(d.Displays) > 0 {
		fmt.Fprintln(tw, "ID\tNAME\tADDRESS\tLAST SEEN")
	}
	for _, x := range d.Displays {
		name := x.Name
		if name == "" {
			name = "-"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", x.ID, name, x.Address, x.LastSeenAt.Local().Format(time.DateTime))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if len(d.Displays) > 0 && len(d.Waiting) > 0 {
		fmt.Fprintln(w)
	}
	if len(d.Waiting) > 0 {
		fmt.Fprintln(tw, "CODE\tADDRESS\tEXPIRES")
	}
	for _, x := range d.Waiting {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", x.Code, x.Address, x.ExpiresAt.Local().Format("15:04:05"))
	}
	return tw.Flush()
}
