package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	for _, tt := range []struct {
		name   string
		all    bool
		goarch string
		want   string
	}{
		{"", false, "amd64", "amd64"},
		{"", false, "arm", "armhf"},
		{"armhf", false, "amd64", "armhf"},
		{"", true, "arm64", "amd64 arm64 armhf"},
		{"", false, "riscv64", "error: there are no packages for riscv64; choose one with --arch: amd64, arm64 or armhf"},
		{"mips", false, "amd64", `error: unknown architecture "mips"; choose amd64, arm64 or armhf`},
	} {
		var got []string
		chosen, err := choose(tt.name, tt.all, tt.goarch)
		for _, a := range chosen {
			got = append(got, a.name)
		}
		if err != nil {
			got = []string{"error:", err.Error()}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("choose(%q, %v, %q) = %s; want %s", tt.name, tt.all, tt.goarch, s, tt.want)
		}
	}
}

// TestBuildWithoutGit runs the script build where git is missing: it must say so
// before Go, here a script that leaves a mark, downloads anything.
func TestBuildWithoutGit(t *testing.T) {
	bin, mark := t.TempDir(), filepath.Join(t.TempDir(), "mark")
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\n: >"+mark+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sh", "dirname"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("./build")
	cmd.Env = []string{"PATH=" + bin}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "the build needs git") {
		t.Errorf("build: %v, %s; want 1 and a line about git", err, out)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("build ran go without git")
	}
}
