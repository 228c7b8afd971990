package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"pickerd/device"
	"pickerd/device/inet"
	"pickerd/display/framebuffer"
	"pickerd/systemd"
)

// A renewal lets the program re-execute itself. Its memory then has nothing of a guest
// who has left, which libraries hold and can't be overwritten. It also takes settings
// that a running box can't take. The process ID and the listening sockets stay.
// Connections that come meanwhile wait in the sockets' queues.
type renewal struct {
	program   string                  // that is executed
	sockets   systemd.Sockets         // that stay open when a listener is closed; the env's
	managed   map[string]bool         // names of sockets from the service manager
	listeners map[string]net.Listener // of the box, by name
	screen    *framebuffer.Handoff
	carried   *device.Carryover // from the process before; nil in a new service
	dialer    *inet.Dialer      // for servers; knows what the process before has learnt
}

// renewalVar is the variable by which a process tells its successor. It is not
// configuration, so it has not the prefix of that.
const renewalVar = "_PICKERD_RENEWAL"

// renewalState is its value, as JSON. File descriptors may have other numbers than
// those of sd_listen_fds(3): they are in use until the last moment.
type renewalState struct {
	PID     int                      `json:"pid"` // that the variable is for; child processes are not it
	Sockets map[string]int           `json:"sockets"`
	Managed []string                 `json:"managed,omitempty"` // of Sockets
	Files   map[string]int           `json:"files"`             // of Screen
	Screen  framebuffer.HandoffState `json:"screen"`
	Carried *device.Carryover        `json:"carried"`
	Silent  []inet.Silence           `json:"silent"`
}

// newRenewal takes over what the process before has left, if there was one: its
// sockets join those of the service manager.
func newRenewal(getenv func(string) string, sockets systemd.Sockets) *renewal {
	r := &renewal{program: self, sockets: systemd.Sockets{}, managed: map[string]bool{}, listeners: map[string]net.Listener{}, dialer: inet.NewDialer(nil, nil)}
	maps.Copy(r.sockets, sockets)
	s := readRenewal(getenv)
	if s.PID != 0 {
		// execve(2) has named the process after the last element of self.
		_ = os.WriteFile("/proc/self/comm", []byte(program), 0)
	}
	for _, name := range append(slices.Collect(maps.Keys(sockets)), s.Managed...) {
		r.managed[name] = true
	}
	r.carried = s.Carried
	r.dialer.Remember(s.Silent)
	for name, fd := range s.Sockets {
		syscall.CloseOnExec(fd)
		r.sockets[name] = os.NewFile(uintptr(fd), name)
	}
	files := map[string]*os.File{}
	for name, fd := range s.Files {
		syscall.CloseOnExec(fd)
		files[name] = os.NewFile(uintptr(fd), cmp.Or(s.Screen.Card, name))
	}
	r.screen = framebuffer.Resume(files, s.Screen)
	return r
}

// readRenewal returns what the process before has left, nothing in a new service.
func readRenewal(getenv func(string) string) (s renewalState) {
	text := getenv(renewalVar)
	if text == "" {
		return renewalState{}
	}
	if json.Unmarshal([]byte(text), &s) != nil || s.PID != os.Getpid() {
		return renewalState{}
	}
	return s
}

// handoff returns what the screen of pixels keeps, nil for nothing.
func (r *renewal) handoff() *framebuffer.Handoff {
	if r == nil {
		return nil
	}
	return r.screen
}

// isSuccessor reports whether the process before knew that no guest was left.
func isSuccessor(getenv func(string) string) bool { return readRenewal(getenv).Carried != nil }

// keep notes a listener whose socket is to stay open. A nil renewal keeps none.
func (r *renewal) keep(name string, l net.Listener) {
	if r != nil {
		r.listeners[name] = l
	}
}

// release lets a socket end with the box: the next process opens another address. One
// of the service manager stays.
func (r *renewal) release(name string) {
	if r.managed[name] {
		return
	}
	delete(r.listeners, name)
	if f := r.sockets[name]; f != nil {
		f.Close()
		delete(r.sockets, name)
	}
}

// hold makes copies of the sockets, which stay open when the box closes its own.
func (r *renewal) hold() error {
	for name, l := range r.listeners {
		if u, ok := l.(interface{ SetUnlinkOnClose(bool) }); ok {
			u.SetUnlinkOnClose(false)
		}
		if r.sockets[name] != nil {
			continue // the listener is a copy of it
		}
		c, ok := l.(interface{ File() (*os.File, error) })
		if !ok {
			return fmt.Errorf("%s is not a socket", name)
		}
		f, err := c.File()
		if err != nil {
			return err
		}
		r.sockets[name] = f
	}
	return nil
}

// execute re-executes the program. It returns only with an error, after which
// the program may go on: stopSignals are not handled then.
func (r *renewal) execute(ctx context.Context) error {
	files, screen := r.screen.Export()
	s := renewalState{PID: os.Getpid(), Sockets: map[string]int{}, Managed: slices.Sorted(maps.Keys(r.managed)), Files: map[string]int{}, Screen: screen, Carried: r.carried, Silent: r.dialer.Silences()}
	for _, group := range []struct {
		files   map[string]*os.File
		numbers map[string]int
	}{{r.sockets, s.Sockets}, {files, s.Files}} {
		for name, f := range group.files {
			fd, err := inheritable(f, true)
			if err != nil {
				return err
			}
			group.numbers[name] = fd
			defer inheritable(f, false)
		}
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	environ := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "LISTEN_") || strings.HasPrefix(v, renewalVar+"=")
	})
	// From now on a signal ends the process: there is nothing left to be done. The next
	// process reads the configuration anyway.
	signal.Reset(stopSignals(os.Getenv)...)
	if isManaged(os.Getenv) {
		signal.Ignore(syscall.SIGHUP)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return syscall.Exec(r.program, os.Args, append(environ, renewalVar+"="+string(data)))
}

// self is the running program, also if an upgrade has removed its file.
const self = "/proc/self/exe"

// inheritable sets whether the next program gets a file, and returns its number.
func inheritable(f *os.File, on bool) (fd int, err error) {
	c, err := f.SyscallConn() // Fd would make the socket block
	if err != nil {
		return 0, err
	}
	cerr := c.Control(func(n uintptr) {
		flags := unix.FD_CLOEXEC
		if on {
			flags = 0
		}
		fd = int(n)
		_, err = unix.FcntlInt(n, unix.F_SETFD, flags)
	})
	return fd, errors.Join(cerr, err)
}

// A renewal ends a box whose program is to be re-executed for one of these reasons.
var (
	errGuestLeft     = errors.New("a guest has left")
	errConfigChanged = errors.New("the configuration has changed")
)

// isRenewal reports whether an error of a box means to re-execute the program.
func isRenewal(err error) bool {
	return errors.Is(err, errGuestLeft) || errors.Is(err, errReset) || errors.Is(err, errConfigChanged)
}

// notReexecuted returns what is logged where the box goes on instead of being
// re-executed for a reason.
func notReexecuted(why error) string {
	switch {
	case errors.Is(why, errConfigChanged):
		return "not re-executed: some settings may take effect only at the next start"
	case errors.Is(why, errReset):
		return "not re-executed: memory may hold traces of what was erased"
	}
	return "not re-executed: memory may hold traces of the guest"
}

// prepare checks whether a new program would come as far as this one did, and holds
// the sockets. check may be nil.
func (r *renewal) prepare(check func() error) error {
	if err := unix.Access(r.program, unix.X_OK); err != nil {
		return err
	}
	if check != nil {
		if err := check(); err != nil {
			return err
		}
	}
	return r.hold()
}
