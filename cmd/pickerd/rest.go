package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	restAfter = 10 * time.Second // the start is over
	restEvery = 10 * time.Minute
)

// rest returns memory to the system until ctx ends: garbage, and the pages of the
// program that were mapped when something ran once, such as the start. The kernel maps
// them again, from its cache, when they are used.
func rest(ctx context.Context) error {
	t := time.NewTimer(restAfter)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
		debug.FreeOSMemory()
		unmapProgram()
		t.Reset(restEvery)
	}
}

// unmapProgram drops the pages of the program's file. On kernels without smaps it does
// nothing.
func unmapProgram() {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer f.Close()
	for _, m := range cleanMappings(f, exe) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED) // at worst they stay
	}
}

// A mapping is a range of addresses.
type mapping struct{ start, end uintptr }

// cleanMappings returns the mappings of a file that can be read from it again: they are
// neither writable nor changed. The format of r is that of /proc/PID/smaps (proc(5)).
func cleanMappings(r io.Reader, file string) (list []mapping) {
	var m mapping
	ours := false
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line := lines.Text()
		var next mapping
		if n, _ := fmt.Sscanf(line, "%x-%x ", &next.start, &next.end); n == 2 {
			m, ours = next, strings.HasSuffix(line, " "+file) && (strings.Contains(line, " r-xp ") || strings.Contains(line, " r--p "))
			continue
		}
		if ours && strings.HasPrefix(line, "Anonymous:") && strings.HasSuffix(line, " 0 kB") {
			list = append(list, m)
		}
	}
	return list
}
