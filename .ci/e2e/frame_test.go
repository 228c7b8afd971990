package e2e

import (
	"context"
	"image"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/pixel"
	"pickerd/display/stage"
	"pickerd/display/words"
	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

// A wall is a screen in memory. coded is closed when a QR code is on it.
type wall struct {
	m     *pixel.Image
	coded chan struct{}
}

func (w *wall) Size() (int, int)                        { return w.m.W, w.m.H }
func (w *wall) Blend(a, b *pixel.Image, t uint32) error { return nil }
func (w *wall) Blank(bool) error                        { return nil }
func (w *wall) Disconnected() <-chan struct{}           { return nil }
func (w *wall) Close() error                            { return nil }

func (w *wall) Show(m *pixel.Image, parts []image.Rectangle) error {
	white := 0
	for _, r := range parts {
		w.m.Sub(r).Copy(m.Sub(r), image.Point{})
	}
	for _, p := range w.m.Pix {
		if p == 0xffffff {
			white++
		}
	}
	if white > len(w.m.Pix)/30 {
		select {
		case <-w.coded:
		default:
			close(w.coded)
		}
	}
	return nil
}

// BenchmarkFirstFrame is from nothing, in a process that runs already, to a
// pairing code on a screen of pixels: state directory, server, fonts, layout, and
// the code read back.
func BenchmarkFirstFrame(b *testing.B) {
	g := newGoogle(b)
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		b.StartTimer()
		st, err := store.Open(dir, store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		log := slog.New(slog.DiscardHandler)
		dev := device.New(device.Config{
			Name: "Living room", Store: st, Log: log,
			OAuth: oauthdevice.Client{HTTP: http.DefaultClient, DeviceAuthURL: g.url + "/auth/device/code", TokenURL: g.url + "/auth/token", RevokeURL: g.url + "/auth/revoke",
				Scopes: []string{"https://www.googleapis.com/auth/photospicker.mediaitems.readonly"}},
			Ways:   []device.Way{{Method: device.ByDevice, ClientID: g.auth.ClientID(), Secret: oauthdevice.Secret(g.auth.ClientSecret())}},
			Picker: picker.Client{HTTP: http.DefaultClient, Base: g.url + "/photos"},
		})
		screen := &wall{pixel.New(1920, 1080), make(chan struct{})}
		s := stage.New(stage.Config{
			Open: func() (stage.Screen, error) { return screen, nil }, Pages: dev.Pages(), Words: words.English(), Log: log, Cache: dir,
			Media: st.OpenMedia, Unshowable: dev.Unshowable, ScreenChanged: dev.Screen, Look: display.Look{Fade: time.Second, Interval: 10 * time.Second},
		})
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 2)
		go func() { ended <- dev.Run(ctx) }()
		go func() { ended <- s.Run(ctx) }()
		<-screen.coded
		b.StopTimer()
		cancel()
		<-ended
		<-ended
		st.Close()
		os.RemoveAll(dir)
		b.StartTimer()
	}
}
