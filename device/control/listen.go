package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// group is the group that may use the socket, if the system has it.
const group = "pickerd"

// Listen opens the control socket, mode 0660. The socket of a dead daemon is
// replaced. If another daemon listens on it, Listen returns an error.
func Listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make the directory of the control socket: %w", err)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// Set the mode atomically: between Listen and Chmod others could connect.
	old := syscall.Umask(0o117)
	l, err := net.Listen("unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	if g, err := user.LookupGroup(group); err == nil {
		// As a service pickerd runs with this group.
		if gid, err := strconv.Atoi(g.Gid); err == nil && gid != os.Getegid() {
			// Only root or a member may change it. For others the owner is enough.
			_ = os.Chown(path, -1, gid)
		}
	}
	return restrict(l.(*net.UnixListener), path), nil
}

// Inherit returns the control socket that this process has from the one before.
func Inherit(l net.Listener, path string) (net.Listener, error) {
	u, ok := l.(*net.UnixListener)
	if !ok {
		return nil, fmt.Errorf("%s is not the control socket", l.Addr())
	}
	u.SetUnlinkOnClose(true)
	return restrict(u, path), nil
}

// restrict accepts those who may use the socket at path.
func restrict(l *net.UnixListener, path string) net.Listener {
	gid := uint32(os.Getegid())
	if st, err := os.Stat(path); err == nil {
		gid = st.Sys().(*syscall.Stat_t).Gid
	}
	return peerListener{l, permits(gid)}
}

func removeStale(path string) error {
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the control socket: %w", err)
	}
	if st.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is in the way of the control socket and is not a socket", path)
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
		return fmt.Errorf("another pickerd listens on %s", path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the old control socket: %w", err)
	}
	return nil
}
