// Package outside has files decoded by another process: formats that pickerd does not
// decode itself, such as HEIC. The process is a service that holds no rights. It gets a
// file as a descriptor and answers with pixels, so that no byte of an encoded file is
// interpreted by a decoder that shares the daemon's memory.
//
// One connection decodes one file. The request is 8 bytes, "PMD1" and the width and
// height that the answer may have at most, 16 bits each, big-endian; the file's
// descriptor comes with them (SCM_RIGHTS, unix(7)). The answer is 8 bytes, "RGB1" and
// the size of the picture, followed by 3 bytes for each pixel, row by row, in sRGB and
// upright. Or it is "FAIL" and a reason of 32 bits.
package outside

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	// ErrUnavailable means that no decoder is installed.
	ErrUnavailable = errors.New("no outside decoder: the package pickerd-media is not installed")
	// ErrAnswer means that the decoder's answer is malformed or ended early, which it
	// does when the decoder exceeds its memory or time.
	ErrAnswer = errors.New("outside decoder failed")
)

// A Reason says why a file could not be decoded.
type Reason uint32

// Reasons.
const (
	Unknown     Reason = iota + 1 // of no format that the decoder knows
	ToolMissing                   // the program for the format is not installed
	ToolFailed                    // the program for the format could not read it
	NoPicture                     // a film without a picture
	Silent                        // the program for the format stopped answering
)

// Error implements error.
func (r Reason) Error() string {
	switch r {
	case Unknown:
		return "unknown format"
	case ToolMissing:
		return "the program for this format is not installed"
	case ToolFailed:
		return "damaged, or of a variant that is not supported"
	case NoPicture:
		return "a film without a picture"
	case Silent:
		return "the program for this format stopped answering"
	}
	return fmt.Sprintf("reason %d", uint32(r))
}

// MaxSide bounds the width and the height of a picture.
const MaxSide = 8192

const headSize = 8

// Magic words of the messages.
const (
	wordDecode = "PMD1"
	wordImage  = "RGB1"
	wordFailed = "FAIL"
)

// head returns a message's first bytes.
func head(word string, w, h int) []byte {
	b := append(make([]byte, 0, headSize), word...)
	b = binary.BigEndian.AppendUint16(b, uint16(w))
	return binary.BigEndian.AppendUint16(b, uint16(h))
}

// parseHead returns the parts of a message's first bytes.
func parseHead(b []byte) (word string, w, h int) {
	return string(b[:4]), int(binary.BigEndian.Uint16(b[4:])), int(binary.BigEndian.Uint16(b[6:]))
}

// isSize reports whether w by h is the size of a picture within bounds.
func isSize(w, h, maxW, maxH int) bool {
	return w > 0 && h > 0 && w <= min(maxW, MaxSide) && h <= min(maxH, MaxSide)
}
