package control

import (
	"net"
	"os"
	"os/user"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// A peerListener accepts connections only from users that mayUse permits, even if
// the mode of the socket was changed.
type peerListener struct {
	*net.UnixListener
	mayUse func(uid, gid uint32) bool
}

// Accept implements net.Listener. It closes connections of other users.
func (l peerListener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if peer, err := credentials(c); err == nil && l.mayUse(peer.Uid, peer.Gid) {
			return c, nil
		}
		c.Close()
	}
}

// credentials returns those of the connected process (SO_PEERCRED, unix(7)).
func credentials(c *net.UnixConn) (peer *unix.Ucred, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	cerr := raw.Control(func(fd uintptr) {
		peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if cerr != nil {
		return nil, cerr
	}
	return peer, err
}

// permits returns a function that reports whether a user may use the socket: root,
// the daemon's user and members of the group may.
func permits(group uint32) func(uid, gid uint32) bool {
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
