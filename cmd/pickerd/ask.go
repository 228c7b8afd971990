package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/control"
	"pickerd/display/photo/outside"
)

// socketFlag adds --socket. The result may be called after parsing.
func (e env) socketFlag(fs *flag.FlagSet) func() *control.Client {
	path := fs.String("socket", configs.DefaultSocket(e.getenv), "`path` of the daemon's control socket")
	return func() *control.Client { return control.NewClient(*path) }
}

// A runner is what a command does.
type runner func(ctx context.Context, e env, fs *flag.FlagSet, args []string) error

// show returns a command that asks the daemon for something and prints it, as text or
// with --json as the API answers it.
func show[T any](ask func(*control.Client, context.Context) (T, error), asJSON func(T) any, print func(io.Writer, T) error) runner {
	return func(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
		wantJSON, client := fs.Bool("json", false, "print the JSON of the control API"), e.socketFlag(fs)
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		v, err := ask(client(), ctx)
		if err != nil {
			return err
		}
		if !*wantJSON {
			return print(e.stdout, v)
		}
		return printJSON(e.stdout, asJSON(v))
	}
}

// action returns a command that asks the daemon to do something, and prints done.
func action(ask func(*control.Client, context.Context) (*device.Status, error), done string) runner {
	return func(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
		client := e.socketFlag(fs)
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		if _, err := ask(client(), ctx); err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, done)
		return nil
	}
}

// pickCommand starts a pick, for a given account if one is named.
func pickCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	find := accountFlag(fs, "the account to pick for; without it the screen asks if several are paired")
	newAccount := fs.Bool("new", false, "link another account")
	collection := fs.String("collection", "", "the collection that the photos go to: its `name`, which may be new, or id from pickerd collections")
	client := e.socketFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	if *newAccount && fs.Lookup("account").Value.String() != "" {
		return &command.UsageError{Msg: "--account and --new are mutually exclusive"}
	}
	c := client()
	account, err := find(ctx, c)
	if err != nil {
		return err
	}
	if *newAccount {
		account = device.NewAccount
	}
	s, err := c.Pick(ctx, account, *collection)
	if err != nil {
		return err
	}
	if account == "" && len(s.Accounts) > 1 {
		fmt.Fprintln(e.stdout, "The screen asks who is choosing. To answer here, use pickerd pick --account NAME or --new.")
		return nil
	}
	fmt.Fprintln(e.stdout, "Pick started. The screen shows a code as soon as Google provides one. If none appears, see pickerd status.")
	return nil
}

// accountFlag adds --account. The result may be called after parsing. It returns
// the id of the account that the flag names by name or id, "" without the flag. An
// empty value is refused: it comes from a script's unset variable, and must not
// mean all accounts.
func accountFlag(fs *flag.FlagSet, usage string) func(context.Context, *control.Client) (id string, err error) {
	const name = "account"
	account := fs.String(name, "", usage+" (`name` or id from pickerd status)")
	return func(ctx context.Context, c *control.Client) (string, error) {
		given := false
		fs.Visit(func(f *flag.Flag) { given = given || f.Name == name })
		switch {
		case !given:
			return "", nil
		case *account == "":
			return "", &command.UsageError{Msg: "--account is empty"}
		}
		s, err := c.Status(ctx)
		if err != nil {
			return "", err
		}
		for _, a := range s.Accounts {
			if a.ID == *account || strings.EqualFold(a.Name, *account) {
				return a.ID, nil
			}
		}
		return "", command.Hint(fmt.Errorf("no account is called %q", *account), "pickerd status lists the accounts", exitFailed)
	}
}

// itemsCommand lists the items, or changes one.
func itemsCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	var id string
	var change func(c *control.Client) error
	what := func(name, help, done string, f func(c *control.Client) error) {
		fs.Func(name, help, func(text string) error {
			if change != nil {
				return errors.New("only one of --hide, --show and --remove is allowed")
			}
			id = text
			change = func(c *control.Client) error {
				if err := f(c); err != nil {
					return err
				}
				fmt.Fprintln(e.stdout, done)
				return nil
			}
			return nil
		})
	}
	what("hide", "hide the item `ID` from the slideshow", "Hidden.", func(c *control.Client) error { return c.Hide(ctx, id, true) })
	what("show", "show the hidden item `ID` again", "No longer hidden.", func(c *control.Client) error { return c.Hide(ctx, id, false) })
	what("remove", "remove the item `ID` from this box permanently", "Removed.", func(c *control.Client) error { return c.Remove(ctx, id) })
	collection := fs.String("collection", "", "list only what is in a collection (`name` or id)")
	wantJSON, client := fs.Bool("json", false, "print the JSON of the control API"), e.socketFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	if change != nil {
		return change(client())
	}
	list, err := client().ItemsIn(ctx, *collection)
	if err != nil {
		return err
	}
	if *wantJSON {
		return printJSON(e.stdout, map[string]any{"items": list})
	}
	return printItems(e.stdout, list)
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// stateText describes the states.
var stateText = map[device.State]string{
	device.Starting: "starting",
	device.SetUp:    "not set up",
	device.Waiting:  "waiting for the network",
	device.Pairing:  "waiting for sign-in",
	device.Opening:  "opening Google Photos",
	device.Picking:  "waiting for photos to be chosen",
	device.Fetching: "downloading photos",
	device.Showing:  "showing photos",
	device.Idle:     "paired, no photos",
	device.Blocked:  "needs attention",
}

