package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"pickerd/cmd/command"
	"pickerd/cmd/pickerd/doctor"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/control"
	"pickerd/device/hooks"
	"pickerd/oauthdevice"
)

func doctorCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	file := fs.String("config", "", "configuration `file` (default "+defaultConfig+" if it exists)")
	asJSON := fs.Bool("json", false, "print JSON")
	bundle := fs.String("bundle", "", "also write a support bundle without secrets to a `file` (.tar.gz) or into a folder")
	socket := fs.String("socket", "", "`path` of the daemon's control socket (default as configured)")
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	target, err := openBundle(*bundle)
	if err != nil {
		return err
	}
	defer target.discard()
	d := doctor.New(e.examination(*file, *socket))
	progress := func(string) {}
	if !*asJSON && command.IsTerminal(e.stderr) {
		progress = func(name string) { fmt.Fprintf(e.stderr, "\r\x1b[K%s", name) }
	}
	report := d.Examine(ctx, func(name string) { progress(name + " …") })
	progress("")
	if err := e.printReport(report, *asJSON); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted; the report is incomplete")
	}
	if err := target.write(ctx, d, report); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	if target != nil {
		fmt.Fprintf(e.stderr, "Bundle written to %s. Review it before you share it.\n", target.path)
	}
	if !report.OK {
		return command.ErrReported
	}
	return nil
}

// printReport prints a report as text or JSON.
func (e env) printReport(r *doctor.Report, asJSON bool) error {
	if !asJSON {
		r.Print(e.stdout)
		return nil
	}
	return r.PrintJSON(e.stdout)
}

// examination returns what the doctor needs to know about this box.
func (e env) examination(file, socket string) doctor.Config {
	out := doctor.Config{Version: version(), File: cmp.Or(file, command.Existing(defaultConfig)), Command: runProgram}
	var cfg *configs.Config
	layers, err := e.readConfig(file)
	if err == nil {
		cfg = layers.Config
		for _, p := range layers.Problems { // the box runs, without these
			err = errors.Join(err, p)
		}
	}
	out.Config, out.ConfigErr = cfg, err
	if socket == "" && cfg != nil {
		socket = cfg.Control.Socket
	}
	if socket == "" {
		socket = configs.DefaultSocket(e.getenv)
	}
	out.Daemon = control.NewClient(socket)
	if cfg == nil {
		return out
	}
	out.Methods, out.ClientErr = loadMethods(cfg)
	for _, w := range out.Methods {
		if w.Name != device.ByDevice || w.Former {
			continue
		}
		out.Ask = func(ctx context.Context) error {
			c := endpoints(cfg.Google, e.renewal.dialer)
			c.ID, c.Secret = w.ClientID, oauthdevice.Secret(w.Secret)
			if w.Issuer != "" {
				md, err := oauthdevice.Discover(ctx, c.HTTP, w.Issuer)
				if err != nil {
					return err
				}
				c.DeviceAuthURL = md.DeviceAuthURL
			}
			_, err := c.Authorize(ctx, "")
			return err
		}
	}
	return out
}

// A bundle is the file for a support bundle, nil if none is wanted.
type bundle struct {
	path string
	*os.File
	folder, done bool
}

// openBundle creates the file first, so that an error is reported before the checks
// run. Only its owner can read it.
func openBundle(path string) (*bundle, error) {
	if path == "" {
		return nil, nil
	}
	b := &bundle{path: path}
	var err error
	if st, serr := os.Stat(path); serr == nil && st.IsDir() {
		b.folder = true
		b.File, err = os.CreateTemp(path, ".pickerd-bundle-")
	} else {
		b.File, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	switch {
	case errors.Is(err, os.ErrExist):
		return nil, command.Hint(fmt.Errorf("--bundle: %s already exists", path), "name another file or a folder", exitFailed)
	case err != nil:
		return nil, command.Hint(fmt.Errorf("--bundle: %w", err), "name a file that can be created, or a folder", exitFailed)
	}
	return b, nil
}

// write fills the file and, in a folder, gives it its name.
func (b *bundle) write(ctx context.Context, d *doctor.Doctor, r *doctor.Report) error {
	if b == nil {
		return nil
	}
	if err := errors.Join(d.Bundle(ctx, b, r), b.Close()); err != nil {
		return err
	}
	if b.folder {
		b.path = filepath.Join(b.path, doctor.BundleName(r.Name, r.At))
		if err := os.Rename(b.Name(), b.path); err != nil {
			return err
		}
	}
	b.done = true
	return nil
}

// discard removes an incomplete file.
func (b *bundle) discard() {
	if b != nil && !b.done {
		b.Close()
		_ = os.Remove(b.Name())
	}
}

// maxOutput bounds the output of a system program.
const maxOutput = 8 << 20

// runProgram runs a system program and returns its output.
func runProgram(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(hooks.Environ(os.Environ()), "LC_ALL=C")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return "", err
	}
	text, rerr := io.ReadAll(io.LimitReader(out, maxOutput))
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		return string(text), fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return string(text), rerr
}
