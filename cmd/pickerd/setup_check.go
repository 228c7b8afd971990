package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/setup"
)

// commit carries out a finished set-up. See setup.Config.
func (c phoneSetUpConfig) commit(ctx context.Context, plan setup.Plan) error {
	if err := c.checkPlan(plan); err != nil {
		return err
	}
	return setup.Commit(ctx, setUpRecord(c.Config), changeSettable(c.Keeper), plan)
}

// checkPlan reports whether a box can run with a finished set-up: afterwards it is
// closed for phones, and only the operator could change anything. Its error is a
// *device.SettingError about the operator's setting that is in the way.
func (c phoneSetUpConfig) checkPlan(plan setup.Plan) error {
	now := c.Keeper.Settings()
	changes := map[string]any{}
	for key, value := range plan.Settings {
		if isSettable(now, key) {
			changes[key] = value
		}
	}
	next, err := c.Sources.Read().With(changes)
	if err != nil { // somebody may be editing the files
		e, _ := errors.AsType[*configs.Error](err)
		return inTheWay(cmp.Or(e, &configs.Error{}).Key, err)
	}
	if next.Locked("google.gateway") && plan.Client == nil {
		return inTheWay("google.gateway", errors.New("the operator's files have locked it"))
	}
	if plan.Client != nil {
		return checkUpload(next, plan.Client.File)
	}
	if _, err := loadMethods(next.Config); err != nil {
		return inTheWay("pairing.methods", err)
	}
	return nil
}

// checkUpload reports whether a box that has no client could run with an uploaded one,
// which is not stored yet. name is its default name.
func checkUpload(l *configs.Layers, name string) error {
	method := ""
	for _, f := range []struct{ method, key, name string }{
		{device.ByDevice, "google.client_file", "client_secret.json"},
		{device.ByRelay, "google.web_client_file", "web_client_secret.json"},
		{device.ByPaste, "google.desktop_client_file", "desktop_client_secret.json"},
	} {
		if f.name == name {
			method = f.method
		}
		path, _ := l.Given(f.key).(string)
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); f.name == name || err != nil { // a missing file is wanted, unlike "{}"
			return inTheWay(f.key, fmt.Errorf("the box looks for a client at %s", path))
		}
	}
	if method == device.ByRelay {
		if err := checkRelayAddress(l.Config); err != nil {
			return inTheWay("pairing.address", err)
		}
	}
	if l.Origin("pairing.methods") == configs.FromDefault {
		return nil // they follow the client
	}
	has := false
	for _, m := range l.Config.Pairing.Methods {
		switch m {
		case method:
			has = true
		case device.ByDevice, device.ByRelay, device.ByPaste:
			return inTheWay("pairing.methods", fmt.Errorf("there is no client for the method %q", m))
		}
	}
	if !has {
		return inTheWay("pairing.methods", fmt.Errorf("the uploaded client is for the method %q", method))
	}
	return nil
}

func inTheWay(key string, err error) error {
	return &device.SettingError{Code: device.InvalidSetting, Key: key, Message: err.Error()}
}
