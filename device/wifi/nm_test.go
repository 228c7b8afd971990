package wifi_test

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/godbus/dbus/v5"

	"pickerd/device"
	"pickerd/device/wifi"
)

var discard = slog.New(slog.DiscardHandler)

// withManager runs a test with a fake NetworkManager, in a bubble.
func withManager(t *testing.T, test func(t *testing.T, m *fakeManager)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newFakeManager(t)
		test(t, m)
		m.wg.Wait()
	})
}

// States and reasons of a NetworkManager 1.42 that joins a network.
var (
	begins     = []change{{40, 0}, {50, 0}, {60, 0}, {40, 0}, {50, 0}}
	succeeds   = append(slices.Clone(begins), change{70, 0}, change{80, 0}, change{90, 0}, change{100, 0})
	noSecrets  = append(slices.Clone(begins), change{60, 8}, change{120, 7}, change{30, 0})
	notFound   = append(slices.Clone(begins), change{120, 53}, change{30, 0}) // after 25 s
	noAddress  = append(slices.Clone(begins), change{70, 0}, change{120, 5}, change{30, 0})
	unplugged  = append(slices.Clone(begins), change{20, 36})
	afterOther = append([]change{{50, 0}, {110, 60}, {30, 60}}, succeeds...)
	never      = begins
)

func TestManagerJoin(t *testing.T) {
	home := device.WiFiNetwork{SSID: "Home", Security: device.WPA2}
	hidden := device.WiFiNetwork{SSID: "Home", Security: device.WPA2, Hidden: true}
	for _, tt := range []struct {
		name     string
		network  device.WiFiNetwork
		changes  []change
		vanishes bool
		refuse   string
		want     error
	}{
		{"joined", home, succeeds, false, "", nil},
		{"hidden", hidden, succeeds, false, "", nil},
		{"WPA3", device.WiFiNetwork{SSID: "Home", Security: device.WPA3}, succeeds, false, "", nil},
		{"open", device.WiFiNetwork{SSID: "Home", Security: device.Open}, succeeds, false, "", nil},
		{"after another", home, afterOther, false, "", nil},
		{"wrong password", home, noSecrets, false, "", device.ErrWiFiPassword},
		{"wrong password, hidden", hidden, noSecrets, true, "", device.ErrWiFiPassword},
		{"not found, hidden", hidden, notFound, true, "", device.ErrWiFiGone},
		{"vanishes", home, noSecrets, true, "", device.ErrWiFiGone},
		{"vanishes, scan refused", home, noSecrets, true, "", device.ErrWiFiGone},
		{"wrong password, scan refused", home, noSecrets, false, "", device.ErrWiFiPassword},
		{"not found", home, notFound, false, "", device.ErrWiFiGone},
		{"no address", home, noAddress, false, "", device.ErrWiFiFailed},
		{"no address, then gone", home, noAddress, true, "", device.ErrWiFiFailed},
		{"radio unplugged", home, unplugged, false, "", device.ErrWiFiFailed},
		{"no end", home, never, false, "", device.ErrWiFiFailed},
		{"no end, gone", home, never, true, "", device.ErrWiFiGone},
		{"invalid key", home, nil, false, nm + ".Settings.Connection.InvalidProperty", device.ErrWiFiPassword},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withManager(t, func(t *testing.T, m *fakeManager) {
				m.hear("Home", 1, 0, 0x188, 60)
				m.profiles["/old"] = wifi.Settings{"connection": {"type": dbus.MakeVariant("802-11-wireless")}, "802-11-wireless": {"ssid": dbus.MakeVariant([]byte("Home"))}, "user": {"data": dbus.MakeVariant(map[string]string{"pickerd.profile": "network"})}}
				m.profiles["/operator"] = wifi.Settings{"connection": {"type": dbus.MakeVariant("802-11-wireless")}, "802-11-wireless": {"ssid": dbus.MakeVariant([]byte("Home"))}}
				n := m.connect()
				defer n.Close()
				m.changes, m.vanishes, m.refuse, m.noScan = tt.changes, tt.vanishes, tt.refuse, strings.Contains(tt.name, "scan refused")
				err := n.Join(t.Context(), tt.network, "correct horse")
				if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
					t.Errorf("%v, want %v", err, tt.want)
				}
				if err != nil && strings.Contains(err.Error(), "horse") {
					t.Errorf("the password is in %q", err)
				}
				left := []dbus.ObjectPath{"/old", "/operator"}
				if tt.want == nil {
					left = []dbus.ObjectPath{"/operator", nmPath + "/Settings/101"}
					checkProfile(t, m, tt.network)
				}
				if got := slices.Sorted(mapKeys(m.profiles)); !slices.Equal(got, left) {
					t.Errorf("profiles %v, want %v", got, left)
				}
				if saved := len(m.saved) > 0; saved != (tt.want == nil) {
					t.Errorf("saved %v", m.saved)
				}
				if err := n.Forget(t.Context()); err != nil || len(m.profiles) != 1 {
					t.Errorf("forgotten: %v, %v", err, m.profiles)
				}
			})
		})
	}
}

