// Package regular opens and reads files that may have been replaced by something
// else. A named pipe makes open(2) wait for a writer, reading /dev/zero never ends,
// and opening a device may have effects. This package opens regular files only,
// never waits, and reads no more than a bound.
package regular

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// ErrKind means that a path leads to something that is not a regular file.
var ErrKind = errors.New("not a regular file")

// ErrTooLarge means that a file is larger than the bound of ReadFile.
var ErrTooLarge = errors.New("the file is too large")

// Open opens a regular file for reading. It follows links. Its error is a
// *fs.PathError, which wraps ErrKind for a pipe, socket, device or directory.
func Open(path string) (*os.File, error) { return OpenFile(path, os.O_RDONLY, 0) }

// OpenFile is os.OpenFile for regular files, see Open. The flag may create one.
func OpenFile(path string, flag int, perm fs.FileMode) (*os.File, error) {
	// Opening a device may have effects, such as starting a watchdog.
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return nil, kindError(path, st.Mode())
	}
	// The path may lead elsewhere by now. O_NONBLOCK means nothing for a regular file.
	f, err := os.OpenFile(path, flag|syscall.O_NONBLOCK|syscall.O_NOCTTY, perm)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = kindError(path, st.Mode())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ReadFile reads a regular file of at most limit bytes. Its error is that of Open, or
// a *fs.PathError that wraps ErrTooLarge.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)}
	}
	return data, nil
}

func kindError(path string, mode fs.FileMode) error {
	return &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("%w but %s", ErrKind, Kind(mode))}
}

// Kind names the kind of a file in words, such as "a named pipe".
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a regular file"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something unknown"
}
