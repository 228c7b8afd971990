package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/store"
)

// path returns a system path below Root.
func (d *Doctor) path(p string) string { return filepath.Join(d.cfg.Root, p) }

// glob returns the system paths that match a pattern.
func (d *Doctor) glob(pattern string) []string {
	found, _ := filepath.Glob(d.path(pattern))
	for i := range found {
		found[i] = strings.TrimPrefix(found[i], d.cfg.Root)
	}
	return found
}

func (d *Doctor) configuration(_ context.Context, check string) {
	name := d.cfg.File
	if name == "" {
		name = "No file; defaults and environment only."
	}
	if d.cfg.ConfigErr != nil {
		d.found(check, Fail, "Compare it with the commented example from pickerd config default.", "%v", d.cfg.ConfigErr)
		return
	}
	d.ok(check, "%s", name)
}

func (d *Doctor) client(_ context.Context, check string) {
	switch {
	case d.cfg.Config == nil:
		d.skip(check, "Needs a valid configuration.")
	case d.cfg.ClientErr == nil && d.isNotSetUp():
		d.found(check, Fail, "systemctl restart pickerd", "This box is not set up yet: there is a client, but the running service has not got it.")
	case d.cfg.ClientErr == nil:
		var kinds []string
		for _, w := range d.cfg.Methods {
			if w.Former {
				continue
			}
			kinds = append(kinds, w.Name)
		}
		d.ok(check, "There is a client for each pairing method: %s.", strings.Join(kinds, ", "))
	case errors.Is(d.cfg.ClientErr, fs.ErrPermission):
		d.skip(check, "Needs root: %v", d.cfg.ClientErr)
	case d.isNotSetUp():
		d.found(check, Fail, d.status.Problem.Remedy, "This box is not set up yet: %v", d.cfg.ClientErr)
	case d.status != nil:
		d.skip(check, "The daemon has a client that can't be checked from here, such as a sealed credential.")
	default:
		d.found(check, Fail, "See "+command.Document("pickerd", "README.md")+`, "A client from the Google Cloud console".`, "%v", d.cfg.ClientErr)
	}
}

// isNotSetUp reports whether the daemon waits for a client or a gateway.
func (d *Doctor) isNotSetUp() bool {
	return d.status != nil && d.status.State == device.SetUp && d.status.Problem != nil && d.status.Problem.Code == device.NotSetUp
}

func (d *Doctor) disk(_ context.Context, check string) {
	if d.cfg.Config == nil {
		d.skip(check, "Needs a valid configuration.")
		return
	}
	dir := d.cfg.Config.Store.Dir
	var st unix.Statfs_t
	err := unix.Statfs(d.path(dir), &st)
	for errors.Is(err, fs.ErrNotExist) && dir != "/" { // the first start creates it
		dir = filepath.Dir(dir)
		err = unix.Statfs(d.path(dir), &st)
	}
	if err != nil {
		d.found(check, Fail, "Look for the cause in dmesg.", "%s: %v", dir, err)
		return
	}
	size := int64(st.Blocks) * int64(st.Bsize)
	free := int64(st.Bavail) * int64(st.Bsize)
	words := fmt.Sprintf("%s: %s of %s free.", dir, configs.Size(free), configs.Size(size))
	switch {
	case st.Flags&unix.ST_RDONLY != 0:
		d.found(check, Fail, "Worn-out cards and disks turn read-only. Look for the cause in dmesg, then remount or replace it.", "%s is mounted read-only.", dir)
	case st.Files > 0 && st.Ffree == 0:
		d.found(check, Fail, "Remove unneeded files.", "%s has no free inodes.", dir)
	case free < 1<<20:
		d.found(check, Fail, "Free some space.", "%s", words)
	case free < size/store.MinFreeDivisor:
		d.found(check, Warn, "pickerd keeps a twentieth of the disk free, so no new photos are stored. Free some space.", "%s", words)
	default:
		d.ok(check, "%s", words)
	}
}

