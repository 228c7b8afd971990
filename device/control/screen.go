package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"pickerd/device"
	"pickerd/display"
)

// activity notes that a sensor or another program on the box has seen a person.
func (h *handler) activity(w http.ResponseWriter, r *http.Request) {
	h.do(w, r, display.Wish{Verb: display.Activity})
}

// A screenChange is a merge patch of the screen (RFC 7396).
type screenChange struct {
	On *bool `json:"on"`
}

// changeScreen switches the screen on or off.
func (h *handler) changeScreen(w http.ResponseWriter, r *http.Request) {
	var c screenChange
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxToken))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil || c.On == nil {
		h.problem(w, http.StatusBadRequest, say("api.screen_change"))
		return
	}
	verb := display.ScreenOff
	if *c.On {
		verb = display.ScreenOn
	}
	h.do(w, r, display.Wish{Verb: verb})
}

// Activity tells that somebody is near the screen.
func (c *Client) Activity(ctx context.Context) error {
	_, err := call[device.Status](ctx, c, http.MethodPost, "/v1/activity", nil)
	return err
}

// SwitchScreen switches the screen on or off.
func (c *Client) SwitchScreen(ctx context.Context, on bool) error {
	_, err := call[device.Status](ctx, c, http.MethodPatch, "/v1/screen", fmt.Appendf(nil, `{"on":%t}`, on))
	return err
}
