package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/wifi"
	"pickerd/store"
	"pickerd/systemd"
)

// A box without the package pickerd-wifi has no Wi-Fi, and nothing looks for one.
func TestNoWiFi(t *testing.T) {
	for _, r := range []*radio{nil, {}} {
		if err := r.start(t.Context(), env{}, &configs.Config{Name: "Box"}, false, slog.New(slog.DiscardHandler)); err != nil {
			t.Error(err)
		}
		r.configure(&configs.Config{}, false)
		r.lead("http://x.test/")
		if r.forScreen() != nil || r.forSetUp() != nil || r.forget() != nil {
			t.Error("there is Wi-Fi")
		}
		r.end()
	}
}

// With the socket of the package the box serves phones in its access point, and no
// others. Without a system bus there is no access point.
func TestWiFiSocket(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/none/there")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := &radio{}
	cfg := &configs.Config{Name: "Box", Display: configs.Display{Language: "en"}}
	if err := r.start(ctx, env{sockets: systemd.Sockets{wifiSocket: f}}, cfg, false, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	defer r.end()
	if r.forScreen() == nil || r.forSetUp() == nil {
		t.Error("there is no Wi-Fi")
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get("http://" + l.Addr().String() + "/generate_204")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("%v, %s", err, resp.Status)
	}
	if w, err := r.forSetUp().Networks(ctx); err == nil {
		t.Errorf("networks %v", w)
	}
}

// A box without a usable socket of the package shows what it shows without Wi-Fi.
func TestBrokenWiFiSocket(t *testing.T) {
	for name, client := range map[string]string{"running": "i", "not set up": ""} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(writeFile(t, "file", "")) // no socket
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			dir := t.TempDir()
			notify := listenNotify(t, dir)
			vars := map[string]string{
				"PICKERD_GOOGLE_CLIENT_ID": client, "PICKERD_GOOGLE_CLIENT_SECRET": client, "PICKERD_GOOGLE_DEVICE_AUTH_URL": "http://127.0.0.1:1/",
				"PICKERD_HTTP_LISTEN": "127.0.0.1:0", "CREDENTIALS_DIRECTORY": dir, "STATE_DIRECTORY": filepath.Join(dir, "state"), "RUNTIME_DIRECTORY": dir, "NOTIFY_SOCKET": notify.path,
			}
			getenv := func(k string) string { return vars[k] }
			var log syncBuffer
			e := env{getenv: getenv, stdin: strings.NewReader(""), stdout: &log, stderr: &log, renewal: newRenewal(getenv, systemd.Sockets{wifiSocket: f}),
				radio: &radio{}, hangups: make(chan os.Signal, 1)}
			e.sockets = e.renewal.sockets
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				ended <- runCommand(ctx, e, flag.NewFlagSet("run", flag.ContinueOnError), []string{"--config", writeFile(t, "c.toml", "")})
			}()
			select {
			case <-notify.ready:
			case err := <-ended:
				t.Fatalf("it ended: %v\n%s", err, &log)
			}
			cancel()
			if err := <-ended; err != nil || strings.Count(log.String(), "no Wi-Fi") != 1 {
				t.Errorf("%v\n%s", err, &log)
			}
		})
	}
}

// A box that runs shows what becomes of its Wi-Fi.
func TestBoxWiFi(t *testing.T) {
	dir := t.TempDir()
	getenv := func(string) string { return "" }
	cfg, err := configs.Load(writeFile(t, "c.toml", fmt.Sprintf("[display]\noutputs = ['http']\n[google]\nclient_id = 'i'\nclient_secret = 's'\n[store]\ndir = %q\n[control]\nsocket = %q\n", dir, filepath.Join(dir, "socket"))), getenv, checkNames)
	if err != nil {
		t.Fatal(err)
	}
	methods, err := loadMethods(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*radio{nil, {controller: wifi.New(wifi.Config{})}} {
		st, err := store.Open(dir, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if r != nil {
			want = "wifi_lost"
			r.controller.WiFi().Set(device.WiFi{Usable: true, Problem: want})
		}
		b, err := newBox(cfg, methods, st, l, slog.New(slog.DiscardHandler), env{getenv: getenv, renewal: newRenewal(getenv, nil), radio: r})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if p := b.screen.Statuses().Get().Problem; p != nil {
			got = p.Code
		}
		if got != want {
			t.Errorf("problem %q, want %q", got, want)
		}
		b.close()
	}
}

// The access point of a box that was set up stays shut while mistakes in the
// configuration may hide its PIN, and opens with a configuration without one.
func TestShutWiFi(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/none/there")
	before := setUpInterval
	setUpInterval = time.Millisecond
	defer func() { setUpInterval = before }()
	for _, isSetUp := range []bool{true, false} {
		dir := t.TempDir()
		notify := listenNotify(t, dir)
		if isSetUp {
			if err := store.NewSetUp(dir, nil).Mark(); err != nil {
				t.Fatal(err)
			}
		}
		vars := map[string]string{"PICKERD_HTTP_LISTEN": "127.0.0.1:0", "CREDENTIALS_DIRECTORY": dir, "STATE_DIRECTORY": dir, "RUNTIME_DIRECTORY": dir, "NOTIFY_SOCKET": notify.path}
		getenv := func(k string) string { return vars[k] }
		r := &radio{}
		e := env{getenv: getenv, stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, renewal: newRenewal(getenv, nil), radio: r}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			ended <- runCommand(ctx, e, flag.NewFlagSet("run", flag.ContinueOnError), []string{"--config", writeFile(t, "c.toml", "= '\nremote.pin = '480915'\n")})
		}()
		<-notify.ready
		if r.shut.Load() != isSetUp {
			t.Errorf("set up %t: shut %t", isSetUp, r.shut.Load())
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		r.configure(&configs.Config{}, false)
		if r.shut.Load() {
			t.Error("it does not open again")
		}
	}
}
