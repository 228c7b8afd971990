package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"pickerd/device"
	"pickerd/device/control"
	"pickerd/oauthdevice/tokenfile"
)

// unpairCommand forgets everybody, or one of several. At a terminal it asks how far
// that goes, because revoking at Google reaches beyond this box.
func unpairCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	everywhere := fs.Bool("everywhere", false, "also revoke the permission at Google, for every box on the same Google project")
	here := fs.Bool("here", false, "forget on this box only, without a question")
	find := accountFlag(fs, "forget only this one of several")
	client := e.socketFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	if *everywhere && *here {
		return &usageError{"--here and --everywhere exclude each other"}
	}
	c := client()
	account, err := find(ctx, c)
	if err != nil {
		return err
	}
	if !*everywhere && !*here && isTerminal(e.stdin) {
		if *everywhere, err = e.askHowFar(ctx, c, account); err != nil {
			return err
		}
	}
	s, err := c.Unpair(ctx, account, *everywhere)
	if err != nil {
		return err
	}
	tellForgotten(e.stdout, s)
	return nil
}

// everybody is what to call those who are paired.
func everybody(accounts []device.AccountStatus) string {
	switch {
	case len(accounts) > 1:
		return fmt.Sprintf("all %d accounts", len(accounts))
	case len(accounts) == 1 && accounts[0].Email != "":
		return accounts[0].Email
	}
	return "the account"
}

var errKept = errors.New("the account was kept")

func (e env) askHowFar(ctx context.Context, c *control.Client, account string) (everywhere bool, err error) {
	s, err := c.Status(ctx)
	if err != nil {
		return false, err
	}
	if s.Account == nil && s.Library.Items == 0 && s.Outstanding == nil {
		return false, nil // the daemon says that there is nothing to forget
	}
	who := everybody(s.Accounts)
	for _, a := range s.Accounts {
		if a.ID == account {
			who = a.Name
		}
	}
	fmt.Fprintf(e.stderr, `Forget %s?

  1  on this box only: its picking sessions are deleted, its token is erased
  2  everywhere: the permission is also revoked at Google, which signs out every
     box that this account is paired with through the same Google project
  Anything else keeps it.

`, who)
	switch text, err := e.readLine(ctx, "1 or 2: "); {
	case err != nil && !errors.Is(err, io.EOF):
		return false, err
	case text == "1":
		return false, nil
	case text == "2":
		return true, nil
	}
	return false, errKept
}

func tellForgotten(w io.Writer, s *device.Status) {
	fmt.Fprintln(w, "The account is forgotten on this box.")
	switch {
	case len(s.Accounts) > 0:
		fmt.Fprintf(w, "Still paired: %d. Photos that are still here: %d.\n", len(s.Accounts), s.Library.Items)
	case s.Library.Items > 0:
		fmt.Fprintf(w, "Its photos stay, as configured: %d.\n", s.Library.Items)
	}
	o := s.Outstanding
	switch {
	case o == nil:
		tellDone(w, s.Forgotten)
	default:
		if o.Sessions > 0 {
			fmt.Fprintf(w, "Outstanding: picking sessions still to be deleted at Google: %d.\n", o.Sessions)
		}
		if o.Revocation {
			fmt.Fprintln(w, "Outstanding: the permission is still to be revoked at Google.")
		}
		fmt.Fprintln(w, "That is done by itself when Google can be reached; until then the token is kept sealed. pickerd status tells.")
	}
}

func tellDone(w io.Writer, f *device.Forgotten) {
	const elsewhere = "A permission that is left can be ended on the Google account's page of connected apps."
	if f == nil {
		fmt.Fprintln(w, "Google was told nothing: there was no token that works. "+elsewhere)
		return
	}
	fmt.Fprintln(w, "Its sessions are deleted at Google.")
	switch f.Revocation {
	case "done":
		fmt.Fprintln(w, "The permission is revoked at Google.")
	case "refused":
		fmt.Fprintln(w, "The permission was NOT revoked: the server refused; the log has its words. "+elsewhere)
	}
}

// importTokenCommand brings a token file to the daemon. On its way there it is
// always sealed for the box.
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
		fmt.Fprintln(e.stdout, "The box is paired; Google accepts the token. Choose photos: pickerd pick, or OK on the screen.")
	} else {
		fmt.Fprintln(e.stdout, "The box has the token. Google could not be reached to try it; that happens with the first pick.")
	}
	return nil
}

const maxTokenFile = 64 << 10

// readToken reads a token file. One that is not sealed must not be open to
// others: whoever read it has the token.
func (e env) readToken(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(e.stdin, maxTokenFile))
	}
	f, err := os.Open(path)
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
		return nil, &hintedError{fmt.Errorf("%s is not sealed and others may read it", path), "chmod 600 " + path + ", and think of who may have read it", exitFailed}
	}
	return data, nil
}

// sealForBox seals a token file for the box behind c, unless it is.
func (e env) sealForBox(ctx context.Context, c *control.Client, data []byte) ([]byte, error) {
	var f *tokenfile.File
	var err error
	switch {
	case tokenfile.NeedsPassphrase(data):
		pass, perr := e.passphrase(ctx, "The token file's passphrase: ")
		if errors.Is(perr, errNoTerminal) {
			return nil, &hintedError{errors.New("the token file is sealed with a passphrase, and there is no terminal to ask for it"),
				"copy the file to the box and run this there, over ssh with -t", exitFailed}
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
