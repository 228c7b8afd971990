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
	"pickerd/device/engine"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/display/pixel"
	"pickerd/display/stage"
	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

// A memoryScreen is a screen in memory. coded is closed when it shows a QR code.
type memoryScreen struct {
	m     *pixel.Image
	coded chan struct{}
}

func (w *memoryScreen) Size() (int, int)                        { return w.m.W, w.m.H }
func (w *memoryScreen) Blend(a, b *pixel.Image, t uint32) error { return nil }
func (w *memoryScreen) Blank(bool) error                        { return nil }
func (w *memoryScreen) Disconnected() <-chan struct{}           { return nil }
func (w *memoryScreen) Close() error                            { return nil }

func (w *memoryScreen) Show(m *pixel.Image, parts []image.Rectangle) error {
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

// BenchmarkFirstFrame measures the time from an empty state directory to a pairing
// code on a pixel screen, inside a running process.
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
		eng := engine.New(engine.Config{
			Options: engine.Options{Name: "Living room"}, Store: st, Log: log,
			OAuth: oauthdevice.Client{HTTP: http.DefaultClient, DeviceAuthURL: g.url + "/auth/device/code", TokenURL: g.url + "/auth/token", RevokeURL: g.url + "/auth/revoke",
				Scopes: []string{"https://www.googleapis.com/auth/photospicker.mediaitems.readonly"}},
			Methods: []engine.Method{{Name: device.ByDevice, ClientID: g.auth.ClientID(), Secret: oauthdevice.Secret(g.auth.ClientSecret())}},
			Picker:  picker.Client{HTTP: http.DefaultClient, BaseURL: g.url + "/photos"},
		})
		scr := screen.New(screen.Config{Options: screen.Options{Name: "Living room", Style: display.Style{Look: display.Look{Fade: time.Second, Interval: 10 * time.Second}}}, Snapshots: eng.Snapshots(), Frames: &display.Board[device.Frame]{},
			Engine: eng, Slides: eng, LastActivity: eng.LastActivity, Now: eng.Now, Log: log})
		memory := &memoryScreen{pixel.New(1920, 1080), make(chan struct{})}
		s := stage.New(stage.Config{
			Open: func() (stage.Screen, error) { return memory, nil }, Pages: scr.Pages(), Log: log,
			Media: st.Photos.Open, Unshowable: func(context.Context, string, error) {}, ScreenChanged: scr.Found,
		})
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 3)
		for _, run := range []func(context.Context) error{eng.Run, scr.Run, s.Run} {
			go func() { ended <- run(ctx) }()
		}
		<-memory.coded
		b.StopTimer()
		cancel()
		for range cap(ended) {
			<-ended
		}
		st.Close()
		os.RemoveAll(dir)
		b.StartTimer()
	}
}
