package setup

import (
	"context"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"pickerd/device"
)

const (
	maxListTime = 15 * time.Second // for the list of networks
	maxJoinTime = 2 * time.Minute
	maxNetworks = 20 // in the list
	maxSSID     = 32 // in bytes (IEEE 802.11)
	minPassword = 8  // of WPA2 and WPA3, in bytes
	maxPassword = 63
)

// A join is a network to be joined.
type join struct {
	network  device.WiFiNetwork
	password string
}

// needsWiFi reports whether the box has no network and can join one.
func (p *Pages) needsWiFi() bool {
	if p.cfg.WiFi == nil {
		return false
	}
	s := p.cfg.WiFi.State()
	return s.Usable && !s.Online
}

// networks lists the networks that the box hears, each name once.
func (p *Pages) networks(ctx context.Context) []device.WiFiNetwork {
	ctx, cancel := context.WithTimeout(ctx, maxListTime)
	defer cancel()
	all, err := p.cfg.WiFi.Networks(ctx)
	if err != nil {
		p.cfg.Log.Warn("Wi-Fi networks not listed", "err", err)
	}
	var list []device.WiFiNetwork
	seen := map[string]bool{}
	for _, n := range all {
		if n.SSID != "" && !seen[n.SSID] && len(list) < maxNetworks {
			seen[n.SSID] = true
			list = append(list, n)
		}
	}
	return list
}

// hidden is the choice of a network that is not in the list. It is longer than any name
// of a network, and browsers send it as it is.
const hidden = "another network, whose name is typed"

// chooseNetwork reads the form of the Wi-Fi page.
func chooseNetwork(r *http.Request, list []device.WiFiNetwork) (n device.WiFiNetwork, password string, err error) {
	ssid, password := r.PostFormValue("network"), r.PostFormValue("password")
	if ssid == hidden {
		n = device.WiFiNetwork{SSID: r.PostFormValue("hidden"), Hidden: true, Security: device.WPA2}
		if password == "" {
			n.Security = device.Open
		}
	}
	for _, known := range list {
		if known.SSID == ssid {
			n = known
		}
	}
	switch {
	case n.SSID == "" || len(n.SSID) > maxSSID || !utf8.ValidString(n.SSID):
		return n, "", complain("wifi_choose")
	case n.Security == device.Unsupported:
		return n, "", complain("wifi_unsupported", "network", n.SSID)
	case n.Security == device.Open:
		return n, "", nil
	case len(password) < minPassword || len(password) > maxPassword:
		return n, "", complain("wifi_password_length")
	}
	return n, password, nil
}

// beginJoin has Run join the network of the draft. It returns that.
func (p *Pages) beginJoin() (device.WiFiNetwork, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := &p.draft
	if d.network.SSID == "" || d.joining {
		return d.network, d.joining
	}
	select {
	case p.joins <- join{d.network, d.password}:
		d.joining, d.joinError = true, nil
		p.publishLocked()
	default: // not emptied yet
	}
	return d.network, true
}

// joinDelay lets the answer reach the phone before the network goes away.
const joinDelay = 2 * time.Second

// join joins a network. When the box has one, the phone comes back at another address,
// without its cookie: it scans a new key, and finds what it has entered.
func (p *Pages) join(ctx context.Context, j join) {
	select {
	case <-time.After(joinDelay):
	case <-ctx.Done():
		return
	}
	joining, cancel := context.WithTimeout(ctx, maxJoinTime)
	defer cancel()
	err := p.cfg.WiFi.Join(joining, j.network, j.password)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draft.joining, p.draft.joinError, p.draft.password = false, err, ""
	if err != nil {
		p.cfg.Log.Warn("Wi-Fi not joined", "err", err)
		if p.claim != nil {
			p.claim.last = time.Now()
		}
		p.publishLocked()
		return
	}
	p.draft.network = device.WiFiNetwork{}
	p.renewLocked()
}

// joinComplaint says why the last attempt to join failed, nil if there was none.
func (d *draft) joinComplaint() error {
	key := "wifi_failed"
	switch {
	case d.joinError == nil:
		return nil
	case errors.Is(d.joinError, device.ErrWiFiPassword):
		key = "wifi_wrong_password"
	case errors.Is(d.joinError, device.ErrWiFiGone):
		key = "wifi_gone"
	}
	return complain(key, "network", d.network.SSID)
}
