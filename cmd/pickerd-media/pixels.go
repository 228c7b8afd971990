package main

import "encoding/binary"

// pixelFormat is ffmpeg's name of pixel.Image's layout on this computer.
var pixelFormat = map[bool]string{true: "bgr0", false: "0rgb"}[binary.NativeEndian.Uint16([]byte{1, 0}) == 1]
