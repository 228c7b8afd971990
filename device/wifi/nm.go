package wifi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// Names of NetworkManager's D-Bus API.
const (
	service         = "org.freedesktop.NetworkManager"
	deviceIface     = service + ".Device"
	wirelessIface   = deviceIface + ".Wireless"
	pointIface      = service + ".AccessPoint"
	settingsIface   = service + ".Settings"
	profileIface    = settingsIface + ".Connection"
	propertiesIface = "org.freedesktop.DBus.Properties"
	deviceChanged   = deviceIface + ".StateChanged"
	ownerChanged    = "org.freedesktop.DBus.NameOwnerChanged"

	rootPath     = dbus.ObjectPath("/org/freedesktop/NetworkManager")
	settingsPath = rootPath + "/Settings"
	noPath       = dbus.ObjectPath("/")
)

// Permissions are what the user of the daemon needs of NetworkManager. The package
// pickerd-wifi has a polkit rule with them.
var Permissions = []string{
	service + ".network-control",
	service + ".settings.modify.system",
	service + ".wifi.scan",
	service + ".wifi.share.protected",
}

// Values of NMDeviceType, NM80211Mode, NMDeviceWifiCapabilities and NMState.
const (
	wifiDevice      = 2
	modeInfra       = 2
	modeAP          = 3
	capAP           = 0x40
	networkingRoute = 60 // NM_STATE_CONNECTED_SITE: there is a default route
)

// Values of NMDeviceState.
const (
	stateUnmanaged    = 10
	stateDisconnected = 30
	statePrepare      = 40
	stateSecondaries  = 90
	stateActivated    = 100
	stateFailed       = 120
)

// connectivityPortal is NM_CONNECTIVITY_PORTAL. Without a check NetworkManager says
// NM_CONNECTIVITY_FULL as soon as there is a default route.
const connectivityPortal = 2

// maxCall bounds an answer of NetworkManager.
const maxCall = 15 * time.Second

// findRetry is when NetworkManager is asked again that did not answer, as on a slow
// machine that is starting.
const findRetry = 10 * time.Second

// maxProfiles bounds the profiles that are asked about.
const maxProfiles = 256

// A Dial connects to the system bus.
type Dial func(ctx context.Context) (*dbus.Conn, error)

// SystemBus is the Dial for the bus of this machine.
func SystemBus(ctx context.Context) (*dbus.Conn, error) {
	return dbus.ConnectSystemBus(dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
}

// A NetworkManager is a Radio of NetworkManager. It is safe for concurrent use.
type NetworkManager struct {
	conn    *dbus.Conn
	signals chan *dbus.Signal
	changes chan struct{}
	ended   chan struct{} // closed when no more signals come

	mu        sync.Mutex
	lost      bool // NetworkManager has stopped or was replaced
	radio     radio
	followers map[*follower]bool // of the radio's state
	names     map[string][]byte  // SSIDs of networks that were listed, by their printable form
	access    dbus.ObjectPath    // active connection of the access point; "" for none
}

// A radio is a Wi-Fi device. The zero radio is none.
type radio struct {
	path  dbus.ObjectPath
	iface string // of the kernel
	share bool   // it can be an access point
}

// Connect returns the radio of this machine as soon as there is one that may be used:
// NetworkManager may start later, or a radio be plugged in. It waits for signals and
// asks nothing meanwhile, unless a question had no answer. Without a system bus it
// returns an error.
func Connect(ctx context.Context, dial Dial, log *slog.Logger) (*NetworkManager, error) {
	conn, err := dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to the system bus: %w", err)
	}
	n := &NetworkManager{conn: conn, signals: make(chan *dbus.Signal, 16), changes: make(chan struct{}, 1), ended: make(chan struct{}),
		followers: map[*follower]bool{}, names: map[string][]byte{}}
	conn.Signal(n.signals)
	go n.pump()
	if err := n.subscribe(ctx); err != nil {
		n.Close()
		return nil, err
	}
	told := false
	for {
		err := n.find(ctx)
		if err == nil {
			return n, nil
		}
		if !told {
			log.Debug("Wi-Fi not usable", "err", err)
			told = true
		}
		var retry <-chan time.Time
		if !errors.Is(err, errUnusable) { // it may answer without a signal before
			retry = time.After(findRetry)
		}
		select {
		case <-ctx.Done():
			n.Close()
			return nil, ctx.Err()
		case <-retry:
		case _, ok := <-n.changes:
			if !ok {
				n.Close()
				return nil, errBusGone
			}
		}
	}
}

var (
	errBusGone = errors.New("the system bus has gone")
	errManager = errors.New("NetworkManager has stopped")
	// errUnusable means that there is no radio that may be used until a signal comes.
	errUnusable = errors.New("no Wi-Fi radio that may be used")
)

