package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
)

// An input is how a program of ffmpeg reads an open file.
type input struct {
	file    *os.File
	demuxer string
	seeks   bool // by the protocol fd, which ffmpeg has since 6.0; before it has only pipe
}

// arguments returns those that make a program read its standard input. No protocol is
// allowed that opens anything else.
func (in input) arguments(before ...string) []string {
	name := "pipe:0"
	if in.seeks {
		name = "fd:"
	}
	return append(append([]string{"-protocol_whitelist", "pipe,fd", "-f", in.demuxer}, before...), "-i", name)
}

// attach sets the standard input of a program.
func (in input) attach(cmd *exec.Cmd) error {
	if _, err := in.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	cmd.Stdin = in.file
	if in.seeks || in.demuxer != "mov" {
		return nil
	}
	st, err := in.file.Stat()
	if err != nil {
		return err
	}
	if r, err := indexFirst(in.file, st.Size()); err == nil {
		cmd.Stdin = r
	}
	return nil
}

const (
	// maxIndex bounds the index of an MP4 file, and maxBoxes the boxes before it.
	maxIndex = 32 << 20
	maxBoxes = 1 << 10
)

// errIndex means that the index of an MP4 file is not moved.
var errIndex = errors.New("no index that can be moved")

// indexFirst reads an MP4 file with its index (moov) before the media data, if it comes
// after that. It corrects the positions in it (ISO/IEC 14496-12, 8.7.5).
func indexFirst(r io.ReaderAt, size int64) (io.Reader, error) {
	var media int64 = -1 // where the first media data begin
	for at, n := int64(0), 0; at < size && n < maxBoxes; n++ {
		kind, length, err := boxAt(r, at, size)
		if err != nil {
			return nil, err
		}
		switch {
		case kind == "mdat" && media < 0:
			media = at
		case kind == "moov" && media < 0:
			return nil, errIndex
		case kind == "moov" && length > maxIndex:
			return nil, errIndex
		case kind == "moov":
			index := make([]byte, length)
			if _, err := r.ReadAt(index, at); err != nil {
				return nil, err
			}
			if binary.BigEndian.Uint32(index) == 0 { // up to the end of the file, where it is no more
				binary.BigEndian.PutUint32(index, uint32(length))
			}
			if !shift(index, uint64(length), 0) {
				return nil, errIndex
			}
			return io.MultiReader(io.NewSectionReader(r, 0, media), bytes.NewReader(index),
				io.NewSectionReader(r, media, at-media), io.NewSectionReader(r, at+length, size-at-length)), nil
		}
		at += length
	}
	return nil, errIndex
}

// boxAt returns the type and the length of the box at a position.
func boxAt(r io.ReaderAt, at, size int64) (kind string, length int64, err error) {
	var b [16]byte
	if n, err := r.ReadAt(b[:], at); n < 8 {
		return "", 0, err
	}
	length = int64(binary.BigEndian.Uint32(b[:]))
	least := int64(8)
	switch length {
	case 0:
		length = size - at
	case 1:
		length, least = int64(binary.BigEndian.Uint64(b[8:])), 16
	}
	if length < least || length > size-at {
		return "", 0, errIndex
	}
	return string(b[4:8]), length, nil
}

// shift adds by to the positions in a box, and reports whether all of them are valid.
func shift(box []byte, by uint64, depth int) bool {
	body := box[8:]
	switch string(box[4:8]) {
	case "moov", "trak", "mdia", "minf", "stbl":
		for len(body) > 0 {
			if len(body) < 8 || depth > 8 {
				return false
			}
			n := int(binary.BigEndian.Uint32(body))
			if n < 8 || n > len(body) || !shift(body[:n], by, depth+1) {
				return false
			}
			body = body[n:]
		}
	case "stco", "co64":
		width := 4
		if box[4] == 'c' {
			width = 8
		}
		if len(body) < 8 {
			return false
		}
		entries := body[8:]
		if uint64(binary.BigEndian.Uint32(body[4:]))*uint64(width) > uint64(len(entries)) {
			return false
		}
		for ; len(entries) >= width; entries = entries[width:] {
			if width == 8 {
				binary.BigEndian.PutUint64(entries, binary.BigEndian.Uint64(entries)+by)
				continue
			}
			n := uint64(binary.BigEndian.Uint32(entries)) + by
			if n > 1<<32-1 {
				return false
			}
			binary.BigEndian.PutUint32(entries, uint32(n))
		}
	}
	return true
}
