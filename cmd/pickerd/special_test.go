package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Files that are pipes or never end make no command wait.
func TestSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "zeros")); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{pipe, filepath.Join(dir, "zeros")} {
		config := writeFile(t, "client.toml", fmt.Sprintf("[google]\nclient_file='%s'\n", file))
		for _, args := range [][]string{
			{"run", "--config", file}, {"config", "check", file}, {"config", "check", config}, {"run", "--config", config},
			{"import-token", file},
		} {
			code, _, stderr := try(t, map[string]string{"STATE_DIRECTORY": dir, "RUNTIME_DIRECTORY": dir}, args...)
			if code == 0 || stderr == "" || len(stderr) > 1000 {
				t.Errorf("%s: exit code %d, %.1000s", strings.Join(args, " "), code, stderr)
			}
		}
	}
}
