package screen

import (
	"cmp"
	"strings"

	"pickerd/device"
	"pickerd/display"
)

// setUpPage is the page of a box that is not set up, or whose configuration can't be
// used. What a phone needs is for the box's own outputs only.
func (v *view) setUpPage(p *display.Page) {
	s := cmp.Or(v.snap.SetUp, &device.SetUpInfo{})
	text := func(key string, args ...any) string {
		args = append(args, "type", s.ClientType, "client", s.Client, "config", s.Config, "document", s.Document)
		return v.cfg.lang().Say(key, args...)
	}
	address := text("setup.screen_no_address")
	if s.Address != "" {
		address = text("setup.screen_address", "address", s.Address)
	}
	if bad := v.snap.Standing; bad != nil && bad.Where != nil {
		message, remedy, _ := bad.In(v.cfg.lang())
		p.Title, p.Text, p.Hint = v.say("needs_attention"), message, remedy+" "+text("setup.screen_continue")+" "+address
	} else {
		p.Title, p.Text = text("setup.screen_title"), address
		p.Steps = []string{text("setup.screen_make"), text("setup.screen_copy"), text("setup.screen_continue")}
	}
	hint := cmp.Or(p.Hint, text("setup.screen_without_phone"))
	switch a := v.wifi.Access; {
	case a != nil && !v.wifi.Joined:
		p.Own = &display.Own{QR: a.QR(), Hint: hint, Steps: []string{text("setup.screen_join", "ssid", a.SSID, "passphrase", a.Passphrase), text("setup.screen_then")}}
	case s.Phone != "":
		wifi := v.say("pair_wifi")
		if a != nil {
			wifi = text("setup.screen_joined", "ssid", a.SSID, "passphrase", a.Passphrase)
		}
		p.Own = &display.Own{QR: s.Phone, Link: s.Phone, Spoken: v.spokenAddress(s.Phone), Hint: hint, Steps: []string{wifi, text("setup.screen_scan"), text("setup.screen_continue")}}
	}
	if now := stepProblem(v); now != nil {
		p.Problem, p.Remedy, _ = now.In(v.cfg.lang())
	}
}

// spokenAddress is what a screen reader reads of an address whose last part is a key.
func (v *view) spokenAddress(address string) string {
	at := strings.LastIndexByte(address, '/') + 1
	return v.say("spoken_link", "address", address[:at], "code", v.cfg.lang().Spell(strings.ToUpper(address[at:])))
}