func mapKeys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// checkProfile checks the profile of a network that was joined.
func checkProfile(t *testing.T, m *fakeManager, n device.WiFiNetwork) {
	t.Helper()
	s := m.profiles[nmPath+"/Settings/101"]
	key, _ := s["802-11-wireless-security"]["key-mgmt"].Value().(string)
	want := map[device.Security]string{device.WPA2: "wpa-psk", device.WPA3: "sae"}[n.Security]
	ssid, _ := s["802-11-wireless"]["ssid"].Value().([]byte)
	hidden, _ := s["802-11-wireless"]["hidden"].Value().(bool)
	if key != want || string(ssid) != n.SSID || hidden != n.Hidden {
		t.Errorf("profile %v", s)
	}
	if m.options["persist"].Value() != "memory" {
		t.Errorf("the profile is on disk before the network is joined: %v", m.options)
	}
}

func TestManagerNetworks(t *testing.T) {
	withManager(t, func(t *testing.T, m *fakeManager) {
		m.hear("Home", 1, 0, 0x188, 40)
		m.hear("Home", 1, 0, 0x188, 80) // a repeater
		m.hear("Neighbour", 1, 0x142, 0x588, 30)
		m.hear("", 1, 0, 0x188, 90)                  // does not tell its name
		m.hear("Other box", 1, 0, 0x188, 99, 1)      // ad hoc
		m.hear("caf\xe9\x1b[31m", 0, 0, 0, 20)       // Latin-1, and a colour
		m.hear(strings.Repeat("x", 40), 0, 0, 0, 10) // longer than can be
		m.set(m.hear("Looked for", 1, 0, 0x188, 0), nm+".AccessPoint", "LastSeen", int32(-1))
		n := m.connect()
		defer n.Close()
		got, err := n.Networks(t.Context(), true)
		want := []device.WiFiNetwork{
			{SSID: "Home", Security: device.WPA2, Strength: 80},
			{SSID: "Neighbour", Security: device.WPA2, Strength: 30},
			{SSID: "caf\ufffd\ufffd[31m", Security: device.Open, Strength: 20},
			{SSID: strings.Repeat("x", 32), Security: device.Open, Strength: 10},
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v, %v", got, err)
		}
		m.noScan = true // too soon after another
		if again, err := n.Networks(t.Context(), true); err != nil || len(again) != len(want) {
			t.Errorf("a scan that is refused: %v, %v", again, err)
		}
		m.changes = succeeds
		if err := n.Join(t.Context(), want[2], ""); err != nil {
			t.Error(err)
		}
		if ssid := m.profiles[nmPath+"/Settings/101"]["802-11-wireless"]["ssid"].Value(); !reflect.DeepEqual(ssid, []byte("caf\xe9\x1b[31m")) {
			t.Errorf("joined %q", ssid)
		}
	})
}

