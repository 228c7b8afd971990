package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Codecs that hardware decodes, by ffmpeg's names.
var (
	vaapiCodecs = []string{"h264", "hevc", "vp8", "vp9", "av1"}
	v4l2Codecs  = []string{"h264", "hevc", "vp8", "vp9"}
)

// methods returns the ways to decode a codec on this computer, the best one first. The
// last one is software.
func (t *tools) methods(codec string) []method {
	var all []method
	if slices.Contains(v4l2Codecs, codec) && t.hasM2M() {
		all = append(all, method{"V4L2", []string{"-c:v", codec + "_v4l2m2m"}, true, ""})
	}
	if slices.Contains(vaapiCodecs, codec) {
		nodes, _ := filepath.Glob(filepath.Join(t.dev, "dri/renderD*"))
		for _, node := range nodes[:min(len(nodes), maxNodes)] {
			if f, err := os.OpenFile(node, os.O_RDWR, 0); err == nil {
				f.Close()
				all = append(all, method{"vaapi (" + filepath.Base(node) + ")", []string{"-hwaccel", "vaapi", "-hwaccel_device", node}, true, node})
			}
		}
	}
	return append(all, software)
}

// maxNodes bounds the devices that are tried for a film.
const maxNodes = 2

// hasM2M reports whether there is a V4L2 device that may be opened and converts what is
// in memory. ffmpeg looks for the one of a codec.
func (t *tools) hasM2M() bool {
	nodes, _ := filepath.Glob(filepath.Join(t.dev, "video*"))
	return slices.ContainsFunc(nodes, isM2M)
}

// isM2M asks a device (linux/videodev2.h: VIDIOC_QUERYCAP, V4L2_CAP_VIDEO_M2M and
// V4L2_CAP_VIDEO_M2M_MPLANE).
func isM2M(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	var capability struct {
		driver          [16]byte
		card, bus       [32]byte
		version         uint32
		all, thisDevice uint32
		_               [3]uint32
	}
	const queryCap = 2<<30 | uint(unsafe.Sizeof(capability))<<16 | 'V'<<8 // _IOR('V', 0, ...)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), uintptr(queryCap), uintptr(unsafe.Pointer(&capability))); errno != 0 {
		return false
	}
	return (capability.thisDevice|capability.all)&(0x4000|0x8000) != 0 && !strings.HasPrefix(string(capability.driver[:]), "vim2m")
}
