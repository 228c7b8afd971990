package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"pickerd/device"
)

// A Plan is what a finished set-up changes.
type Plan struct {
	Settings map[string]string `json:"settings"`
	Client   *Client           `json:"client,omitempty"`
}

// A Record keeps the mark of a box that was set up, see store.SetUp.
type Record interface {
	Begin(plan []byte) error
	Plan() ([]byte, error)
	Finish() error
	Withdraw() error
	WriteClient(name string, data []byte) error
}

// Change sets settings, all or none, as device.Settings does.
type Change func(ctx context.Context, changes map[string]any) error

// Commit carries out a plan. First it stores the mark with the plan, so that a power
// cut leaves either nothing or something that Resume finishes: never an open box with
// a client, and never a closed one without. If the settings are refused, which is a
// *device.SettingError, nothing is stored. Other errors are *device.StoreError.
func Commit(ctx context.Context, rec Record, change Change, p Plan) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := rec.Begin(data); err != nil {
		return &device.StoreError{Err: err}
	}
	return Resume(ctx, rec, change)
}

// Resume finishes what Commit has begun, if anything. Its errors are those of Commit.
func Resume(ctx context.Context, rec Record, change Change) error {
	data, err := rec.Plan()
	if err != nil {
		return &device.StoreError{Err: err}
	}
	if data == nil {
		return nil
	}
	var p Plan
	if err := json.Unmarshal(data, &p); err != nil {
		// A damaged mark is a mark.
		if err := rec.Finish(); err != nil {
			return &device.StoreError{Err: err}
		}
		return fmt.Errorf("the plan of the set-up is damaged; pickerd reset allows to set the box up again: %w", err)
	}
	changes := map[string]any{}
	for k, v := range p.Settings {
		changes[k] = v
	}
	if err := change(ctx, changes); err != nil {
		if _, refused := errors.AsType[*device.SettingError](err); !refused {
			return err
		}
		if werr := rec.Withdraw(); werr != nil {
			return &device.StoreError{Err: werr}
		}
		return err
	}
	if c := p.Client; c != nil {
		if err := rec.WriteClient(c.File, c.Data); err != nil {
			return &device.StoreError{Err: err}
		}
	}
	if err := rec.Finish(); err != nil {
		return &device.StoreError{Err: err}
	}
	return nil
}
