package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"pickerd/cmd/pickerd/doctor"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/control"
	"pickerd/oauthdevice"
)

// errUnwell is the outcome of a report with a failure in it, which has been told.
var errUnwell = errors.New("something is wrong with this box; the report says what")

func doctorCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	file := fs.String("config", "", "the configuration, a `file`; default "+defaultConfig+" if there is one")
	asJSON := fs.Bool("json", false, "print JSON")
	bundle := fs.String("bundle", "", "also write what a helper elsewhere needs, with secrets removed, to a `file` (.tar.gz), or to a folder under a name of its own")
	socket := fs.String("socket", "", "the daemon's control socket, a `path`; default as configured")
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	cfg := e.examination(*file, *socket)
	d := doctor.New(cfg)
	progress := func(string) {}
	if !*asJSON && isTerminal(e.stderr) {
		progress = func(name string) { fmt.Fprintf(e.stderr, "\r\x1b[K%s …", name) }
	}
	report := d.Examine(ctx, progress)
	if !*asJSON && isTerminal(e.stderr) {
		fmt.Fprint(e.stderr, "\r\x1b[K")
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if *asJSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(report); err != nil {
			return err
		}
	} else {
		report.Print(e.stdout)
	}
	if *bundle != "" {
		name := "box"
		if cfg.Config != nil {
			name = cfg.Config.Name
		}
		path, err := writeBundle(ctx, d, report, *bundle, name)
		if err != nil {
			return fmt.Errorf("write the bundle: %w", err)
		}
		fmt.Fprintf(e.stderr, "Written to %s: look through it before you give it away.\n", path)
	}
	if !report.OK {
		return &hintedError{errUnwell, "each line that begins with FAIL has a next step below it", exitFailed}
	}
	return nil
}

// examination is what a doctor needs to know of this box.
func (e env) examination(file, socket string) doctor.Config {
	if file == "" {
		file = existing(defaultConfig)
	}
	out := doctor.Config{Version: version(), File: file, Command: runProgram}
	cfg, err := loadConfig(file, e.getenv)
	if out.Config, out.ConfigErr = cfg, err; err != nil {
		cfg = nil
	}
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
	out.Ways, out.ClientErr = loadWays(cfg)
	for _, w := range out.Ways {
		if w.Method != device.ByDevice {
			continue
		}
		out.Ask = func(ctx context.Context) error {
			c := endpoints(cfg.Google)
			c.ID, c.Secret = w.ClientID, oauthdevice.Secret(w.Secret)
			_, err := c.Authorize(ctx, "")
			return err
		}
	}
	return out
}

// writeBundle writes a bundle for its owner's eyes alone. What stands half is
// removed.
func writeBundle(ctx context.Context, d *doctor.Doctor, r *doctor.Report, path, name string) (string, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		path = strings.TrimSuffix(path, "/") + "/" + doctor.BundleName(name, r.At)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	err = errors.Join(d.Bundle(ctx, f, r), f.Close())
	if err != nil {
		_ = os.Remove(path)
	}
	return path, err
}

// mostSaid bounds what a program of the system may say.
const mostSaid = 8 << 20

// runProgram runs a program of the system and returns what it says.
func runProgram(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return "", err
	}
	text, rerr := io.ReadAll(io.LimitReader(out, mostSaid))
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		return string(text), fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	return string(text), rerr
}
