package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/control"
	"pickerd/device/settings"
	"pickerd/display/words"
	"pickerd/systemd"
)

// Each setting that people may change has a name in their language.
func TestSettingWords(t *testing.T) {
	w := words.English()
	for _, s := range configs.Settings() {
		if key := device.SettingWords(s.Key); s.By == configs.Anyone && !w.Has(key) {
			t.Errorf("%s has no text", key)
		}
	}
}

// TestReload checks that a signal of the service manager reads the files again, that
// it is told of the beginning and the end, and that an error ends nothing.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	file := writeFile(t, "c.toml", "")
	notify := listenNotify(t, dir)
	variables := map[string]string{"NOTIFY_SOCKET": notify.path, "STATE_DIRECTORY": dir, "PICKERD_GOOGLE_CLIENT_ID": "i"}
	getenv := func(key string) string { return variables[key] }
	sources := env{getenv: getenv}.sources(file)
	k := settings.New(settings.Config{Sources: sources, Log: slog.New(slog.DiscardHandler)}, sources.Read())
	ctx, cancel := context.WithCancel(t.Context())
	hangups, ended := make(chan os.Signal), make(chan struct{})
	go func() {
		defer close(ended)
		reload(ctx, hangups, k, systemd.NewNotifier(getenv), slog.New(slog.DiscardHandler))
	}()
	for _, text := range []string{"name = 'Hall'\n", "name = \n"} { // the second is not TOML
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		hangups <- syscall.SIGHUP
		if said := strings.Join(notify.until("READY=1"), ";"); !strings.HasPrefix(said, "RELOADING=1\nMONOTONIC_USEC=") {
			t.Errorf("the service manager heard %q", said)
		}
		if got := k.Config().Name; got != "Hall" {
			t.Errorf("%q: name %s", text, got)
		}
	}
	cancel()
	<-ended
}

// TestUsableAddress checks that a running box may keep its port at another address, and
// that it may not take one that another program has.
func TestUsableAddress(t *testing.T) {
	var listeners [2]net.Listener
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		listeners[i] = l
	}
	getenv := func(key string) string { return map[string]string{"PICKERD_GOOGLE_CLIENT_ID": "i"}[key] }
	e := env{getenv: getenv, renewal: newRenewal(getenv, nil)}
	of := func(l net.Listener, host string) *configs.Config {
		layers := e.sources(writeFile(t, "c.toml", "[google]\nclient_secret = 's'\n[http]\nkey = 'abcdefghijklmnopqrstuvwxyz234567'\nlisten = '"+net.JoinHostPort(host, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))+"'\n")).Read()
		if layers.Err != nil {
			t.Fatal(layers.Err)
		}
		return layers.Config
	}
	old := of(listeners[0], "127.0.0.1")
	if err := e.checkUsable(old, of(listeners[0], "0.0.0.0")); err != nil {
		t.Error("the port of the box:", err)
	}
	err := e.checkUsable(old, of(listeners[1], "127.0.0.1"))
	if c, ok := errors.AsType[*configs.Error](err); !ok || c.Key != "http.listen" {
		t.Errorf("the port of another program: %v", err)
	}
}

// TestRelease checks that the next process gets no socket whose address has changed,
// except from the service manager.
func TestRelease(t *testing.T) {
	dir := t.TempDir()
	for _, managed := range []bool{false, true} {
		r := newRenewal(func(string) string { return "" }, nil)
		r.managed[controlSocket] = managed
		l, err := control.Listen(filepath.Join(dir, "c.sock"))
		if err != nil {
			t.Fatal(err)
		}
		r.keep(controlSocket, l)
		r.release(controlSocket)
		if err := r.hold(); err != nil {
			t.Fatal(err)
		}
		l.Close()
		if f := r.sockets[controlSocket]; (f != nil) != managed {
			t.Errorf("managed %t: kept %v", managed, f)
		} else if f != nil {
			f.Close()
		}
		c, err := net.Dial("unix", filepath.Join(dir, "c.sock"))
		if err == nil {
			c.Close()
		}
		if err == nil && !managed {
			t.Error("the old address still answers")
		}
		os.Remove(filepath.Join(dir, "c.sock"))
	}
}

// SIGHUP ends the program at a terminal only.
func TestStopSignals(t *testing.T) {
	for socket, want := range map[string]int{"": 3, "/run/notify": 2} {
		if got := len(stopSignals(func(string) string { return socket })); got != want {
			t.Errorf("%q: %d signals", socket, got)
		}
	}
}
