package wifi

import (
	"cmp"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"pickerd/device"
)

const (
	maxNetworks = 64  // listed
	maxHeard    = 256 // access points that are asked about
	maxSSID     = 32  // bytes (IEEE 802.11)
	minPSK      = 8   // bytes of a passphrase (IEEE 802.11)
	maxPSK      = 63
	hexPSK      = 64  // digits of a key that is written out
	maxSAE      = 128 // bytes of a password for WPA3
)

// NM80211ApFlags and NM80211ApSecurityFlags.
const (
	apPrivacy   = 0x1
	keyPSK      = 0x100
	keySAE      = 0x400
	keyOWETrans = 0x1000
	anyKey      = 0xff00 // all of the key management
)

// SecurityOf returns what an access point asks for, from its properties Flags,
// WpaFlags and RsnFlags.
func SecurityOf(flags, wpa, rsn uint32) device.Security {
	all := wpa | rsn
	switch {
	case all&keyPSK != 0:
		return device.WPA2
	case all&keySAE != 0:
		return device.WPA3
	case all&anyKey&^keyOWETrans != 0, flags&apPrivacy != 0: // enterprise, OWE; WEP
		return device.Unsupported
	}
	return device.Open
}

// Printable returns the name of a network for people. A name is up to 32 bytes of
// anything: what can't be printed is replaced.
func Printable(ssid []byte) string {
	ssid = ssid[:min(len(ssid), maxSSID)]
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, string(ssid))
}

// A heard is one access point.
type heard struct {
	ssid     []byte
	security device.Security
	strength int // percent
	lastSeen int // seconds since boot; -1 for never
}

// list returns the networks of access points, the strongest first.
func list(points []heard) []device.WiFiNetwork {
	type name struct {
		ssid     string
		security device.Security
	}
	best := map[name]int{}
	for _, p := range points {
		if text := Printable(p.ssid); strings.TrimSpace(text) != "" {
			k := name{text, p.security}
			best[k] = max(best[k], p.strength)
		}
	}
	var out []device.WiFiNetwork
	for k, strength := range best {
		out = append(out, device.WiFiNetwork{SSID: k.ssid, Security: k.security, Strength: strength})
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := &out[i], &out[j]
		return cmp.Or(b.Strength-a.Strength, strings.Compare(a.SSID, b.SSID), strings.Compare(string(a.Security), string(b.Security))) < 0
	})
	return out[:min(len(out), maxNetworks)]
}

// check returns ErrWiFiPassword for a password that no network of its kind can have,
// and ErrWiFiFailed for a network that the box can't join.
func check(n device.WiFiNetwork, password string) error {
	size := len(password)
	switch n.Security {
	case device.Open:
	case device.WPA2:
		if (size < minPSK || size > maxPSK) && (size != hexPSK || strings.Trim(strings.ToLower(password), "0123456789abcdef") != "") {
			return device.ErrWiFiPassword
		}
	case device.WPA3:
		if size == 0 || size > maxSAE {
			return device.ErrWiFiPassword
		}
	default:
		return device.ErrWiFiFailed
	}
	if n.SSID == "" || len(n.SSID) > maxSSID*utf8.UTFMax {
		return device.ErrWiFiGone
	}
	return nil
}
