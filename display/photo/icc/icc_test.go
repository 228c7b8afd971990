package icc_test

import (
	"encoding/binary"
	"math"
	"testing"

	"pickerd/display/photo/icc"
)

var quadrants = []uint32{0xc83c28, 0x3ca03c, 0x285ac8, 0xe6c83c, 0xffffff}

// far returns the largest difference of two colors in steps.
func far(a, b uint32) (d uint32) {
	for s := 0; s <= 16; s += 8 {
		x, y := a>>s&0xff, b>>s&0xff
		d = max(d, max(x, y)-min(x, y))
	}
	return d
}

func check(t *testing.T, name string, tr *icc.Transform, within uint32, want ...uint32) {
	t.Helper()
	row := append([]uint32{}, quadrants...)
	tr.Convert(row)
	for i, w := range want {
		if far(row[i], w) > within {
			t.Errorf("%s: %06x becomes %06x, want %06x", name, quadrants[i], row[i], w)
		}
	}
}

// TestFromCodes has what Chromium 156 makes of the colors with a chunk cICP.
func TestFromCodes(t *testing.T) {
	for _, tt := range []struct {
		colors, transfer byte
		within           uint32
		want             []uint32
	}{
		{1, 13, 0, quadrants},
		{1, 1, 1, []uint32{0xc5311c, 0x319b31, 0x1c51c5, 0xe5c531, 0xffffff}},
		{1, 4, 1, []uint32{0xc93923, 0x39a139, 0x235ac9, 0xe7c939, 0xffffff}},
		{1, 5, 1, []uint32{0xbd2411, 0x248e24, 0x1142bd, 0xe0bd24, 0xffffff}},
		{1, 8, 1, []uint32{0xe5856e, 0x85d085, 0x6ea0e5, 0xf4e585, 0xffffff}},
		{1, 18, 12, []uint32{0xb72e1d, 0x308430, 0x1c44b0, 0xf4b92f, 0xffffff}},
		{5, 13, 1, []uint32{0xcc3c28, 0x32a03e, 0x245ac7, 0xe7c840, 0xffffff}},
		{6, 6, 1, []uint32{0xc0381b, 0x3c9930, 0x2854c5, 0xe2c42e, 0xffffff}},
		{9, 14, 1, []uint32{0xf40000, 0x00a304, 0x0053ce, 0xfbc100, 0xffffff}},
		{9, 13, 1, []uint32{0xf70017, 0x00a820, 0x005dd1, 0xfcc500, 0xffffff}},
		{12, 8, 1, []uint32{0xf47f68, 0x6bd27d, 0x5ea2eb, 0xf7e475, 0xffffff}},
		{12, 13, 1, []uint32{0xd92a17, 0x00a328, 0x0a5bcf, 0xecc700, 0xffffff}},
	} {
		tr, ok := icc.FromCodes(tt.colors, tt.transfer)
		if !ok {
			t.Errorf("%d, %d is unknown", tt.colors, tt.transfer)
		}
		if tt.within == 0 && tr != nil {
			t.Errorf("%d, %d is not sRGB", tt.colors, tt.transfer)
		}
		check(t, "cICP", tr, tt.within, tt.want...)
	}
	for _, c := range [][2]byte{{0, 13}, {2, 13}, {1, 2}, {1, 0}, {255, 255}} {
		if tr, ok := icc.FromCodes(c[0], c[1]); tr != nil || ok {
			t.Errorf("%v is known", c)
		}
	}
}

// TestHighDynamicRange checks that PQ keeps the order of grays, that its white of
// 203 cd/m² is bright, and that there is room above it.
func TestHighDynamicRange(t *testing.T) {
	tr, _ := icc.FromCodes(9, 16)
	row := []uint32{0, 0x404040, 0x606060, 0x949494, 0xaaaaaa, 0xbfbfbf, 0xffffff}
	tr.Convert(row)
	for i := range row[1:] {
		if row[i] >= row[i+1] && i < 5 {
			t.Errorf("%06x, then %06x", row[i], row[i+1])
		}
	}
	if white := row[3] & 0xff; row[0] != 0 || white < 0xa0 || white > 0xd0 || row[6] != 0xffffff {
		t.Errorf("%06x", row)
	}
}

