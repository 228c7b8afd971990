package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pickerd/device/wifi"
)

// The check of Wi-Fi is made where the package is installed, and says what is missing.
func TestWiFi(t *testing.T) {
	if want := strings.ReplaceAll(strings.Join(wifi.Permissions, " "), "org.freedesktop.NetworkManager.", ""); want != strings.Join(wifiPermissions, " ") {
		t.Errorf("permissions %q, want %q", wifiPermissions, want)
	}
	for _, tt := range []struct {
		name, without  string // a file that is missing
		files          map[string]string
		manager, pid   string
		denied         string
		result         Result
		detail, remedy string
	}{
		{name: "well", manager: "active", pid: "7", result: OK, detail: "may use wlan0"},
		{name: "without the package", without: "/lib/systemd/system/pickerd.service.d/wifi.conf"},
		{name: "no radio", without: "/sys/class/net/wlan0/phy80211", result: Warn, detail: "no Wi-Fi radio", remedy: "firmware"},
		{name: "switched off", files: map[string]string{"/sys/class/rfkill/rfkill0/soft": "1\n"}, result: Fail, detail: "switched off", remedy: "rfkill unblock"},
		{name: "no NetworkManager", manager: "inactive", result: Fail, detail: "does not run", remedy: "systemctl enable"},
		{name: "no service", manager: "active", pid: "0", result: Skip, detail: "not run"},
		{name: "no permission", manager: "active", pid: "7", denied: "org.freedesktop.NetworkManager.wifi.share.protected", result: Fail, detail: "lacks the permission org.freedesktop.NetworkManager.wifi.share.protected", remedy: "60-pickerd.rules"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			files := map[string]string{"/lib/systemd/system/pickerd.service.d/wifi.conf": "", "/sys/class/net/wlan0/phy80211": "", "/sys/class/rfkill/rfkill0/type": "wlan\n", "/sys/class/rfkill/rfkill0/soft": "0\n"}
			for name, text := range tt.files {
				files[name] = text
			}
			delete(files, tt.without)
			for name, text := range files {
				if err := errors.Join(os.MkdirAll(filepath.Dir(root+name), 0o755), os.WriteFile(root+name, []byte(text), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			d := New(Config{Root: root, Command: func(_ context.Context, name string, args ...string) (string, error) {
				switch {
				case name == "pkcheck" && slices.Contains(args, tt.denied):
					return "", errors.New("exit status 1")
				case slices.Contains(args, "NetworkManager.service"):
					return "ActiveState=" + tt.manager + "\n", nil
				}
				return "MainPID=" + tt.pid + "\n", nil
			}})
			d.wifi(t.Context(), "wifi")
			if tt.detail == "" {
				if d.findings != nil {
					t.Errorf("%v", d.findings)
				}
				return
			}
			if f := d.findings; len(f) != 1 || f[0].Result != tt.result || !strings.Contains(f[0].Detail, tt.detail) || !strings.Contains(f[0].Remedy, tt.remedy) {
				t.Errorf("%v", f)
			}
		})
	}
}
