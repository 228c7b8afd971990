// Package configs holds pickerd's commented default configuration and reads a
// file in its form, strictly: a key that it doesn't know is an error that names
// file, line and the nearest key it does know. It looks at nothing but the
// values; whether a client file exists is its caller's affair.
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

	"github.com/pelletier/go-toml/v2"
)

// Default is the commented default file.
//
//go:embed pickerd.toml
var Default string

// Config is a whole configuration. Its values are valid after Load.
type Config struct {
	Name        string      `toml:"name"`
	Mode        string      `toml:"mode"` // "home" or "guest"
	AccountsMax int         `toml:"accounts_max"`
	Google      Google      `toml:"google"`
	Pairing     Pairing     `toml:"pairing"`
	Pick        Pick        `toml:"pick"`
	Store       Store       `toml:"store"`
	Control     Control     `toml:"control"`
	Display     Display     `toml:"display"`
	HTTP        HTTP        `toml:"http"`
	Framebuffer Framebuffer `toml:"framebuffer"`
	Terminal    Terminal    `toml:"terminal"`
	Slideshow   Slideshow   `toml:"slideshow"`
	Remote      Remote      `toml:"remote"`
	Guest       Guest       `toml:"guest"`
	Unpair      Unpair      `toml:"unpair"`
	Hooks       Hooks       `toml:"hooks"`
	Log         Log         `toml:"log"`
}

// Google says which client asks which servers.
type Google struct {
	ClientFile    string   `toml:"client_file"`
	ClientID      string   `toml:"client_id"`
	ClientSecret  string   `toml:"client_secret"`
	WebFile       string   `toml:"web_client_file"`     // for the method "relay"
	DesktopFile   string   `toml:"desktop_client_file"` // for the method "paste", and for pickerd authorize
	ClientAuth    string   `toml:"client_auth"`         // "form" or "basic": how a client proves itself (RFC 6749 §2.3.1)
	Scopes        []string `toml:"scopes"`
	DeviceAuthURL string   `toml:"device_auth_url"`
	TokenURL      string   `toml:"token_url"`
	RevokeURL     string   `toml:"revoke_url"`
	AuthURL       string   `toml:"auth_url"`
	UserinfoURL   string   `toml:"userinfo_url"`
	PickerURL     string   `toml:"picker_url"`
}

// Pairing says how a person may sign in.
type Pairing struct {
	Methods  []string `toml:"methods"`
	RelayURL string   `toml:"relay_url"`
	Address  string   `toml:"address"`
}

// Pick says what a pick may bring and what it does to the photos here.
type Pick struct {
	MaxItems   int    `toml:"max_items"`
	Collection string `toml:"collection"` // "replace" or "append"
}

// Store says where state is kept.
type Store struct {
	Dir      string `toml:"dir"`
	MaxBytes Size   `toml:"max_bytes"`
}

// Control says where other programs reach the daemon.
type Control struct {
	Socket string `toml:"socket"`
}

// IsGuest reports whether people come and go, and are forgotten.
func (c *Config) IsGuest() bool { return c.Mode == "guest" }

// Display says what draws the screen.
type Display struct {
	Outputs  []string `toml:"outputs"`
	Language string   `toml:"language"` // BCP 47
}

// HasOutput reports whether an output is wanted.
func (d Display) HasOutput(output string) bool { return slices.Contains(d.Outputs, output) }

// HTTP is the display in a browser.
type HTTP struct {
	Listen   string   `toml:"listen"`
	Key      string   `toml:"key"`       // for browsers on other machines; "" means one that is made
	Names    []string `toml:"names"`     // that such browsers know this machine by
	CertFile string   `toml:"cert_file"` // with KeyFile: TLS for them
	KeyFile  string   `toml:"key_file"`
}

// Framebuffer is the display without one.
type Framebuffer struct {
	Device   string  `toml:"device"` // "auto", or a path in /dev
	Rotate   int     `toml:"rotate"` // degrees, clockwise
	Overscan Percent `toml:"overscan"`
}

// Terminal is the display on a serial console.
type Terminal struct {
	Device string `toml:"device"` // "" means standard output
}

// Slideshow says how photos are shown.
type Slideshow struct {
	Interval Duration `toml:"interval"`
	Order    string   `toml:"order"` // "picked", "newest" or "shuffle"
	Fade     Duration `toml:"fade"`
	Backing  string   `toml:"backing"` // "blur" or "black"
	Pairs    bool     `toml:"pairs"`
	Zoom     bool     `toml:"zoom"`
	Clock    bool     `toml:"clock"`
	Captions bool     `toml:"captions"`
	Night    Hours    `toml:"night"`
}

// Remote says which keys of remote controls and buttons mean what, by the names
// that Linux has for them.
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
	Hold     Duration `toml:"hold"`  // after which OK opens the menu
	Phone    bool     `toml:"phone"` // the menu has a code for a remote on a phone
}

// Guest says when a kiosk forgets.
type Guest struct {
	ForgetAfter Duration `toml:"forget_after"`
}

// Hooks are programs to be told what happens, each with its arguments; no shell
// reads them.
type Hooks struct {
	OnPhotos []string `toml:"on_photos"` // other photos are here
	OnState  []string `toml:"on_state"`  // the state is another one
	Timeout  Duration `toml:"timeout"`
}

