package cec_test

import (
	"testing"

	"pickerd/display/cec"
)

// edid returns an EDID whose extension block has data blocks.
func edid(dataBlocks ...byte) []byte {
	b := make([]byte, 256)
	b[126] = 1
	copy(b[128:], []byte{2, 3, byte(4 + len(dataBlocks)), 0})
	copy(b[132:], dataBlocks)
	return b
}

func TestAddressOf(t *testing.T) {
	const vsdb = 3 << 5
	for name, tt := range map[string]struct {
		edid []byte
		want cec.PhysicalAddress
	}{
		"first input":        {edid(vsdb|5, 0x03, 0x0c, 0x00, 0x10, 0x00), 0x1000},
		"after other blocks": {edid(1<<5|2, 0x9f, 0x90, vsdb|5, 0xd8, 0x5d, 0xc4, 1, 2, vsdb|6, 0x03, 0x0c, 0x00, 0x21, 0x30, 0x80), 0x2130},
		"no extension":       {edid(vsdb|5, 0x03, 0x0c, 0x00, 0x10, 0x00)[:128], cec.NoPhysicalAddress},
		"torn":               {edid(vsdb|5, 0x03, 0x0c, 0x00, 0x10, 0x00)[:200], cec.NoPhysicalAddress},
		"short block":        {edid(vsdb|4, 0x03, 0x0c, 0x00, 0x10), cec.NoPhysicalAddress},
		"longer than all":    {edid(vsdb|31, 0x03, 0x0c, 0x00), cec.NoPhysicalAddress},
		"another vendor":     {edid(vsdb|5, 0xd8, 0x5d, 0xc4, 0x10, 0x00), cec.NoPhysicalAddress},
		"nothing":            {nil, cec.NoPhysicalAddress},
	} {
		if got := cec.AddressOf(tt.edid); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	if got := cec.PhysicalAddress(0x1230).String(); got != "1.2.3.0" {
		t.Error(got)
	}
}

func FuzzAddressOf(f *testing.F) {
	f.Add(edid(3<<5|5, 0x03, 0x0c, 0x00, 0x10, 0x00))
	f.Fuzz(func(t *testing.T, b []byte) { cec.AddressOf(b) })
}
