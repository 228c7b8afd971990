// Package configs owns the configuration: its keys, the commented default file,
// and the environment variables that override it. It reads files strictly. An
// error names the file, the line and the key, and the nearest known key for an
// unknown one. The package checks values only. It does not check that the files
// that a configuration names exist, and looks for client files only to choose the
// default pairing methods.
package configs

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"pickerd/configs/strict"
	"pickerd/store/regular"
)

// Default is the default configuration file, with comments.
//
//go:embed pickerd.toml
var Default string

// A Config is a complete configuration. Load returns valid ones only.
type Config struct {
	Name        string      `toml:"name"`
	Mode        string      `toml:"mode"` // "home" or "guest"
	AccountsMax int         `toml:"accounts_max"`
	Lock        []string    `toml:"lock"`      // keys and tables that people must not set
	TimeZone    string      `toml:"time_zone"` // IANA name; "" means the system's
	Google      Google      `toml:"google"`
	Pairing     Pairing     `toml:"pairing"`
	Pick        Pick        `toml:"pick"`
	Store       Store       `toml:"store"`
	Control     Control     `toml:"control"`
	Display     Display     `toml:"display"`
	HTTP        HTTP        `toml:"http"`
	Framebuffer Framebuffer `toml:"framebuffer"`
	Terminal    Terminal    `toml:"terminal"`
	CEC         CEC         `toml:"cec"`
	Slideshow   Slideshow   `toml:"slideshow"`
	Remote      Remote      `toml:"remote"`
	Setup       Setup       `toml:"setup"`
	Guest       Guest       `toml:"guest"`
	Unpair      Unpair      `toml:"unpair"`
	Hooks       Hooks       `toml:"hooks"`
	MQTT        MQTT        `toml:"mqtt"`
	Log         Log         `toml:"log"`
}

// Google configures the OAuth clients and the servers.
type Google struct {
	// Gateway is the issuer of the server that people sign in at with the method
	// "device", "" for Google. ClientID and ClientSecret are for that server then.
	Gateway       string   `toml:"gateway"`
	ClientFile    string   `toml:"client_file"`
	ClientID      string   `toml:"client_id"`
	ClientSecret  string   `toml:"client_secret"`
	WebFile       string   `toml:"web_client_file"`     // for the pairing method "relay"
	DesktopFile   string   `toml:"desktop_client_file"` // for the pairing method "paste", and for pickerd authorize
	ClientAuth    string   `toml:"client_auth"`         // "form" or "basic": client authentication (RFC 6749 §2.3.1)
	Scopes        []string `toml:"scopes"`
	DeviceAuthURL string   `toml:"device_auth_url"`
	TokenURL      string   `toml:"token_url"`
	RevokeURL     string   `toml:"revoke_url"`
	AuthURL       string   `toml:"auth_url"`
	UserinfoURL   string   `toml:"userinfo_url"`
	PickerURL     string   `toml:"picker_url"`
}

// Pairing configures how people sign in.
type Pairing struct {
	Methods  []string `toml:"methods"` // in the order in which they are tried; see Load
	RelayURL string   `toml:"relay_url"`
	Address  string   `toml:"address"`
}

// Pick configures how many items a pick may have, whether they replace the photos on
// the box, and in what size videos come.
type Pick struct {
	MaxItems   int    `toml:"max_items"`
	Collection string `toml:"collection"` // "replace" or "append"
	Video      string `toml:"video"`      // "screen" or "original"
}

// Store configures where state is kept, how large it may be, and how old photos get.
type Store struct {
	Dir         string `toml:"dir"`
	MaxBytes    Size   `toml:"max_bytes"`
	ForgetAfter Age    `toml:"forget_after"` // since they were fetched; 0 means never
}

// Control configures the socket for other programs.
type Control struct {
	Socket string `toml:"socket"`
}

// IsGuest reports whether the mode is "guest": people sign in for a while and are
// then forgotten.
func (c *Config) IsGuest() bool { return c.Mode == "guest" }

