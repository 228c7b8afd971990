package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"pickerd/store/regular"
)

// maxRepairs is how many repairs are kept until the next call of Store.Repairs, and
// maxReported how many are remembered so that they are reported once.
const (
	maxRepairs  = 20
	maxReported = 1000
)

// A Repair is something wrong with the state directory that did not stop the box. It
// is worth a line in the log.
type Repair struct {
	Path    string
	Problem string
	Action  string // what was done about it
}

// Repairs returns what was found wrong since the last call. Each problem is reported
// once.
func (s *Store) Repairs() []Repair {
	d := s.disk
	d.repairsMu.Lock()
	defer d.repairsMu.Unlock()
	list := d.repairs
	d.repairs = nil
	return list
}

// repaired notes a repair of the file with a name.
func (d *disk) repaired(name, problem, action string) {
	d.repairsMu.Lock()
	defer d.repairsMu.Unlock()
	key := name + "\x00" + problem
	if d.reported[key] || len(d.reported) >= maxReported || len(d.repairs) >= maxRepairs {
		return
	}
	if d.reported == nil {
		d.reported = map[string]bool{}
	}
	d.reported[key] = true
	d.repairs = append(d.repairs, Repair{d.path(name), problem, action})
}

// isOdd reports whether an error comes from the system and is about one file: it is
// immutable, a full directory, or a mount point. It does not come from a disk that
// fails, see IsDiskError.
func isOdd(err error) bool {
	_, is := errors.AsType[syscall.Errno](err)
	return is && !IsDiskError(err)
}

// isUnreadable reports whether an error of opening a file means that there is
// something else in its place: no regular file, a link that leads nowhere, or a file
// of another user.
func isUnreadable(err error) bool {
	return slices.ContainsFunc([]error{regular.ErrKind, regular.ErrTooLarge, syscall.ELOOP, fs.ErrNotExist, fs.ErrPermission},
		func(e error) bool { return errors.Is(err, e) })
}

// readable is the mode of all files.
const readable = 0o600

// allowReading gives the owner of a file the right to read and write it again, if
// this process is the owner.
func (d *disk) allowReading(name string) {
	st, err := os.Stat(d.path(name))
	if err != nil || !st.Mode().IsRegular() || st.Mode()&readable == readable || d.announce(OpChmod, name, "") != nil {
		return
	}
	if os.Chmod(d.path(name), readable) == nil {
		d.repaired(name, fmt.Sprintf("mode %v", st.Mode()), "mode set to "+fs.FileMode(readable).String())
	}
}
