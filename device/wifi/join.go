package wifi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"pickerd/device"
)

// Values of NMDeviceStateReason.
const (
	reasonNoSecrets              = 7
	reasonSupplicantDisconnect   = 8
	reasonSupplicantConfigFailed = 9
	reasonSupplicantFailed       = 10
	reasonSupplicantTimeout      = 11
	reasonSSIDNotFound           = 53
	reasonNewActivation          = 60
)

const (
	maxJoin     = 90 * time.Second // 25 s to associate, twice, and 30 s for an address
	maxOpen     = 45 * time.Second
	maxScan     = 12 * time.Second
	scanAge     = 15 // seconds before the end of a scan in which what it heard was seen
	maxTidyTime = 20 * time.Second
)

// Networks implements Radio.
func (n *NetworkManager) Networks(ctx context.Context, scan bool) ([]device.WiFiNetwork, error) {
	if scan {
		if _, err := n.scan(ctx, false); err != nil {
			return nil, err
		}
	}
	points, err := n.points(ctx)
	if err != nil {
		return nil, err
	}
	// NetworkManager makes up a point for a network that it looks for.
	points = slices.DeleteFunc(points, func(p heard) bool { return p.lastSeen < 0 })
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.names)
	for _, p := range points {
		n.names[Printable(p.ssid)] = p.ssid
	}
	return list(points), nil
}

// points returns the access points that NetworkManager knows.
func (n *NetworkManager) points(ctx context.Context) (out []heard, err error) {
	r, err := n.current()
	if err != nil {
		return nil, err
	}
	var paths []dbus.ObjectPath
	if err := n.call(ctx, n.object(r.path), wirelessIface+".GetAllAccessPoints", nil, &paths); err != nil {
		return nil, err
	}
	for _, path := range paths[:min(len(paths), maxHeard)] {
		p, err := n.properties(ctx, path, pointIface)
		if err != nil || value[uint32](p, "Mode") != modeInfra {
			continue // it has gone meanwhile
		}
		ssid := value[[]byte](p, "Ssid")
		out = append(out, heard{
			ssid:     ssid[:min(len(ssid), maxSSID)],
			security: SecurityOf(value[uint32](p, "Flags"), value[uint32](p, "WpaFlags"), value[uint32](p, "RsnFlags")),
			strength: min(int(value[byte](p, "Strength")), 100),
			lastSeen: int(value[int32](p, "LastSeen")),
		})
	}
	return out, nil
}

