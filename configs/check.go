package configs

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxCollection bounds the name of a collection in characters.
const maxCollection = 40

// check reports invalid values.
func (c *Config) check(bad func(key, format string, args ...any), also ...Check) {
	oneOf := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			bad(key, "%q is not one of %s", value, strings.Join(allowed, ", "))
		}
	}
	oneOf("pick.collection", c.Pick.Collection, "replace", "append")
	oneOf("pick.video", c.Pick.Video, "screen", "original")
	oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf("log.format", c.Log.Format, "auto", "text", "json")
	oneOf("google.client_auth", c.Google.ClientAuth, "form", "basic")
	oneOf("slideshow.order", c.Slideshow.Order, "picked", "newest", "shuffle")
	if name := c.Slideshow.Collection; utf8.RuneCountInString(name) > maxCollection || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		bad("slideshow.collection", "a name has at most %d characters on one line", maxCollection)
	}
	oneOf("slideshow.clock", string(c.Slideshow.Clock), string(NoClock), string(Clock12), string(Clock24))
	_ = c.Slideshow.Date.UnmarshalText([]byte(c.Slideshow.Date)) // a switch in quotes, as pickerd set sends it; it returns no error
	oneOf("slideshow.date", string(c.Slideshow.Date), string(NoDate), string(ClockDate), string(AlwaysDate))
	oneOf("slideshow.date_format", c.Slideshow.Dates, "weekday", "long", "full", "iso")
	oneOf("slideshow.fit", c.Slideshow.Fit, "fit", "fill", "auto")
	oneOf("slideshow.backing", c.Slideshow.Backing, "blur", "black", "mat")
	oneOf("mode", c.Mode, "home", "guest")
	oneOf("unpair.photos", c.Unpair.Photos, "remove", "keep")
	if _, err := c.Zone(); err != nil {
		bad("time_zone", "%v", err)
	}
	c.checkPairing(bad)
	c.checkGateway(bad)
	c.checkMode(bad)
	for _, a := range []struct{ key, value string }{
		{"google.device_auth_url", c.Google.DeviceAuthURL}, {"google.token_url", c.Google.TokenURL},
		{"google.revoke_url", c.Google.RevokeURL}, {"google.auth_url", c.Google.AuthURL}, {"google.userinfo_url", c.Google.UserinfoURL}, {"google.picker_url", c.Google.PickerURL},
	} {
		if u, err := url.Parse(a.value); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			bad(a.key, "%q is not an http(s) address", a.value)
		}
	}
	if len(c.Google.Scopes) == 0 {
		bad("google.scopes", "no scopes")
	}
	if c.Google.ClientSecret != "" && c.Google.ClientID == "" {
		bad("google.client_secret", "google.client_id is missing")
	}
	if c.Pick.MaxItems < 1 || c.Pick.MaxItems > 2000 {
		bad("pick.max_items", "%d is not between 1 and 2000", c.Pick.MaxItems)
	}
	if d := time.Duration(c.Store.ForgetAfter); d > 0 && d < time.Microsecond {
		bad("store.forget_after", `%d has no unit: write "%[1]dd"`, int64(d))
	} else if d != 0 && d < time.Hour {
		bad("store.forget_after", "%v is less than 1h", d)
	}
	c.checkDisplay(bad)
	for _, check := range also {
		check(c, bad)
	}
	if _, _, err := net.SplitHostPort(c.HTTP.Listen); err != nil {
		bad("http.listen", "%q is not an address such as 127.0.0.1:8420", c.HTTP.Listen)
	}
	for key, command := range map[string][]string{"hooks.on_photos": c.Hooks.OnPhotos, "hooks.on_photo": c.Hooks.OnPhoto, "hooks.on_state": c.Hooks.OnState, "hooks.on_problem": c.Hooks.OnProblem} {
		if len(command) > 0 && !strings.HasPrefix(command[0], "/") {
			bad(key, "%q is not the path of a program", command[0])
		}
	}
	if d := time.Duration(c.Hooks.Timeout); d < time.Second || d > time.Hour {
		bad("hooks.timeout", "%v is not between 1s and 1h", d)
	}
	c.checkFraming(bad)
	c.checkMQTT(bad)
	if c.HTTP.Key != "" && len(c.HTTP.Key) < 8 {
		bad("http.key", "it is shorter than eight characters and could be guessed")
	}
	if (c.HTTP.CertFile == "") != (c.HTTP.KeyFile == "") {
		bad("http.cert_file", "set both http.cert_file and http.key_file, or neither")
	}
}

