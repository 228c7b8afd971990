package wifi

import (
	"crypto/rand"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/godbus/dbus/v5"

	"pickerd/device"
)

// Settings are the settings of a connection profile (nm-settings-dbus(5)).
type Settings map[string]map[string]dbus.Variant

// The mark of profiles that pickerd made, in the setting "user".
const (
	markKey   = "pickerd.profile"
	markValue = "network"
)

// Names of settings and their values.
const (
	connectionSetting = "connection"
	wirelessSetting   = "802-11-wireless"
	securitySetting   = "802-11-wireless-security"
	userSetting       = "user"
	accessMode        = "ap"
)

// dhcpTimeout is how long NetworkManager waits for an address, in seconds. Its default
// is 45.
const dhcpTimeout int32 = 30

// networkProfile returns the profile of a network. Without Wi-Fi Protected Access
// password is not used.
func networkProfile(ssid []byte, n device.WiFiNetwork, password string) Settings {
	s := Settings{
		connectionSetting: {"id": dbus.MakeVariant(Printable(ssid)), "type": dbus.MakeVariant(wirelessSetting)},
		wirelessSetting:   {"ssid": dbus.MakeVariant(ssid), "mode": dbus.MakeVariant("infrastructure")},
		"ipv4":            {"method": dbus.MakeVariant("auto"), "dhcp-timeout": dbus.MakeVariant(dhcpTimeout)},
		"ipv6":            {"method": dbus.MakeVariant("auto")},
		userSetting:       {"data": dbus.MakeVariant(map[string]string{markKey: markValue})},
	}
	if n.Hidden {
		s[wirelessSetting]["hidden"] = dbus.MakeVariant(true)
	}
	switch n.Security {
	case device.WPA2: // NetworkManager uses SAE too where the network has both
		s[securitySetting] = map[string]dbus.Variant{"key-mgmt": dbus.MakeVariant("wpa-psk"), "psk": dbus.MakeVariant(password)}
	case device.WPA3:
		s[securitySetting] = map[string]dbus.Variant{"key-mgmt": dbus.MakeVariant("sae"), "psk": dbus.MakeVariant(password)}
	}
	return s
}

// accessPrefix is the length of the prefix of the access point's network.
const accessPrefix uint32 = 24

// accessProfile returns the profile of the box's access point: 2.4 GHz, which every
// phone has, and WPA2. Protected management frames are off (1): not every radio has
// them as an access point.
func accessProfile(a device.AccessPoint) Settings {
	return Settings{
		connectionSetting: {"id": dbus.MakeVariant("pickerd access point"), "type": dbus.MakeVariant(wirelessSetting), "autoconnect": dbus.MakeVariant(false)},
		wirelessSetting:   {"ssid": dbus.MakeVariant([]byte(a.SSID)), "mode": dbus.MakeVariant(accessMode), "band": dbus.MakeVariant("bg")},
		securitySetting: {
			"key-mgmt": dbus.MakeVariant("wpa-psk"), "psk": dbus.MakeVariant(a.Passphrase), "pmf": dbus.MakeVariant(int32(1)),
			"proto": dbus.MakeVariant([]string{"rsn"}), "pairwise": dbus.MakeVariant([]string{"ccmp"}), "group": dbus.MakeVariant([]string{"ccmp"}),
		},
		"ipv4": {"method": dbus.MakeVariant("shared"), "address-data": dbus.MakeVariant([]map[string]dbus.Variant{
			{"address": dbus.MakeVariant(device.AccessAddress), "prefix": dbus.MakeVariant(accessPrefix)},
		})},
		"ipv6": {"method": dbus.MakeVariant("ignore")},
	}
}

// isMarked reports whether pickerd made a profile for a network.
func isMarked(s Settings) bool {
	data, _ := s[userSetting]["data"].Value().(map[string]string)
	return data[markKey] == markValue
}

// isNetwork reports whether a profile is that of a Wi-Fi network to join.
func isNetwork(s Settings) bool {
	kind, _ := s[connectionSetting]["type"].Value().(string)
	mode, _ := s[wirelessSetting]["mode"].Value().(string)
	return kind == wirelessSetting && mode != accessMode
}

// accessSuffix ends the name of the access point.
const accessSuffix = " setup"

// AccessName returns the SSID of a box's access point, of at most 32 bytes.
func AccessName(box string) string {
	box = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, box)
	for len(box) > maxSSID-len(accessSuffix) {
		_, size := utf8.DecodeLastRuneInString(box)
		box = box[:len(box)-size]
	}
	if box = strings.TrimSpace(box); box == "" {
		box = "pickerd"
	}
	return box + accessSuffix
}

// Letters of a passphrase. None looks like another, and a phone's keyboard has all of
// them on its first page.
const (
	letters          = "abcdefghjkmnpqrstuvwxyz"
	passphraseLength = 12 // 54 bits
)

// NewPassphrase returns a passphrase for an access point.
func NewPassphrase() string {
	b := make([]byte, passphraseLength)
	for i := range b {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			panic(err) // rand.Reader returns no error
		}
		b[i] = letters[n.Int64()]
	}
	return string(b)
}