func (d *Doctor) state(ctx context.Context, check string) {
	if d.cfg.Config == nil {
		d.skip(check, "Needs a valid configuration.")
		return
	}
	dir := d.cfg.Config.Store.Dir
	st, err := os.Stat(d.path(dir))
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.status != nil:
		d.skip(check, "%s does not exist: the running daemon uses another configuration.", dir)
		return
	case errors.Is(err, fs.ErrNotExist):
		d.ok(check, "%s does not exist yet. The first start creates it.", dir)
		return
	case errors.Is(err, fs.ErrPermission):
		d.skip(check, "Needs root to read %s.", dir)
		return
	case err != nil:
		d.found(check, Fail, "Look for the cause in dmesg.", "%v", err)
		return
	case !st.IsDir():
		d.found(check, Fail, "Move the file away, or set another store.dir.", "%s is not a directory.", dir)
		return
	}
	owner := st.Sys().(*syscall.Stat_t).Uid
	if len(d.lacks(ctx, 7, dir)) > 0 {
		d.found(check, Fail, fmt.Sprintf("chown -R %s: %s", d.as.name, dir), "%s does not belong to %s.", dir, d.as.name)
	}
	if st.Mode().Perm()&0o077 != 0 {
		d.found(check, Warn, "chmod 700 "+dir, "Other users may read %s (mode %04o).", dir, st.Mode().Perm())
	}
	entries, err := os.ReadDir(d.path(dir))
	if errors.Is(err, fs.ErrPermission) {
		d.skip(check, "Needs root to read %s.", dir)
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // deleted meanwhile
		}
		name := filepath.Join(dir, e.Name())
		switch {
		case info.Sys().(*syscall.Stat_t).Uid != owner:
			d.found(check, Fail, fmt.Sprintf("chown -R %d %s", owner, dir), "%s and its directory belong to different users.", name)
		case !info.IsDir() && info.Mode().Perm()&0o077 != 0:
			d.found(check, Fail, "chmod 600 "+name, "Other users may read %s.", name)
		case strings.Contains(e.Name(), ".damaged-"):
			d.found(check, Warn, "Remove it if you don't need it. "+command.Document("pickerd", "store/README.md")+" says what it was.", "%s was damaged and moved aside.", name)
		}
	}
	if !slices.ContainsFunc(d.findings, func(f Finding) bool { return f.Check == check }) {
		d.ok(check, "Only its owner may read %s.", dir)
	}
}

// display checks the configured outputs.
func (d *Doctor) display(ctx context.Context, check string) {
	if d.cfg.Config == nil {
		d.skip(check, "Needs a valid configuration.")
		return
	}
	c := d.cfg.Config
	if c.Display.HasOutput("http") {
		d.page(ctx, check, c.HTTP)
	}
	if c.Display.HasOutput("framebuffer") {
		d.screen(ctx, check)
	}
	if c.Display.HasOutput("terminal") && c.Terminal.Device != "" {
		if _, err := os.Stat(d.path(c.Terminal.Device)); err != nil {
			d.found(check, Fail, "Check that the adapter is plugged in and that terminal.device is right.", "%v", err)
		} else {
			d.ok(check, "%s exists.", c.Terminal.Device)
		}
	}
}

// page checks that the page is served, and by this daemon.
func (d *Doctor) page(ctx context.Context, check string, h configs.HTTP) {
	if h.HasWeakKey() && !isLoopback(h.Listen) {
		d.found(check, Warn, "Remove http.key to have one generated, or set one of at least 20 characters.", "http.key is short and could be guessed.")
	}
	if out, err := d.cfg.Command(ctx, "systemctl", "is-active", "pickerd.socket"); err == nil && strings.TrimSpace(out) == "active" {
		d.skip(check, "pickerd.socket defines the address of the page: systemctl status pickerd.socket")
		return
	}
	at := localURL(h.Listen)
	resp, err := d.getLocal(ctx, h.Listen, "/healthz")
	if err != nil {
		r, remedy := Fail, "Check whether another program uses this address: ss -ltnp"
		if d.status == nil {
			remedy = "Start the daemon: systemctl start pickerd"
		}
		d.found(check, r, remedy, "The page at %s/ does not answer: %v", at, withoutURL(err))
		return
	}
	resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		d.ok(check, "The page at %s/ is served.", at)
	case http.StatusServiceUnavailable:
		d.found(check, Fail, "systemctl restart pickerd. The log shows what it was doing.", "The page at %s/ reports that the daemon's loop is stalled.", at)
	default:
		d.found(check, Fail, "Check whether another program uses this address: ss -ltnp", "The page at %s/ answers %s.", at, resp.Status)
	}
}

// localURL returns the URL at which this machine reaches a page that listens at an
// address. 0.0.0.0 and [::] are every address of this machine, not one to connect to;
// a daemon at [::] listens for IPv4 too.
func localURL(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "http://" + listen
	}
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.Unmap().IsUnspecified() {
		host = "127.0.0.1"
	}
	return (&url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}).String()
}

