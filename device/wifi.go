package device

import (
	"context"
	"errors"
	"strings"
)

// Security is what a Wi-Fi network asks for.
type Security string

// The kinds of security that a box can join, and all others.
const (
	Open        Security = "open"
	WPA2        Security = "wpa2" // also networks with both WPA2 and WPA3
	WPA3        Security = "wpa3" // SAE only
	Unsupported Security = "unsupported"
)

// A WiFiNetwork is one that the box hears, or a hidden one that a person names.
type WiFiNetwork struct {
	SSID     string
	Security Security
	Strength int  // in percent; 0 for a hidden one
	Hidden   bool // it does not announce its name
}

// AccessAddress is the box's address in its AccessPoint.
const AccessAddress = "10.84.20.1"

// An AccessPoint is the network that the box opens itself.
type AccessPoint struct {
	SSID       string
	Passphrase string
}

// QR returns the text of a QR code with which a phone joins the network.
func (a AccessPoint) QR() string {
	return "WIFI:T:WPA;S:" + qrEscaper.Replace(a.SSID) + ";P:" + qrEscaper.Replace(a.Passphrase) + ";;"
}

// qrEscaper escapes the characters that have a meaning in such a text.
var qrEscaper = strings.NewReplacer(`\`, `\\`, `;`, `\;`, `,`, `\,`, `:`, `\:`, `"`, `\"`)

// WiFi is what a box with a Wi-Fi radio knows of its networks. The zero WiFi is that
// of a box without one, or without permission to use it.
type WiFi struct {
	Usable    bool         // there is a radio that the box may use
	Online    bool         // some network, not only Wi-Fi, leads to the Internet or at least a gateway
	Connected string       // SSID of the network that the radio is in
	Portal    string       // address of the page that the network wants people to sign in at; "" without
	Joining   string       // SSID of the network being joined
	Access    *AccessPoint // that is open
	Joined    bool         // a phone is in Access
	Problem   string       // "wifi_password", "wifi_lost", "portal", or ""
}

// Errors of joining a network.
var (
	ErrWiFiPassword = errors.New("the network refused the password")
	ErrWiFiGone     = errors.New("the network can't be heard")
	ErrWiFiFailed   = errors.New("the network gave no connection")
)

// A WiFiJoiner lists and joins networks.
type WiFiJoiner interface {
	// Networks returns those that are heard, the strongest first.
	Networks(ctx context.Context) ([]WiFiNetwork, error)
	// Join joins a network and returns when it has an address. The access point ends at
	// once, so that a phone in it must have been answered before, and opens again if
	// joining fails. Errors are ErrWiFiPassword,
	// ErrWiFiGone, ErrWiFiFailed and those of the system.
	Join(ctx context.Context, n WiFiNetwork, password string) error
}
