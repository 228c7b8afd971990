package setup_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/setup"
)

// hidden is the choice of a network that is not in the list.
const hidden = "another network, whose name is typed"

// radio is a box's Wi-Fi.
type radio struct {
	mu     sync.Mutex
	online bool
	begun  int      // joins
	joined []string // networks and passwords
	err    error    // of Join
}

func (r *radio) State() device.WiFi {
	r.mu.Lock()
	defer r.mu.Unlock()
	return device.WiFi{Usable: true, Online: r.online}
}

func (r *radio) Networks(context.Context) ([]device.WiFiNetwork, error) {
	list := []device.WiFiNetwork{{SSID: "Home <5G>", Security: device.WPA2, Strength: 90}, {SSID: "Home <5G>", Security: device.WPA2, Strength: 20},
		{SSID: "Café", Security: device.Open}, {SSID: "Office", Security: device.Unsupported}}
	for i := range 200 {
		list = append(list, device.WiFiNetwork{SSID: fmt.Sprint("Street ", i), Security: device.WPA3})
	}
	return list, nil
}

func (r *radio) Join(_ context.Context, n device.WiFiNetwork, password string) error {
	r.mu.Lock()
	r.begun++
	r.mu.Unlock()
	time.Sleep(10 * time.Second)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.joined = append(r.joined, fmt.Sprintf("%s %s %v %s", n.SSID, n.Security, n.Hidden, password))
	r.online = r.err == nil
	return r.err
}

func TestWiFi(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, used := &radio{err: device.ErrWiFiPassword}, 0
		b := newBench(t, func(c *setup.Config) { c.WiFi = r; c.Used = func() { used++ } })
		b.run(t)
		p, key := b.phone("10.42.0.7"), b.path()
		p.post(key)
		expect(t, p.post(key+"/box", "name", "Mine", "language", "en"), 303, key+"/wifi")
		w := p.get(key + "/wifi")
		expect(t, w, 200, "Home &lt;5G&gt;")
		if n := strings.Count(w.Body.String(), `type="radio"`); n != 21 {
			t.Errorf("%d networks", n)
		}
		for name, tt := range map[string]struct {
			form []string
			says string
		}{
			"none":            {nil, "Choose a network"},
			"unknown":         {[]string{"network", "Nowhere", "password", "12345678"}, "Choose a network"},
			"not usable":      {[]string{"network", "Office", "password", "12345678"}, "This box can&#39;t use Office"},
			"short password":  {[]string{"network", "Home <5G>", "password", "1234567"}, "8 to 63"},
			"long password":   {[]string{"network", "Home <5G>", "password", strings.Repeat("x", 64)}, "8 to 63"},
			"hidden nameless": {[]string{"network", hidden, "password", "12345678"}, "Choose a network"},
			"hidden too long": {[]string{"network", hidden, "hidden", strings.Repeat("x", 33), "password", "12345678"}, "Choose a network"},
		} {
			if w := p.post(key+"/wifi", tt.form...); w.Code != 422 || !strings.Contains(w.Body.String(), tt.says) {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		// The page says what joining does before it is done.
		expect(t, p.post(key+"/wifi", "network", "Home <5G>", "password", "wrong password"), 303, key+"/join")
		expect(t, p.get(key+"/join"), 200, "Your phone will lose the network")
		if r.joined != nil {
			t.Fatal("joined at once")
		}
		expect(t, p.post(key+"/join"), 200, "Look at the screen")
		expect(t, p.get(key+"/wifi"), 200, "Joining Home")
		time.Sleep(time.Second)
		synctest.Wait()
		if r.begun > 0 {
			t.Error("the network is gone before the answer has arrived")
		}
		expect(t, p.post(key+"/join"), 200, "Look at the screen") // it is on its way
		time.Sleep(10 * time.Second)
		// The screen has an address in the new network before joining ends.
		if got := b.path(); got != "" {
			t.Errorf("while the box joins a network, %s is on the screen", got)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if got := b.path(); got != key {
			t.Errorf("after a wrong password %s is on the screen, want %s", got, key)
		}
		expect(t, p.get(key), 303, key+"/wifi")
		expect(t, p.get(key+"/wifi"), 422, "did not accept the password")
		r.err = nil
		expect(t, p.post(key+"/wifi", "network", hidden, "hidden", "Attic", "password", "right password"), 303, key+"/join")
		expect(t, p.post(key+"/join"), 200, "Look at the screen")
		time.Sleep(13 * time.Second)
		synctest.Wait()
		if want := "[Home <5G> wpa2 false wrong password Attic wpa2 true right password]"; fmt.Sprint(r.joined) != want {
			t.Errorf("%v", r.joined)
		}
		if used < 10 {
			t.Errorf("%d requests are noted", used)
		}
		// The phone comes back at another address, so without its cookie.
		if b.path() == key {
			t.Error("no new key")
		}
		expect(t, p.get(key), 410, "expired")
		p = b.phone("192.168.1.5")
		key = b.path()
		expect(t, p.post(key), 303, key+"/signin")
		expect(t, p.get(key+"/box"), 200, `value="Mine"`)
	})
}

// A box that has a network by now joins no other.
func TestJoinTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &radio{}
		b := newBench(t, func(c *setup.Config) { c.WiFi = r })
		b.run(t)
		p, key := b.phone("10.42.0.7"), b.path()
		p.post(key)
		p.post(key+"/box", "name", "Mine", "language", "en")
		expect(t, p.post(key+"/wifi", "network", "Home <5G>", "password", "12345678"), 303, key+"/join")
		r.mu.Lock()
		r.online = true // by cable
		r.mu.Unlock()
		expect(t, p.post(key+"/join"), 303, key+"/wifi")
		time.Sleep(13 * time.Second)
		synctest.Wait()
		if r.begun > 0 {
			t.Error("it leaves its network for another")
		}
		expect(t, p.get(key), 303, key+"/signin")
	})
}
