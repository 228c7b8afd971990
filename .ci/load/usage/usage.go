// Package usage reads from /proc what processes use.
package usage

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Usage is what a process has used.
type Usage struct {
	CPU       time.Duration
	RSS, Peak int64 // bytes
}

// Of returns the usage of a process, zeros if there is no such process.
func Of(pid int) (u Usage) {
	dir := "/proc/" + strconv.Itoa(pid)
	if stat, err := os.ReadFile(dir + "/stat"); err == nil {
		_, rest, _ := strings.Cut(string(stat), ") ") // the name may have spaces
		if f := strings.Fields(rest); len(f) > 12 {
			user, _ := strconv.ParseInt(f[11], 10, 64)
			system, _ := strconv.ParseInt(f[12], 10, 64)
			u.CPU = time.Duration(user+system) * time.Second / 100 // USER_HZ
		}
	}
	if status, err := os.ReadFile(dir + "/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			name, text, _ := strings.Cut(line, ":")
			kB, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			switch name {
			case "VmRSS":
				u.RSS = kB << 10
			case "VmHWM":
				u.Peak = kB << 10
			}
		}
	}
	return u
}

// Print writes a line about a process that ran for a time.
func (u Usage) Print(w io.Writer, name string, before Usage, took time.Duration) {
	fmt.Fprintf(w, "%-12s %.2f cores, %.1f MB, at most %.1f MB\n", name, (u.CPU-before.CPU).Seconds()/took.Seconds(), float64(u.RSS)/1e6, float64(u.Peak)/1e6)
}