// Display configures the outputs and the language.
type Display struct {
	Outputs  []string `toml:"outputs"`
	Language string   `toml:"language"` // BCP 47
}

// HasOutput reports whether an output is enabled.
func (d Display) HasOutput(output string) bool { return slices.Contains(d.Outputs, output) }

// HTTP configures the page.
type HTTP struct {
	Listen   string   `toml:"listen"`
	Key      string   `toml:"key"`       // display key for browsers on other machines; generated if empty
	Names    []string `toml:"names"`     // host names by which such browsers reach this machine
	CertFile string   `toml:"cert_file"` // with KeyFile: enables TLS for such browsers
	KeyFile  string   `toml:"key_file"`
	// FrameAncestors are the origins of pages that may show the page in a frame, as
	// sources of a content security policy.
	FrameAncestors []string `toml:"frame_ancestors"`
}

// strongKey is the length of a display key, without spaces and dashes, from which it is
// taken to have 80 bits. A generated key has them.
const strongKey = 20

// HasWeakKey reports whether the display key is configured and so short that it could
// be guessed.
func (h HTTP) HasWeakKey() bool {
	n := utf8.RuneCountInString(strings.NewReplacer(" ", "", "-", "").Replace(h.Key))
	return h.Key != "" && n < strongKey
}

// Framebuffer configures the display without a browser.
type Framebuffer struct {
	Device   string  `toml:"device"` // "auto", or a path in /dev
	Rotate   int     `toml:"rotate"` // degrees, clockwise
	Overscan Percent `toml:"overscan"`
}

// Terminal configures the display on a terminal.
type Terminal struct {
	Device string `toml:"device"` // "" means standard output
}

// CEC configures how the output "framebuffer" speaks with a television over HDMI-CEC.
type CEC struct {
	Device  string `toml:"device"`  // "auto", "off", or a path in /dev
	Standby bool   `toml:"standby"` // switch the television off and on with the screen
}

// Slideshow configures how photos are shown.
type Slideshow struct {
	Interval Duration `toml:"interval"`
	Order    string   `toml:"order"` // "picked", "newest" or "shuffle"
	// Collection is the name or ID of the one that is shown; "" means all photos.
	Collection string `toml:"collection"`

	Fade     Duration `toml:"fade"`
	Fit      string   `toml:"fit"`     // "fit", "fill" or "auto"
	Backing  string   `toml:"backing"` // "blur", "black" or "mat"
	Pairs    bool     `toml:"pairs"`
	Zoom     bool     `toml:"zoom"`
	Clock    Clock    `toml:"clock"`
	Date     Date     `toml:"date"`
	Dates    string   `toml:"date_format"` // "weekday", "long", "full" or "iso"
	Captions bool     `toml:"captions"`
	Volume   int      `toml:"volume"` // of films, in percent; 0 plays no sound
	Night    Nights   `toml:"night"`
	// SleepAfter is how long nobody is there until the screen goes dark; 0 means never.
	SleepAfter Duration `toml:"sleep_after"`
}

// Remote configures the keys of remote controls and buttons, by their Linux names
// (linux/input-event-codes.h).
type Remote struct {
	OK       []string `toml:"ok"`
	Menu     []string `toml:"menu"`
	Back     []string `toml:"back"`
	Left     []string `toml:"left"`
	Right    []string `toml:"right"`
	Up       []string `toml:"up"`
	Down     []string `toml:"down"`
	Play     []string `toml:"play"`
	Next     []string `toml:"next"`
	Previous []string `toml:"previous"`
	// A key of these that another action has keeps that.
	VolumeUp   []string `toml:"volume_up"`
	VolumeDown []string `toml:"volume_down"`
	Mute       []string `toml:"mute"`

	Hold  Duration `toml:"hold"`  // how long to hold OK to open the menu
	Phone bool     `toml:"phone"` // the menu offers a QR code for a remote on a phone
	PIN   string   `toml:"pin"`   // for settings, displays, deleting and the about page; "" means none
}

