package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"pickerd/device"
)

type settingList struct {
	Settings map[string]device.Setting `json:"settings"`
}

func (h *handler) listSettings(w http.ResponseWriter, r *http.Request) {
	if h.settings == nil {
		h.explainError(w, r, h.unready())
		return
	}
	h.reply(w, http.StatusOK, settingList{h.settings.Settings()})
}

// maxSettings bounds a change in bytes.
const maxSettings = 64 << 10

// changeSettings takes a merge patch (RFC 7396) of the values: null returns a setting
// to the operator's files.
func (h *handler) changeSettings(w http.ResponseWriter, r *http.Request) {
	if h.settings == nil {
		h.explainError(w, r, h.unready())
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSettings))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		h.problem(w, http.StatusRequestEntityTooLarge, say("api.settings_too_long", "max", maxSettings))
		return
	}
	changes, derr := decodeSettings(body)
	if err != nil || derr != nil {
		h.problem(w, http.StatusBadRequest, say("api.settings"))
		return
	}
	if err := h.settings.Change(r.Context(), changes); err != nil {
		h.explainError(w, r, err)
		return
	}
	h.listSettings(w, r)
}

// decodeSettings returns the values of a change: whole numbers as int64, others as
// float64.
func decodeSettings(body []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var changes map[string]any
	if err := d.Decode(&changes); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF || changes == nil {
		return nil, errors.New("not one object")
	}
	for key, v := range changes {
		number, err := plain(v)
		if err != nil {
			return nil, err
		}
		changes[key] = number
	}
	return changes, nil
}

// plain replaces the numbers in a value.
func plain(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
		return v.Float64()
	case []any:
		for i := range v {
			item, err := plain(v[i])
			if err != nil {
				return nil, err
			}
			v[i] = item
		}
	case map[string]any:
		for key := range v {
			item, err := plain(v[key])
			if err != nil {
				return nil, err
			}
			v[key] = item
		}
	}
	return v, nil
}

// settingProblem answers with why a setting was not changed.
func (h *handler) settingProblem(w http.ResponseWriter, e *device.SettingError) {
	status := http.StatusUnprocessableEntity
	switch e.Code {
	case device.NotSettable, device.SettingLocked, device.PINRequired:
		status = http.StatusForbidden
	}
	p := NewProblem(status, e.Code, e.Error())
	p.Key, p.Nearest = e.Key, e.Nearest
	h.sendProblem(w, p)
}

// Settings returns the settings that people may change, by key.
func (c *Client) Settings(ctx context.Context) (map[string]device.Setting, error) {
	list, err := call[settingList](ctx, c, http.MethodGet, "/v1/settings", nil)
	if err != nil {
		return nil, err
	}
	return list.Settings, nil
}

// Change sets all of the given settings, or none. A nil value returns one to the
// operator's files. A *Problem with the status 403 or 422 says in Code and Key what is
// wrong.
func (c *Client) Change(ctx context.Context, changes map[string]any) (map[string]device.Setting, error) {
	body, err := json.Marshal(changes)
	if err != nil {
		return nil, err
	}
	list, err := call[settingList](ctx, c, http.MethodPatch, "/v1/settings", body)
	if err != nil {
		return nil, err
	}
	return list.Settings, nil
}