// scan has the radio listen for networks. It returns when that ended, in milliseconds
// since boot. A scan that is refused, as one soon after another is, is no error: what
// that one heard is known. With another it waits for the next one, which NetworkManager
// makes by itself.
func (n *NetworkManager) scan(ctx context.Context, another bool) (ended int64, err error) {
	r, err := n.current()
	if err != nil {
		return 0, err
	}
	w, err := n.properties(ctx, r.path, wirelessIface)
	if err != nil {
		return 0, err
	}
	before := value[int64](w, "LastScan")
	err = n.call(ctx, n.object(r.path), wirelessIface+".RequestScan", []any{map[string]dbus.Variant{}})
	if _, refused := errors.AsType[dbus.Error](err); refused && !another {
		return before, nil
	} else if err != nil && !refused {
		return 0, err
	}
	f, unfollow := n.follow(true)
	defer unfollow()
	limit := time.NewTimer(maxScan)
	defer limit.Stop()
	for {
		if w, err = n.properties(ctx, r.path, wirelessIface); err != nil {
			return 0, err
		}
		if last := value[int64](w, "LastScan"); last != before {
			return last, nil
		}
		select {
		case s := <-f.states:
			if s.lost {
				return 0, errManager
			}
		case <-limit.C:
			return before, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Join implements Radio. The profile is on disk only if joining has succeeded, so that
// a power cut meanwhile leaves none behind.
func (n *NetworkManager) Join(ctx context.Context, w device.WiFiNetwork, password string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, maxJoin, errSlow)
	defer cancel()
	n.mu.Lock()
	ssid := n.names[w.SSID]
	n.mu.Unlock()
	if ssid == nil || w.Hidden {
		ssid = []byte(w.SSID)
	}
	path, _, err := n.activate(ctx, networkProfile(ssid, w, password), map[string]dbus.Variant{"persist": dbus.MakeVariant("memory")})
	if err == nil {
		err = n.call(ctx, n.object(path), profileIface+".Save", nil)
	}
	tidy, stop := context.WithTimeout(context.WithoutCancel(ctx), maxTidyTime)
	defer stop()
	if err != nil {
		if path != "" {
			_ = n.call(tidy, n.object(path), profileIface+".Delete", nil) // it is in memory only
		}
		if !w.Hidden && mayBeGone(err) && !n.hears(tidy, ssid) {
			return fmt.Errorf("%w: %w", device.ErrWiFiGone, err)
		}
		return err
	}
	return n.forget(tidy, func(other dbus.ObjectPath, s Settings) bool {
		old, _ := s[wirelessSetting]["ssid"].Value().([]byte)
		return other != path && string(old) == string(ssid)
	})
}

// errSlow ends an activation that takes too long.
var errSlow = errors.New("NetworkManager took too long")

// An activationError is how NetworkManager failed to make a connection.
type activationError struct{ state, reason uint32 }

func (e *activationError) Error() string {
	return fmt.Sprintf("device state %d, reason %d", e.state, e.reason)
}

// Unwrap returns the error for people.
func (e *activationError) Unwrap() error {
	switch e.reason {
	case reasonNoSecrets:
		return device.ErrWiFiPassword
	case reasonSSIDNotFound:
		return device.ErrWiFiGone
	}
	return device.ErrWiFiFailed
}

// mayBeGone reports whether a network that has vanished explains an error. If it does
// not answer, NetworkManager takes that for a wrong password too.
func mayBeGone(err error) bool {
	e, ok := errors.AsType[*activationError](err)
	if !ok {
		return errors.Is(err, errSlow)
	}
	switch e.reason {
	case reasonNoSecrets, reasonSupplicantDisconnect, reasonSupplicantConfigFailed, reasonSupplicantFailed, reasonSupplicantTimeout:
		return true
	}
	return false
}

// hears reports whether a new scan finds a network, true if that can't be found out. It
// does not find one that is hidden.
func (n *NetworkManager) hears(ctx context.Context, ssid []byte) bool {
	ended, err := n.scan(ctx, true)
	if err != nil {
		return true
	}
	points, err := n.points(ctx)
	if err != nil {
		return true
	}
	for _, p := range points {
		if string(p.ssid) == string(ssid) && int64(p.lastSeen) >= ended/1000-scanAge {
			return true
		}
	}
	return false
}

// activate adds a profile and returns when its connection is made. After an error path
// is "" if there is no profile.
func (n *NetworkManager) activate(ctx context.Context, s Settings, options map[string]dbus.Variant) (path, active dbus.ObjectPath, err error) {
	r, err := n.current()
	if err != nil {
		return "", "", err
	}
	f, unfollow := n.follow(false)
	defer unfollow()
	var result map[string]dbus.Variant
	err = n.call(ctx, n.object(rootPath), service+".AddAndActivateConnection2", []any{s, r.path, noPath, options}, &path, &active, &result)
	if e, ok := errors.AsType[dbus.Error](err); ok && strings.Contains(e.Error(), "psk") {
		return "", "", fmt.Errorf("%w: %w", device.ErrWiFiPassword, err)
	} else if ok {
		return "", "", fmt.Errorf("%w: %w", device.ErrWiFiFailed, err)
	} else if err != nil {
		return "", "", err
	}
	for begun := false; ; {
		select {
		case <-ctx.Done():
			if cause := context.Cause(ctx); errors.Is(cause, errSlow) {
				return path, active, fmt.Errorf("%w: %w", device.ErrWiFiFailed, cause)
			}
			return path, active, ctx.Err()
		case d := <-f.states:
			switch {
			case d.lost:
				return path, active, errManager
			case d.state >= statePrepare && d.state <= stateSecondaries:
				begun = true
			case !begun:
			case d.reason == reasonNewActivation: // the end of the connection before
				begun = false
			case d.state == stateActivated:
				return path, active, nil
			case d.state == stateFailed, d.state <= stateDisconnected:
				return path, active, &activationError{d.state, d.reason}
			}
		}
	}
}

// Open implements Radio. The profile is never on disk, and the access point ends with
// the connection to the bus.
func (n *NetworkManager) Open(ctx context.Context, a device.AccessPoint) error {
	ctx, cancel := context.WithTimeoutCause(ctx, maxOpen, errSlow)
	defer cancel()
	path, active, err := n.activate(ctx, accessProfile(a), map[string]dbus.Variant{
		"persist": dbus.MakeVariant("volatile"), "bind-activation": dbus.MakeVariant("dbus-client"),
	})
	if err != nil && path != "" {
		tidy, stop := context.WithTimeout(context.WithoutCancel(ctx), maxTidyTime)
		defer stop()
		_ = n.call(tidy, n.object(path), profileIface+".Delete", nil) // it may have gone
	}
	if err == nil {
		n.mu.Lock()
		n.access = active
		n.mu.Unlock()
	}
	return err
}

// Shut implements Radio.
func (n *NetworkManager) Shut(ctx context.Context) error {
	n.mu.Lock()
	active := n.access
	n.access = ""
	n.mu.Unlock()
	if active == "" {
		return nil
	}
	err := n.call(ctx, n.object(rootPath), service+".DeactivateConnection", []any{active})
	if _, gone := errors.AsType[dbus.Error](err); gone {
		return nil // NetworkManager has ended it already
	}
	return err
}

// Phones implements Radio.
func (n *NetworkManager) Phones(context.Context) (int, error) {
	r, err := n.current()
	if err != nil {
		return 0, err
	}
	return stations(r.iface)
}
