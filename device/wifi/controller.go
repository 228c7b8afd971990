package wifi

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// A State is what NetworkManager knows of a radio and of the network.
type State struct {
	Usable    bool   // the radio can be used now
	Shares    bool   // it can be an access point
	Starting  bool   // a connection is being made, or may come by itself since boot
	Online    bool   // NetworkManager has a default route
	Connected string // name of the network that the radio is in
	Portal    bool   // NetworkManager has found a captive portal
	Unproven  bool   // NetworkManager does not look for captive portals
	Access    bool   // the access point is open
	Known     bool   // there are profiles of Wi-Fi networks; only known without Connected
}

// A Radio is a Wi-Fi radio.
type Radio interface {
	State(ctx context.Context) (State, error)
	// Changes gets a value when State may have changed. It is closed when the radio
	// has gone.
	Changes() <-chan struct{}
	// Networks returns the networks that are heard, the strongest first.
	Networks(ctx context.Context, scan bool) ([]device.WiFiNetwork, error)
	// Join joins a network and keeps its profile, instead of older ones that pickerd
	// made for it. Errors are those of device.WiFiJoiner.
	Join(ctx context.Context, n device.WiFiNetwork, password string) error
	// Open opens an access point, Shut ends it.
	Open(ctx context.Context, a device.AccessPoint) error
	Shut(ctx context.Context) error
	// Phones counts the stations in the access point's network.
	Phones(ctx context.Context) (int, error)
	// Forget deletes all profiles that pickerd made.
	Forget(ctx context.Context) error
	Close()
}

// Times of a Controller.
const (
	// bootTime is how long known networks have to come before the box opens an access
	// point, or says that they have gone.
	bootTime = 20 * time.Second
	// maxIdle is how long the access point is open without a phone.
	maxIdle = 10 * time.Minute
	// lostTime is how long a network has to be lost before the access point opens, unless
	// somebody asks for it. It opens by itself once.
	lostTime = time.Hour
	// openRetry is when opening it is tried again.
	openRetry = time.Minute
	// tick is how often phones in its network are counted.
	tick = 15 * time.Second
	// resultTime is how long the screen tells how joining failed where there is
	// another network.
	resultTime = time.Minute
	// reconnect is when the bus is tried again that was there before.
	reconnect = 10 * time.Second
	// portalRetry is how often it is tried whether a captive portal has let the box in.
	portalRetry = time.Minute
)

// Problem codes of device.WiFi.
const (
	problemPassword = "wifi_password"
	problemLost     = "wifi_lost"
	problemPortal   = "portal"
)

// ErrNone means that this box has no Wi-Fi, or none that it may use.
var ErrNone = errors.New("this box has no Wi-Fi that it may use")

// Config is what a Controller needs.
type Config struct {
	// Name returns the name of the box.
	Name func() string
	// MayOpen reports whether the access point may open now; nil means always.
	MayOpen func() bool
	// Connect waits for a radio; nil means that of this machine's NetworkManager.
	Connect func(ctx context.Context) (Radio, error)
	// Routed reports whether there is a default route that NetworkManager may not
	// know; nil means none.
	Routed func() bool
	// Portal looks for a captive portal and returns the address of its page, "" if
	// there is none; nil means not to look.
	Portal func(ctx context.Context) string
	Log    *slog.Logger
}

// A Controller keeps a box in a Wi-Fi network. Its methods are safe for concurrent
// use, also before Run.
type Controller struct {
	cfg   Config
	board display.Board[device.WiFi]

	joins   chan joining
	pressed chan struct{} // level trigger: somebody asks for an access point
	used    chan struct{} // level trigger: a phone asked for a page

	mu    sync.Mutex
	radio Radio                // nil for none
	noBus bool                 // this machine has no system bus, and so no NetworkManager
	heard []device.WiFiNetwork // before the access point opened, which can't listen; nil while it is shut
}

// A joining asks for a network to be joined.
type joining struct {
	network  device.WiFiNetwork
	password string
	done     chan<- error
}

// New returns a Controller.
func New(cfg Config) *Controller {
	c := &Controller{cfg: cfg, joins: make(chan joining), pressed: make(chan struct{}, 1), used: make(chan struct{}, 1)}
	if cfg.Connect == nil {
		c.cfg.Connect = func(ctx context.Context) (Radio, error) { return Connect(ctx, SystemBus, cfg.Log) }
	}
	return c
}

// WiFi carries what the box knows of its networks.
func (c *Controller) WiFi() *display.Board[device.WiFi] { return &c.board }

// Press notes that somebody at the box asks for an access point: it opens if there is no
// network.
func (c *Controller) Press() { wake(c.pressed) }

// Use notes that a phone asked for a page: the access point stays open.
func (c *Controller) Use() { wake(c.used) }

func wake(trigger chan struct{}) {
	select {
	case trigger <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, whose error it returns. On a box without a system bus it
// returns at once, with nil.
func (c *Controller) Run(ctx context.Context) error {
	for had := false; ctx.Err() == nil; {
		r, err := c.cfg.Connect(ctx)
		switch {
		case err == nil:
			had = true
			c.cfg.Log.Info("Wi-Fi found")
			c.setRadio(r)
			err = newSession(c, r).run(ctx)
			c.setRadio(nil)
			r.Close()
			c.board.Set(device.WiFi{})
			if ctx.Err() == nil {
				c.cfg.Log.Warn("Wi-Fi gone", "err", err)
			}
		case ctx.Err() == nil && !had:
			c.cfg.Log.Debug("no Wi-Fi", "err", err)
			c.mu.Lock()
			c.noBus = true
			c.mu.Unlock()
			return nil
		}
		pause(ctx, reconnect)
	}
	return ctx.Err()
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (c *Controller) setRadio(r Radio) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.radio, c.heard = r, nil
}

func (c *Controller) setHeard(list []device.WiFiNetwork) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = list
}

// Networks implements device.WiFiJoiner. While the access point is open it returns
// what was heard before.
func (c *Controller) Networks(ctx context.Context) ([]device.WiFiNetwork, error) {
	c.mu.Lock()
	r, heard := c.radio, c.heard
	c.mu.Unlock()
	switch {
	case r == nil:
		return nil, ErrNone
	case heard != nil:
		return heard, nil
	}
	return r.Networks(ctx, true)
}

// State returns what the box knows of its networks.
func (c *Controller) State() device.WiFi { return c.board.Get() }

// Join implements device.WiFiJoiner. The phone that asks for it loses its network, if
// that is the box's, so it must have been answered before. If ctx ends, the box goes
// on joining, and the screen has the result.
func (c *Controller) Join(ctx context.Context, n device.WiFiNetwork, password string) error {
	if err := check(n, password); err != nil {
		return err
	}
	if !c.board.Get().Usable {
		return ErrNone
	}
	done := make(chan error, 1)
	select {
	case c.joins <- joining{n, password, done}:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Forget deletes all profiles that pickerd made. It returns ErrNone while a radio is
// still looked for. Without a system bus there are no profiles.
func (c *Controller) Forget(ctx context.Context) error {
	c.mu.Lock()
	r, noBus := c.radio, c.noBus
	c.mu.Unlock()
	switch {
	case r != nil:
		return r.Forget(ctx)
	case noBus:
		return nil
	}
	return ErrNone
}
