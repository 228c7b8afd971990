package fleet

import (
	"fmt"
	"io"
	"time"
)

// Print writes the figures as a table.
func (r Figures) Print(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-10s "+format+"\n", append([]any{name}, args...)...)
	}
	kind, secure := "the bridge alone", "without TLS"
	if r.Whole {
		kind = "with engine"
	}
	if r.TLS {
		secure = "by TLS"
	}
	line("boxes", "%d, %s, %s, a photo every %v", r.Boxes, kind, secure, Interval)
	line("start", "%v", r.Start)
	line("memory", "of a box %v, of the broker for it %s", r.Memory, kB(r.Broker))
	line("bridge", "at rest %v", r.Bridge)
	t := r.Traffic
	line("traffic", "of a box in a day: %.2f MB sent in %.0f writes, %.2f MB received in %.0f reads, counted for %v", t.Sent/1e6, t.Writes, t.Received/1e6, t.Reads, t.Window.Round(time.Second))
	line("processor", "%.2f cores, the broker %.2f", t.Cores, t.BrokerCores)
	line("commands", "%v", r.Command)
	line("group", "%v", r.Group)
	line("orders", "%v", r.Order)
	if s := r.Storm; s != nil {
		line("restart", "online again %v; %d tries, %d connections, at most %d in a second; %v of the broker's processor time", s.Back, s.Tries, s.Made, s.Peak, s.CPU)
	}
}

func (t Times) String() string {
	round := func(d time.Duration) time.Duration {
		return d.Round(max(time.Millisecond, d.Truncate(time.Second)/100))
	}
	return fmt.Sprintf("p50 %v, p99 %v, all %v", round(t.Half), round(t.Most), round(t.Longest))
}

func (m Memory) String() string {
	return fmt.Sprintf("%s resident, %s of heap, %s of stacks, %d goroutines", kB(m.RSS), kB(m.Heap), kB(m.Stacks), m.Goroutines)
}

func kB(bytes int64) string { return fmt.Sprintf("%.0f kB", float64(bytes)/1e3) }
