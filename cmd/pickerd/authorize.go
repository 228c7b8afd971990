package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"pickerd/cmd/command"
	"pickerd/device/phone"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/tokenfile"
)

// authorizeCommand lets a person sign in with the browser of this computer and
// writes a token file for a box that can't do that itself.
func authorizeCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	client := fs.String("client", "", "downloaded client `file` of type \"Desktop app\" (default google.desktop_client_file)")
	file := fs.String("config", "", "configuration `file`, for a server other than Google")
	to := fs.String("to", "", "`recipient` of the box, from its pickerd status; without it, pickerd asks for a passphrase")
	output := fs.String("output", "token.age", "`file` to write, \"-\" for standard output")
	quiet := fs.Bool("no-browser", false, "print the address without opening a browser")
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	layers, err := e.readConfig(*file)
	if err != nil {
		return err
	}
	cfg := layers.Config
	if *client != "" {
		cfg.Google.DesktopFile = *client
	}
	if cfg.Google.DesktopFile == "" {
		return command.Hint(errors.New(`an OAuth client of type "Desktop app" is needed`), "pickerd authorize --client desktop_client_secret.json", exitUsage)
	}
	f, err := desktopClient(cfg.Google)
	if err != nil {
		return err
	}
	oauth := endpoints(cfg.Google, e.renewal.dialer)
	oauth.ID, oauth.Secret = f.ID, f.Secret
	// Report a file that can't be written before the person signs in.
	seal, err := e.sealer(ctx, *to)
	if err != nil {
		return err
	}
	out, err := e.create(*output)
	if err != nil {
		return err
	}
	defer out.discard()
	data, err := e.signIn(ctx, &oauth, !*quiet, seal)
	if err != nil {
		return err
	}
	if err := out.keep(data); err != nil {
		return err
	}
	if *output != "-" {
		fmt.Fprintf(e.stderr, "\nThe sealed token is in %s. On the box, run:\n\n  sudo pickerd import-token %s\n", *output, *output)
		if *to != "" {
			fmt.Fprintf(e.stderr, "\nOr from here: ssh BOX sudo pickerd import-token - < %s\n", *output)
		}
	}
	return nil
}

// sealer returns a function that seals a token file for a box or with a passphrase.
func (e env) sealer(ctx context.Context, to string) (func(*tokenfile.File) ([]byte, error), error) {
	if to != "" {
		if _, err := new(tokenfile.File).SealFor(to); err != nil {
			return nil, &command.UsageError{Msg: err.Error()}
		}
		return func(f *tokenfile.File) ([]byte, error) { return f.SealFor(to) }, nil
	}
	pass, err := e.newPassphrase(ctx)
	if err != nil {
		return nil, err
	}
	return func(f *tokenfile.File) ([]byte, error) { return f.SealWithPassphrase(pass) }, nil
}

// An answer is the query that a browser brought back. done takes the outcome.
type answer struct {
	query url.Values
	done  chan<- error
}

// signIn shows a person the consent page, waits for the redirect to a loopback port,
// and returns the sealed token (RFC 8252 §7.3).
func (e env) signIn(ctx context.Context, c *oauthdevice.Client, open bool, seal func(*tokenfile.File) ([]byte, error)) ([]byte, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	redirect := "http://" + l.Addr().String() + "/"
	state, verifier := rand.Text(), oauthdevice.NewVerifier()
	answers := make(chan answer)
	srv := &http.Server{Handler: loopback(state, answers), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	defer func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
		<-served
	}()

	address := c.AuthCodeURL(redirect, state, verifier)
	fmt.Fprintf(e.stderr, "Sign in with a browser on this computer:\n\n  %s\n\nWaiting for the browser. Press Ctrl-C to cancel.\n", address)
	if open {
		e.openBrowser(ctx, address)
	}
	select {
	case <-ctx.Done():
		return nil, errGivenUp
	case err := <-served:
		return nil, err
	case a := <-answers:
		data, err := redeem(ctx, c, a.query, redirect, verifier, seal)
		a.done <- err
		return data, err
	}
}

