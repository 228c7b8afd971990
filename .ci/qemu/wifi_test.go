package qemu

import (
	"flag"
	"strings"
	"testing"
	"time"
)

const (
	homePassword = "correct-horse"
	accessName   = "Frame"
	accessPass   = "abcdefgh23"
)

var radio = flag.Bool("radio", false, "run TestRadio and TestWiFi, which take a quarter of an hour")

// TestRadio has pickerd's code join networks of a real router through a real
// NetworkManager, and open an access point for a phone.
func TestRadio(t *testing.T) {
	if !*radio {
		t.Skip("runs with -radio")
	}
	t.Parallel()
	l := newLaboratory(t, 1, nil)
	l.m.run("systemctl stop pickerd.service pickerd.path 2>&1")
	t.Logf("power-on and radios: %v", time.Since(l.m.started).Round(time.Second))
	profiles := func() string { return l.m.run("ls /etc/NetworkManager/system-connections") }
	for _, c := range []struct{ name, router, list, join, want string }{
		{"wrong password", "wpa2", "Home wpa2", "Home wpa2 wrong-horse", "password"},
		{"wpa2", "wpa2", "Home wpa2", "Home wpa2 " + homePassword, "joined"},
		{"hidden", "hidden", "", "Home wpa2,hidden " + homePassword, "joined"},
		{"wpa3", "wpa3", "Home wpa3", "Home wpa3 " + homePassword, "joined"},
		{"open", "open", "Home open", "Home open -", "joined"},
		{"gone", "off", "", "Home wpa2 " + homePassword, "gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l.m.t, l.t = t, t
			l.m.run("nmcli -t -f UUID,TYPE connection | sed -n s/:802-11-wireless//p | xargs -r nmcli connection delete 2>&1")
			l.router(c.router, homePassword)
			if c.list != "" {
				l.m.until("the network is heard", func() bool { return strings.Contains(l.radio("list"), c.list) })
			}
			began := time.Now()
			if got := l.radio("join " + c.join); got != c.want {
				t.Errorf("join: %q, want %q", got, c.want)
			}
			t.Logf("%s after %v", c.want, time.Since(began).Round(time.Second))
			if kept := profiles() != ""; kept != (c.want == "joined") {
				t.Errorf("profiles: %q", profiles())
			}
		})
	}
	l.m.t, l.t = t, t
	t.Run("access point", func(t *testing.T) {
		l.m.t, l.t = t, t
		l.m.run("setsid setpriv --reuid=pickerd --regid=pickerd --clear-groups /usr/local/bin/agent radio open " + accessName + " " + accessPass + " >/run/radio.log 2>&1 & true")
		l.m.until("the access point is open", func() bool { return strings.Contains(l.m.run("cat /run/radio.log"), "open") })
		l.join(accessName, accessPass)
		if got := l.m.run("cat /etc/netns/phone/resolv.conf"); got != "nameserver "+accessAddress {
			t.Errorf("the phone's name server: %q", got)
		}
		if got := profiles(); got != "" {
			t.Errorf("profile of the access point on the disk: %q", got)
		}
	})
}

// accessAddress is that of the box in the network of its access point.
const accessAddress = "10.84.20.1"
