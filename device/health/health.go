// Package health tells how the machine of a box is, from what Linux says under /sys and
// /proc.
package health

import (
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Health is how a machine is. What is not known is absent.
type Health struct {
	At time.Time `json:"at"`
	// Uptime is the time since the machine has started, in seconds.
	Uptime int64 `json:"uptime"`
	// Temperature of the processor, in degrees Celsius.
	Temperature *float64 `json:"temperature,omitempty"`
	// Undervoltage says that a Raspberry Pi's supply is too weak, now or before.
	Undervoltage *bool `json:"undervoltage,omitempty"`
	// DiskFree is what may still be written, in bytes.
	DiskFree *int64 `json:"disk_free,omitempty"`
	// WiFiSignal is the strength of the received signal, in dBm.
	WiFiSignal *int `json:"wifi_signal,omitempty"`
}

// Known returns the members that are known besides At and Uptime, by their names in JSON.
func (h *Health) Known() (names []string) {
	if h == nil {
		return nil
	}
	for _, m := range []struct {
		name  string
		known bool
	}{{"temperature", h.Temperature != nil}, {"undervoltage", h.Undervoltage != nil}, {"disk_free", h.DiskFree != nil}, {"wifi_signal", h.WiFiSignal != nil}} {
		if m.known {
			names = append(names, m.name)
		}
	}
	return names
}

// A Machine is where Health is read.
type Machine struct {
	Root fs.FS  // of the file system
	Dir  string // on the disk that is told of
}

// Read returns how the machine is now. At is not set.
func (m Machine) Read() Health {
	h := Health{Temperature: m.temperature(), Undervoltage: m.undervoltage(), WiFiSignal: m.wifiSignal()}
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) == nil {
		h.Uptime = t.Nano() / 1e9
	}
	var s unix.Statfs_t
	if unix.Statfs(m.Dir, &s) == nil {
		size := uint64(s.Bsize)
		free := int64(min(s.Bavail, math.MaxInt64/size) * size)
		h.DiskFree = &free
	}
	return h
}

// text returns a file of one line.
func (m Machine) text(name string) string {
	data, err := fs.ReadFile(m.Root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// temperature returns that of the thermal zone of the processor, or of the first zone
// (Documentation/driver-api/thermal/sysfs-api.rst in Linux).
func (m Machine) temperature() *float64 {
	zones, err := fs.Glob(m.Root, "sys/class/thermal/thermal_zone*")
	if err != nil {
		return nil
	}
	var first *float64
	for _, zone := range zones {
		milli, err := strconv.Atoi(m.text(path.Join(zone, "temp")))
		if err != nil {
			continue
		}
		celsius := math.Round(float64(milli)/100) / 10
		switch kind := m.text(path.Join(zone, "type")); {
		case strings.Contains(kind, "cpu"), kind == "x86_pkg_temp":
			return &celsius
		case first == nil:
			first = &celsius
		}
	}
	return first
}

// undervoltage returns what the driver raspberrypi-hwmon says
// (Documentation/hwmon/raspberrypi-hwmon.rst in Linux).
func (m Machine) undervoltage() *bool {
	monitors, err := fs.Glob(m.Root, "sys/class/hwmon/hwmon*")
	if err != nil {
		return nil
	}
	for _, dir := range monitors {
		if m.text(path.Join(dir, "name")) != "rpi_volt" {
			continue
		}
		if alarm := m.text(path.Join(dir, "in0_lcrit_alarm")); alarm != "" {
			return new(alarm != "0")
		}
	}
	return nil
}

// wifiSignal returns the signal of the first radio. A line has its name, a status, the
// quality, the level and the noise; levels in dBm are negative.
func (m Machine) wifiSignal() *int {
	for line := range strings.Lines(m.text("proc/self/net/wireless")) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasSuffix(fields[0], ":") {
			continue
		}
		if level, err := strconv.ParseFloat(fields[3], 64); err == nil && level < 0 && level > -256 {
			return new(int(math.Round(level)))
		}
	}
	return nil
}
