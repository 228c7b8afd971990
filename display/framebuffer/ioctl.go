package framebuffer

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ioctl asks a device with a pointer to whatever the request takes. Interrupted
// requests are asked again.
func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
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

// ioctlValue is for requests that take a number.
func ioctlValue(f *os.File, request, value uintptr) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, value)
	if errno != 0 {
		return errno
	}
	return nil
}
