package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/device/inet"
	"pickerd/display/words"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/gateway/boltstore"
	"pickerd/oauthdevice/oauthtest"
)

// A demoGateway is a gateway in the demo's process.
type demoGateway struct {
	issuer   string
	listener net.Listener
	store    gateway.Store
	server   *gateway.Server
}

// listenGateway opens the gateway's address. A gateway without TLS is for this machine
// only.
func listenGateway(display *net.TCPAddr) (*demoGateway, error) {
	if !display.IP.IsLoopback() {
		return nil, command.Hint(errors.New("--gateway is for a browser on this machine: without TLS, a gateway serves nobody else"), "leave out --listen", exitUsage)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &demoGateway{issuer: "http://" + l.Addr().String(), listener: l}, nil
}

// open makes the gateway, in front of the simulated server at googleURL, which the
// box can't use itself. Phones are sent on to photosURL.
func (d *demoGateway) open(dir, googleURL, photosURL string, google *oauthtest.Server, log *slog.Logger) (err error) {
	google.Change(func(o *oauthtest.Options) { o.ContinueURL = "" })
	if d.store, err = boltstore.Open(filepath.Join(dir, "gateway.db"), boltstore.Options{Log: log}); err != nil {
		return err
	}
	id, secret := google.Client(oauthtest.Web)
	d.server, err = gateway.New(gateway.Config{
		Issuer: d.issuer,
		Upstream: gateway.Upstream{Client: oauthdevice.Client{
			ID: id, Secret: oauthdevice.Secret(secret), Scopes: []string{oauthtest.PickerScope}, HTTP: httpClient(inet.NewDialer(nil, nil)),
			AuthURL: googleURL + "/auth", TokenURL: googleURL + "/token", RevokeURL: googleURL + "/revoke",
		}},
		Clients:          []gateway.ClientConfig{{ID: configs.DefaultGatewayClient}},
		ContinuePrefixes: []string{photosURL + "/"},
		Texts:            func(accept string) gateway.Text { return words.Accepted(accept, words.English()) },
		Store:            d.store, Log: log,
	})
	return err
}

// method is how the box signs people in.
func (d *demoGateway) method(cfg *configs.Config) engine.Method {
	cfg.Google.Gateway, cfg.Google.ClientID = d.issuer, configs.DefaultGatewayClient
	return engine.Method{Name: device.ByDevice, Issuer: d.issuer, ClientID: configs.DefaultGatewayClient}
}

// close releases what a gateway holds.
func (d *demoGateway) close() {
	d.listener.Close()
	if d.store != nil {
		d.store.Close()
	}
}

// run serves while box runs.
func (d *demoGateway) run(ctx context.Context, box func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	ctx, end := context.WithCancel(ctx)
	defer end()
	serve(ctx, g, d.listener, d.server)
	g.Go(func() error {
		defer end()
		return box(ctx)
	})
	return g.Wait()
}
