package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// firstSocket is SD_LISTEN_FDS_START.
const firstSocket = 3

// Sockets are the sockets that the manager has opened for the service, by
// FileDescriptorName= (sd_listen_fds(3)). They stay open when a listener on one is
// closed, so that it can be listened on again.
type Sockets map[string]*os.File

// Inherited returns the sockets that the process was started with.
func Inherited(getenv func(string) string) Sockets {
	n, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil
	}
	return inherited(firstSocket, n, strings.Split(getenv("LISTEN_FDNAMES"), ":"))
}

func inherited(first, n int, names []string) Sockets {
	s := Sockets{}
	for i := range n {
		fd := first + i
		syscall.CloseOnExec(fd) // child processes must not inherit it
		name := "unknown"
		if i < len(names) && names[i] != "" {
			name = names[i]
		}
		s[name] = os.NewFile(uintptr(fd), name)
	}
	return s
}

// Listen returns a listener on the named socket, nil if there is none.
func (s Sockets) Listen(name string) (net.Listener, error) {
	f := s[name]
	if f == nil {
		return nil, nil
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("the service manager's socket %s: %w", name, err)
	}
	return l, nil
}
