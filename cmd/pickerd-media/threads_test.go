package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestThreads checks that the threads of a film's programs do not grow with the computer:
// a filter graph starts one for each processor unless it is told otherwise.
func TestThreads(t *testing.T) {
	in := input{file: os.Stdin, demuxer: "mov"}
	for name, args := range map[string][]string{"frames": job{in: in}.arguments(), "sound": soundJob{in: in}.arguments()} {
		for _, option := range []string{"-threads", "-filter_threads"} {
			i := slices.Index(args, option)
			if i < 0 || i > slices.Index(args, "-i") {
				t.Errorf("%s: no %s before the input: %s", name, option, strings.Join(args, " "))
				continue
			}
			if n, err := strconv.Atoi(args[i+1]); err != nil || n < 1 || n > maxThreads {
				t.Errorf("%s: %s %s", name, option, args[i+1])
			}
		}
	}
}
