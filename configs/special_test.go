package configs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"pickerd/configs"
	"pickerd/store/regular"
)

// A configuration that is no regular file is an error, not a wait or an endless read.
func TestLoadSpecialFile(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.toml")
	endless := filepath.Join(dir, "endless.toml")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.WriteFile(endless, nil, 0o600), os.Truncate(endless, 1<<40)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{pipe: regular.ErrKind, "/dev/zero": regular.ErrKind, dir: regular.ErrKind, endless: regular.ErrTooLarge} {
		if _, err := configs.Load(path, func(string) string { return "" }); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}

// The environment has labels as the file has them.
func TestLabelsFromEnvironment(t *testing.T) {
	for text, want := range map[string]string{`{site = "lobby", wing = "east"}`: "[site=lobby wing=east]", `{site = 1}`: "", "lobby": "", `{site = "#"}`: ""} {
		l := configs.Sources{Getenv: func(name string) string { return map[string]string{"PICKERD_MQTT_LABELS": text}[name] }}.Read()
		if want == "" {
			if l.Err == nil {
				t.Errorf("%s is accepted", text)
			}
			continue
		}
		if l.Err != nil || fmt.Sprint(l.Config.MQTT.Groups()) != want {
			t.Errorf("%s: %v, %v", text, l.Config, l.Err)
		}
	}
}