// Setup configures how a new box is set up.
type Setup struct {
	Phone bool `toml:"phone"` // a phone may set up a box that was never set up
}

// Guest configures when guests are forgotten.
type Guest struct {
	ForgetAfter Duration `toml:"forget_after"`
}

// Hooks configures programs to run on events, each with its arguments. They run
// without a shell.
type Hooks struct {
	OnPhotos  []string `toml:"on_photos"`  // the photos have changed
	OnPhoto   []string `toml:"on_photo"`   // another one is on the screen
	OnState   []string `toml:"on_state"`   // the state has changed
	OnProblem []string `toml:"on_problem"` // a problem has begun or ended
	Timeout   Duration `toml:"timeout"`
}

// Unpair configures what happens to the photos of a removed account.
type Unpair struct {
	Photos string `toml:"photos"` // "remove" or "keep"
}

// Log configures the log on standard error.
type Log struct {
	Level  string `toml:"level"`
	Format string `toml:"format"`
}

// An Error reports an invalid key or value in a configuration.
type Error = strict.Error

// EnvName returns the environment variable for a key: PICKERD_GOOGLE_CLIENT_ID for
// google.client_id.
func EnvName(key string) string { return strict.EnvName(envPrefix, key) }

const envPrefix = "PICKERD_"

// maxFile bounds a configuration file in bytes. The default file has 20 kB.
const maxFile = 1 << 20

// Load reads the defaults, then the file unless its name is empty and those in the
// folder conf.d beside it, then the environment. If none of them names pairing
// methods, these are "device" with a gateway, and otherwise each method whose client
// is there. It checks the result, also with the checks of other packages, and
// tolerates nothing. Its error joins all *Error values, or says why a file can't be
// read.
func Load(file string, getenv func(string) string, also ...Check) (*Config, error) {
	l := Sources{File: file, Getenv: getenv, Checks: also, strict: true}.Read()
	all := []error{l.Err}
	for _, e := range l.Problems {
		all = append(all, e)
	}
	if err := errors.Join(all...); err != nil {
		return nil, err
	}
	return l.Config, nil
}

// source returns where a configuration comes from.
func source(file string, data []byte, getenv func(string) string) *strict.Source {
	return &strict.Source{File: file, Data: data, Prefix: envPrefix, Getenv: getenv, Hint: "see the commented default file: pickerd config default"}
}

// A Check calls bad for each invalid value in a configuration.
type Check func(c *Config, bad func(key, format string, args ...any))

// fillIn sets empty values from the machine and from the environment that systemd
// provides. Its error is about the key "name".
func (c *Config) fillIn(getenv func(string) string) error {
	if c.Name == "" {
		c.Name = "%H"
	}
	host, _ := os.Hostname()
	name, err := expand(c.Name, host, machineID("/etc/machine-id"))
	c.Name = name
	if c.Store.Dir == "" {
		c.Store.Dir = "/var/lib/pickerd"
		if dir := getenv("STATE_DIRECTORY"); dir != "" {
			c.Store.Dir = dir
		}
	}
	if c.Control.Socket == "" {
		c.Control.Socket = DefaultSocket(getenv)
	}
	credential := func(name string) string { return c.clientFile(getenv, name) }
	if c.Display.Outputs == nil {
		c.Display.Outputs = []string{cmp.Or(getenv(outputVar), "http")}
	}
	if c.Pairing.Methods == nil {
		c.Pairing.Methods = c.defaultMethods(credential)
	}
	// With a gateway, client files serve the grants that were made with them.
	gateway := c.Google.Gateway != ""
	for _, f := range []struct {
		value *string
		name  string
		wants bool
	}{
		{&c.Google.ClientFile, deviceClient, gateway || c.Google.ClientID == "" && slices.Contains(c.Pairing.Methods, "device")},
		{&c.Google.WebFile, relayClient, gateway || slices.Contains(c.Pairing.Methods, "relay")},
		{&c.Google.DesktopFile, pasteClient, gateway || slices.Contains(c.Pairing.Methods, "paste")},
	} {
		if *f.value == "" && f.wants {
			*f.value = credential(f.name)
		}
	}
	if gateway && c.Google.ClientID == "" {
		c.Google.ClientID = DefaultGatewayClient
	}
	return err
}

