package doctor

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"pickerd/store/regular"
)

// maxFile bounds each file of a bundle in bytes.
const maxFile = 1 << 20

// Bundle writes the information for remote support as a gzipped tar archive: the
// report, the daemon's status, configuration and log, and facts about the system.
// Secrets are removed.
func (d *Doctor) Bundle(ctx context.Context, w io.Writer, r *Report) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	add := func(name, text string) error {
		text = d.scrub.Text(text)
		h := &tar.Header{Name: "pickerd/" + name, Mode: 0o600, Size: int64(len(text)), ModTime: r.At}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		_, err := io.WriteString(t, text)
		return err
	}
	var errs []error
	for _, f := range []struct {
		name string
		v    any
	}{{"doctor.json", r}, {"status.json", d.status}, {"sessions.json", d.sessions}} {
		text, err := json.MarshalIndent(f.v, "", "  ")
		errs = append(errs, err, add(f.name, string(text)+"\n"))
	}
	for _, f := range []struct{ name, path string }{
		{"pickerd.toml", d.cfg.File}, {"os-release", d.path("/etc/os-release")}, {"meminfo", d.path("/proc/meminfo")},
		{"cmdline", d.path("/proc/cmdline")}, {"uptime", d.path("/proc/uptime")},
	} {
		if text, err := regular.ReadFile(f.path, maxFile); err == nil {
			errs = append(errs, add(f.name, string(text)))
		}
	}
	if d.cfg.Config != nil {
		text, err := d.metrics(ctx, d.cfg.Config.HTTP.Listen)
		if err != nil {
			text = fmt.Sprintf("(%v)\n", err)
		}
		errs = append(errs, add("metrics.txt", text))
	}
	dir := "/var/lib/pickerd"
	if d.cfg.Config != nil {
		dir = d.cfg.Config.Store.Dir
	}
	for _, c := range []struct {
		name string
		args []string
	}{
		{"journal.txt", []string{"journalctl", "-u", "pickerd.service", "-n", "5000", "--no-pager", "-o", "short-iso-precise"}},
		{"kiosk.txt", []string{"journalctl", "-u", "pickerd-kiosk.service", "-n", "500", "--no-pager", "-o", "short-iso-precise"}},
		{"packages.txt", []string{"dpkg-query", "-W", "pickerd*", "systemd", "cage", "chromium", "seatd"}},
		{"kernel.txt", []string{"dmesg"}},
		{"service.txt", []string{"systemctl", "status", "--no-pager", "-n", "0", "pickerd.service"}},
		{"unit.txt", []string{"systemctl", "cat", "--no-pager", "pickerd.service"}},
		{"uname.txt", []string{"uname", "-a"}},
		{"disks.txt", []string{"df", "-h"}},
		{"addresses.txt", []string{"ip", "address"}},
		{"routes.txt", []string{"ip", "route"}},
		{"devices.txt", []string{"ls", "-l", d.path("/dev/dri"), d.path("/dev/input"), d.path("/dev/fb0")}},
		{"state.txt", []string{"ls", "-la", d.path(dir)}},
	} {
		ctx, cancel := context.WithTimeout(ctx, 3*d.cfg.Patience)
		text, err := d.cfg.Command(ctx, c.args[0], c.args[1:]...)
		cancel()
		if err != nil {
			text += fmt.Sprintf("(%v)\n", err)
		}
		errs = append(errs, add(c.name, text))
	}
	return errors.Join(append(errs, t.Close(), z.Close())...)
}

// metrics returns the daemon's metrics.
func (d *Doctor) metrics(ctx context.Context, listen string) (string, error) {
	resp, err := d.getLocal(ctx, listen, "/metrics")
	if err != nil {
		return "", withoutURL(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return string(text), err
}

// BundleName returns the file name for a bundle of a box.
func BundleName(box string, at time.Time) string {
	var name []rune
	for _, r := range cmp.Or(box, "box") {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			name = append(name, r)
		} else if len(name) > 0 && name[len(name)-1] != '-' {
			name = append(name, '-')
		}
	}
	return fmt.Sprintf("pickerd-%s-%s.tar.gz", string(name), at.Format("20060102-150405"))
}
