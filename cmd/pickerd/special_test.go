package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pickerd/oauthdevice/oauthtest"
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
			{"run", "--check", "--config", file}, {"config", "check", file}, {"config", "check", config}, {"run", "--check", "--config", config},
			{"import-token", file},
		} {
			code, _, stderr := try(t, map[string]string{"STATE_DIRECTORY": dir, "RUNTIME_DIRECTORY": dir}, args...)
			if code == 0 || stderr == "" || len(stderr) > 1000 {
				t.Errorf("%s: exit code %d, %.1000s", strings.Join(args, " "), code, stderr)
			}
		}
	}
}

// A daemon in whose state directory pipes, devices and full directories lie starts,
// says so once, and stops when told to.
func TestRunWithOddState(t *testing.T) {
	auth := oauthtest.New(oauthtest.Options{})
	google := httptest.NewServer(auth)
	defer google.Close()
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(state, ".pickerd.db-x", "y"), 0o700),
		syscall.Mkfifo(filepath.Join(state, "pickerd.db"), 0o600),
		os.Symlink("/dev/zero", filepath.Join(state, "state.key")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	notify := listenNotify(t, dir)
	env := map[string]string{
		"PICKERD_GOOGLE_CLIENT_ID": auth.ClientID(), "PICKERD_GOOGLE_CLIENT_SECRET": auth.ClientSecret(),
		"PICKERD_GOOGLE_DEVICE_AUTH_URL": google.URL + "/device/code", "PICKERD_GOOGLE_TOKEN_URL": google.URL + "/token",
		"PICKERD_HTTP_LISTEN": "127.0.0.1:0", "STATE_DIRECTORY": state, "RUNTIME_DIRECTORY": dir, "NOTIFY_SOCKET": notify.path,
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var log syncBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"run", "--config", writeFile(t, "empty.toml", "")}, func(k string) string { return env[k] }, strings.NewReader(""), &log, &log)
	}()
	select {
	case <-notify.ready:
	case code := <-ended:
		t.Fatalf("exit code %d\n%s", code, &log)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"a named pipe", "a device", "directory not empty"} {
		if n := strings.Count(log.String(), want); n != 1 {
			t.Errorf("%q is %d times in the log:\n%s", want, n, &log)
		}
	}
}
