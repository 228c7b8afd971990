package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/device/inet"
	"pickerd/device/settings"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/picker/pickertest/samples"
	"pickerd/store"
)

// Paths of the simulators, on the display's address.
const (
	demoAuth   = "/demo/auth"
	demoPhotos = "/demo/photos"
)

// demoName is the name of the demo's screen, unless the environment sets one.
const demoName = "Living room"

func demoCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	addr := fs.String("listen", "127.0.0.1:8420", "`address` of the screen; 0.0.0.0:8420 also serves phones on the network")
	through := fs.Bool("gateway", false, "sign in through a gateway, at a server that refuses the Picker's scope to boxes")
	names := fs.String("fault", "", "let the simulators play these faults, `NAME,...`")
	list := fs.Bool("list-faults", false, "list the faults and exit")
	var sim simulation
	fs.Func("item", "add this `FILE` to the photos to choose from; may be repeated", sim.addItem)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	if *list {
		return listFaults(e.stdout)
	}
	if err := sim.setFaults(*names); err != nil {
		return err
	}
	display, err := e.listen(configs.HTTP{Listen: *addr})
	if err != nil {
		return err
	}
	defer display.Close()
	dir, err := os.MkdirTemp("", "pickerd-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	internalURL, phoneURL, err := addresses(display.Addr().(*net.TCPAddr))
	if err != nil {
		return err
	}
	var gw *demoGateway
	if *through {
		if gw, err = listenGateway(display.Addr().(*net.TCPAddr)); err != nil {
			return err
		}
		defer gw.close()
		sim.auth.RefuseScope, sim.auth.WebRedirects = true, []string{gw.issuer + "/callback"}
	}
	auth, handler, err := sim.start(phoneURL)
	if err != nil {
		return err
	}
	sources := e.demoSources(dir, internalURL)
	layers := sources.Read()
	if layers.Err != nil {
		return configHint(layers.Err)
	}
	cfg := layers.Config
	e = e.sharing(cfg)
	log := e.logger(cfg)
	e.keeper = settings.New(settings.Config{Sources: sources, Log: log}, layers)
	st, err := openStore(cfg, store.Options{}, log, e.getenv)
	if err != nil {
		return err
	}
	method := engine.Method{Name: device.ByDevice, ClientID: auth.ClientID(), Secret: oauthdevice.Secret(auth.ClientSecret())}
	if gw != nil {
		if err := gw.open(dir, internalURL+demoAuth, phoneURL+demoPhotos, auth, log); err != nil {
			st.Close()
			return err
		}
		method = gw.method(cfg)
	}
	b, err := newBox(cfg, []engine.Method{method}, st, display, log, e)
	if err != nil {
		return err
	}
	handler.Handle("/", b.mux)
	e.introduce(cfg, phoneURL, internalURL, b.screen.Statuses().Get().DisplayKey)
	if gw == nil {
		return b.run(ctx, handler)
	}
	fmt.Fprintln(e.stdout, "The gateway:  "+gw.issuer+"/")
	return gw.run(ctx, func(ctx context.Context) error { return b.run(ctx, handler) })
}

// demoSources returns where the demo's configuration is read from: the environment, and
// what people set. The demo's own paths and servers override both.
func (e env) demoSources(dir, internalURL string) configs.Sources {
	own := map[string]string{
		"store.dir": filepath.Join(dir, "state"), "control.socket": filepath.Join(dir, "control.sock"),
		"google.device_auth_url": internalURL + demoAuth + "/device/code", "google.token_url": internalURL + demoAuth + "/token",
		"google.revoke_url": internalURL + demoAuth + "/revoke", "google.picker_url": internalURL + demoPhotos,
	}
	if e.getenv(configs.EnvName("name")) == "" {
		own["name"] = demoName // instead of the host name
	}
	variables := map[string]string{}
	for key, value := range own {
		variables[configs.EnvName(key)] = value
	}
	return configs.Sources{Phone: true, Checks: []configs.Check{checkNames}, Getenv: func(name string) string { return cmp.Or(variables[name], e.getenv(name)) }}
}

// introduce prints how to use the demo.
func (e env) introduce(cfg *configs.Config, phoneURL, internalURL, key string) {
	out := e.stdout
	if e.tail != nil { // the page uses the terminal
		out = e.tail
	}
	for _, line := range []string{
		"The demo uses built-in simulators. It needs no account or network and keeps nothing. Press Ctrl-C to stop it.",
		"In another terminal:  pickerd status --socket " + cfg.Control.Socket,
	} {
		fmt.Fprintln(out, line)
	}
	if phoneURL == internalURL {
		fmt.Fprintln(out, "To use a phone on the same network:  pickerd demo --listen 0.0.0.0:8420")
	}
	if cfg.Display.HasOutput("http") {
		fmt.Fprintln(out, "The screen:  "+phoneURL+"/  (open it in a browser, then click or scan its code)")
	}
	if key != "" {
		fmt.Fprintln(out, "Display key for browsers on other machines:  "+key)
	}
}

// start returns an authorization server and a Photos service that send phones to
// phoneURL.
func (s *simulation) start(phoneURL string) (*oauthtest.Server, *http.ServeMux, error) {
	items, err := samples.Items()
	if err != nil {
		return nil, nil, err
	}
	for _, it := range s.items {
		if it.Type == "VIDEO" {
			it.Poster = items[0].Data // Google has a still of each video
		}
	}
	items = append(s.items, items...)
	s.auth.PublicURL, s.auth.ContinueURL, s.auth.Interval = phoneURL+demoAuth, phoneURL+demoPhotos+"/continue/", time.Second
	auth := oauthtest.New(s.auth)
	s.photos.PublicURL, s.photos.PollInterval, s.photos.Check = phoneURL+demoPhotos, "1s", auth.Check
	photos := pickertest.New(s.photos, items...)
	mux := http.NewServeMux()
	mux.Handle(demoAuth+"/", http.StripPrefix(demoAuth, auth))
	mux.Handle(demoPhotos+"/", http.StripPrefix(demoPhotos, photos))
	return auth, mux, nil
}

// addresses returns the URLs at which the daemon and a phone reach the listener.
func addresses(at *net.TCPAddr) (internalURL, phoneURL string, err error) {
	url := func(ip net.IP) string { return "http://" + (&net.TCPAddr{IP: ip, Port: at.Port}).String() }
	if !at.IP.IsUnspecified() {
		return url(at.IP), url(at.IP), nil
	}
	internalURL = url(net.IPv4(127, 0, 0, 1))
	ip, err := inet.LANAddress()
	if err != nil || ip == nil || !serves(at.IP, ip) {
		return internalURL, internalURL, err
	}
	return internalURL, url(ip), nil
}
