package exposition

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// The metrics of the Go runtime and of the process have the names and help texts
// of Prometheus's client library for Go. Dashboards for Go programs use them.
var (
	gcDuration    = &Family{"go_gc_duration_seconds", "summary", "A summary of the wall-time pause (stop-the-world) duration in garbage collection cycles.", []string{"quantile"}}
	gcPercent     = Gauge("go_gc_gogc_percent", "Heap size target percentage configured by the user, otherwise 100. This value is set by the GOGC environment variable, and the runtime/debug.SetGCPercent function. Sourced from /gc/gogc:percent.")
	goInfo        = Gauge("go_info", "Information about the Go environment.", "version")
	received      = Counter("process_network_receive_bytes_total", "Number of bytes received by the process over the network.")
	transmitted   = Counter("process_network_transmit_bytes_total", "Number of bytes sent by the process over the network.")
	virtualMemory = Gauge("process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.")
)

// fromLibrary lists the metrics that the library reads. Those that it names
// differently have its name in the second column.
var fromLibrary = []struct {
	*Family
	source string
}{
	{Gauge("go_gc_gomemlimit_bytes", "Go runtime memory limit configured by the user, otherwise math.MaxInt64. This value is set by the GOMEMLIMIT environment variable, and the runtime/debug.SetMemoryLimit function. Sourced from /gc/gomemlimit:bytes."), "go_memlimit_bytes"},
	{Gauge("go_sched_gomaxprocs_threads", "The current runtime.GOMAXPROCS setting, or the number of operating system threads that can execute user-level Go code simultaneously. Sourced from /sched/gomaxprocs:threads."), "go_gomaxprocs"},
	{Gauge("go_goroutines", "Number of goroutines that currently exist."), ""},
	{Gauge("go_memstats_alloc_bytes", "Number of bytes allocated in heap and currently in use. Equals to /memory/classes/heap/objects:bytes."), ""},
	{Counter("go_memstats_alloc_bytes_total", "Total number of bytes allocated in heap until now, even if released already. Equals to /gc/heap/allocs:bytes."), ""},
	{Gauge("go_memstats_buck_hash_sys_bytes", "Number of bytes used by the profiling bucket hash table. Equals to /memory/classes/profiling/buckets:bytes."), ""},
	{Counter("go_memstats_frees_total", "Total number of heap objects frees. Equals to /gc/heap/frees:objects + /gc/heap/tiny/allocs:objects."), ""},
	{Gauge("go_memstats_gc_sys_bytes", "Number of bytes used for garbage collection system metadata. Equals to /memory/classes/metadata/other:bytes."), ""},
	{Gauge("go_memstats_heap_alloc_bytes", "Number of heap bytes allocated and currently in use, same as go_memstats_alloc_bytes. Equals to /memory/classes/heap/objects:bytes."), ""},
	{Gauge("go_memstats_heap_idle_bytes", "Number of heap bytes waiting to be used. Equals to /memory/classes/heap/released:bytes + /memory/classes/heap/free:bytes."), ""},
	{Gauge("go_memstats_heap_inuse_bytes", "Number of heap bytes that are in use. Equals to /memory/classes/heap/objects:bytes + /memory/classes/heap/unused:bytes"), ""},
	{Gauge("go_memstats_heap_objects", "Number of currently allocated objects. Equals to /gc/heap/objects:objects."), ""},
	{Gauge("go_memstats_heap_released_bytes", "Number of heap bytes released to OS. Equals to /memory/classes/heap/released:bytes."), ""},
	{Gauge("go_memstats_heap_sys_bytes", "Number of heap bytes obtained from system. Equals to /memory/classes/heap/objects:bytes + /memory/classes/heap/unused:bytes + /memory/classes/heap/released:bytes + /memory/classes/heap/free:bytes."), ""},
	{Gauge("go_memstats_last_gc_time_seconds", "Number of seconds since 1970 of last garbage collection."), ""},
	{Counter("go_memstats_mallocs_total", "Total number of heap objects allocated, both live and gc-ed. Semantically a counter version for go_memstats_heap_objects gauge. Equals to /gc/heap/allocs:objects + /gc/heap/tiny/allocs:objects."), ""},
	{Gauge("go_memstats_mcache_inuse_bytes", "Number of bytes in use by mcache structures. Equals to /memory/classes/metadata/mcache/inuse:bytes."), ""},
	{Gauge("go_memstats_mcache_sys_bytes", "Number of bytes used for mcache structures obtained from system. Equals to /memory/classes/metadata/mcache/inuse:bytes + /memory/classes/metadata/mcache/free:bytes."), ""},
	{Gauge("go_memstats_mspan_inuse_bytes", "Number of bytes in use by mspan structures. Equals to /memory/classes/metadata/mspan/inuse:bytes."), ""},
	{Gauge("go_memstats_mspan_sys_bytes", "Number of bytes used for mspan structures obtained from system. Equals to /memory/classes/metadata/mspan/inuse:bytes + /memory/classes/metadata/mspan/free:bytes."), ""},
	{Gauge("go_memstats_next_gc_bytes", "Number of heap bytes when next garbage collection will take place. Equals to /gc/heap/goal:bytes."), ""},
	{Gauge("go_memstats_other_sys_bytes", "Number of bytes used for other system allocations. Equals to /memory/classes/other:bytes."), ""},
	{Gauge("go_memstats_stack_inuse_bytes", "Number of bytes obtained from system for stack allocator in non-CGO environments. Equals to /memory/classes/heap/stacks:bytes."), ""},
	{Gauge("go_memstats_stack_sys_bytes", "Number of bytes obtained from system for stack allocator. Equals to /memory/classes/heap/stacks:bytes + /memory/classes/os-stacks:bytes."), ""},
	{Gauge("go_memstats_sys_bytes", "Number of bytes obtained from system. Equals to /memory/classes/total:byte."), ""},
	{Gauge("go_threads", "Number of OS threads created."), ""},
	{Counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds."), ""},
	{Gauge("process_max_fds", "Maximum number of open file descriptors."), ""},
	{Gauge("process_open_fds", "Number of open file descriptors."), ""},
	{Gauge("process_resident_memory_bytes", "Resident memory size in bytes."), ""},
	{Gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds."), ""},
	{Gauge("process_virtual_memory_bytes", "Virtual memory size in bytes."), ""},
}

// addProcess adds the metrics of the Go runtime and of the process. Those that the
// system does not give are left out.
func addProcess(e Scrape) {
	var b bytes.Buffer
	metrics.WriteGoMetrics(&b)
	metrics.WriteProcMetrics(&b)
	metrics.WriteFDMetrics(&b)
	values := map[string]float64{}
	for line := range strings.Lines(b.String()) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			values[name] = v
		}
	}
	for _, m := range fromLibrary {
		source := m.source
		if source == "" {
			source = m.name
		}
		if v, ok := values[source]; ok {
			e.Add(m.Family, v)
		}
	}

	e.Add(goInfo, 1, runtime.Version())
	percent := []runtimemetrics.Sample{{Name: "/gc/gogc:percent"}}
	runtimemetrics.Read(percent)
	if percent[0].Value.Kind() == runtimemetrics.KindUint64 {
		e.Add(gcPercent, float64(percent[0].Value.Uint64()))
	}
	addPauses(e)

	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &limit); err == nil {
		e.Add(virtualMemory, float64(limit.Cur))
	}
	if text, err := os.ReadFile("/proc/self/net/netstat"); err == nil {
		in, out := octets(string(text))
		e.Add(received, in)
		e.Add(transmitted, out)
	}
}

// addPauses adds the pauses for garbage collection. The library's quantiles count
// a pause of 0 s for each of the first 256 collections that has not taken place yet.
func addPauses(e Scrape) {
	pauses := debug.GCStats{PauseQuantiles: make([]time.Duration, 5)}
	debug.ReadGCStats(&pauses)
	for i, quantile := range []string{"0", "0.25", "0.5", "0.75", "1"} {
		e.Add(gcDuration, pauses.PauseQuantiles[i].Seconds(), quantile)
	}
	e.addSuffix(gcDuration, "_sum", nil, pauses.PauseTotal.Seconds())
	e.addSuffix(gcDuration, "_count", nil, float64(pauses.NumGC))
}

// octets returns the bytes received and sent over IP since boot, in the network
// namespace of the process. The text is that of /proc/PID/net/netstat, where a
// line of names precedes a line of numbers (proc_pid_net(5)). What is missing or
// not a number counts as 0.
func octets(netstat string) (in, out float64) {
	var names []string
	for line := range strings.Lines(netstat) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "IpExt:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, name := range names[:min(len(names), len(fields))] {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				continue
			}
			switch name {
			case "InOctets":
				in = v
			case "OutOctets":
				out = v
			}
		}
	}
	return in, out
}