// TestFromGamma has what Chromium 156 makes of the colors with gAMA and cHRM.
func TestFromGamma(t *testing.T) {
	srgb := &icc.Chromaticities{0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06}
	p3 := &icc.Chromaticities{0.3127, 0.3290, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06}
	equal := &icc.Chromaticities{0.33333, 0.33333, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06}
	for _, tt := range []struct {
		name  string
		gamma float64
		c     *icc.Chromaticities
		ok    bool
		want  []uint32
	}{
		{"1/2.2", 0.45455, nil, true, quadrants},
		{"0.46", 0.46, nil, true, quadrants},
		{"0.55", 0.55, nil, true, []uint32{0xd24c34, 0x4caf4c, 0x346cd2, 0xebd24c}},
		{"1", 1, nil, true, []uint32{0xe5856e, 0x85d085, 0x6ea0e5, 0xf4e585}},
		{"0.3", 0.3, nil, true, []uint32{0xb21607, 0x167f16, 0x0731b2, 0xdbb216}},
		{"sRGB's primaries", 1, srgb, true, []uint32{0xe5856e, 0x85d085, 0x6ea0e5, 0xf4e585}},
		{"P3's primaries", 0.45455, p3, true, []uint32{0xdb250d, 0x00a423, 0x005bd1, 0xedc800, 0xffffff}},
		{"another white", 0.45455, equal, true, []uint32{0xd33c26, 0x0da13b, 0x0859c9, 0xebca3e, 0xffffff}},
		{"0", 0, nil, false, quadrants},
		{"not a number", math.NaN(), srgb, false, quadrants},
		{"no primaries", 0.45455, &icc.Chromaticities{}, false, quadrants},
		{"one primary", 0.45455, &icc.Chromaticities{0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3}, false, quadrants},
	} {
		tr, ok := icc.FromGamma(tt.gamma, tt.c)
		if ok != tt.ok {
			t.Errorf("%s: ok is %t", tt.name, ok)
		}
		check(t, tt.name, tr, 1, tt.want...)
	}
}

// profile returns a profile of tags.
func profile(space string, tags map[string][]byte) []byte {
	head := make([]byte, 128)
	copy(head[16:], space+"XYZ ")
	copy(head[36:], "acsp")
	head = binary.BigEndian.AppendUint32(head, uint32(len(tags)))
	var body []byte
	for name, data := range tags {
		head = append(head, name...)
		head = binary.BigEndian.AppendUint32(head, uint32(132+12*len(tags)+len(body)))
		head = binary.BigEndian.AppendUint32(head, uint32(len(data)))
		body = append(body, data...)
	}
	return append(head, body...)
}

func fixed(b []byte, values ...float64) []byte {
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*65536))))
	}
	return b
}

func para(kind byte, values ...float64) []byte {
	return fixed([]byte{'p', 'a', 'r', 'a', 0, 0, 0, 0, 0, kind, 0, 0}, values...)
}

func curv(values ...uint16) []byte {
	b := binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), uint32(len(values)))
	for _, v := range values {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return b
}

// withCurve returns a profile of sRGB's colorants with one curve.
func withCurve(curve []byte) []byte {
	xyz := func(values ...float64) []byte { return fixed([]byte("XYZ \x00\x00\x00\x00"), values...) }
	return profile("RGB ", map[string][]byte{
		"rXYZ": xyz(0.43607, 0.22249, 0.01392), "gXYZ": xyz(0.38515, 0.71687, 0.09708), "bXYZ": xyz(0.14307, 0.06061, 0.71410),
		"rTRC": curve, "gTRC": curve, "bTRC": curve,
	})
}