// isLoopback reports whether only this machine reaches an address to listen at.
func isLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	addr, perr := netip.ParseAddr(host)
	return err == nil && (host == "localhost" || perr == nil && addr.IsLoopback())
}

// getLocal sends a GET request to the daemon's page, without a proxy.
func (d *Doctor) getLocal(ctx context.Context, listen, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, localURL(listen)+path, nil)
	if err != nil {
		return nil, err
	}
	req.Host = "localhost" // the page's own name for this machine, whatever its address
	c := http.Client{Timeout: d.cfg.Patience, Transport: &http.Transport{DisableKeepAlives: true}}
	return c.Do(req)
}

// screen checks the devices that the daemon draws on.
func (d *Doctor) screen(ctx context.Context, check string) {
	connected := d.connectors()
	if s := d.status; s != nil && s.Screen != nil {
		if s.Screen.Error == "" {
			d.ok(check, "The daemon draws on a screen of %d x %d pixels.", s.Screen.Width, s.Screen.Height)
			if s.Screen.Unshowable != nil {
				d.found(check, Warn, "Install the package pickerd-media, which reads more formats. If it is installed, these files are damaged: see the log.", "%s.", s.Screen.Unshowable)
			}
			return
		}
		d.found(check, Fail, "Check that the service has the groups video and input (package pickerd-framebuffer), that the screen is on, and that no other program such as a desktop uses it. Connectors: "+connected, "%s", s.Screen.Error)
		return
	}
	devices := append(d.glob("/dev/dri/card*"), d.glob("/dev/fb*")...)
	if len(devices) == 0 {
		d.found(check, Fail, "Check that a graphics driver is loaded: dmesg | grep -i drm", "Neither /dev/dri/card* nor /dev/fb* exists.")
		return
	}
	if closed := d.lacks(ctx, 6, devices...); len(closed) == len(devices) {
		d.found(check, Fail, "The package pickerd-framebuffer gives the service the group video. Without the service: usermod -aG video "+d.as.name, "%s may not open %s.", d.as.name, strings.Join(closed, ", "))
		return
	}
	for i, p := range devices {
		devices[i] = p + " (group " + d.groupOf(p) + ")"
	}
	d.ok(check, "Found %s. Connectors: %s.", strings.Join(devices, ", "), connected)
}

// connectors describes the connectors of graphics cards and what is plugged in.
func (d *Doctor) connectors() string {
	var out []string
	for _, p := range d.glob("/sys/class/drm/card*-*/status") {
		if data, err := os.ReadFile(d.path(p)); err == nil {
			out = append(out, filepath.Base(filepath.Dir(p))+" "+strings.TrimSpace(string(data)))
		}
	}
	if out == nil {
		return "none known to the kernel"
	}
	return strings.Join(out, ", ")
}

func (d *Doctor) groupOf(path string) string {
	st, err := os.Stat(d.path(path))
	if err != nil {
		return "?"
	}
	gid := strconv.Itoa(int(st.Sys().(*syscall.Stat_t).Gid))
	if g, err := user.LookupGroupId(gid); err == nil {
		return g.Name
	}
	return gid
}

func (d *Doctor) input(ctx context.Context, check string) {
	if d.cfg.Config == nil {
		d.skip(check, "Needs a valid configuration.")
		return
	}
	if !d.cfg.Config.Display.HasOutput("framebuffer") {
		d.skip(check, "Only the output framebuffer reads input devices.")
		return
	}
	var names []string
	for _, p := range d.glob("/sys/class/input/event*/device/name") {
		if data, err := os.ReadFile(d.path(p)); err == nil {
			names = append(names, strings.TrimSpace(string(data)))
		}
	}
	if len(names) == 0 {
		d.found(check, Warn, "Without one, only phones can control the screen. Connect a remote control receiver or a keyboard, or configure buttons as gpio-keys.", "There is no input device.")
		return
	}
	if closed := d.lacks(ctx, 4, d.glob("/dev/input/event*")...); len(closed) > 0 {
		d.found(check, Fail, "The package pickerd-framebuffer gives the service the group input. Without the service: usermod -aG input "+d.as.name, "%s may not read %s.", d.as.name, strings.Join(closed, ", "))
		return
	}
	d.ok(check, "%s", strings.Join(names, ", "))
}