// Unpair says what goes with a forgotten account.
type Unpair struct {
	Photos string `toml:"photos"` // "remove" or "keep"
}

// Log says what is written to stderr.
type Log struct {
	Level  string `toml:"level"`
	Format string `toml:"format"`
}

// An Error tells what is wrong in a configuration, and where.
type Error struct {
	File string // "" when a value came from the environment
	Line int    // 0 when it is about no line
	Key  string // as in the file, "google.client_id"
	Msg  string
	Hint string
}

func (e *Error) Error() string {
	s := e.File
	if e.File == "" {
		s = "environment"
	} else if e.Line > 0 {
		s += fmt.Sprintf(":%d", e.Line)
	}
	if e.Key != "" {
		s += ": " + e.Key
	}
	s += ": " + e.Msg
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Load reads the defaults, then file unless it is "", then the environment, and
// checks the result, with also for what other packages know. Its errors join
// *Error values, or are those of reading.
func Load(file string, getenv func(string) string, also ...Check) (*Config, error) {
	c := new(Config)
	if err := toml.Unmarshal([]byte(Default), c); err != nil {
		return nil, fmt.Errorf("the built-in defaults: %w", err)
	}
	var data []byte
	if file != "" {
		var err error
		if data, err = os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("read the configuration: %w", err)
		}
		if err := c.decode(file, data); err != nil {
			return nil, err
		}
	}
	if err := c.fromEnv(getenv); err != nil {
		return nil, err
	}
	if err := c.fillIn(getenv); err != nil {
		if name := EnvName("name"); getenv(name) != "" {
			return nil, &Error{Key: name, Msg: err.Error()}
		}
		return nil, &Error{File: file, Line: lineOf(data, "name"), Key: "name", Msg: err.Error()}
	}
	if err := c.check(file, data, getenv, also...); err != nil {
		return nil, err
	}
	return c, nil
}

// A Check looks at a configuration and calls bad for each value that can't be
// meant.
type Check func(c *Config, bad func(key, format string, args ...any))

func (c *Config) decode(file string, data []byte) error {
	d := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	err := d.Decode(c)
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		var all []error
		for _, e := range strict.Errors {
			key := join(e.Key())
			line, _ := e.Position()
			all = append(all, &Error{File: file, Line: line, Key: key, Msg: "unknown key", Hint: hintFor(key)})
		}
		return errors.Join(all...)
	}
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := e.Position()
		msg := trim(e.Error())
		for kind, say := range map[string]string{
			"of type []string": `this is a list: write ["…"]`, "of type string": `this is a text: write "…"`,
			"of type int": "this is a whole number, without quotes", "of type bool": "this is true or false, without quotes",
		} {
			if strings.HasSuffix(msg, kind) {
				msg = say
			}
		}
		return &Error{File: file, Line: line, Key: join(e.Key()), Msg: msg}
	}
	if err != nil {
		return &Error{File: file, Msg: trim(err.Error())}
	}
	return nil
}

// fillIn takes from the machine, and from the environment that systemd gives,
// what nobody set. Its error is about the name.
func (c *Config) fillIn(getenv func(string) string) error {
	if c.Name == "" {
		c.Name = "%H"
	}
	host, _ := os.Hostname()
	name, err := expand(c.Name, host, machineID())
	if err != nil {
		return err
	}
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
	dir := cmp.Or(getenv("CREDENTIALS_DIRECTORY"), "/etc/pickerd")
	for _, f := range []struct {
		value *string
		name  string
		wants bool
	}{
		{&c.Google.ClientFile, "client_secret.json", c.Google.ClientID == "" && slices.Contains(c.Pairing.Methods, "device")},
		{&c.Google.WebFile, "web_client_secret.json", slices.Contains(c.Pairing.Methods, "relay")},
		{&c.Google.DesktopFile, "desktop_client_secret.json", slices.Contains(c.Pairing.Methods, "paste")},
	} {
		if *f.value == "" && f.wants {
			*f.value = filepath.Join(dir, f.name)
		}
	}
	return nil
}

// machineID tells this machine from others: systemd's ID, or else the address of
// its network card, or else nothing that is known.
func machineID() string {
	if id, _ := os.ReadFile("/etc/machine-id"); len(bytes.TrimSpace(id)) >= shownID {
		return string(bytes.TrimSpace(id))
	}
	cards, _ := net.Interfaces()
	for _, c := range cards {
		if len(c.HardwareAddr) == 6 {
			return hex.EncodeToString(c.HardwareAddr[2:]) // what is before is the maker's
		}
	}
	return "unknown"
}

// shownID is how much of a machine ID stands in a name: enough to tell ten
// thousand boxes apart, and no secret (machine-id(5) wants the whole to be one).
const shownID = 8

// expand replaces the specifiers in a name, which let many boxes have one file:
// they mean what they do in systemd.unit(5).
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
			return "", fmt.Errorf("%q: %%m is the machine's ID, %%H the host name, %%%% a percent sign; there is nothing else", name)
		}
	}
	return out.String(), nil
}

// DefaultSocket is where the control socket is when nobody says otherwise.
func DefaultSocket(getenv func(string) string) string {
	if s := getenv("PICKERD_CONTROL_SOCKET"); s != "" {
		return s
	}
	if dir := getenv("RUNTIME_DIRECTORY"); dir != "" {
		return filepath.Join(dir, "control.sock")
	}
	return "/run/pickerd/control.sock"
}
