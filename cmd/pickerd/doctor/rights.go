package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// An account is the user that the daemon runs as.
type account struct {
	name   string
	uid    string
	groups []string // by number
}

// account returns the user that the service runs as, or else the current user.
func (d *Doctor) account(ctx context.Context) *account {
	if d.as != nil {
		return d.as
	}
	d.as = &account{uid: strconv.Itoa(os.Geteuid())}
	if u, err := user.Current(); err == nil {
		d.as.name = u.Username
		d.as.groups, _ = u.GroupIds()
	}
	out, err := d.cfg.Command(ctx, "systemctl", "show", "pickerd.service", "-p", "User,SupplementaryGroups")
	if err != nil {
		return d.as
	}
	p := properties(out)
	u, err := user.Lookup(p["User"])
	if err != nil {
		return d.as
	}
	d.as = &account{name: u.Username, uid: u.Uid}
	d.as.groups, _ = u.GroupIds()
	for name := range strings.FieldsSeq(p["SupplementaryGroups"]) {
		if g, err := user.LookupGroup(name); err == nil {
			d.as.groups = append(d.as.groups, g.Gid)
		}
	}
	return d.as
}

// properties parses the output of systemctl show.
func properties(text string) map[string]string {
	p := map[string]string{}
	for line := range strings.Lines(text) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		p[k] = v
	}
	return p
}

// lacks returns the paths to which the daemon's account lacks the permissions want: 4
// to read, 2 to write. It checks only file modes, not the restrictions of the unit.
func (d *Doctor) lacks(ctx context.Context, want os.FileMode, paths ...string) []string {
	a := d.account(ctx)
	var out []string
	for _, path := range paths {
		st, err := os.Stat(d.path(path))
		if errors.Is(err, fs.ErrNotExist) || err == nil && a.may(st, want) {
			continue
		}
		out = append(out, path)
	}
	return out
}

func (a *account) may(st os.FileInfo, want os.FileMode) bool {
	if a.uid == "0" {
		return true
	}
	sys, mode := st.Sys().(*syscall.Stat_t), st.Mode().Perm()
	switch {
	case strconv.Itoa(int(sys.Uid)) == a.uid:
		mode >>= 6
	case slices.Contains(a.groups, strconv.Itoa(int(sys.Gid))):
		mode >>= 3
	}
	return mode&want == want
}
