package screen_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
)

const setUpKey = "k7m2qpxw4hrt9cvak7m2qpxw4h"

// setUpPage returns the page and the status of a box in the state SetUp.
func setUpPage(t *testing.T, s device.Snapshot, w device.WiFi) (display.Page, device.Status) {
	t.Helper()
	var snapshots display.Board[device.Snapshot]
	var frames display.Board[device.Frame]
	s.Seq, s.State = 1, device.SetUp
	snapshots.Set(s)
	wifi := &radio{}
	wifi.board.Set(w)
	sc := screen.New(screen.Config{Options: screen.Options{Name: "Kitchen"}, Snapshots: &snapshots, Frames: &frames, WiFi: wifi, LastActivity: time.Now, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	return sc.Pages().Get(), sc.Statuses().Get()
}

// TestSetUpPage checks what a box says that is not set up, and who may see its codes.
func TestSetUpPage(t *testing.T) {
	phone := "http://192.168.1.20:8420/setup/" + setUpKey
	access := &device.AccessPoint{SSID: "pickerd 1a2b", Passphrase: setUpKey}
	missing := &device.Problem{Code: device.NotSetUp, Operator: true}
	mistake := device.ConfigurationProblem(device.Place{File: "/etc/pickerd/pickerd.toml", Line: 3, Key: "naem"}, "unknown key")
	for name, tt := range map[string]struct {
		snap           device.Snapshot
		wifi           device.WiFi
		title          string
		wants          []string // in the text of the page
		qr, link, step string   // of the box's own outputs
	}{
		"operator": {device.Snapshot{Standing: missing, SetUp: &device.SetUpInfo{Address: "192.168.1.20", Client: "/etc/credstore/c.json", ClientType: "Desktop app", Config: "/etc/p.toml", Document: "/usr/share/doc/README.md"}}, device.WiFi{},
			"This box is not set up yet", []string{"192.168.1.20", "Desktop app to /etc/credstore/c.json", "google.gateway in /etc/p.toml", "/usr/share/doc/README.md"}, "", "", "Make a client file"},
		"without a network": {device.Snapshot{Standing: missing, SetUp: &device.SetUpInfo{}}, device.WiFi{},
			"This box is not set up yet", []string{"not connected to a network"}, "", "", "Make a client file"},
		"phone": {device.Snapshot{Standing: missing, SetUp: &device.SetUpInfo{Phone: phone, Address: "192.168.1.20"}}, device.WiFi{},
			"This box is not set up yet", []string{"192.168.1.20", "Make a client file"}, phone, phone, "same Wi-Fi as this screen"},
		"access point": {device.Snapshot{Standing: missing, SetUp: &device.SetUpInfo{Phone: phone}}, device.WiFi{Usable: true, Access: access},
			"This box is not set up yet", []string{"not connected"}, access.QR(), "", "Scan the code to connect your phone to the Wi-Fi “pickerd 1a2b”. The password is " + setUpKey},
		"joined": {device.Snapshot{Standing: missing, SetUp: &device.SetUpInfo{Phone: phone}}, device.WiFi{Usable: true, Access: access, Joined: true},
			"This box is not set up yet", []string{"not connected"}, phone, phone, "Keep your phone connected to the Wi-Fi “pickerd 1a2b”. The password is " + setUpKey},
		"trouble": {device.Snapshot{Standing: missing, Problem: &device.Problem{Code: "no_network"}, SetUp: &device.SetUpInfo{Phone: phone}}, device.WiFi{},
			"This box is not set up yet", []string{"No internet connection."}, phone, phone, "same Wi-Fi"},
		"mistake": {device.Snapshot{Standing: mistake, SetUp: &device.SetUpInfo{Address: "192.168.1.20"}}, device.WiFi{},
			"This screen needs attention", []string{"/etc/pickerd/pickerd.toml:3: naem: unknown key", "192.168.1.20"}, "", "", ""},
		"nothing known": {device.Snapshot{}, device.WiFi{}, "This box is not set up yet", nil, "", "", "Make a client file"},
	} {
		t.Run(name, func(t *testing.T) {
			page, status := setUpPage(t, tt.snap, tt.wifi)
			text := strings.Join(append(page.Steps, page.Text, page.Hint, page.Problem, page.Remedy), "\n")
			if page.Title != tt.title {
				t.Errorf("title %q", page.Title)
			}
			for _, want := range tt.wants {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in:\n%s", want, text)
				}
			}
			own := page.OnBox()
			if steps := strings.Join(own.Steps, "\n"); own.QR != tt.qr || own.Link != tt.link || !strings.Contains(steps, tt.step) || own.Own != nil {
				t.Errorf("on the box: QR %q, link %q, steps:\n%s", own.QR, own.Link, steps)
			}
			if n := strings.Count(strings.Join(own.Steps, "\n"), "Scan the code"); tt.qr != "" && n != 1 {
				t.Errorf("%d steps say what the code is for: %q", n, own.Steps)
			}
			if tt.link != "" && !strings.Contains(own.Spoken, "192.168.1.20:8420/setup/") {
				t.Errorf("a screen reader says %q", own.Spoken)
			}
			page.Own = nil
			for what, v := range map[string]any{"page": page, "status": status} {
				data, err := json.Marshal(v)
				if err != nil || strings.Contains(string(data), setUpKey) || page.QR != "" || page.Link != "" {
					t.Errorf("the %s for others has the key: %s (%v)", what, data, err)
				}
			}
			if status.State != device.SetUp || tt.snap.Standing != nil && tt.snap.Problem == nil && status.Problem.Code != tt.snap.Standing.Code {
				t.Errorf("status %s, problem %+v", status.State, status.Problem)
			}
		})
	}
}

// TestMistake checks that other programs learn where the mistake is, and that its text
// has a bound.
func TestMistake(t *testing.T) {
	long := strings.Repeat("ä", 1<<20)
	_, status := setUpPage(t, device.Snapshot{Standing: device.ConfigurationProblem(device.Place{File: "f.toml", Line: 7, Key: long}, long)}, device.WiFi{})
	p := status.Problem
	if p.Code != "configuration" || p.File != "f.toml" || p.Line != 7 || !strings.HasPrefix(p.Key, "ää") || len(p.Key) > 1000 || !strings.Contains(p.Message, "f.toml:7: ää") || len(p.Message) > 1000 {
		t.Errorf("%.200s: %d bytes, key of %d bytes", p.Message, len(p.Message), len(p.Key))
	}
}
