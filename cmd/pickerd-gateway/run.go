package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/cmd/command"
	"pickerd/display/words"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/gateway"
	"pickerd/systemd"
)

func runCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	file := fs.String("config", "", "configuration `file` (default "+defaultConfig+" if it exists)")
	if err := command.Parse(program, fs, args, 0); err != nil {
		return err
	}
	if *file == "" {
		*file = command.Existing(defaultConfig)
	}
	cfg, err := loadConfig(*file, e.getenv)
	if err != nil {
		return err
	}
	up, err := cfg.client()
	if err != nil {
		return err
	}
	log := command.NewLogger(e.stderr, cfg.Log.Level, cfg.Log.Format, e.getenv)
	if err := command.DropPrivileges(log); err != nil {
		return err
	}
	if e.getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	count := newCounters()
	store, err := openStore(cfg.Store.URL, log)
	if err != nil {
		return err
	}
	defer func() {
		if err := store.Close(); err != nil {
			log.Error("store not closed", "err", err)
		}
	}()
	server, err := newGateway(cfg, up, measuredStore{store, count}, count, log)
	if err != nil {
		return err
	}
	sites, err := e.listen(cfg, count.measure(server), count.handler())
	if err != nil {
		return err
	}
	d := &daemon{cfg: cfg, server: server, count: count, log: log, notify: systemd.NewNotifier(e.getenv)}
	return d.run(ctx, sites)
}

// newGateway returns the server for a configuration.
func newGateway(cfg *config, up *oauthdevice.ClientFile, store gateway.Store, m gateway.Metrics, log *slog.Logger) (*gateway.Server, error) {
	proxies, err := cfg.proxies()
	if err != nil {
		return nil, err
	}
	var clients []gateway.ClientConfig
	for _, c := range cfg.Clients {
		clients = append(clients, gateway.ClientConfig{ID: c.ID, SecretSHA256: c.SecretSHA256, MaxPending: c.MaxPending})
	}
	s, err := gateway.New(gateway.Config{
		Issuer: cfg.Issuer,
		Upstream: gateway.Upstream{
			Client: oauthdevice.Client{
				ID: up.ID, Secret: up.Secret, BasicAuth: cfg.Upstream.ClientAuth == "basic", Scopes: cfg.Upstream.Scopes,
				AuthURL: cfg.Upstream.AuthURL, TokenURL: cfg.Upstream.TokenURL, RevokeURL: cfg.Upstream.RevokeURL, HTTP: httpClient(log),
			},
			Issuer: cfg.Upstream.Issuer,
		},
		Clients: clients, ContinuePrefixes: cfg.ContinuePrefixes, TrustedProxies: proxies,
		Texts: func(accept string) gateway.Text { return words.Accepted(accept, words.English()) },
		Store: store, Log: log, Metrics: m,
	})
	if err != nil {
		return nil, command.Hint(err, program+" config default prints a commented example", command.Config)
	}
	return s, nil
}

const (
	// gcPercent is GOGC, unless the environment sets it. Most of the memory is buffers
	// and stacks of idle connections, and there is little garbage. With 10,000
	// connections it saves about 80 MB of 360 and costs no processor time to speak of.
	gcPercent = 30
	// maxStop bounds how long requests may take after the gateway was stopped. One
	// may wait for the upstream server, whose code can't be exchanged twice.
	maxStop = 20 * time.Second
	// probeInterval is the time between checks of the gateway by itself.
	probeInterval = 5 * time.Second
	// maxProbe is how old the answer of the last check may be, for the service
	// manager's watchdog.
	maxProbe = 20 * time.Second
)

// A daemon serves until its context ends.
type daemon struct {
	cfg    *config
	server http.Handler
	count  *counters
	log    *slog.Logger
	notify systemd.Notifier
	probed atomic.Int64 // when the last check was answered, in Unix nanoseconds
}

func (d *daemon) run(ctx context.Context, sites []site) error {
	report := func(err error) {
		if err != nil {
			d.log.Warn("service manager not notified", "err", err)
		}
	}
	defer context.AfterFunc(ctx, func() { report(d.notify.Stopping()) })()
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range sites {
		serve(ctx, g, s, d.log)
	}
	d.probed.Store(time.Now().UnixNano())
	g.Go(func() error { d.probe(ctx, report); return nil })
	g.Go(func() error {
		d.notify.KeepAlive(ctx, d.alive, func() {
			d.log.Error("gateway does not answer: service manager will restart it")
		}, report)
		return nil
	})
	report(d.notify.Ready())
	var addresses []string
	for _, s := range sites {
		addresses = append(addresses, s.listener.Addr().String())
	}
	d.log.Info("ready", "issuer", d.cfg.Issuer, "listen", strings.Join(addresses, ","))
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	d.log.Info("stopped", "why", context.Cause(ctx))
	return nil
}

// alive reports whether the gateway has answered a check lately, whatever it said.
func (d *daemon) alive() bool {
	return time.Since(time.Unix(0, d.probed.Load())) < maxProbe
}

// probe asks the gateway for its health until ctx ends, and reports changes to the
// service manager.
func (d *daemon) probe(ctx context.Context, report func(error)) {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	last := ""
	for {
		w := httptest.NewRecorder()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://gateway/healthz", nil)
		if err == nil {
			d.server.ServeHTTP(w, r)
		}
		if ctx.Err() != nil {
			return
		}
		d.probed.Store(time.Now().UnixNano())
		up, line := w.Code == http.StatusOK, "serving "+d.cfg.Issuer
		if !up {
			line += "; the store is unavailable"
		}
		d.count.storeUp.Store(up)
		if line != last {
			report(d.notify.Status(line))
			last = line
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// serve adds a server to g that ends with ctx.
func serve(ctx context.Context, g *errgroup.Group, s site, log *slog.Logger) {
	srv := newServer(s.handler, log)
	// Requests under way are finished, so their context does not end with ctx.
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	srv.BaseContext = func(net.Listener) context.Context { return base }
	g.Go(func() error {
		if err := srv.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve %s: %w", s.listener.Addr(), err)
		}
		return nil
	})
	g.Go(func() error {
		defer end()
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxStop)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
		return nil
	})
}