// Close disconnects. An access point ends with that.
func (n *NetworkManager) Close() {
	n.conn.Close()
	<-n.ended
}

// Changes implements Radio.
func (n *NetworkManager) Changes() <-chan struct{} { return n.changes }

// subscribe asks the bus for the signals that matter.
func (n *NetworkManager) subscribe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, maxCall)
	defer cancel()
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, service)},
		{dbus.WithMatchSender(service), dbus.WithMatchObjectPath(rootPath)},
		{dbus.WithMatchSender(service), dbus.WithMatchInterface(deviceIface), dbus.WithMatchMember("StateChanged")},
		{dbus.WithMatchSender(service), dbus.WithMatchMember("PropertiesChanged"), dbus.WithMatchArg(0, wirelessIface)},
	} {
		if err := n.conn.AddMatchSignalContext(ctx, match...); err != nil {
			return fmt.Errorf("subscribe to NetworkManager: %w", err)
		}
	}
	return nil
}

// find looks for a radio that may be used. Its error is errUnusable, or that of a call.
func (n *NetworkManager) find(ctx context.Context) error {
	running := false
	if err := n.call(ctx, n.conn.BusObject(), "org.freedesktop.DBus.NameHasOwner", []any{service}, &running); err != nil {
		return err
	}
	if !running {
		return fmt.Errorf("%w: NetworkManager is not running", errUnusable)
	}
	var permissions map[string]string
	if err := n.call(ctx, n.object(rootPath), service+".GetPermissions", nil, &permissions); err != nil {
		return err
	}
	for _, p := range Permissions {
		if permissions[p] != "yes" {
			return fmt.Errorf("%w: permission %s: %q", errUnusable, p, permissions[p])
		}
	}
	var devices []dbus.ObjectPath
	if err := n.call(ctx, n.object(rootPath), service+".GetDevices", nil, &devices); err != nil {
		return err
	}
	var best radio
	for _, path := range devices {
		r, err := n.examine(ctx, path)
		if err != nil {
			return err
		}
		if r.path != "" && (best.path == "" || r.share && !best.share) {
			best = r
		}
	}
	if best.path == "" {
		return fmt.Errorf("%w: NetworkManager manages none", errUnusable)
	}
	n.mu.Lock()
	n.radio, n.lost = best, false
	n.mu.Unlock()
	return nil
}

// examine returns a device if it is a radio that NetworkManager manages.
func (n *NetworkManager) examine(ctx context.Context, path dbus.ObjectPath) (radio, error) {
	d, err := n.properties(ctx, path, deviceIface)
	if err != nil {
		return radio{}, err
	}
	if value[uint32](d, "DeviceType") != wifiDevice || value[uint32](d, "State") <= stateUnmanaged {
		return radio{}, nil
	}
	w, err := n.properties(ctx, path, wirelessIface)
	return radio{path, value[string](d, "Interface"), value[uint32](w, "WirelessCapabilities")&capAP != 0}, err
}

// current returns the radio, and an error if NetworkManager has gone since it was found.
func (n *NetworkManager) current() (radio, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lost {
		return radio{}, errManager
	}
	return n.radio, nil
}

// State implements Radio.
func (n *NetworkManager) State(ctx context.Context) (State, error) {
	r, err := n.current()
	if err != nil {
		return State{}, err
	}
	root, err := n.properties(ctx, rootPath, service)
	if err != nil {
		return State{}, err
	}
	d, err := n.properties(ctx, r.path, deviceIface)
	if err != nil {
		return State{}, err
	}
	w, err := n.properties(ctx, r.path, wirelessIface)
	if err != nil {
		return State{}, err
	}
	state, mode := value[uint32](d, "State"), value[uint32](w, "Mode")
	s := State{
		Usable:   state >= stateDisconnected,
		Shares:   r.share,
		Starting: value[bool](root, "Startup") || mode != modeAP && state >= statePrepare && state <= stateSecondaries,
		Online:   value[uint32](root, "State") >= networkingRoute,
		Portal:   value[uint32](root, "Connectivity") == connectivityPortal,
		Unproven: !value[bool](root, "ConnectivityCheckAvailable") || !value[bool](root, "ConnectivityCheckEnabled"),
		Access:   mode == modeAP && state == stateActivated,
	}
	if state == stateActivated && mode != modeAP {
		if s.Connected, err = n.connected(ctx, w); err != nil {
			return State{}, err
		}
	}
	if s.Connected == "" {
		s.Known, err = n.knowsNetworks(ctx)
	}
	return s, err
}

