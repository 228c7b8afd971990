package framebuffer

import (
	"errors"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A node is an open device file. It is an interface so that tests can replace
// the kernel.
type node interface {
	Name() string
	// ioctl sends a request whose argument is a pointer.
	ioctl(request uintptr, arg unsafe.Pointer) error
	// ioctlValue sends a request whose argument is a number.
	ioctlValue(request, value uintptr) error
	mmap(offset int64, length int) ([]byte, error)
	munmap(b []byte) error
	// wait reports whether read has data, after at most the timeout.
	wait(timeout time.Duration) (bool, error)
	read(b []byte) (int, error)
	Close() error
}

// A deviceFile is a node of this machine.
type deviceFile struct{ *os.File }

func openNode(path string) (node, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return deviceFile{f}, nil
}

// ioctl repeats interrupted requests.
func (f deviceFile) ioctl(request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(arg))
		switch {
		case errno == 0:
			return nil
		case errors.Is(errno, unix.EINTR), errors.Is(errno, unix.EAGAIN):
			continue
		}
		return errno
	}
}

func (f deviceFile) ioctlValue(request, value uintptr) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, value)
	if errno != 0 {
		return errno
	}
	return nil
}

func (f deviceFile) mmap(offset int64, length int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), offset, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func (f deviceFile) munmap(b []byte) error { return unix.Munmap(b) }

func (f deviceFile) wait(timeout time.Duration) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(timeout/time.Millisecond)+1)
	if errors.Is(err, unix.EINTR) {
		return false, nil
	}
	return n > 0, err
}

func (f deviceFile) read(b []byte) (int, error) {
	n, err := unix.Read(int(f.Fd()), b)
	if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
		return 0, nil
	}
	return max(n, 0), err
}
