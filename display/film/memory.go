package film

import (
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// spare is address space of a closed film, which the next one takes. It stays mapped, so
// that a frame that is read after Close is black, until a larger film or the end of a
// second one needs another: such a frame is not valid any more.
var spare struct {
	sync.Mutex
	b []byte
}

// newMemory returns memory that another process may map and write, but not resize: a
// shorter file would kill this process when it reads past its end (SIGBUS).
func newMemory(size int) (*os.File, error) {
	fd, err := unix.MemfdCreate("film", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "film")
	if err := f.Truncate(int64(size)); err != nil {
		f.Close()
		return nil, err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		f.Close()
		return nil, os.NewSyscallError("fcntl", err)
	}
	return f, nil
}

// mapMemory maps memory. The caller calls releaseMemory.
func mapMemory(f *os.File, size int) ([]byte, error) {
	spare.Lock()
	defer spare.Unlock()
	b := spare.b
	spare.b = nil
	if len(b) < size {
		if b != nil {
			unix.MunmapPtr(unsafe.Pointer(&b[0]), uintptr(len(b)))
		}
		return mapAt(f.Fd(), nil, size, unix.MAP_SHARED)
	}
	if _, err := mapAt(f.Fd(), unsafe.Pointer(&b[0]), size, unix.MAP_SHARED|unix.MAP_FIXED); err != nil {
		spare.b = b
		return nil, err
	}
	return b[:size], nil // its capacity is all of the address space
}

// mapAt maps a file. It may be written: a caller may draw upon a frame.
func mapAt(fd uintptr, at unsafe.Pointer, size, flags int) ([]byte, error) {
	p, err := unix.MmapPtr(int(fd), 0, at, uintptr(size), unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	return unsafe.Slice((*byte)(p), size), nil
}

// releaseMemory gives memory back to the system. What is read from it after that is 0.
func releaseMemory(b []byte) {
	spare.Lock()
	defer spare.Unlock()
	b = b[:cap(b)]
	if _, err := mapAt(^uintptr(0), unsafe.Pointer(&b[0]), len(b), unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED); err != nil {
		return
	}
	if spare.b != nil {
		unix.MunmapPtr(unsafe.Pointer(&spare.b[0]), uintptr(len(spare.b)))
	}
	spare.b = b
}
