package wifi_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pickerd/device"
	"pickerd/device/wifi"
)

// The files of the package pickerd-wifi allow what the daemon needs, no more, and have
// its address.
func TestPackage(t *testing.T) {
	read := func(name string) string {
		data, err := os.ReadFile("../../systemd/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	rules := read("60-pickerd.rules")
	var allowed []string
	for _, m := range regexp.MustCompile(`"(org\.[^"]*)"`).FindAllStringSubmatch(rules, -1) {
		allowed = append(allowed, m[1])
	}
	if want := slices.Sorted(slices.Values(wifi.Permissions)); !slices.Equal(slices.Sorted(slices.Values(allowed)), want) {
		t.Errorf("the rule allows %q, want %q", allowed, want)
	}
	if !strings.Contains(rules, `subject.user == "pickerd"`) {
		t.Error("the rule is not for the user pickerd")
	}
	spec, err := os.ReadFile("../../.ci/package/pickerd-wifi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for packager, supplicant := range map[string]string{"deb": "wpasupplicant", "rpm": "wpa_supplicant"} { // without it the radio stays unavailable
		if !regexp.MustCompile(`\n  ` + packager + `:\n(    .*\n)*?    depends: .*\b` + supplicant + `\b`).Match(spec) {
			t.Errorf("the %s does not depend on %s", packager, supplicant)
		}
	}
	for name, want := range map[string]string{
		"pickerd-wifi.socket":  "\nListenStream=" + device.AccessAddress + ":80\n",
		"dnsmasq-pickerd.conf": "\naddress=/#/" + device.AccessAddress + "\n",
		"wifi.conf":            "\nSockets=pickerd-wifi.socket\n",
	} {
		if !strings.Contains(read(name), want) {
			t.Errorf("%s does not have %q", name, strings.TrimSpace(want))
		}
	}
}