// connected returns the name of the network that the radio is in.
func (n *NetworkManager) connected(ctx context.Context, w map[string]dbus.Variant) (string, error) {
	path := value[dbus.ObjectPath](w, "ActiveAccessPoint")
	if path == "" || path == noPath {
		return "", nil
	}
	p, err := n.properties(ctx, path, pointIface)
	if err != nil {
		return "", nil // it has gone meanwhile
	}
	return Printable(value[[]byte](p, "Ssid")), nil
}

// profiles yields the connection profiles of this machine, until yield returns an
// error.
func (n *NetworkManager) profiles(ctx context.Context, yield func(dbus.ObjectPath, Settings) error) error {
	var paths []dbus.ObjectPath
	if err := n.call(ctx, n.object(settingsPath), settingsIface+".ListConnections", nil, &paths); err != nil {
		return err
	}
	for _, path := range paths[:min(len(paths), maxProfiles)] {
		var s Settings
		if err := n.call(ctx, n.object(path), profileIface+".GetSettings", nil, &s); err != nil {
			continue // it has gone meanwhile, or is another user's
		}
		if err := yield(path, s); err != nil {
			return err
		}
	}
	return nil
}

func (n *NetworkManager) knowsNetworks(ctx context.Context) (bool, error) {
	known := false
	err := n.profiles(ctx, func(_ dbus.ObjectPath, s Settings) error {
		known = known || isNetwork(s)
		return nil
	})
	return known, err
}

// Forget implements Radio.
func (n *NetworkManager) Forget(ctx context.Context) error {
	return n.forget(ctx, func(dbus.ObjectPath, Settings) bool { return true })
}

// forget deletes the profiles that pickerd made and which says so.
func (n *NetworkManager) forget(ctx context.Context, which func(dbus.ObjectPath, Settings) bool) error {
	var errs []error
	err := n.profiles(ctx, func(path dbus.ObjectPath, s Settings) error {
		if isMarked(s) && which(path, s) {
			errs = append(errs, n.call(ctx, n.object(path), profileIface+".Delete", nil))
		}
		return nil
	})
	return errors.Join(append(errs, err)...)
}

func (n *NetworkManager) object(path dbus.ObjectPath) dbus.BusObject {
	return n.conn.Object(service, path)
}

// call calls a method and stores what it returns.
func (n *NetworkManager) call(ctx context.Context, o dbus.BusObject, method string, args []any, results ...any) error {
	ctx, cancel := context.WithTimeout(ctx, maxCall)
	defer cancel()
	if err := o.CallWithContext(ctx, method, 0, args...).Store(results...); err != nil {
		return fmt.Errorf("%s: %w", method[strings.LastIndexByte(method, '.')+1:], err)
	}
	return nil
}

func (n *NetworkManager) properties(ctx context.Context, path dbus.ObjectPath, iface string) (p map[string]dbus.Variant, err error) {
	err = n.call(ctx, n.object(path), propertiesIface+".GetAll", []any{iface}, &p)
	return p, err
}

// value returns a property, T's zero value if there is none of that type.
func value[T any](p map[string]dbus.Variant, name string) T {
	v, _ := p[name].Value().(T)
	return v
}

// A follower gets the states of the device while a connection is made.
type follower struct {
	every  bool // signal, not only those of the state
	states chan deviceState
	done   chan struct{} // closed when it reads no more
}

// A deviceState is a NMDeviceState with its NMDeviceStateReason.
type deviceState struct {
	state, reason uint32
	lost          bool // NetworkManager has stopped
}

func (n *NetworkManager) follow(every bool) (f *follower, unfollow func()) {
	f = &follower{every, make(chan deviceState), make(chan struct{})}
	n.mu.Lock()
	n.followers[f] = true
	n.mu.Unlock()
	return f, sync.OnceFunc(func() {
		close(f.done)
		n.mu.Lock()
		delete(n.followers, f)
		n.mu.Unlock()
	})
}

// pump hands signals on until the connection ends.
func (n *NetworkManager) pump() {
	defer close(n.ended)
	defer close(n.changes)
	for s := range n.signals {
		n.receive(s)
	}
}

func (n *NetworkManager) receive(s *dbus.Signal) {
	n.mu.Lock()
	st, isState := deviceState{}, s.Name == deviceChanged && s.Path == n.radio.path && len(s.Body) == 3
	if isState {
		st.state, _ = s.Body[0].(uint32)
		st.reason, _ = s.Body[2].(uint32)
	}
	n.lost = n.lost || s.Name == ownerChanged
	st.lost = n.lost
	followers := slices.Collect(maps.Keys(n.followers))
	n.mu.Unlock()
	for _, f := range followers {
		if !isState && !st.lost && !f.every {
			continue
		}
		select {
		case f.states <- st:
		case <-f.done:
		}
	}
	select {
	case n.changes <- struct{}{}:
	default:
	}
}
