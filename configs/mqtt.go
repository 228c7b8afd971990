package configs

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"pickerd/store/regular"
)

// MQTT configures the connection to a broker.
type MQTT struct {
	URL         string            `toml:"url"` // "" means none
	Base        string            `toml:"base"`
	Username    string            `toml:"username"`
	Password    string            `toml:"password"`
	CertFile    string            `toml:"cert_file"` // with KeyFile: a client certificate
	KeyFile     string            `toml:"key_file"`
	CAFile      string            `toml:"ca_file"` // "" means the system's
	Expiry      Duration          `toml:"session_expiry"`
	Discovery   string            `toml:"discovery"` // prefix of Home Assistant's topics; "" means none
	Personal    bool              `toml:"personal"`
	Image       bool              `toml:"image"`
	Unsigned    bool              `toml:"unsigned_settings"`
	OperatorKey string            `toml:"operator_key"` // Ed25519 public key, in base64
	Labels      map[string]string `toml:"labels"`
}

// Bounds of labels.
const (
	maxLabels = 16
	maxLabel  = 64
)

// FilterNames are no names of labels: filters of pickerd-fleet mean something else by them.
var FilterNames = []string{"state", "problem", "version"}

// checkMQTT checks the table mqtt.
func (c *Config) checkMQTT(bad func(key, format string, args ...any)) {
	m := c.MQTT
	if u, err := url.Parse(m.URL); m.URL != "" && (err != nil || u.Scheme != "mqtt" && u.Scheme != "mqtts" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "") {
		bad("mqtt.url", "it is not like mqtts://broker.example:8883")
	} else if m.URL != "" && u.User != nil {
		bad("mqtt.url", "set mqtt.username and mqtt.password instead")
	}
	if m.Base == "" || strings.ContainsAny(m.Base, "+#\x00") || strings.HasPrefix(m.Base, "/") || strings.HasSuffix(m.Base, "/") || strings.HasPrefix(m.Base, "$") || len(m.Base) > maxBase {
		bad("mqtt.base", "%.40q is not the beginning of topics, such as pickerd/%%i", m.Base)
	}
	if m.Discovery != "" && !isLabel(m.Discovery) {
		bad("mqtt.discovery", "%.40q is not a prefix such as homeassistant", m.Discovery)
	}
	if (m.CertFile == "") != (m.KeyFile == "") {
		bad("mqtt.cert_file", "set both mqtt.cert_file and mqtt.key_file, or neither")
	}
	if d := time.Duration(m.Expiry); d < 0 || d > 30*24*time.Hour {
		bad("mqtt.session_expiry", "%v is not between 0s and 720h", d)
	}
	if key, err := base64.StdEncoding.DecodeString(m.OperatorKey); m.OperatorKey != "" && (err != nil || len(key) != ed25519.PublicKeySize) {
		bad("mqtt.operator_key", "it is not an Ed25519 public key in base64, as pickerd-fleet key prints it")
	}
	if m.Image && c.IsGuest() {
		bad("mqtt.image", "photos of guests don't leave the box: remove it in mode \"guest\"")
	}
	if m.Image && !c.Display.HasOutput("http") {
		bad("mqtt.image", "it needs \"http\" in display.outputs, which draws the picture")
	}
	if m.Unsigned && (c.IsGuest() || m.OperatorKey != "") {
		bad("mqtt.unsigned_settings", "it can't be together with mqtt.operator_key or mode \"guest\"")
	}
	if len(m.Labels) > maxLabels {
		bad("mqtt.labels", "%d labels are more than %d", len(m.Labels), maxLabels)
	}
	for name, value := range m.Labels {
		if slices.Contains(FilterNames, name) {
			bad("mqtt.labels", "%q is no name of a label: pickerd-fleet means something else by it", name)
		}
		if !isLabel(name) || !isLabel(value) {
			bad("mqtt.labels", "%.40q is not a label such as site = \"lobby\": letters, digits, dots, dashes and underlines", name+" = "+value)
		}
	}
}

// BoxID returns an ID of this machine by which it is known elsewhere: the first 16
// hexadecimal digits of HMAC-SHA256 with the machine ID as key and "pickerd" as text. It
// does not give the machine ID away, as machine-id(5) asks for.
func BoxID() (string, error) {
	const file = "/etc/machine-id"
	text, err := regular.ReadFile(file, maxFile)
	if err != nil {
		return "", err
	}
	if text = bytes.TrimSpace(text); !isMachineID(text) {
		return "", fmt.Errorf("%s has no machine ID: run systemd-machine-id-setup", file)
	}
	id, _ := hex.DecodeString(string(text)) // isMachineID has checked it
	h := hmac.New(sha256.New, id)
	h.Write([]byte("pickerd"))
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// Groups returns the groups that the box is in, as "site=lobby", in the order in which
// their settings count: a later one over an earlier one.
func (m MQTT) Groups() (groups []string) {
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		groups = append(groups, name+"="+m.Labels[name])
	}
	return groups
}

// For returns the table with the ID of a box in the place of %i.
func (m MQTT) For(id string) MQTT {
	m.Base, m.Username = strings.ReplaceAll(m.Base, "%i", id), strings.ReplaceAll(m.Username, "%i", id)
	return m
}

// maxBase bounds the beginning of topics in bytes. A topic has at most 65,535.
const maxBase = 200

// isLabel reports whether a text can be part of a topic and of a command line.
func isLabel(s string) bool {
	return s != "" && len(s) <= maxLabel && !strings.ContainsFunc(s, func(r rune) bool {
		return notInLabel(r) && r != '.' && r != '_'
	})
}
