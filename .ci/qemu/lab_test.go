package qemu

import (
	"embed"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

//go:embed lab
var labFiles embed.FS

// wifiPackages are what a machine with Wi-Fi needs beyond those of debianRoot: those of
// a box that pickerd-wifi is installed on, then those of the laboratory.
const wifiPackages = "network-manager wpasupplicant dnsmasq-base polkitd libpam-systemd " +
	"kmod iw hostapd nftables udhcpc"

// wifiModules are the folders and files of kernel modules that those machines load
// themselves.
var wifiModules = []string{
	"net/wireless", "net/mac80211", "net/rfkill", "drivers/net/wireless/mac80211_hwsim.ko", "net/netfilter", "net/ipv4/netfilter",
	"net/ipv6/netfilter", "crypto", "lib", "arch/x86/crypto",
}

// wifiRoot makes the folder that the disks of machines with Wi-Fi are copied from:
// debianRoot, NetworkManager and three simulated radios, with pickerd installed as in an
// image, and not set up.
var wifiRoot = sync.OnceValues(func() (string, error) {
	base, err := debianRoot()
	if err != nil {
		return "", err
	}
	root := filepath.Join(work, "wifi")
	in := "chroot " + root + " env DEBIAN_FRONTEND=noninteractive LC_ALL=C "
	script := "cp -a " + base + " " + root + " && cp /etc/resolv.conf " + root + "/etc/ && mount -t proc proc " + root + "/proc && trap 'umount " + root + "/proc' EXIT && " +
		in + "apt-get update -q && " + in + "apt-get install -q -y --no-install-recommends " + wifiPackages + " && " +
		in + "sh -c 'dpkg -i /packages/pickerd_*.deb /packages/pickerd-framebuffer_*.deb /packages/pickerd-wifi_*.deb' && " +
		in + "systemctl mask NetworkManager-wait-online.service hostapd.service systemd-networkd.service systemd-networkd.socket && " +
		"rm -rf " + root + "/packages " + root + "/var/cache/apt " + root + "/var/lib/apt/lists " + root + "/etc/resolv.conf"
	if err := shell(script); err != nil {
		return "", err
	}
	for _, m := range wifiModules {
		from, to := filepath.Join(modules, "kernel", m), filepath.Join(root, "lib/modules", filepath.Base(modules), "kernel", filepath.Dir(m))
		if err := shell("mkdir -p " + to + " && cp -a " + from + " " + to); err != nil {
			return "", err
		}
	}
	return root, shell("cp " + modules + "/modules.order " + modules + "/modules.builtin* " + root + "/lib/modules/" + filepath.Base(modules) +
		" && depmod -b " + root + " " + filepath.Base(modules))
})

// A laboratory is a machine with three radios: that of the box, that of a phone, which
// the test is behind, and that of a home router, through which Google is reached.
type laboratory struct {
	*installation
	m     *machine
	proxy string // address of the phone's HTTP proxy
}

// labUnit makes the radios before NetworkManager looks for them.
const labUnit = `[Unit]
Description=Radios of the test
DefaultDependencies=no
After=systemd-udevd.service sysinit.target
Before=NetworkManager.service pickerd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/lab/radios
[Install]
WantedBy=multi-user.target
`

// newLaboratory makes the disk of a machine, with the files that more returns by path,
// and boots it. The port gateway of the host is what the home network reaches as
// 10.0.2.2:443.
func newLaboratory(t *testing.T, gateway int, more func(*installation) map[string]string) *laboratory {
	t.Helper()
	root, err := wifiRoot()
	if err != nil {
		t.Fatal(err)
	}
	l := &laboratory{installation: serveGoogle(t)}
	all := map[string]string{"etc/systemd/system/lab.service": labUnit}
	list, err := labFiles.ReadDir("lab")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		data, err := labFiles.ReadFile("lab/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		all["lab/"+f.Name()] = strings.ReplaceAll(string(data), "GATEWAY", fmt.Sprint(gateway))
	}
	if more != nil {
		maps.Copy(all, more(l.installation))
	}
	own := filepath.Join(t.TempDir(), "root")
	if err := shell("cp -a " + root + " " + own); err != nil {
		t.Fatal(err)
	}
	for path, text := range all {
		path = filepath.Join(own, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := shell("chroot " + own + " systemctl enable lab.service"); err != nil {
		t.Fatal(err)
	}
	if err := l.makeDisk(own); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.proxy = free.Addr().String()
	free.Close()
	l.forward = ",hostfwd=tcp:" + l.proxy + "-:8080"
	var state string
	t.Cleanup(func() { // after the machine's log, which is long
		if t.Failed() {
			t.Logf("the phone when the test failed:\n%s", state)
		}
	})
	l.m = l.boot()
	t.Cleanup(func() {
		if t.Failed() {
			state = l.m.run("ip -n phone address show wlan1; ip -n phone route; tail -n 20 /run/phone-wpa.log /run/proxy.log")
		}
	})
	l.m.until("the radios are made", func() bool { return l.m.run("systemctl is-active lab.service || true") == "active" })
	l.m.run("setsid ip netns exec home /usr/local/bin/agent proxy phone :8080 >/run/proxy.log 2>&1 & true")
	return l
}

// router opens the home network with a kind of security, or ends it.
func (l *laboratory) router(security, password string) {
	l.t.Helper()
	l.m.run("/lab/router " + security + " '" + password + "'")
}

// join has the phone join a network.
func (l *laboratory) join(ssid, password string) {
	l.t.Helper()
	l.m.run("/lab/phone '" + ssid + "' '" + password + "' 2>&1")
}

// radio runs a command of the guest's radio as the user of the daemon.
func (l *laboratory) radio(command string) string {
	l.t.Helper()
	return l.m.run("setpriv --reuid=pickerd --regid=pickerd --clear-groups /usr/local/bin/agent radio " + command + " 2>&1")
}

// wifiCode reads the QR code of an access point.
func wifiCode(text string) (ssid, password string, ok bool) {
	text, ok = strings.CutPrefix(text, "WIFI:")
	for field := range strings.SplitSeq(text, ";") {
		switch k, v, _ := strings.Cut(field, ":"); k {
		case "S":
			ssid = v
		case "P":
			password = v
		}
	}
	return ssid, password, ok && ssid != "" && password != ""
}
