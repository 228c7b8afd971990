package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/inet"
	"pickerd/device/phone"
	"pickerd/device/settings"
	"pickerd/device/setup"
	"pickerd/display/words"
	"pickerd/oauthdevice"
)

// A phoneSetUp lets a phone set up a box that was never set up.
type phoneSetUp struct {
	pages    *setup.Pages
	handler  http.Handler
	listener *phoneListener
	log      *slog.Logger
}

// maySetUp reports whether a phone may set up the box: it was never set up, and has
// nothing to sign in with. With an error it is false: what can't be found out forbids it.
func maySetUp(cfg *configs.Config, getenv func(string) string) (bool, error) {
	if !cfg.Setup.Phone || cfg.HasSignIn(getenv) {
		return false, nil
	}
	done, err := setUpRecord(cfg).Done()
	if err != nil {
		return false, fmt.Errorf("find out whether the box was ever set up: %w", err)
	}
	return !done, nil
}

// A phoneSetUpConfig is what newPhoneSetUp needs.
type phoneSetUpConfig struct {
	Config  *configs.Config // in force, and without mistakes
	Sources configs.Sources // of Config
	Keeper  *settings.Keeper
	Display net.Listener // of the page
	Radio   *radio
	Words   *words.Words
	Dialer  *inet.Dialer
	Log     *slog.Logger
}

// newPhoneSetUp returns what lets a phone set up the box. maySetUp must allow it.
func newPhoneSetUp(c phoneSetUpConfig) *phoneSetUp {
	cfg, client := c.Config, endpoints(c.Config.Google, c.Dialer)
	p := &phoneSetUp{log: c.Log}
	p.pages = setup.New(setup.Config{
		Name: cfg.Name, Words: c.Words, Zone: localZone(), WiFi: c.Radio.forSetUp(), Used: c.Radio.use, Log: c.Log,
		Types: setup.Types{Google: isGoogle(cfg.Google), Relay: cfg.Pairing.RelayURL},
		Gateway: func(ctx context.Context, issuer string) error {
			_, err := oauthdevice.Discover(ctx, client.HTTP, issuer)
			return err
		},
		Check: func(key, value string) error {
			if s, known := configs.SettingOf(key); !known || s.By == configs.FilesOnly {
				return nil // not set
			}
			_, err := c.Sources.Read().With(map[string]any{key: value})
			return err
		},
		Commit: c.commit,
	})
	p.handler = p.pages.Handler()
	p.listener = &phoneListener{secure: cfg.HTTP.CertFile != "", display: c.Display.Addr().(*net.TCPAddr), handler: p.handler,
		lan: inet.LANAddress, own: isOwnAddress, log: c.Log, ended: make(chan struct{})}
	if cfg.Pairing.Address != "auto" {
		p.listener.address = cfg.Pairing.Address
	}
	return p
}

// changeSettable returns a change of the settings that leaves out what the operator has
// locked, and what this version does not have.
func changeSettable(k *settings.Keeper) setup.Change {
	return func(ctx context.Context, changes map[string]any) error {
		now := k.Settings()
		for key := range changes {
			if !isSettable(now, key) {
				delete(changes, key)
			}
		}
		return k.SetUp(ctx, changes)
	}
}

// isSettable reports whether a set-up can set a key, with the settings as they are now.
func isSettable(now map[string]device.Setting, key string) bool {
	_, known := configs.SettingOf(key)
	return known && !now[key].Locked
}

// isBusy reports whether a phone is setting the box up, or has just done so.
func (p *phoneSetUp) isBusy() bool {
	i := p.pages.Invitations().Get()
	return i.Claimed || i.Path == ""
}

// mount adds the pages to those of the display, for a page that is on the network.
func (p *phoneSetUp) mount(mux *http.ServeMux) {
	mux.Handle(setup.Prefix, p.handler) // the key authorizes the phone
	mux.Handle(phone.Prefix, p.handler)
}

// addressInterval is how often the address for phones is looked up.
const addressInterval = 3 * time.Second

// run serves phones until the box is set up or ctx ends. It calls show with the address
// of the pages, with its key, whenever that changes: "" where phones can't reach the
// box. Only the box's own outputs may show it.
func (p *phoneSetUp) run(ctx context.Context, show func(address string)) error {
	defer p.listener.end()
	g, serving := errgroup.WithContext(ctx)
	g.Go(func() error { return p.pages.Run(serving) })
	g.Go(func() error { return p.announce(serving, show) })
	g.Go(func() error {
		select {
		case <-p.pages.Finished():
			return errSetUp
		case <-serving.Done():
			return serving.Err()
		}
	})
	if err := g.Wait(); !errors.Is(err, errSetUp) {
		return err
	}
	show("")
	pause(ctx, answerGrace)
	return nil
}

// errSetUp ends the pages when the box is set up.
var errSetUp = errors.New("the box is set up")

// answerGrace lets the phone fetch the style sheet of its last page.
const answerGrace = time.Second

// announce opens the listener and tells its address, until ctx ends.
func (p *phoneSetUp) announce(ctx context.Context, show func(address string)) error {
	invitations, wait := p.pages.Invitations().Feed(ctx)
	defer wait()
	tick := time.NewTicker(addressInterval)
	defer tick.Stop()
	shown, path := "", ""
	var failures changeFilter
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case i := <-invitations:
			path = i.Path
		case <-tick.C:
		}
		base, err := p.listener.user("setup").Open()
		address, why := "", ""
		if err != nil {
			why = err.Error()
		} else if path != "" {
			address = base + path
		}
		if failures.isNew(why) && err != nil {
			p.log.Info("phones can't reach the set-up pages", "err", err)
		}
		if address != shown {
			shown = address
			show(address)
		}
	}
}

// localZone returns the time zone of this machine, "" if it is not known by name.
func localZone() string {
	path, err := os.Readlink("/etc/localtime")
	if err != nil {
		return ""
	}
	_, zone, _ := strings.Cut(path, "zoneinfo/")
	return zone
}
