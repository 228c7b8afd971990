package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/inet"
	"pickerd/device/screen"
	"pickerd/device/setup"
	"pickerd/device/wifi"
	"pickerd/display/httpserve"
	"pickerd/display/words"
)

// wifiSocket is the FileDescriptorName= of systemd/pickerd-wifi.socket, port 80 of the
// box's access point. Without it the box never looks for Wi-Fi.
const wifiSocket = "wifi"

// A radio is the box's Wi-Fi, for as long as the process runs: boxes, and what lets a
// phone set one up, come and go. Its methods do nothing on a nil radio, and on one that
// was not started.
type radio struct {
	controller *wifi.Controller // nil before start, and without Wi-Fi
	name       atomic.Pointer[string]
	page       atomic.Pointer[string] // that phones in the access point are led to
	shut       atomic.Bool            // the access point stays shut without page
	stop       func()
}

// start finds the radio and keeps it in a network, unless that was begun before or the
// service manager has not handed over the socket. cfg and shut are as in configure. end
// must be called.
func (r *radio) start(ctx context.Context, e env, cfg *configs.Config, shut bool, log *slog.Logger) error {
	if r == nil {
		return nil
	}
	r.configure(cfg, shut)
	l, err := e.sockets.Listen(wifiSocket)
	if r.controller != nil || l == nil || err != nil {
		if l != nil {
			l.Close()
		}
		return err
	}
	lang, err := words.For(cfg.Display.Language)
	if err != nil {
		l.Close()
		return err
	}
	probe := http.DefaultTransport.(*http.Transport).Clone()
	probe.Proxy, probe.DisableKeepAlives = nil, true // a proxy would hide the portal
	r.controller = wifi.New(wifi.Config{
		Name:    func() string { return *r.name.Load() },
		MayOpen: func() bool { return !r.shut.Load() || r.led() != "" },
		Routed:  routed,
		Portal:  func(ctx context.Context) string { return wifi.FindPortal(ctx, probe) },
		Log:     log,
	})
	pages := setup.New(setup.Config{Words: lang, WiFi: r.controller, Log: log})
	ctx, cancel := context.WithCancel(ctx)
	joining, joiningCtx := errgroup.WithContext(ctx)
	joining.Go(func() error { return r.controller.Run(joiningCtx) })
	// Networks can be joined, and left, also without the page.
	serving, servingCtx := errgroup.WithContext(ctx)
	serving.Go(func() error { return pages.Run(servingCtx) })
	serve(servingCtx, serving, httpserve.NewConns(l, phoneLimits), r.controller.Portal(func() string {
		return cmp.Or(r.led(), "http://"+device.AccessAddress+setup.WiFiPath)
	}, pages.WiFiHandler()))
	var ended sync.WaitGroup
	for what, g := range map[string]*errgroup.Group{"Wi-Fi": joining, "page of the access point": serving} {
		ended.Go(func() {
			if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
				log.Error(what+" ended", "err", err)
			}
		})
	}
	r.stop = func() {
		cancel()
		ended.Wait()
	}
	return nil
}

// end ends what start began.
func (r *radio) end() {
	if r != nil && r.stop != nil {
		r.stop()
	}
}

// configure takes over a configuration. Guests, and those who do not know the PIN, may
// not choose another network: the access point stays shut then, and with shut, which
// says that there may be such people.
func (r *radio) configure(cfg *configs.Config, shut bool) {
	if r != nil {
		r.name.Store(&cfg.Name)
		r.shut.Store(shut || cfg.IsGuest() || cfg.Remote.PIN != "")
	}
}

// lead leads phones in the access point to the page that sets the box up, whose address
// has a key. With "" they are led to the one that chooses a network.
func (r *radio) lead(address string) {
	if r != nil {
		r.page.Store(&address)
	}
}

// led returns the address of lead.
func (r *radio) led() string {
	if p := r.page.Load(); p != nil {
		return *p
	}
	return ""
}

// forScreen returns the Wi-Fi for the screen, nil without one.
func (r *radio) forScreen() screen.WiFi {
	if r == nil || r.controller == nil {
		return nil
	}
	return r.controller
}

// forSetUp returns the Wi-Fi for the pages that set the box up, nil without one.
func (r *radio) forSetUp() setup.WiFi {
	if r == nil || r.controller == nil {
		return nil
	}
	return r.controller
}

// use notes that a phone asked for a page: the access point stays open.
func (r *radio) use() {
	if r != nil && r.controller != nil {
		r.controller.Use()
	}
}

// forget returns what removes the networks that the box has joined, nil without Wi-Fi.
func (r *radio) forget() func(ctx context.Context) error {
	if r == nil || r.controller == nil {
		return nil
	}
	return r.controller.Forget
}

// routed reports whether there is a default route: NetworkManager does not know those
// of interfaces that it does not manage.
func routed() bool {
	list, err := net.Interfaces()
	if err != nil {
		return false
	}
	for _, i := range inet.Interfaces(os.DirFS("/"), list, func(i net.Interface) ([]net.Addr, error) { return i.Addrs() }) {
		if i.Metric4 > 0 || i.Metric6 > 0 {
			return true
		}
	}
	return false
}
