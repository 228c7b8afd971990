package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const someMaps = `00400000-00bd4000 r-xp 00000000 00:1f 1234                               /usr/bin/pickerd
Size:               8016 kB
Rss:                6864 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00bd4000-0160f000 r--p 007d4000 00:1f 1234                               /usr/bin/pickerd
Rss:                6572 kB
Anonymous:             4 kB
0160f000-016e2000 rw-p 0120f000 00:1f 1234                               /usr/bin/pickerd
Anonymous:             0 kB
016e2000-03727000 rw-p 00000000 00:00 0
Anonymous:             0 kB
7f0000000000-7f0000001000 r--p 00000000 00:1f 99                         /usr/bin/pickerd.old
Anonymous:             0 kB
7f0000002000-7f0000003000 r--s 00000000 00:1f 99                         /usr/bin/pickerd
Anonymous:             0 kB
7f0000004000-7f0000005000 r--p 00001000 00:1f 1234                       /usr/bin/pickerd
Rss:                   4 kB
Anonymous:             0 kB
`

// Only pages that are the same in the file may be dropped.
func TestCleanMappings(t *testing.T) {
	got := cleanMappings(strings.NewReader(someMaps), "/usr/bin/pickerd")
	want := []mapping{{0x400000, 0xbd4000}, {0x7f0000004000, 0x7f0000005000}}
	if !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// The program goes on with its pages dropped, and fewer of them are mapped.
func TestUnmapProgram(t *testing.T) {
	exe, err := os.ReadFile("/proc/self/exe") // so that all of it is in the kernel's cache
	if err != nil || len(exe) == 0 {
		t.Fatal(err)
	}
	before := mapped(t)
	unmapProgram()
	if after := mapped(t); after > before*3/4 {
		t.Errorf("%d kB of files are mapped, %d before", after, before)
	}
}

// mapped returns how much of files is mapped, in kB.
func mapped(t *testing.T) (kb int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		if name != "RssFile" && name != "RssShmem" { // the latter are in memory, as a test's program may be
			continue
		}
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
		if err != nil {
			t.Fatal(err)
		}
		kb += n
	}
	return kb
}
