package main

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// maxInit is what one of this repository's packages may allocate while the program
// starts, in bytes. Tables and regular expressions that not every run needs belong into
// a sync.OnceValue.
const maxInit = 24_000

// maxInits is what all packages may allocate, with those of others.
const maxInits = 400_000

// TestStart checks that little is prepared before main.
func TestStart(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	inits := regexp.MustCompile(`(?m)^init (\S+) @.*, (\d+) bytes, \d+ allocs$`).FindAllStringSubmatch(string(out), -1)
	sum := 0
	for _, init := range inits {
		n, err := strconv.Atoi(init[2])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
		if strings.HasPrefix(init[1], "pickerd/") && n > maxInit {
			t.Errorf("%s allocates %d bytes before main, more than %d", init[1], n, maxInit)
		}
	}
	if len(inits) == 0 || sum > maxInits {
		t.Errorf("%d packages allocate %d bytes before main, more than %d", len(inits), sum, maxInits)
	}
}
