package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/control"
)

// socketFlag adds --socket; the result may be called after parsing.
func (e env) socketFlag(fs *flag.FlagSet) func() *control.Client {
	path := fs.String("socket", configs.DefaultSocket(e.getenv), "")
	return func() *control.Client { return control.NewClient(*path) }
}

func statusCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	asJSON, client := fs.Bool("json", false, ""), e.socketFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	s, err := client().Status(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(e.stdout, s)
	}
	printStatus(e.stdout, s)
	return nil
}

// does is what a state means to a person.
var does = map[device.State]string{
	device.Starting: "starting",
	device.Waiting:  "waiting for the network",
	device.Pairing:  "waiting for somebody to sign in",
	device.Opening:  "asking Google for a place to choose photos",
	device.Picking:  "waiting for somebody to choose photos",
	device.Fetching: "fetching photos",
	device.Showing:  "showing photos",
	device.Idle:     "paired, nothing to show",
	device.Blocked:  "blocked: an operator must act",
}

func printStatus(w io.Writer, s *device.Status) {
	line := func(key, format string, args ...any) {
		fmt.Fprintf(w, "  %-9s %s\n", key, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(w, "%s: %s (%s), since %s\n", s.Name, does[s.State], s.State, s.Since.Local().Format(time.DateTime))
	if p := s.Pairing; p != nil {
		line("sign in", "%s, code %s, good until %s", p.VerificationURI, p.UserCode, p.ExpiresAt.Local().Format(time.TimeOnly))
	}
	if p := s.Pick; p != nil {
		if p.PickerURI != "" {
			line("choose at", "%s", p.PickerURI)
		}
		line("pick", "request %s, session %s", p.RequestID, orDash(p.SessionID))
	}
	if f := s.Fetch; f != nil {
		line("fetched", "%d of %d, %d failed, %s", f.Done, f.Total, f.Failed, size(f.Bytes))
	}
	line("library", "%d photos, %s", s.Library.Items, size(s.Library.Bytes))
	line("sessions", "%d open, %d to be deleted", s.Sessions.Open, s.Sessions.PendingDeletion)
	if p := s.Problem; p != nil {
		line("problem", "%s %s (%s)", p.Message, p.Remedy, p.Code)
		if !p.RetryAt.IsZero() {
			line("", "next try at %s", p.RetryAt.Local().Format(time.TimeOnly))
		}
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f kB", float64(n)/1e3)
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func pickCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	client := e.socketFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	if _, err := client().Pick(ctx); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "A new pick has begun: scan the code on the screen.")
	return nil
}

func cancelCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	client := e.socketFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	if _, err := client().Cancel(ctx); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "Cancelled. The picking session is being deleted at Google.")
	return nil
}

func sessionsCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	asJSON, client := fs.Bool("json", false, ""), e.socketFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	list, err := client().Sessions(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(e.stdout, map[string]any{"sessions": list})
	}
	if len(list) == 0 {
		fmt.Fprintln(e.stdout, "No picking session is left.")
		return nil
	}
	return table(e.stdout, "STATE\tREQUEST\tSESSION\tCREATED\tWHY OVER", func(row func(...string)) {
		for _, s := range list {
			row(s.State, s.RequestID, orDash(s.SessionID), s.CreatedAt.Local().Format(time.DateTime), orDash(s.Reason))
		}
	})
}

func itemsCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	asJSON, client := fs.Bool("json", false, ""), e.socketFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	list, err := client().Items(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(e.stdout, map[string]any{"items": list})
	}
	if len(list) == 0 {
		fmt.Fprintln(e.stdout, "No photo is here yet.")
		return nil
	}
	return table(e.stdout, "TYPE\tPIXELS\tSIZE\tNAME\tID", func(row func(...string)) {
		for _, i := range list {
			pixels := "-"
			if i.Width > 0 {
				pixels = fmt.Sprintf("%dx%d", i.Width, i.Height)
			}
			row(i.Type, pixels, size(i.Bytes), orDash(i.Filename), i.ID)
		}
	})
}

func table(w io.Writer, head string, rows func(row func(...string))) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, head)
	rows(func(cells ...string) { fmt.Fprintln(t, strings.Join(cells, "\t")) })
	return t.Flush()
}

func unpairCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	everywhere, client := fs.Bool("everywhere", false, ""), e.socketFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	s, err := client().Unpair(ctx, *everywhere)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "The account and its photos are forgotten on this box.")
	if n := s.Sessions.PendingDeletion; n > 0 {
		fmt.Fprintf(e.stdout, "%d picking sessions are still to be deleted at Google; that goes on by itself.\n", n)
	}
	return nil
}
