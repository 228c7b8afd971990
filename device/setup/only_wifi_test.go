package setup_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/setup"
)

// A box that is set up and has lost its network is given another one without a key, and
// nothing else.
func TestOnlyWiFi(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &radio{err: device.ErrWiFiPassword}
		b := newBench(t, func(c *setup.Config) { c.WiFi = r })
		b.run(t)
		b.handle = b.WiFiHandler()
		p := b.phone("10.84.20.7")
		expect(t, p.get("/"), 303, setup.WiFiPath)
		expect(t, p.get(setup.WiFiPath), 200, "Home &lt;5G&gt;")
		for _, path := range []string{"/setup/here/box", "/setup/here/signin", "/setup/here/finish", "/setup/here/file"} {
			expect(t, p.get(path), 303, setup.WiFiPath)
			if w := p.post(path, "name", "Mine"); w.Code != 405 {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
		const join = "/setup/here/join"
		expect(t, p.post(setup.WiFiPath, "network", "Home <5G>", "password", "short"), 422, "8 to 63")
		expect(t, p.post(setup.WiFiPath, "network", "Home <5G>", "password", "correct horse"), 303, join)
		expect(t, p.get(join), 200, "Your phone will lose the network")
		expect(t, p.post(join), 200, "Look at the screen")
		time.Sleep(13 * time.Second)
		synctest.Wait()
		expect(t, p.get(setup.WiFiPath), 422, "did not accept the password")
		r.mu.Lock()
		r.err = nil
		r.mu.Unlock()
		expect(t, p.post(setup.WiFiPath, "network", "Café"), 303, join)
		expect(t, p.post(join), 200, "Look at the screen")
		time.Sleep(13 * time.Second)
		synctest.Wait()
		if want := "[Home <5G> wpa2 false correct horse Café open false ]"; fmt.Sprint(r.joined) != want {
			t.Errorf("joined %v, want %s", r.joined, want)
		}
		expect(t, p.get("/"), 200, "expired")
		expect(t, p.get(setup.WiFiPath), 303, "/setup/here/box")
		expect(t, p.get("/setup/here/box"), 200, "expired")
	})
}
