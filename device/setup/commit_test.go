package setup_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"pickerd/device"
	"pickerd/device/setup"
	"pickerd/store"
)

// settings are those of a box, on a disk that keeps them.
type settings map[string]any

// change is a setup.Change that fails when the disk does.
func (s settings) change(before func(store.Op) error) setup.Change {
	return func(_ context.Context, changes map[string]any) error {
		if err := before(store.Op{Kind: store.OpRename}); err != nil {
			return &device.StoreError{Err: err}
		}
		maps.Copy(s, changes)
		return nil
	}
}

func none(store.Op) error { return nil }

// Whatever moment the power is cut at, the box is as before or set up as a whole after
// the next start.
func TestCommitCut(t *testing.T) {
	plan := setup.Plan{Settings: map[string]string{"name": "Mine", "google.gateway": "https://photos.test"},
		Client: &setup.Client{File: "client_secret.json", Type: "t", Data: []byte(deviceFile)}}
	for n := 0; ; n++ {
		dir, count, s := filepath.Join(t.TempDir(), "state"), 0, settings{}
		cut := func(store.Op) error {
			if count++; count > n {
				return errors.New("power cut")
			}
			return nil
		}
		err := setup.Commit(t.Context(), store.NewSetUp(dir, cut), s.change(cut), plan)
		after := store.NewSetUp(dir, nil)
		done, derr := after.Done()
		if rerr := errors.Join(derr, setup.Resume(t.Context(), after, s.change(none))); rerr != nil {
			t.Fatal(rerr)
		}
		client, _ := os.ReadFile(filepath.Join(dir, "client", "client_secret.json"))
		whole := s["name"] == "Mine" && s["google.gateway"] == "https://photos.test" && string(client) == deviceFile
		if done != whole || !done && (len(s) > 0 || client != nil) || err == nil && !done {
			t.Errorf("cut at %d: marked %v, settings %v, client %q, %v", n, done, s, client, err)
		}
		if left, err := after.Plan(); left != nil || err != nil {
			t.Errorf("cut at %d: the plan stays: %q, %v", n, left, err)
		}
		if err == nil {
			if n < 10 {
				t.Errorf("only %d operations", n)
			}
			return
		}
	}
}

// What the operator has locked refuses the whole, and the box stays open.
func TestCommitRefused(t *testing.T) {
	rec := store.NewSetUp(t.TempDir(), nil)
	refuse := func(context.Context, map[string]any) error {
		return &device.SettingError{Code: device.SettingLocked, Key: "name"}
	}
	err := setup.Commit(t.Context(), rec, refuse, setup.Plan{Settings: map[string]string{"name": "x"}, Client: &setup.Client{File: "client_secret.json"}})
	if _, ok := errors.AsType[*device.SettingError](err); !ok {
		t.Errorf("%v", err)
	}
	if done, err := rec.Done(); done || err != nil {
		t.Errorf("marked: %v, %v", done, err)
	}
}

// A damaged plan is dropped, and the box stays closed.
func TestResumeDamaged(t *testing.T) {
	rec := store.NewSetUp(t.TempDir(), nil)
	if err := rec.Begin([]byte("{")); err != nil {
		t.Fatal(err)
	}
	s := settings{}
	if err := setup.Resume(t.Context(), rec, s.change(none)); err == nil || len(s) > 0 {
		t.Errorf("%v, %v", err, s)
	}
	if err := setup.Resume(t.Context(), rec, s.change(none)); err != nil {
		t.Errorf("again: %v", err)
	}
	if done, _ := rec.Done(); !done {
		t.Error("the box is open")
	}
}

func FuzzResume(f *testing.F) {
	data, _ := json.Marshal(setup.Plan{Settings: map[string]string{"name": "x"}, Client: &setup.Client{File: "client_secret.json", Data: []byte("{}")}})
	f.Add(data)
	f.Add([]byte(`{"client":{"file":"../../x"}}`))
	f.Fuzz(func(t *testing.T, plan []byte) {
		dir := t.TempDir()
		rec := store.NewSetUp(filepath.Join(dir, "state"), nil)
		if rec.Begin(plan) != nil {
			return
		}
		_ = setup.Resume(t.Context(), rec, settings{}.change(none))
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("%v, %v", entries, err)
		}
	})
}
