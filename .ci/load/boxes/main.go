// Command boxes runs many light boxes in one process against an MQTT broker, and prints
// figures: memory, bytes, the time until all have carried out what an operator sets, and
// what follows a restart of the broker.
//
// A box has the real bridge and engine. Its screens, its people and Google are simulated;
// with --bridge-only it is the bridge alone. Photos change every ten seconds.
//
//	go run ./boxes --mosquitto --boxes 2000
//	go run ./boxes --mosquitto --boxes 10000 --bridge-only
//	go run ./boxes --broker mqtts://broker.example --ca ca.pem --user simulator --password-file password
//
// A broker that exists must let the user read and write pickerd/# and
// homeassistant/device/#. Its restart is not measured. Each box takes a file descriptor,
// and with an engine four, and 1.3 MB in the temporary folder, which should be in memory.
// A bridge waits longer for a broker that it was connected to for a minute: with a shorter
// --duration the restart is a harder one.
package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"pickerd/.ci/load/fleet"
	"pickerd/device/mqtt"
)

// options are the flags.
type options struct {
	broker, user, password, ca, operator string
	boxes                                int
	bridge, mosquitto, secure, json      bool
	verbose                              bool
	duration, limit                      time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.broker, "broker", "", "`URL` of the broker: mqtt: or mqtts:")
	flag.StringVar(&o.user, "user", "", "`name` of all boxes and the operator at the broker")
	flag.StringVar(&o.password, "password-file", "", "`file` with the password")
	flag.StringVar(&o.ca, "ca", "", "`file` with the broker's certificate authority, in PEM")
	flag.StringVar(&o.operator, "operator", "", "`file` with the operator's Ed25519 key, PKCS #8 in PEM (default: a new one)")
	flag.BoolVar(&o.mosquitto, "mosquitto", false, "start a Mosquitto on a free port, and restart it")
	flag.BoolVar(&o.secure, "tls", false, "with --mosquitto: connect by TLS")
	flag.IntVar(&o.boxes, "boxes", 2000, "`number` of boxes")
	flag.BoolVar(&o.bridge, "bridge-only", false, "boxes without engine, store and screen")
	flag.DurationVar(&o.duration, "duration", time.Minute, "how long to count bytes")
	flag.DurationVar(&o.limit, "limit", 30*time.Minute, "how long everything may take")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.BoolVar(&o.verbose, "verbose", false, "print the boxes' warnings")
	flag.Parse()
	if o.mosquitto == (o.broker != "") || o.boxes < 1 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "boxes: either --broker or --mosquitto, and at least one box")
		os.Exit(64)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "boxes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "boxes-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cfg, err := o.config(dir)
	if err != nil {
		return err
	}
	var m *fleet.Mosquitto
	if o.mosquitto {
		if m, err = fleet.StartMosquitto(dir, o.secure); err != nil {
			return err
		}
		defer m.Kill()
		cfg.Broker, cfg.TLS = m.URL(), m.TLS()
	}
	figures, err := fleet.Measure(ctx, cfg, m, o.duration, func(what string) {
		fmt.Fprintln(os.Stderr, time.Now().Format(time.TimeOnly), what)
	})
	if o.json {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return errors.Join(err, e.Encode(figures))
	}
	figures.Print(os.Stdout) // with an error as far as there are any
	return err
}

// config returns what the flags say.
func (o options) config(dir string) (fleet.Config, error) {
	c := fleet.Config{User: o.user, Boxes: o.boxes, Whole: !o.bridge, Dir: dir, Log: slog.New(slog.DiscardHandler)}
	if o.verbose {
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	var err error
	if c.Broker, err = url.Parse(o.broker); err != nil {
		return c, err
	}
	if c.Operator, err = operatorKey(o.operator); err != nil {
		return c, err
	}
	if o.password != "" {
		text, err := os.ReadFile(o.password)
		if err != nil {
			return c, err
		}
		c.Password = bytes.TrimRight(text, "\r\n")
	}
	if c.Broker.Scheme == "mqtts" {
		c.TLS, err = mqtt.TLS(o.ca, "", "")
	}
	return c, err
}

// operatorKey reads a private key, or makes one.
func operatorKey(file string) (ed25519.PrivateKey, error) {
	if file == "" {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New(file + " has no key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if k, ok := key.(ed25519.PrivateKey); ok {
		return k, nil
	}
	return nil, cmp.Or(err, errors.New(file+" has no Ed25519 key"))
}
