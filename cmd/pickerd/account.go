package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"syscall"

	"pickerd/cmd/command"
	"pickerd/device"
	"pickerd/device/control"
	"pickerd/oauthdevice/tokenfile"
)

// unpairCommand forgets all accounts, or one. At a terminal it asks whether to
// revoke the permission at Google too, because that affects other boxes.
func unpairCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	everywhere := fs.Bool("everywhere", false, "also revoke the permission at Google, for all boxes of the same Google project")
	here := fs.Bool("here", false, "forget on this box only, without asking")
	find := accountFlag(fs, "forget only this account")
	client := e.socketFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	if *everywhere && *here {
		return &command.UsageError{Msg: "--here and --everywhere are mutually exclusive"}
	}
	c := client()
	account, err := find(ctx, c)
	if err != nil {
		return err
	}
	if !*everywhere && !*here && command.IsTerminal(e.stdin) {
		if *everywhere, err = e.askEverywhere(ctx, c, account); err != nil {
			return err
		}
	}
	s, err := c.Unpair(ctx, account, *everywhere)
	if err != nil {
		return err
	}
	printForgotten(e.stdout, s)
	return nil
}

// describeAccounts names the paired accounts, as the object of "Forget".
func describeAccounts(accounts []device.AccountStatus) string {
	switch {
	case len(accounts) > 1:
		return fmt.Sprintf("all %d accounts", len(accounts))
	case len(accounts) == 1 && accounts[0].Email != "":
		return accounts[0].Email
	}
	return "the account"
}

var errNotForgotten = errors.New("nothing was forgotten")

func (e env) askEverywhere(ctx context.Context, c *control.Client, account string) (everywhere bool, err error) {
	s, err := c.Status(ctx)
	if err != nil {
		return false, err
	}
	if s.Account == nil && s.Library.Items == 0 && s.Outstanding == nil {
		return false, nil // the daemon reports that there is nothing to forget
	}
	target := describeAccounts(s.Accounts)
	for _, a := range s.Accounts {
		if a.ID == account {
			target = a.Name
		}
	}
	fmt.Fprintf(e.stderr, `Forget %s?

  1  On this box only. Its picking sessions are deleted and its token is erased.
  2  Everywhere. This also revokes the permission at Google and signs the account
     out of all boxes of the same Google project.
  Anything else cancels.

`, target)
	switch text, err := e.readLine(ctx, "1 or 2: "); {
	case err != nil && !errors.Is(err, io.EOF):
		return false, err
	case text == "1":
		return false, nil
	case text == "2":
		return true, nil
	}
	return false, errNotForgotten
}

func printForgotten(w io.Writer, s *device.Status) {
	fmt.Fprintln(w, "Forgotten on this box.")
	switch {
	case len(s.Accounts) > 0:
		fmt.Fprintf(w, "Accounts left: %d. Photos and videos left: %d.\n", len(s.Accounts), s.Library.Items)
	case s.Library.Items > 0:
		fmt.Fprintf(w, "Photos and videos kept, as configured: %d.\n", s.Library.Items)
	}
	o := s.Outstanding
	switch {
	case o == nil:
		printRevocation(w, s.Forgotten)
	default:
		if o.Sessions > 0 {
			fmt.Fprintf(w, "Pending at Google: %d picking sessions to delete.\n", o.Sessions)
		}
		if o.Revocation {
			fmt.Fprintln(w, "Pending at Google: the permission to revoke.")
		}
		fmt.Fprintln(w, "pickerd does this as soon as Google can be reached and keeps the token sealed until then. See pickerd status.")
	}
}

func printRevocation(w io.Writer, f *device.Forgotten) {
	const elsewhere = "You can remove it on the Google account's page of connected apps."
	if f == nil {
		fmt.Fprintln(w, "Google was not contacted, because there was no valid token. The permission may still exist. "+elsewhere)
		return
	}
	fmt.Fprintln(w, "Picking sessions deleted at Google.")
	switch f.Revocation {
	case "done":
		fmt.Fprintln(w, "Permission revoked at Google.")
	case "refused":
		fmt.Fprintln(w, "The permission was NOT revoked: the server refused. See the log. "+elsewhere)
	}
}

// importTokenCommand sends a token file to the daemon, sealed for the box.
func importTokenCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	client := e.socketFlag(fs)
	if err := parse(fs, args, 1); err != nil {
		return err
	}
	data, err := e.readToken(fs.Arg(0))
	if err != nil {
		return err
	}
	c := client()
	sealed, err := e.sealForBox(ctx, c, data)
	if err != nil {
		return err
	}
	tried, err := c.Import(ctx, sealed)
	if err != nil {
		return err
	}
	if tried {
		fmt.Fprintln(e.stdout, "Paired. Google accepts the token. To choose photos, run pickerd pick or press OK at the screen.")
	} else {
		fmt.Fprintln(e.stdout, "Token imported. Google could not be reached to check it. The first pick does that.")
	}
	return nil
}

const maxTokenFile = 64 << 10

// readToken reads a token file. A plain one must not be readable by others.
func (e env) readToken(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(e.stdin, maxTokenFile))
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // does not wait for the writer of a pipe
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTokenFile))
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if _, err := tokenfile.Parse(data); err == nil && st.Mode().Perm()&0o077 != 0 {
		return nil, command.Hint(fmt.Errorf("%s is not sealed, and others may read it", path), "chmod 600 "+path+"; consider the token exposed if others have read it", exitFailed)
	}
	return data, nil
}

// sealForBox seals a token file for the box behind c, unless it is sealed already.
func (e env) sealForBox(ctx context.Context, c *control.Client, data []byte) ([]byte, error) {
	var f *tokenfile.File
	var err error
	switch {
	case tokenfile.NeedsPassphrase(data):
		pass, perr := e.passphrase(ctx, "Passphrase of the token file: ")
		if errors.Is(perr, errNoTerminal) {
			return nil, command.Hint(errors.New("the token file needs a passphrase, and there is no terminal to ask for it"),
				"copy the file to the box and run the command there, with ssh -t", exitFailed)
		}
		if perr != nil {
			return nil, perr
		}
		f, err = tokenfile.OpenWithPassphrase(data, pass)
	case tokenfile.Sealed(data):
		return data, nil
	default:
		f, err = tokenfile.Parse(data)
	}
	if err != nil {
		return nil, err
	}
	s, err := c.Status(ctx)
	if err != nil {
		return nil, err
	}
	return f.SealFor(s.Recipient)
}
