package control

import (
	"net"
	"os"
	"os/user"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// A peerListener takes connections of those alone who may use the socket, whatever
// has become of its mode: root, the daemon's own user, and members of its group.
type peerListener struct {
	*net.UnixListener
	may func(uid, gid uint32) bool
}

// Accept implements net.Listener. Who may not is let go without a word.
func (l peerListener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if who, err := credentials(c); err == nil && l.may(who.Uid, who.Gid) {
			return c, nil
		}
		c.Close()
	}
}

// credentials are those of the process that has connected (SO_PEERCRED, unix(7)).
func credentials(c *net.UnixConn) (who *unix.Ucred, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	cerr := raw.Control(func(fd uintptr) {
		who, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if cerr != nil {
		return nil, cerr
	}
	return who, err
}

// mayAsk reports whether a user may use a socket of a group.
func mayAsk(group uint32) func(uid, gid uint32) bool {
	return func(uid, gid uint32) bool {
		if uid == 0 || int(uid) == os.Geteuid() || gid == group {
			return true
		}
		u, err := user.LookupId(strconv.Itoa(int(uid)))
		if err != nil {
			return false
		}
		groups, err := u.GroupIds()
		return err == nil && slices.Contains(groups, strconv.Itoa(int(group)))
	}
}
