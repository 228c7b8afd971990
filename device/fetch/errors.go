package fetch

import (
	"context"
	"errors"
	"io/fs"

	"pickerd/device"
	"pickerd/picker"
	"pickerd/store"
)

// Errors of downloads.
var (
	// ErrNoRoom means that an item does not fit within Config.MaxBytes.
	ErrNoRoom = errors.New("there is no room for it within store.max_bytes")
	// ErrDiskFull means that the disk has no room but what must stay free.
	ErrDiskFull = errors.New("the disk is full except for its reserve")
	// ErrCut means that a download ended early.
	ErrCut = errors.New("the download was cut off")
	// ErrStalled means that a download brought nothing for a minute.
	ErrStalled = errors.New("the download brought nothing for a minute")
	// ErrPage means that a web page came instead of the item: a portal's or a
	// proxy's.
	ErrPage = errors.New("a web page came instead of the photo or video")

	errNotReady = errors.New("the video is still being processed at Google")
	errNoMedia  = errors.New("the bytes are not a photo or video that can be shown")
	errEmpty    = errors.New("the answer is empty")
	errNoVideo  = errors.New("the bytes are not a video")
	errTooBig   = errors.New("the file is too big")
	errPassOver = errors.New("left to the next pass")
)

// A ListError means that what was picked can no longer be listed.
type ListError struct{ Err error }

func (e *ListError) Error() string { return "list what was picked: " + e.Err.Error() }
func (e *ListError) Unwrap() error { return e.Err }

// lacksRoom reports whether a budget has refused.
func lacksRoom(err error) bool { return errors.Is(err, ErrNoRoom) || errors.Is(err, ErrDiskFull) }

// isTemporary reports whether the same download may work later.
func isTemporary(err error) bool {
	if e, ok := errors.AsType[*picker.Error](err); ok {
		return e.Temporary()
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrCut) || errors.Is(err, ErrStalled) || errors.Is(err, ErrPage)
}

// isUnshowable reports whether an item came and is nothing that can be shown.
func isUnshowable(err error) bool { return errors.Is(err, errNoMedia) || errors.Is(err, errNoVideo) }

// isDiskError reports whether a copy failed at the file, not at the network.
func isDiskError(err error) bool {
	_, ok := errors.AsType[*fs.PathError](err)
	return ok || store.IsDiskError(err)
}

// diskError returns the disk's refusal of one download. A full disk concerns this
// one only: a smaller one may fit.
func diskError(err error) error {
	if device.IsFull(err) {
		return ErrDiskFull
	}
	return &device.StoreError{Err: err}
}
