package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/configs"
	"pickerd/device/wifi"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/store"
)

// A box that runs is erased by a command, and runs again.
func TestResetCommand(t *testing.T) {
	auth := oauthtest.New(oauthtest.Options{})
	google := httptest.NewServer(auth)
	defer google.Close()
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	notify := listenNotify(t, dir)
	env := map[string]string{
		"PICKERD_GOOGLE_CLIENT_ID": auth.ClientID(), "PICKERD_GOOGLE_CLIENT_SECRET": auth.ClientSecret(),
		"PICKERD_GOOGLE_DEVICE_AUTH_URL": google.URL + "/device/code", "PICKERD_GOOGLE_TOKEN_URL": google.URL + "/token",
		"PICKERD_HTTP_LISTEN": "127.0.0.1:0", "STATE_DIRECTORY": state, "RUNTIME_DIRECTORY": dir, "NOTIFY_SOCKET": notify.path,
	}
	for _, name := range []string{"client/client_secret.json", "media/photo.jpg", "conf.d/50-settings.toml", "notes.txt"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(state, name)), 0o700), os.WriteFile(filepath.Join(state, name), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	_, stop := daemon(t, env, "run")
	defer stop()
	notify.until("READY=1")
	if done, err := store.NewSetUp(state, nil).Done(); !done || err != nil {
		t.Errorf("a box with a client is not marked: %v", err)
	}
	if _, err := os.Stat(filepath.Join(state, "set-up")); err != nil {
		t.Error(err)
	}
	if code, _, errs := try(t, env, "reset"); code != 64 || !strings.Contains(errs, "--yes") {
		t.Errorf("without a terminal: %d %s", code, errs)
	}
	before, err := os.ReadFile(filepath.Join(state, "state.key"))
	if err != nil {
		t.Fatal(err)
	}
	if code, out, errs := try(t, env, "reset", "--yes"); code != 0 || !strings.Contains(out, "being erased") {
		t.Fatalf("%d %s", code, errs)
	}
	notify.until("READY=1")
	after, err := os.ReadFile(filepath.Join(state, "state.key"))
	if err != nil || bytes.Equal(before, after) {
		t.Errorf("the key is the same, %v", err)
	}
	for _, name := range []string{"client", "conf.d", "media/photo.jpg", "reset"} {
		if _, err := os.Lstat(filepath.Join(state, name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
	if _, err := os.Stat(filepath.Join(state, "notes.txt")); err != nil {
		t.Errorf("somebody's file: %v", err)
	}
}

// A box that was set up, and has lost its client, can be erased. After that it may be set
// up by phone again.
func TestResetNotSetUp(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	notify := listenNotify(t, dir)
	env := map[string]string{"PICKERD_HTTP_LISTEN": "127.0.0.1:0", "PICKERD_SETUP_PHONE": "false", "STATE_DIRECTORY": state, "RUNTIME_DIRECTORY": dir,
		"CREDENTIALS_DIRECTORY": dir, "NOTIFY_SOCKET": notify.path}
	for _, name := range []string{"set-up", "pickerd.db.damaged-1", "media/photo.jpg"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(state, name)), 0o700), os.WriteFile(filepath.Join(state, name), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	log, stop := daemon(t, env, "run")
	defer stop()
	notify.until("READY=1")
	if code, out, errs := try(t, env, "reset", "--yes"); code != 0 {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	notify.until("READY=1")
	if code, out, errs := try(t, env, "status"); code != 0 || !strings.Contains(out, "setup") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	if entries, err := os.ReadDir(state); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v\n%s", entries, err, log)
	}
	if done, err := store.NewSetUp(state, nil).Done(); done || err != nil {
		t.Errorf("it counts as set up: %v", err)
	}
}

// The order of a process that was cut off is carried out, once the disk takes it.
func TestResetResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, fail := t.TempDir(), 3
		r := newResetter(&configs.Config{Store: configs.Store{Dir: dir}}, slog.New(slog.DiscardHandler), func(string) string { return "" })
		if r.until.IsZero() {
			t.Error("holding OK down does nothing")
		}
		if err := r.order(); err != nil {
			t.Fatal(err)
		}
		var done []string
		r = newResetter(&configs.Config{Store: configs.Store{Dir: dir}}, slog.New(slog.DiscardHandler), func(string) string { return "" })
		r.record = store.NewSetUp(dir, func(store.Op) error {
			if fail--; fail > 0 {
				return syscall.EIO
			}
			return nil
		})
		looking := 2 // attempts for which there is no radio yet
		r.forgetWiFi = func(ctx context.Context) error {
			if looking--; looking >= 0 {
				return wifi.ErrNone
			}
			if ctx.Err() == nil {
				done = append(done, "Wi-Fi")
			}
			return ctx.Err()
		}
		err := r.run(t.Context(), func(ctx context.Context) {
			<-ctx.Done() // Google does not answer
			done = append(done, "accounts")
		})
		if !errors.Is(err, errReset) || !slices.Equal(done, []string{"accounts", "Wi-Fi"}) {
			t.Errorf("%v, %v", done, err)
		}
		if ordered, err := r.record.Reset(); ordered != store.Erasing || err != nil {
			t.Errorf("%q, %v", ordered, err)
		}
	})
}