func TestManagerAccessPoint(t *testing.T) {
	access := device.AccessPoint{SSID: "Box setup", Passphrase: "abcdefghjkmn"}
	withManager(t, func(t *testing.T, m *fakeManager) {
		n := m.connect()
		defer n.Close()
		m.changes = []change{{40, 0}, {50, 0}, {70, 0}, {80, 0}, {90, 0}, {100, 0}}
		if err := n.Open(t.Context(), access); err != nil {
			t.Fatal(err)
		}
		s := m.profiles[nmPath+"/Settings/101"]
		if s["802-11-wireless"]["mode"].Value() != "ap" || s["ipv4"]["method"].Value() != "shared" || m.options["persist"].Value() != "volatile" || m.options["bind-activation"].Value() != "dbus-client" {
			t.Errorf("profile %v, options %v", s, m.options)
		}
		m.set(radioPath, nm+".Device.Wireless", "Mode", uint32(3))
		m.set(nmPath, nm, "State", uint32(50))
		if st, err := n.State(t.Context()); err != nil || !st.Access || st.Online || st.Connected != "" || st.Known {
			t.Errorf("%+v, %v", st, err)
		}
		if err := n.Shut(t.Context()); err != nil {
			t.Error(err)
		}
		m.changes = []change{{40, 0}, {50, 0}, {70, 0}, {120, 18}} // no dnsmasq
		if err := n.Open(t.Context(), access); !errors.Is(err, device.ErrWiFiFailed) {
			t.Errorf("%v", err)
		}
		if _, left := m.profiles[nmPath+"/Settings/102"]; left {
			t.Error("its profile is left")
		}
	})
}

func TestManagerState(t *testing.T) {
	withManager(t, func(t *testing.T, m *fakeManager) {
		point := m.hear("Home", 1, 0, 0x188, 60)
		n := m.connect()
		defer n.Close()
		base := wifi.State{Usable: true, Shares: true}
		for _, tt := range []struct {
			name   string
			change func()
			want   func(*wifi.State)
		}{
			{"nothing", func() {}, func(*wifi.State) {}},
			{"starting", func() { m.set(nmPath, nm, "Startup", true) }, func(s *wifi.State) { s.Starting = true }},
			{"a profile", func() {
				m.set(nmPath, nm, "Startup", false)
				m.profiles["/p"] = wifi.Settings{"connection": {"type": dbus.MakeVariant("802-11-wireless")}}
			}, func(s *wifi.State) { s.Known = true }},
			{"joining", func() { m.set(radioPath, nm+".Device", "State", uint32(70)) }, func(s *wifi.State) { s.Known, s.Starting = true, true }},
			{"in a network", func() {
				m.set(radioPath, nm+".Device", "State", uint32(100))
				m.set(radioPath, nm+".Device.Wireless", "ActiveAccessPoint", point)
				m.set(nmPath, nm, "State", uint32(60))
				m.set(nmPath, nm, "Connectivity", uint32(2))
			}, func(s *wifi.State) { s.Connected, s.Online, s.Portal = "Home", true, true }},
			{"radio off", func() {
				m.set(radioPath, nm+".Device", "State", uint32(20))
				m.set(nmPath, nm, "State", uint32(20))
				m.set(nmPath, nm, "Connectivity", uint32(4))
				m.set(nmPath, nm, "ConnectivityCheckEnabled", false)
			}, func(s *wifi.State) { s.Usable, s.Known, s.Unproven = false, true, true }},
		} {
			want := base
			tt.change()
			tt.want(&want)
			if got, err := n.State(t.Context()); err != nil || got != want {
				t.Errorf("%s: %+v, %v; want %+v", tt.name, got, err, want)
			}
		}
	})
}

