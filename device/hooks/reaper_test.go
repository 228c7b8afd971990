package hooks

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pickerd/device"
)

// children returns the states of this process's children, by process ID (proc(5)).
func children(t *testing.T) map[int]string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	states := map[int]string{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		f := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		if len(f) > 1 && f[1] == strconv.Itoa(os.Getpid()) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			states[pid] = f[0]
		}
	}
	return states
}

// TestOrphans checks that processes that hooks leave behind are collected where this
// process adopts them, as PID 1 does, and that a hook's own end still reaches it.
func TestOrphans(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Skip(err)
	}
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	// Some orphans end at once, some when the hook has ended.
	orphans := `for i in 1 2 3 4 5; do (setsid sh -c 'sleep 0.0'$i & setsid true &); done; echo run >> OUT; exit 7`
	r := newRig(t, Config{Reap: true, OnState: []string{"/bin/sh", "-c", orphans}, OnPhotos: []string{"/bin/sh", "-c", orphans}})
	const runs = 10
	for i := range runs {
		r.set([]device.State{device.Opening, device.Picking}[i%2], i+3)
		r.until(fmt.Sprintf("run %d of both hooks", i+1), func() bool { return strings.Count(r.log.String(), "hook failed") == 2*(i+1) })
	}
	if got := strings.Count(r.log.String(), "exit status 7"); got != 2*runs {
		t.Errorf("%d of %d hooks ended with their own status:\n%s", got, 2*runs, r.log.String())
	}
	r.until("no child is left", func() bool { return len(children(t)) == 0 })
}
