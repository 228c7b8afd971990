package cec

import "bytes"

const (
	edidBlock = 128
	edidCTA   = 2 // tag of an extension block by CTA-861
	edidVSDB  = 3 // tag of a vendor-specific data block
)

// AddressOf returns the physical address that a television gives what is plugged into
// it, from its EDID: HDMI's vendor-specific data block (HDMI 1.4b, section 8.3.2). It
// is NoPhysicalAddress if there is none.
func AddressOf(edid []byte) PhysicalAddress {
	for at := edidBlock; at+edidBlock <= len(edid); at += edidBlock {
		block := edid[at : at+edidBlock]
		end := min(int(block[2]), edidBlock-1) // where the data blocks end
		if block[0] != edidCTA {
			continue
		}
		for i := 4; i < end; i += 1 + int(block[i]&0x1f) {
			data := block[i+1 : min(i+1+int(block[i]&0x1f), end)]
			if block[i]>>5 == edidVSDB && bytes.HasPrefix(data, []byte{0x03, 0x0c, 0x00}) {
				p, _ := addressIn(data, 3)
				return p
			}
		}
	}
	return NoPhysicalAddress
}