// outputVar is the variable with which the package pickerd-framebuffer makes its output
// the default. It is not configuration, so it has not the prefix of that.
const outputVar = "_PICKERD_OUTPUT"

// credentialFile returns where a credential is: in the service manager's folder for
// this service or, without one, where an administrator has put it for the service.
func credentialFile(dir, name string) string {
	if dir != "" {
		return filepath.Join(dir, name)
	}
	beside := filepath.Join("/etc/pickerd", name)
	if _, err := os.Stat(beside); err == nil || name == deviceClient {
		return beside
	}
	return InstalledCredential(name)
}

// ClientFolder is the folder of the state directory with the client files that were
// uploaded when the box was set up. The operator's are preferred.
const ClientFolder = "client"

// clientFile returns where a credential is: the operator's, or else one that was
// uploaded.
func (c *Config) clientFile(getenv func(string) string, name string) string {
	path := credentialFile(getenv("CREDENTIALS_DIRECTORY"), name)
	if uploaded := filepath.Join(c.Store.Dir, ClientFolder, name); !HasClient(path) && HasClient(uploaded) {
		return uploaded
	}
	return path
}

// InstalledCredential returns where an administrator puts a credential, from which
// systemd hands it to the service.
func InstalledCredential(name string) string {
	if name == deviceClient {
		return filepath.Join("/etc/pickerd", name)
	}
	return filepath.Join("/etc/credstore", name)
}

// Default names of client files, by the method that needs them.
const (
	deviceClient = "client_secret.json"
	relayClient  = "web_client_secret.json"
	pasteClient  = "desktop_client_secret.json"
)

// machineID returns an ID of this machine: the one in a file such as
// /etc/machine-id, or else the last four bytes of a network card's address, or else
// "unknown".
func machineID(file string) string {
	if id, _ := regular.ReadFile(file, maxFile); isMachineID(bytes.TrimSpace(id)) {
		return string(bytes.TrimSpace(id))
	}
	cards, _ := net.Interfaces()
	for _, c := range cards {
		if len(c.HardwareAddr) == 6 {
			return hex.EncodeToString(c.HardwareAddr[2:]) // the first two bytes are the vendor's
		}
	}
	return "unknown"
}

// isMachineID reports whether an ID has the form of machine-id(5). The file of an
// image that has not booted yet is empty or says "uninitialized".
func isMachineID(id []byte) bool {
	b, err := hex.DecodeString(string(id))
	return err == nil && len(b) == 16 && !bytes.Equal(b, make([]byte, 16))
}

// shownID is how many characters of a machine ID appear in a name. Eight tell ten
// thousand boxes apart. The whole ID is confidential (machine-id(5)).
const shownID = 8

// expand replaces the specifiers in a name, as in systemd.unit(5). They allow many
// boxes to share one file.
func expand(name, host, machineID string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			out.WriteByte(name[i])
			continue
		}
		i++
		switch {
		case i < len(name) && name[i] == 'H':
			out.WriteString(host)
		case i < len(name) && name[i] == 'm':
			out.WriteString(machineID[:min(shownID, len(machineID))])
		case i < len(name) && name[i] == '%':
			out.WriteByte('%')
		default:
			return "", fmt.Errorf("%q: unknown specifier; use %%m for the machine ID, %%H for the host name, %%%% for a percent sign", name)
		}
	}
	return out.String(), nil
}

// DefaultSocket returns the path of the control socket without a configuration.
func DefaultSocket(getenv func(string) string) string {
	if s := getenv("PICKERD_CONTROL_SOCKET"); s != "" {
		return s
	}
	if dir := getenv("RUNTIME_DIRECTORY"); dir != "" {
		return filepath.Join(dir, "control.sock")
	}
	return "/run/pickerd/control.sock"
}
