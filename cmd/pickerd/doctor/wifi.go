package doctor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// wifiDropIns are where the drop-in of the package pickerd-wifi may be.
var wifiDropIns = []string{"/lib", "/usr/lib", "/etc"}

// wifiPermissions are what the daemon needs of NetworkManager.
var wifiPermissions = []string{"network-control", "settings.modify.system", "wifi.scan", "wifi.share.protected"}

// wifi checks whether the daemon may join Wi-Fi networks, where the package pickerd-wifi
// is installed.
func (d *Doctor) wifi(ctx context.Context, check string) {
	installed := false
	for _, dir := range wifiDropIns {
		_, err := os.Stat(d.path(dir + "/systemd/system/pickerd.service.d/wifi.conf"))
		installed = installed || err == nil
	}
	if !installed {
		return
	}
	var radios []string
	for _, p := range d.glob("/sys/class/net/*/phy80211") {
		radios = append(radios, filepath.Base(filepath.Dir(p)))
	}
	if len(radios) == 0 {
		d.found(check, Warn, "Check that a driver and its firmware are installed: dmesg | grep -i firmware. Without a radio, remove the package pickerd-wifi.", "There is no Wi-Fi radio.")
		return
	}
	for _, p := range d.glob("/sys/class/rfkill/*/type") {
		is := func(name, want string) bool {
			data, err := os.ReadFile(filepath.Join(filepath.Dir(d.path(p)), name))
			return err == nil && strings.TrimSpace(string(data)) == want
		}
		if is("type", "wlan") && (is("soft", "1") || is("hard", "1")) {
			d.found(check, Fail, "rfkill unblock wifi. A Raspberry Pi needs its country first: raspi-config nonint do_wifi_country CODE", "The radio is switched off.")
			return
		}
	}
	if out, err := d.cfg.Command(ctx, "systemctl", "show", "NetworkManager.service", "-p", "ActiveState"); err != nil || properties(out)["ActiveState"] != "active" {
		d.found(check, Fail, "systemctl enable --now NetworkManager", "NetworkManager does not run.")
		return
	}
	out, err := d.cfg.Command(ctx, "systemctl", "show", "pickerd.service", "-p", "MainPID")
	pid := properties(out)["MainPID"]
	if err != nil || pid == "" || pid == "0" {
		d.skip(check, "The service does not run, so its permissions are not known.")
		return
	}
	for _, p := range wifiPermissions {
		p = "org.freedesktop.NetworkManager." + p
		if _, err := d.cfg.Command(ctx, "pkcheck", "--action-id", p, "--process", pid); err != nil {
			d.found(check, Fail, "The rule 60-pickerd.rules of the package pickerd-wifi gives it to the user pickerd. It needs polkit 121: pkaction --version", "The service lacks the permission %s.", p)
			return
		}
	}
	d.ok(check, "The service may use %s.", strings.Join(radios, ", "))
}