func printStatus(w io.Writer, s *device.Status) error {
	line := func(key, format string, args ...any) {
		fmt.Fprintf(w, "  %-9s %s\n", key, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(w, "%s: %s (%s), since %s\n", s.Name, stateText[s.State], s.State, s.Since.Local().Format(time.DateTime))
	for _, a := range s.Accounts {
		line("account", "%s, paired %s by %s", a.Name, a.PairedAt.Local().Format(time.DateTime), orDash(a.Method))
	}
	switch g := s.Guest; {
	case g == nil:
	case !g.ForgetsAt.IsZero():
		line("guest", "removed at %s unless active", g.ForgetsAt.Local().Format(time.TimeOnly))
	case len(s.Accounts) > 0:
		line("guest", "present; removed when finished or inactive")
	default:
		line("guest", "none")
	}
	if s.Asking != "" {
		line("asking", "%s is choosing (question on the screen)", s.Asking)
	}
	if o := s.Outstanding; o != nil {
		line("forgotten", "an account; pending at Google: %s", outstanding(o))
	}
	switch p := s.Pairing; {
	case p == nil:
	case p.Method == device.ByImport:
		line("sign in", "on a computer with a browser: pickerd authorize --client FILE --to %s", s.Recipient)
	case p.UserCode != "":
		line("sign in", "%s, code %s, expires at %s", p.VerificationURI, p.UserCode, p.ExpiresAt.Local().Format(time.TimeOnly))
	default:
		line("sign in", "%s (%s), expires at %s", p.VerificationURI, p.Method, p.ExpiresAt.Local().Format(time.TimeOnly))
	}
	for _, r := range s.Refused {
		line("refused", "%s: %s %s", r.Method, r.Error, r.Reason)
	}
	if p := s.Pick; p != nil {
		if p.PickerURI != "" {
			line("choose at", "%s", p.PickerURI)
		}
		line("pick", "request %s, session %s", p.RequestID, orDash(p.SessionID))
	}
	if f := s.Fetch; f != nil {
		line("download", "%d of %d, %d failed, %s", f.Done, f.Total, f.Failed, configs.Size(f.Bytes))
	}
	if sc := s.Screen; sc != nil {
		if sc.Error != "" {
			line("screen", "none: %s", sc.Error)
		} else {
			line("screen", "%d x %d pixels", sc.Width, sc.Height)
		}
		if sc.Unshowable != nil {
			hint := ""
			if _, err := os.Stat(outside.Socket); errors.Is(err, fs.ErrNotExist) {
				hint = "; install pickerd-media"
			}
			line("", "%s%s", sc.Unshowable, hint)
		}
	}
	line("library", "%d photos and videos, %s", s.Library.Items, configs.Size(s.Library.Bytes))
	if s.Library.Hidden > 0 {
		line("", "%d hidden", s.Library.Hidden)
	}
	if b := s.Broker; b != nil {
		line("broker", "%s", describeBroker(b))
	}
	line("sessions", "%d open, %d to be deleted", s.Sessions.Open, s.Sessions.PendingDeletion)
	if p := s.Problem; p != nil {
		line("problem", "%s %s (%s)", p.Message, p.Remedy, p.Code)
		if !p.RetryAt.IsZero() {
			line("", "next attempt at %s", p.RetryAt.Local().Format(time.TimeOnly))
		}
		for _, w := range p.Ways {
			line("", "another way: %s", w)
		}
	}
	if s.DisplayKey != "" {
		line("key", "%s (display key for browsers on other machines)", s.DisplayKey)
	}
	if s.Recipient != "" {
		line("recipient", "%s", s.Recipient)
	}
	return nil
}

func describeBroker(b *device.BrokerStatus) string {
	switch {
	case !b.Since.IsZero():
		return fmt.Sprintf("%s, connected since %s", b.Address, b.Since.Local().Format(time.DateTime))
	case b.Error != "":
		return fmt.Sprintf("%s, not connected: %s", b.Address, b.Error)
	}
	return b.Address + ", connecting"
}

func outstanding(o *device.Outstanding) string {
	var left []string
	if o.Sessions > 0 {
		left = append(left, fmt.Sprintf("%d sessions to delete", o.Sessions))
	}
	if o.Revocation {
		left = append(left, "the permission to revoke")
	}
	if left == nil {
		return "nothing"
	}
	return strings.Join(left, ", ")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func printSessions(w io.Writer, list []device.Session) error {
	if len(list) == 0 {
		fmt.Fprintln(w, "No picking sessions.")
		return nil
	}
	return table(w, "STATE\tREQUEST\tSESSION\tCREATED\tENDED BECAUSE", func(row func(...string)) {
		for _, s := range list {
			row(s.State, s.RequestID, orDash(s.SessionID), s.CreatedAt.Local().Format(time.DateTime), orDash(s.Reason))
		}
	})
}

func printItems(w io.Writer, list []device.Item) error {
	if len(list) == 0 {
		fmt.Fprintln(w, "No photos or videos yet.")
		return nil
	}
	return table(w, "TYPE\tPIXELS\tSIZE\tNAME\tID\t", func(row func(...string)) {
		for _, i := range list {
			pixels := "-"
			if i.Width > 0 {
				pixels = fmt.Sprintf("%dx%d", i.Width, i.Height)
			}
			note := ""
			if i.Hidden {
				note = "hidden"
			}
			row(i.Type, pixels, configs.Size(i.Bytes).String(), orDash(i.Filename), i.ID, note)
		}
	})
}

func printCollections(w io.Writer, list []device.Collection) error {
	return table(w, "ITEMS\tSIZE\tNAME\tID", func(row func(...string)) {
		for _, c := range list {
			row(strconv.Itoa(c.Items), configs.Size(c.Bytes).String(), orDash(c.Name), c.ID)
		}
	})
}

func table(w io.Writer, head string, rows func(row func(...string))) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, head)
	rows(func(cells ...string) { fmt.Fprintln(t, strings.Join(cells, "\t")) })
	return t.Flush()
}
