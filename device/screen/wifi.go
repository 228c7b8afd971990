package screen

import (
	"context"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// WiFi is what joins Wi-Fi networks.
type WiFi interface {
	// WiFi carries what the box knows of its networks.
	WiFi() *display.Board[device.WiFi]
	// Press notes that somebody asks for an access point.
	Press()
}

// runWiFi follows the Wi-Fi until ctx ends.
func (s *Screen) runWiFi(ctx context.Context) {
	if s.cfg.WiFi == nil {
		return
	}
	for range s.cfg.WiFi.WiFi().Watch(ctx) {
		s.update(func(*view) {})
	}
}

// pressedFor is how long after a key an access point may open that it has asked for.
// The radio listens before, and opening it may be tried again.
const pressedFor = 2 * time.Minute

// An accessPoint is the newest access point as the screen shows it. One that has opened by
// itself takes no photo away: a bar tells of it.
type accessPoint struct {
	device.AccessPoint
	pressed time.Time // when somebody last asked for one
	asked   bool      // somebody asked for this one: its page stands before photos too
	closed  bool      // somebody closed its page
}

// followAccess begins anew with another access point. While a network is being joined
// there is none, and the same one may come back.
func (v *view) followAccess(now time.Time) {
	if a := v.wifi.Access; a != nil && *a != v.access.AccessPoint {
		pressed := v.access.pressed
		v.access = accessPoint{AccessPoint: *a, pressed: pressed, asked: now.Sub(pressed) < pressedFor}
	}
}

// hasAccess reports whether an access point is open that has a page of its own. In the
// state SetUp it is on the page of that.
func (v *view) hasAccess() bool { return v.wifi.Access != nil && v.snap.State != device.SetUp }

// showsAccess reports whether the page of the access point is shown.
func (v *view) showsAccess() bool {
	switch {
	case !v.hasAccess(), v.access.closed:
		return false
	case v.access.asked:
		return true
	}
	var p display.Page
	statePage(v, &p)
	return p.Slide == nil
}

// isAccessWaiting reports whether a bar over photos tells of an access point that opened
// by itself, until somebody asks for its page.
func (v *view) isAccessWaiting() bool {
	return v.hasAccess() && !v.access.closed && !v.showsAccess()
}

// pressAccess takes in what a key means for the access point while no menu is open, and
// reports whether it means nothing else. Only OK and the menu ask for one: whoever turns
// photos has no need of it.
func (s *Screen) pressAccess(k Key) (done bool) {
	v := &s.view
	switch {
	case s.cfg.WiFi == nil:
	case k == KeyBack && v.showsAccess():
		s.updateLocked(func(v *view) { v.access.closed = true })
		return true
	case k == KeyOK || k == KeyMenu:
		s.cfg.WiFi.Press()
		v.access.pressed = time.Now()
		if v.hasAccess() && !v.showsAccess() {
			v.access.asked, v.access.closed = true, false
			if k == KeyMenu { // which shows it behind the menu
				return false
			}
			s.updateLocked(func(*view) {})
			return true
		}
	}
	return false
}

// stepProblem returns the problem of the step under way. What is wrong with the Wi-Fi
// explains that no server is reached.
func stepProblem(v *view) *device.Problem {
	p := v.snap.Problem
	code := v.wifi.Problem
	if code == "" && v.isAccessWaiting() {
		code = "wifi_lost" // says which key shows its page
	}
	if code == "" || p != nil && !p.Offline {
		return p
	}
	w := &device.Problem{Code: code, Offline: true}
	if p != nil {
		w.RetryAt = p.RetryAt
	}
	return w
}

// wifiPage is the page while a phone connects the box to a Wi-Fi network, and reports
// whether there is one. The code of the access point is for the box's own outputs only.
func wifiPage(v *view, p *display.Page) bool {
	a := v.wifi.Access
	switch {
	case v.wifi.Joining != "" && !v.wifi.Online:
		p.Title = v.cfg.lang().Say("wifi.joining", "network", v.wifi.Joining)
		return true
	case !v.showsAccess():
		return false
	}
	p.Title = v.cfg.lang().Say("wifi.title")
	p.Own = &display.Own{QR: a.QR(), Steps: []string{
		v.cfg.lang().Say("setup.screen_join", "ssid", a.SSID, "passphrase", a.Passphrase),
		v.cfg.lang().Say("wifi.choose", "address", device.AccessAddress),
	}}
	if problem := stepProblem(v); problem != nil {
		p.Problem, _, _ = problem.In(v.cfg.lang())
	}
	return true
}