// The box waits for NetworkManager, for its permission and for a radio, and asks
// nothing meanwhile.
func TestManagerWait(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(*fakeManager)
		after  func(*fakeManager)
	}{
		{"starts later", func(m *fakeManager) { m.owned = false }, func(m *fakeManager) { m.own(true) }},
		{"permission", func(m *fakeManager) { m.permissions[wifi.Permissions[1]] = "auth" }, func(m *fakeManager) {
			m.mu.Lock()
			m.permissions[wifi.Permissions[1]] = "yes"
			m.mu.Unlock()
			m.signal(nmPath, nm, "CheckPermissions")
		}},
		{"radio", func(m *fakeManager) { m.objects[radioPath][nm+".Device"]["State"] = uint32(10) }, func(m *fakeManager) {
			m.set(radioPath, nm+".Device", "State", uint32(30))
			m.signal(nmPath, nm, "DeviceAdded", radioPath)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withManager(t, func(t *testing.T, m *fakeManager) {
				tt.before(m)
				found := make(chan *wifi.NetworkManager)
				go func() { found <- m.connect() }()
				time.Sleep(time.Hour)
				synctest.Wait()
				select {
				case <-found:
					t.Fatal("found before")
				default:
				}
				tt.after(m)
				n := <-found
				m.own(true) // another NetworkManager has taken over
				synctest.Wait()
				if _, err := n.State(t.Context()); err == nil {
					t.Error("no error though NetworkManager has been replaced")
				}
				n.Close()
			})
		})
	}
	withManager(t, func(t *testing.T, m *fakeManager) {
		m.owned = false
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := wifi.Connect(ctx, m.dial, discard); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	if _, err := wifi.Connect(t.Context(), func(context.Context) (*dbus.Conn, error) { return nil, errors.New("no bus") }, discard); err == nil {
		t.Error("no error without a bus")
	}
}

// A NetworkManager that is too slow while the machine starts is asked again.
func TestManagerSlow(t *testing.T) {
	withManager(t, func(t *testing.T, m *fakeManager) {
		m.silent = 2
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		n, err := wifi.Connect(ctx, m.dial, discard)
		if err != nil {
			t.Fatal(err)
		}
		n.Close()
	})
}

// NetworkManager stops while a network is joined.
func TestManagerStops(t *testing.T) {
	withManager(t, func(t *testing.T, m *fakeManager) {
		n := m.connect()
		m.changes = begins
		result := make(chan error)
		go func() {
			result <- n.Join(t.Context(), device.WiFiNetwork{SSID: "Home", Security: device.Open}, "")
		}()
		synctest.Wait()
		m.own(false)
		if err := <-result; err == nil {
			t.Error("no error")
		}
		m.conn.Close()
		n.Close()
		for range n.Changes() { // it is closed
		}
	})
}

func TestSecurity(t *testing.T) {
	for _, tt := range []struct {
		name            string
		flags, wpa, rsn uint32
		want            device.Security
	}{
		{"open", 0, 0, 0, device.Open},
		{"open with WPS", 2, 0, 0, device.Open},
		{"WEP", 1, 0, 0, device.Unsupported},
		{"WPA", 1, 0x144, 0, device.WPA2},
		{"WPA2", 1, 0, 0x188, device.WPA2},
		{"WPA and WPA2", 1, 0x144, 0x188, device.WPA2},
		{"WPA2 and WPA3", 1, 0, 0x588, device.WPA2},
		{"WPA3", 1, 0, 0x488, device.WPA3},
		{"enterprise", 1, 0, 0x288, device.Unsupported},
		{"WPA3 enterprise", 1, 0, 0x2088, device.Unsupported},
		{"OWE", 1, 0, 0x888, device.Unsupported},
		{"OWE transition", 0, 0, 0x1000, device.Open},
	} {
		if got := wifi.SecurityOf(tt.flags, tt.wpa, tt.rsn); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