// A radio that is not there does not keep a box from being erased.
func TestResetWithoutRadio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResetter(&configs.Config{Store: configs.Store{Dir: t.TempDir()}}, slog.New(slog.DiscardHandler), func(string) string { return "" })
		r.forgetWiFi = func(context.Context) error { return wifi.ErrNone }
		if err := r.order(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := r.run(t.Context(), func(context.Context) {}); !errors.Is(err, errReset) || time.Since(began) != maxLeaving {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// A box that its disk does not let erase says so on the screen, and is erased once that
// passes, after a power cut and at an order.
func TestResetRefused(t *testing.T) {
	before := diskRetryInterval
	diskRetryInterval = 20 * time.Millisecond
	defer func() { diskRetryInterval = before }()
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	notify := listenNotify(t, dir)
	env := map[string]string{"PICKERD_HTTP_LISTEN": "127.0.0.1:0", "PICKERD_SETUP_PHONE": "false", "STATE_DIRECTORY": state, "RUNTIME_DIRECTORY": dir,
		"CREDENTIALS_DIRECTORY": dir, "NOTIFY_SOCKET": notify.path}
	// refuse makes a folder of photos that nobody, not even root, may remove files from.
	media := filepath.Join(state, "media")
	refuse := func() {
		t.Helper()
		if err := errors.Join(os.MkdirAll(state, 0o700), os.Symlink("/proc/self/ns", media), store.NewSetUp(state, nil).Mark()); err != nil {
			t.Fatal(err)
		}
	}
	refuse()
	if err := store.NewSetUp(state, nil).Order(store.Erasing); err != nil {
		t.Fatal(err)
	}
	log, stop := daemon(t, env, "run")
	defer func() {
		if code := stop(); code != 0 {
			t.Errorf("exit code %d\n%s", code, log)
		}
	}()
	status := func(says string) {
		t.Helper()
		notify.until("READY=1")
		if code, out, errs := try(t, env, "status", "--json"); code != 0 || !strings.Contains(out, says) {
			t.Errorf("not %s: %d %s%s\n%s", says, code, out, errs, log)
		}
	}
	for range 2 {
		status(`"code": "disk"`)
		if err := os.Remove(media); err != nil {
			t.Fatal(err)
		}
		status(`"state": "setup"`)
		if done, err := store.NewSetUp(state, nil).Done(); done || err != nil {
			t.Errorf("it counts as set up: %v", err)
		}
		refuse()
		if code, out, errs := try(t, env, "reset", "--yes"); code != 0 {
			t.Fatalf("%d %s%s", code, out, errs)
		}
	}
	status(`"code": "disk"`)
}

// A box runs although it can't read whether it is to be erased.
func TestResetUnreadable(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "reset"), 0o700); err != nil {
		t.Fatal(err)
	}
	var log syncBuffer
	if err := finishReset(&configs.Config{Store: configs.Store{Dir: dir}}, slog.New(slog.NewTextHandler(&log, nil))); err != nil || !strings.Contains(log.String(), "unreadable") {
		t.Errorf("%v\n%s", err, &log)
	}
}
