package screen_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
)

// A radio is a screen.WiFi.
type radio struct {
	board   display.Board[device.WiFi]
	pressed int
}

func (r *radio) WiFi() *display.Board[device.WiFi] { return &r.board }
func (r *radio) Press()                            { r.pressed++ }

// TestWiFiPage checks what a box with a radio says, and who may see the passphrase.
func TestWiFiPage(t *testing.T) {
	access := &device.AccessPoint{SSID: "Kitchen setup", Passphrase: "kxmbpqtrwzac"}
	offline := &device.Problem{Code: "no_network", Offline: true, RetryAt: time.Unix(1, 0)}
	full := &device.Problem{Code: device.DiskFull, Disk: true}
	for name, tt := range map[string]struct {
		snap               device.Snapshot
		wifi               device.WiFi
		title, code, onBox string // of the page, the status, and a step on the box's own outputs
	}{
		"online":            {device.Snapshot{State: device.Idle}, device.WiFi{Usable: true, Online: true}, "No photos yet", "", ""},
		"lost":              {device.Snapshot{State: device.Idle}, device.WiFi{Usable: true, Problem: "wifi_lost"}, "No photos yet", "wifi_lost", ""},
		"explains":          {device.Snapshot{State: device.Idle, Problem: offline}, device.WiFi{Usable: true, Problem: "wifi_lost"}, "No photos yet", "wifi_lost", ""},
		"portal":            {device.Snapshot{State: device.Waiting, Problem: offline}, device.WiFi{Usable: true, Online: true, Problem: "portal"}, "This Wi-Fi wants you to sign in on a web page, which this screen can't show.", "portal", ""},
		"another problem":   {device.Snapshot{State: device.Idle, Problem: full}, device.WiFi{Usable: true, Problem: "wifi_lost"}, "No photos yet", device.DiskFull, ""},
		"access point":      {device.Snapshot{State: device.Idle}, device.WiFi{Usable: true, Access: access, Problem: "wifi_password"}, "Connect this screen to Wi-Fi", "wifi_password", "The password is kxmbpqtrwzac"},
		"joining":           {device.Snapshot{State: device.Idle}, device.WiFi{Usable: true, Joining: "Home"}, "Connecting to Home…", "", ""},
		"joining by cable":  {device.Snapshot{State: device.Idle}, device.WiFi{Usable: true, Online: true, Joining: "Home"}, "No photos yet", "", ""},
		"not set up":        {device.Snapshot{State: device.SetUp}, device.WiFi{Usable: true, Access: access}, "This box is not set up yet", "", "The password is kxmbpqtrwzac"},
		"not set up, joins": {device.Snapshot{State: device.SetUp}, device.WiFi{Usable: true, Joining: "Home"}, "Connecting to Home…", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var snapshots display.Board[device.Snapshot]
			var frames display.Board[device.Frame]
			wifi := &radio{}
			tt.snap.Seq = 1
			snapshots.Set(tt.snap)
			wifi.board.Set(tt.wifi)
			sc := screen.New(screen.Config{Options: screen.Options{Name: "Kitchen"}, Snapshots: &snapshots, Frames: &frames, WiFi: wifi, LastActivity: time.Now, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
			page, status := sc.Pages().Get(), sc.Statuses().Get()
			code := ""
			if status.Problem != nil {
				code = status.Problem.Code
			}
			if page.Title != tt.title || code != tt.code {
				t.Errorf("%q with %q, want %q with %q", page.Title, code, tt.title, tt.code)
			}
			own := page.OnBox()
			if steps := strings.Join(own.Steps, "\n"); !strings.Contains(steps, tt.onBox) || tt.onBox != "" && own.QR != access.QR() {
				t.Errorf("the box shows %q and %q", own.QR, steps)
			}
			for _, v := range []any{page, status} {
				if data, err := json.Marshal(v); err != nil || strings.Contains(string(data), access.Passphrase) {
					t.Errorf("the passphrase is for everybody: %s, %v", data, err)
				}
			}
		})
	}
}

// What becomes of the Wi-Fi is shown at once, and a key is told to it.
func TestWiFiChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var snapshots display.Board[device.Snapshot]
		var frames display.Board[device.Frame]
		wifi := &radio{}
		sc := screen.New(screen.Config{Options: screen.Options{Name: "Kitchen"}, Snapshots: &snapshots, Frames: &frames, WiFi: wifi, LastActivity: time.Now, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- sc.Run(ctx) }()
		synctest.Wait()
		wifi.board.Set(device.WiFi{Usable: true, Problem: "wifi_lost"})
		synctest.Wait()
		if p := sc.Statuses().Get().Problem; p == nil || p.Code != "wifi_lost" {
			t.Errorf("problem %v", p)
		}
		if err := sc.Press(ctx, screen.KeyOK); err != nil || wifi.pressed != 1 {
			t.Errorf("pressed %d times, %v", wifi.pressed, err)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
