package hooks

import (
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A reaper collects the processes that a program left behind and that this process
// has adopted. As PID 1, as in a container, nobody else does, and each would stay in
// the process table for good. It leaves alone what start started: that is waited for.
type reaper struct {
	mu  sync.Mutex
	own map[int]bool // by process ID; nil: nothing is collected
}

func newReaper(on bool) *reaper {
	if !on {
		return &reaper{}
	}
	return &reaper{own: map[int]bool{}}
}

// run collects until ctx ends.
func (r *reaper) run(ctx context.Context) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	defer signal.Stop(ended)
	for {
		r.reap()
		select {
		case <-ended:
		case <-ctx.Done():
			return
		}
	}
}

// start starts a command. The caller calls wait.
func (r *reaper) start(cmd *exec.Cmd) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := cmd.Start()
	if err == nil && r.own != nil {
		r.own[cmd.Process.Pid] = true
	}
	return err
}

// wait waits for a command that start has started.
func (r *reaper) wait(cmd *exec.Cmd) error {
	err := cmd.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.own, cmd.Process.Pid)
	r.reapLocked() // what it was in front of
	return err
}

// reap collects what has ended, up to the first of the reaper's own processes.
func (r *reaper) reap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reapLocked()
}

func (r *reaper) reapLocked() {
	for r.own != nil {
		pid := ended()
		if pid == 0 || r.own[pid] {
			return
		}
		if _, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); err != nil {
			return
		}
	}
}

// pidOffset is where siginfo_t has si_pid: behind three ints, aligned as a pointer is.
const pidOffset = (3*4 + unsafe.Sizeof(uintptr(0)) - 1) &^ (unsafe.Sizeof(uintptr(0)) - 1)

// ended returns the process ID of a child that has ended and is not collected yet, 0
// if there is none (waitid(2)).
func ended() int {
	var info unix.Siginfo
	for {
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return 0
		}
		b := (*[unsafe.Sizeof(info)]byte)(unsafe.Pointer(&info))
		return int(int32(binary.NativeEndian.Uint32(b[pidOffset:])))
	}
}
