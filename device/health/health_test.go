package health

import (
	"fmt"
	"slices"
	"testing"
	"testing/fstest"
)

const wireless = `Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   54.  -56.  -256        0      0      0      0     26        0
`

func TestRead(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing": {nil, ""},
		"Raspberry Pi": {map[string]string{
			"sys/class/thermal/thermal_zone0/type": "cpu-thermal\n", "sys/class/thermal/thermal_zone0/temp": "51234\n",
			"sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
			"sys/class/hwmon/hwmon1/name": "rpi_volt\n", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n",
			"proc/self/net/wireless": wireless,
		}, "51.2 true -56"},
		"enough voltage": {map[string]string{"sys/class/hwmon/hwmon1/name": "rpi_volt\n", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n"}, "false"},
		"PC": {map[string]string{
			"sys/class/thermal/thermal_zone0/type": "acpitz\n", "sys/class/thermal/thermal_zone0/temp": "27800\n",
			"sys/class/thermal/thermal_zone1/type": "x86_pkg_temp\n", "sys/class/thermal/thermal_zone1/temp": "44000\n",
		}, "44"},
		"a zone alone": {map[string]string{"sys/class/thermal/thermal_zone3/type": "soc\n", "sys/class/thermal/thermal_zone3/temp": "-5500\n"}, "-5.5"},
		"a zone that is off": {map[string]string{
			"sys/class/thermal/thermal_zone0/type": "cpu\n", "sys/class/thermal/thermal_zone0/temp": "\n",
			"sys/class/thermal/thermal_zone1/type": "gpu\n", "sys/class/thermal/thermal_zone1/temp": "40000\n",
		}, "40"},
		"levels without a unit": {map[string]string{"proc/self/net/wireless": "\n\n wlan0: 0000 54. 200. 0 0\n"}, ""},
		"nonsense":              {map[string]string{"proc/self/net/wireless": "wlan0: a b c d e\nx", "sys/class/thermal/thermal_zone0/temp": "hot"}, ""},
	} {
		root := fstest.MapFS{}
		for path, text := range tt.files {
			root[path] = &fstest.MapFile{Data: []byte(text)}
		}
		h := Machine{Root: root, Dir: t.TempDir()}.Read()
		got := ""
		if h.Temperature != nil {
			got += fmt.Sprint(" ", *h.Temperature)
		}
		if h.Undervoltage != nil {
			got += fmt.Sprint(" ", *h.Undervoltage)
		}
		if h.WiFiSignal != nil {
			got += fmt.Sprint(" ", *h.WiFiSignal)
		}
		if got != " "+tt.want && got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		if h.Uptime <= 0 || h.DiskFree == nil || *h.DiskFree <= 0 || !slices.Contains(h.Known(), "disk_free") {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if h := (Machine{Root: fstest.MapFS{}, Dir: "/does/not/exist"}).Read(); len(h.Known()) != 0 {
		t.Errorf("known is %v", h.Known())
	}
}

func FuzzWireless(f *testing.F) {
	f.Add([]byte(wireless))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := Machine{Root: fstest.MapFS{"proc/self/net/wireless": {Data: data}}}
		if s := m.wifiSignal(); s != nil && (*s > 0 || *s < -256) {
			t.Errorf("%d dBm", *s)
		}
	})
}
