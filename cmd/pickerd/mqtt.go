package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/cmd/pickerd/doctor"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/device/health"
	"pickerd/device/mqtt"
	"pickerd/device/screen"
	"pickerd/device/settings"
	"pickerd/systemd"
)

// bridged is what a broker learns of, and what takes its commands: a box, or what stands
// in for one.
type bridged struct {
	screen  *screen.Screen
	api     http.Handler
	keeper  *settings.Keeper // nil without settings
	orders  mqtt.Orders      // nil without a store
	picture http.Handler     // nil without one
	methods []engine.Method  // whose secrets the log does not tell
	now     func() time.Time
}

// startBridge connects a box to the broker, if one is configured, in g until ctx ends. A
// box goes on without it.
func (e env) startBridge(ctx context.Context, g *errgroup.Group, cfg *configs.Config, from bridged, log *slog.Logger) {
	broker, err := url.Parse(cfg.MQTT.URL)
	if cfg.MQTT.URL == "" || err != nil { // it was checked
		return
	}
	c, err := e.bridgeConfig(cfg, broker, from, log)
	if err != nil {
		log.Error("not connected to a broker", "err", err)
		from.screen.Bridged(device.BrokerStatus{Address: mqtt.Address(broker), Error: err.Error()})
		return
	}
	bridge := mqtt.New(c)
	g.Go(func() error {
		for s := range bridge.Broker().Watch(ctx) {
			from.screen.Bridged(s)
		}
		return nil
	})
	g.Go(func() error {
		if from.keeper != nil {
			defer from.keeper.Follow(func(*configs.Config) { bridge.SettingsChanged() })()
		}
		return bridge.Run(ctx)
	})
}

// bridgeConfig returns what a bridge to a broker needs.
func (e env) bridgeConfig(cfg *configs.Config, broker *url.URL, from bridged, log *slog.Logger) (mqtt.Config, error) {
	id, err := configs.BoxID()
	if err != nil {
		return mqtt.Config{}, err
	}
	m := cfg.MQTT.For(id)
	c := mqtt.Config{Broker: broker, ID: id, Base: m.Base}
	password := []byte(m.Password)
	if credential, err := systemd.Credential(e.getenv, "mqtt_password"); err != nil {
		return c, err
	} else if credential != nil {
		password = bytes.TrimRight(credential, "\r\n")
	}
	c.Broker.User = url.UserPassword(m.Username, string(password))
	machine := health.Machine{Root: os.DirFS("/"), Dir: cfg.Store.Dir}
	c.Expiry, c.Discovery, c.Version, c.Groups = time.Duration(m.Expiry), m.Discovery, version(), m.Groups()
	c.Guests, c.Personal, c.UnsignedSettings = cfg.IsGuest(), m.Personal, m.Unsigned
	c.Statuses, c.API, c.Orders, c.Health, c.Now, c.Log = from.screen.Statuses(), from.api, from.orders, machine.Read, from.now, log
	c.Parting = func(cause error) mqtt.Parting { return from.parting(cfg.MQTT.URL, cause) }
	if from.keeper != nil {
		c.Settings, c.SetGroup = from.keeper.Settings, from.keeper.SetGroup
	}
	if m.Image && !cfg.IsGuest() {
		c.Picture = from.picture
	}
	if e.recent != nil {
		secret := *cfg
		secret.MQTT.Password = string(password)
		scrub := doctor.Scrubber(&secret, from.methods)
		c.Lines = func() []string { return e.recent.lines(scrub) }
	}
	c.TLS = func() (*tls.Config, error) { return mqtt.TLS(m.CAFile, m.CertFile, m.KeyFile) }
	if m.OperatorKey != "" {
		if c.Operator, err = mqtt.ParseKey(m.OperatorKey); err != nil {
			return c, fmt.Errorf("mqtt.operator_key: %w", err)
		}
	}
	return c, nil
}

// parting returns how the box leaves a broker when it ends for a cause.
func (b bridged) parting(broker string, cause error) mqtt.Parting {
	switch {
	case errors.Is(cause, errReset), b.keeper != nil && b.keeper.Config().MQTT.URL != broker:
		return mqtt.Gone
	case isRenewal(cause):
		return mqtt.Returning
	}
	return mqtt.Offline
}