// redeem exchanges what the browser brought back for a sealed token file.
func redeem(ctx context.Context, c *oauthdevice.Client, q url.Values, redirect string, verifier oauthdevice.Secret, seal func(*tokenfile.File) ([]byte, error)) ([]byte, error) {
	if code := q.Get("error"); code != "" {
		return nil, oauthdevice.NewAuthorizationError(code)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	t, err := c.Exchange(ctx, oauthdevice.Secret(q.Get("code")), redirect, verifier)
	if err != nil {
		return nil, err
	}
	if missing := t.MissingScopes(c.Scopes); len(missing) > 0 {
		return nil, fmt.Errorf("the permission %s was not given; sign in again and leave it ticked", strings.Join(missing, " "))
	}
	if t.Refresh == "" {
		return nil, errors.New("the server gave no refresh token, which a box needs")
	}
	return seal(&tokenfile.File{ClientID: c.ID, ClientSecret: string(c.Secret), RefreshToken: string(t.Refresh),
		Scope: strings.Join(t.Scopes, " "), Account: t.Account})
}

// loopback accepts one answer with the right state.
func loopback(state string, answers chan<- answer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(state)) != 1 || q.Get("code") == "" && q.Get("error") == "" {
			phone.Say(w, r, http.StatusBadRequest, "phone.cli_unknown")
			return
		}
		done := make(chan error, 1)
		select {
		case answers <- answer{q, done}:
		case <-r.Context().Done():
			return
		case <-time.After(10 * time.Second): // another answer is being handled
			phone.Say(w, r, http.StatusConflict, "phone.cli_answered")
			return
		}
		if err := <-done; err != nil {
			phone.Say(w, r, http.StatusOK, "phone.cli_failed")
			return
		}
		phone.Say(w, r, http.StatusOK, "phone.cli_done")
	})
	mux.Handle(phone.Prefix+"phone.css", phone.Style())
	return mux
}

// openBrowser ignores errors, because the address is on the terminal too.
func (e env) openBrowser(ctx context.Context, address string) {
	var cmd *exec.Cmd
	switch {
	case runtime.GOOS == "darwin":
		cmd = exec.CommandContext(ctx, "open", address)
	case runtime.GOOS == "windows":
		cmd = exec.CommandContext(ctx, "rundll32", "url.dll,FileProtocolHandler", address)
	case e.getenv("DISPLAY") != "" || e.getenv("WAYLAND_DISPLAY") != "":
		cmd = exec.CommandContext(ctx, "xdg-open", address)
	default:
		return
	}
	// It needs all of the desktop's variables, but not pickerd's, which may be secret.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PICKERD_") })
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }() // ends with ctx at the latest
	}
}

// An output is a file that only its owner can read. It is removed unless it is
// complete.
type output struct {
	env  env
	path string
	f    *os.File
}

func (e env) create(path string) (*output, error) {
	if path == "-" {
		return &output{env: e}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, command.Hint(fmt.Errorf("%s already exists", path), "remove it, or name another file: --output FILE", exitFailed)
	}
	if err != nil {
		return nil, err
	}
	return &output{env: e, path: path, f: f}, nil
}

func (o *output) keep(data []byte) error {
	if o.f == nil {
		_, err := o.env.stdout.Write(data)
		return err
	}
	_, err := o.f.Write(data)
	err = errors.Join(err, o.f.Sync(), o.f.Close())
	if err == nil {
		o.f = nil
	}
	return err
}

// discard removes an incomplete file.
func (o *output) discard() {
	if o.f != nil {
		o.f.Close()
		os.Remove(o.path)
	}
}

// relayPageCommand prints the page for a static host.
func relayPageCommand(_ context.Context, e env, fs *flag.FlagSet, args []string) error {
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	_, err := e.stdout.Write(phone.RelayPage())
	return err
}
