package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/inet"
	"pickerd/device/wifi"
	"pickerd/display/words"
)

// An idleRadio is a wifi.Radio that knows no network, and does not see phones in its
// access point.
type idleRadio struct{ open bool }

func (r *idleRadio) State(context.Context) (wifi.State, error) {
	return wifi.State{Usable: true, Shares: true, Access: r.open}, nil
}
func (r *idleRadio) Changes() <-chan struct{} { return nil }
func (r *idleRadio) Networks(context.Context, bool) ([]device.WiFiNetwork, error) {
	return nil, nil
}
func (r *idleRadio) Join(context.Context, device.WiFiNetwork, string) error {
	return device.ErrWiFiGone
}
func (r *idleRadio) Open(context.Context, device.AccessPoint) error { r.open = true; return nil }
func (r *idleRadio) Shut(context.Context) error                     { r.open = false; return nil }
func (r *idleRadio) Phones(context.Context) (int, error)            { return 0, nil }
func (r *idleRadio) Forget(context.Context) error                   { return nil }
func (r *idleRadio) Close()                                         {}

// The access point stays open while a phone there sets the box up.
func TestPhoneSetUpKeepsAccessPoint(t *testing.T) {
	cfg, err := configs.Load(writeFile(t, "c.toml", ""), func(string) string { return "" }, checkNames)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		c := wifi.New(wifi.Config{Name: func() string { return "Box" }, Log: log, Connect: func(context.Context) (wifi.Radio, error) { return &idleRadio{}, nil }})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		p := newPhoneSetUp(phoneSetUpConfig{Config: cfg, Display: l, Radio: &radio{controller: c}, Words: words.English(), Dialer: inet.NewDialer(nil, nil), Log: log})
		time.Sleep(time.Minute)
		path := p.pages.Invitations().Get().Path
		var cookies []*http.Cookie
		for i := range 6 {
			if c.State().Access == nil {
				t.Errorf("shut after %d requests", i)
				break
			}
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
			if i == 0 {
				r.Method = http.MethodPost // the tap on Start
			}
			for _, c := range cookies {
				r.AddCookie(c)
			}
			w := httptest.NewRecorder()
			p.handler.ServeHTTP(w, r)
			if i == 0 {
				cookies = w.Result().Cookies()
			}
			if w.Code != http.StatusSeeOther {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
			time.Sleep(6 * time.Minute)
		}
		time.Sleep(6 * time.Minute)
		if c.State().Access != nil {
			t.Error("open after the phone has left")
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
