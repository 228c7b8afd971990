package framebuffer

import (
	"image"
	"strings"
	"testing"
	"unsafe"

	"pickerd/display/pixel"
)

// The structures have the sizes of the kernel's on 64-bit machines.
func TestSizes(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("a 32-bit machine")
	}
	for name, s := range map[string][2]uintptr{
		"fb_var_screeninfo":               {unsafe.Sizeof(fbVar{}), 160},
		"fb_fix_screeninfo":               {unsafe.Sizeof(fbFix{}), 80},
		"drm_mode_card_res":               {unsafe.Sizeof(drmCardRes{}), 64},
		"drm_mode_modeinfo":               {unsafe.Sizeof(drmMode{}), 68},
		"drm_mode_crtc":                   {unsafe.Sizeof(drmCrtc{}), 104},
		"drm_mode_get_encoder":            {unsafe.Sizeof(drmEncoder{}), 20},
		"drm_mode_get_connector":          {unsafe.Sizeof(drmConnector{}), 80},
		"drm_mode_get_property":           {unsafe.Sizeof(drmProperty{}), 64},
		"drm_mode_fb_cmd":                 {unsafe.Sizeof(drmFB{}), 28},
		"drm_mode_crtc_page_flip":         {unsafe.Sizeof(drmFlip{}), 24},
		"drm_mode_fb_dirty_cmd":           {unsafe.Sizeof(drmDirty{}), 24},
		"drm_mode_create_dumb":            {unsafe.Sizeof(drmDumb{}), 32},
		"drm_mode_map_dumb":               {unsafe.Sizeof(drmMap{}), 16},
		"drm_mode_connector_set_property": {unsafe.Sizeof(drmConnectorProperty{}), 16},
	} {
		if s[0] != s[1] {
			t.Errorf("struct %s has %d bytes, want %d", name, s[0], s[1])
		}
	}
	if drmGetConnector != 0xc05064a7 || drmSetCrtc != 0xc06864a2 {
		t.Errorf("requests %#x, %#x", drmGetConnector, drmSetCrtc)
	}
}

func screenInfo(w, h, bpp uint32, red, green, blue fbBitfield) (*fbVar, *fbFix) {
	line := w * bpp / 8
	return &fbVar{XRes: w, YRes: h, BitsPerPixel: bpp, Red: red, Green: green, Blue: blue},
		&fbFix{SMemLen: line * h, Visual: fbVisualTrueColor, LineLength: line}
}

var (
	red8, green8, blue8 = fbBitfield{16, 8, 0}, fbBitfield{8, 8, 0}, fbBitfield{0, 8, 0}
	red5, green6, blue5 = fbBitfield{11, 5, 0}, fbBitfield{5, 6, 0}, fbBitfield{0, 5, 0}
)

func TestGeometry(t *testing.T) {
	change := func(f func(v *fbVar, x *fbFix)) func() (*fbVar, *fbFix) {
		return func() (*fbVar, *fbFix) {
			v, x := screenInfo(640, 480, 32, red8, green8, blue8)
			f(v, x)
			return v, x
		}
	}
	for name, tt := range map[string]struct {
		info func() (*fbVar, *fbFix)
		says string // "" means that it can be drawn on
		is   func(g geometry) bool
	}{
		"plain":      {change(func(*fbVar, *fbFix) {}), "", func(g geometry) bool { return g.first == 0 && g.stride == 2560 }},
		"long lines": {change(func(v *fbVar, x *fbFix) { x.LineLength = 4096; x.SMemLen = 4096 * 480 }), "", func(g geometry) bool { return g.stride == 4096 }},
		"panned": {change(func(v *fbVar, x *fbFix) { v.XOffset, v.YOffset = 8, 480; x.LineLength = 2592; x.SMemLen = 2592 * 960 }), "",
			func(g geometry) bool { return g.first == 480*2592+32 }},
		"565": {func() (*fbVar, *fbFix) { return screenInfo(800, 600, 16, red5, green6, blue5) }, "", func(g geometry) bool { return g.format.Green.Length == 6 }},
		"8 bit": {func() (*fbVar, *fbFix) {
			return screenInfo(800, 600, 8, fbBitfield{0, 8, 0}, fbBitfield{0, 8, 0}, fbBitfield{0, 8, 0})
		}, "8 bits per pixel", nil},
		"1 bit": {func() (*fbVar, *fbFix) {
			return screenInfo(800, 600, 1, fbBitfield{0, 1, 0}, fbBitfield{0, 1, 0}, fbBitfield{0, 1, 0})
		}, "1 bits per pixel", nil},
		"no size":        {change(func(v *fbVar, x *fbFix) { v.XRes = 0 }), "0 by 480", nil},
		"monstrous":      {change(func(v *fbVar, x *fbFix) { v.XRes = 1 << 31 }), "by 480", nil},
		"planes":         {change(func(v *fbVar, x *fbFix) { x.Type = 1 }), "packed", nil},
		"FOURCC":         {change(func(v *fbVar, x *fbFix) { v.Grayscale = 0x56595559 }), "packed", nil},
		"pseudo colour":  {change(func(v *fbVar, x *fbFix) { x.Visual = 3 }), "true color", nil},
		"bits backwards": {change(func(v *fbVar, x *fbFix) { v.Red.MSBRight = 1 }), "most significant bit", nil},
		"short lines":    {change(func(v *fbVar, x *fbFix) { x.LineLength = 2000 }), "too small", nil},
		"little memory":  {change(func(v *fbVar, x *fbFix) { x.SMemLen /= 2 }), "too small", nil},
		"panned too far": {change(func(v *fbVar, x *fbFix) { v.YOffset = 1 }), "too small", nil},
		"odd three bytes": {func() (*fbVar, *fbFix) {
			return screenInfo(800, 600, 24, fbBitfield{12, 8, 0}, fbBitfield{4, 8, 0}, fbBitfield{0, 4, 0})
		}, "one byte each", nil},
	} {
		v, x := tt.info()
		g, err := geometryOf(v, x)
		switch {
		case tt.says == "" && (err != nil || !tt.is(g)):
			t.Errorf("%s: %+v, %v", name, g, err)
		case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
	}
}

// No geometry that is accepted leads to a write outside of the memory.
func FuzzGeometry(f *testing.F) {
	v, x := screenInfo(64, 48, 16, red5, green6, blue5)
	f.Add(asBytes(v), asBytes(x))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var v fbVar
		var x fbFix
		copy(asBytes(&v), a)
		copy(asBytes(&x), b)
		g, err := geometryOf(&v, &x)
		if err != nil || g.bytes > 1<<22 {
			return
		}
		c := canvas{mem: make([]byte, g.bytes)[g.first:], stride: g.stride, w: g.w, h: g.h, format: g.format}
		m := pixel.New(g.w, g.h)
		c.put(m, []image.Rectangle{m.Bounds()})
		c.blend(m, m, 100)
	})
}

func asBytes[T any](v *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)) }