// TestCurves checks each kind of curve by the gray that it makes of the gray 60.
func TestCurves(t *testing.T) {
	table := make([]uint16, 1024)
	for i := range table {
		table[i] = uint16(math.Pow(float64(i)/1023, 2.2) * 65535)
	}
	srgb := []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045}
	for name, tt := range map[string]struct {
		curve []byte
		want  uint32
	}{
		"identity":         {curv(), 0x85},
		"gamma 2.2":        {curv(563), 0x39},
		"table of 2.2":     {curv(table...), 0x39},
		"table of two":     {curv(0, 65535), 0x85},
		"a power":          {para(0, 2.2), 0x39},
		"type 1":           {para(1, 2.2, 1, 0), 0x39},
		"type 1, clipped":  {para(1, 2.2, 1, -0.5), 0},
		"type 2":           {para(2, 2.2, 1, 0, 0.1), 0x69},
		"type 3, of sRGB":  {para(3, srgb...), 0x3c},
		"type 4, of sRGB":  {para(4, append(srgb, 0, 0)...), 0x3c},
		"type 4 and added": {para(4, append(srgb, 0.1, 0)...), 0x6a},
	} {
		tr, err := icc.Parse(withCurve(tt.curve))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		row := []uint32{0x3c3c3c}
		tr.Convert(row)
		if far(row[0], tt.want*0x010101) > 1 {
			t.Errorf("%s: %06x, want %02x", name, row[0], tt.want)
		}
	}
	for name, curve := range map[string][]byte{
		"of another kind": []byte("vcgt\x00\x00\x00\x00\x00\x00\x00\x00"), "short": []byte("curv"), "cut table": curv(1, 2, 3)[:16],
		"4 G points": []byte("curv\x00\x00\x00\x00\xff\xff\xff\xff\x00\x00"), "type 5": para(5, 1, 1, 1, 1, 1, 1, 1), "cut type 4": para(4, 1, 1),
	} {
		if _, err := icc.Parse(withCurve(curve)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestProfiles checks kinds of profiles.
func TestProfiles(t *testing.T) {
	if tr, err := icc.Parse([]byte(icc.SRGB)); tr != nil || err != nil {
		t.Errorf("sRGB: %v, %v", tr, err)
	}
	tr, err := icc.Parse(profile("GRAY", map[string][]byte{"kTRC": curv()}))
	if err != nil || !tr.Gray {
		t.Errorf("gray: %v, %v", tr, err)
	}
	check(t, "gray", tr, 1, 0xe5856e)
	for name, data := range map[string][]byte{
		"nothing": nil, "a head": make([]byte, 132), "CMYK": profile("CMYK", nil), "no tags": profile("RGB ", nil), "gray without curve": profile("GRAY", nil),
		"too long": append([]byte(icc.SRGB), make([]byte, icc.MaxProfile)...), "cut": []byte(icc.SRGB[:300]),
	} {
		if tr, err := icc.Parse(data); tr != nil || err == nil {
			t.Errorf("%s: %v, %v", name, tr, err)
		}
	}
}

// TestSource checks that Convert makes the gray of what Source returns.
func TestSource(t *testing.T) {
	linear, _ := icc.FromGamma(1, nil)
	p3, _ := icc.FromCodes(12, 13)
	for name, tr := range map[string]*icc.Transform{"none": nil, "linear": linear, "P3": p3} {
		row := []uint32{tr.Source(0x75)}
		tr.Convert(row)
		if far(row[0], 0x757575) > 1 {
			t.Errorf("%s: %06x", name, row[0])
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(icc.SRGB))
	f.Add(withCurve(curv(0, 100, 65535)))
	f.Add(withCurve(para(4, 2.4, 1, 0, 1, 0.1, 0, 0)))
	f.Add(profile("GRAY", map[string][]byte{"kTRC": curv(512)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		tr, err := icc.Parse(data)
		if err != nil && tr != nil {
			t.Error("both")
		}
		row := []uint32{0, 0x757575, 0xffffff}
		tr.Convert(row)
		tr.Source(0x75)
		for _, p := range row {
			if p > 0xffffff {
				t.Errorf("%x", p)
			}
		}
	})
}

func BenchmarkConvert(b *testing.B) {
	tr, _ := icc.FromCodes(12, 13)
	row := make([]uint32, 1920*1080)
	for b.Loop() {
		for i := range row {
			row[i] = uint32(i) * 2654435761 >> 8
		}
		tr.Convert(row)
	}
}