// checkPairing checks the pairing methods and the settings they need.
func (c *Config) checkPairing(bad func(key, format string, args ...any)) {
	known := []string{"device", "relay", "paste", "import"}
	if len(c.Pairing.Methods) == 0 {
		bad("pairing.methods", "no pairing methods; choose from %s", strings.Join(known, ", "))
	}
	for i, m := range c.Pairing.Methods {
		if !slices.Contains(known, m) {
			bad("pairing.methods", "%q is not one of %s", m, strings.Join(known, ", "))
		}
		if m == "import" && i < len(c.Pairing.Methods)-1 {
			bad("pairing.methods", `"import" must be the last method: it waits without a limit, so later methods are never tried`)
		}
		if slices.Contains(c.Pairing.Methods[:i], m) {
			bad("pairing.methods", "%q is listed twice", m)
		}
	}
	relay := slices.Contains(c.Pairing.Methods, "relay")
	switch u, err := url.Parse(c.Pairing.RelayURL); {
	case c.Pairing.RelayURL == "" && relay:
		bad("pairing.relay_url", `the method "relay" needs the address of the page that "pickerd relay-page" prints`)
	case c.Pairing.RelayURL == "":
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())):
		bad("pairing.relay_url", "%q is not an https address without a query", c.Pairing.RelayURL)
	}
	if c.Pairing.Address == "auto" {
		return
	}
	if u, err := url.Parse(c.Pairing.Address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		bad("pairing.address", `%q is neither "auto" nor an address such as http://192.168.1.20:8420`, c.Pairing.Address)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// maxAccounts is how many accounts fit in the menu.
const maxAccounts = 8

// checkMode checks the mode and the settings of accounts and guests.
func (c *Config) checkMode(bad func(key, format string, args ...any)) {
	if c.AccountsMax < 1 || c.AccountsMax > maxAccounts {
		bad("accounts_max", "%d is not between 1 and %d", c.AccountsMax, maxAccounts)
	}
	if d := time.Duration(c.Guest.ForgetAfter); d > 0 && d < time.Microsecond {
		bad("guest.forget_after", `%d has no unit: write "%[1]dm"`, int64(d))
	} else if d < 10*time.Second {
		bad("guest.forget_after", "%v is less than 10s", d)
	}
	if !c.IsGuest() {
		return
	}
	if c.Unpair.Photos == "keep" {
		bad("unpair.photos", `mode = "guest" does not keep photos`)
	}
	if slices.Contains(c.Pairing.Methods, "import") {
		bad("pairing.methods", `mode = "guest" needs guests to sign in on their phones; "import" is for operators`)
	}
}

// Outputs are the names allowed in display.outputs.
var Outputs = []string{"http", "framebuffer", "terminal"}

// checkDisplay checks the outputs and the slideshow.
func (c *Config) checkDisplay(bad func(key, format string, args ...any)) {
	if len(c.Display.Outputs) == 0 {
		bad("display.outputs", "no outputs; choose from %s", strings.Join(Outputs, ", "))
	}
	for i, o := range c.Display.Outputs {
		if !slices.Contains(Outputs, o) {
			bad("display.outputs", "%q is not one of %s", o, strings.Join(Outputs, ", "))
		}
		if slices.Contains(c.Display.Outputs[:i], o) {
			bad("display.outputs", "%q is listed twice", o)
		}
	}
	if !slices.Contains([]int{0, 90, 180, 270}, c.Framebuffer.Rotate) {
		bad("framebuffer.rotate", "%d is not one of 0, 90, 180, 270", c.Framebuffer.Rotate)
	}
	if c.Framebuffer.Overscan > 20 {
		bad("framebuffer.overscan", "%v%% is more than 20%%", float64(c.Framebuffer.Overscan))
	}
	if d := c.Framebuffer.Device; d != "auto" && !strings.HasPrefix(d, "/dev/fb") && !strings.HasPrefix(d, "/dev/dri/") {
		bad("framebuffer.device", `%q is neither "auto" nor a path such as /dev/fb0 or /dev/dri/card0`, d)
	}
	if d := c.Terminal.Device; d != "" && !strings.HasPrefix(d, "/") {
		bad("terminal.device", "%q is not a path such as /dev/ttyS0", d)
	}
	if d := c.CEC.Device; d != "auto" && d != "off" && !strings.HasPrefix(d, "/dev/cec") {
		bad("cec.device", `%q is neither "auto" nor "off" nor a path such as /dev/cec0`, d)
	}
	if d := time.Duration(c.Slideshow.Interval); d < time.Microsecond {
		bad("slideshow.interval", `%d has no unit: write "%[1]ds"`, int64(d))
	} else if d < time.Second || d > 24*time.Hour {
		bad("slideshow.interval", "%v is not between 1s and 24h", d)
	}
	if d := time.Duration(c.Slideshow.Fade); d < 0 || d > 10*time.Second {
		bad("slideshow.fade", "%v is not between 0s and 10s", d)
	}
	if n := c.Slideshow.Volume; n < 0 || n > 100 {
		bad("slideshow.volume", "%d is not between 0 and 100", n)
	}
	for _, n := range c.Slideshow.Night {
		if n != (Hours{}) && n[0] == n[1] {
			bad("slideshow.night", "it begins and ends at the same time")
			break
		}
	}
	if d := time.Duration(c.Slideshow.SleepAfter); d > 0 && d < time.Microsecond {
		bad("slideshow.sleep_after", `%d has no unit: write "%[1]dm"`, int64(d))
	} else if d < 0 || d > 0 && d < time.Minute || d > 24*time.Hour {
		bad("slideshow.sleep_after", "%v is neither 0s nor between 1m and 24h", d)
	}
	if pin := c.Remote.PIN; pin != "" && !isPIN(pin) {
		bad("remote.pin", "it is not six to twelve digits in quotes") // the value is a secret
	}
	if d := time.Duration(c.Remote.Hold); d < 200*time.Millisecond || d > 10*time.Second {
		bad("remote.hold", "%v is not between 200ms and 10s", d)
	}
}

// Bounds of the digits of a PIN.
const minPIN, maxPIN = 6, 12

// isPIN reports whether a PIN consists of six to twelve digits.
func isPIN(s string) bool {
	return len(s) >= minPIN && len(s) <= maxPIN && strings.Trim(s, "0123456789") == ""
}
