package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"pickerd/device"
)

// Displays are the browsers on other machines that may show the page. Errors are those
// of package device, and of the disk (*device.StoreError).
type Displays interface {
	List() device.Displays
	Allow(code, name string) error
	Rename(id, name string) error
	Remove(id string) error
	Link() (device.DisplayLink, error)
}

// displayRoutes are the operations about displays.
func (h *handler) displayRoutes() map[string]http.HandlerFunc {
	routes := map[string]http.HandlerFunc{
		"GET /v1/displays":               h.listDisplays,
		"POST /v1/displays/{code}/allow": h.allowDisplay,
		"POST /v1/displays/links":        h.linkDisplay,
		"PATCH /v1/displays/{id}":        h.renameDisplay,
		"DELETE /v1/displays/{id}":       h.removeDisplay,
	}
	if h.displays == nil {
		for pattern := range routes {
			routes[pattern] = func(w http.ResponseWriter, r *http.Request) { h.explainError(w, r, h.unready()) }
		}
	}
	return routes
}

// done answers 204, or explains an error.
func (h *handler) done(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h.explainError(w, r, err)
}

func (h *handler) listDisplays(w http.ResponseWriter, _ *http.Request) {
	h.reply(w, http.StatusOK, h.displays.List())
}

// A displayChange is the name of a display.
type displayChange struct {
	Name *string `json:"name"`
}

// readName returns the name in a request's body. A body is needed only where needed
// is true. ok is false if the request has been answered.
func (h *handler) readName(w http.ResponseWriter, r *http.Request, needed bool) (name string, ok bool) {
	var c displayChange
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxToken))
	d.DisallowUnknownFields()
	err := d.Decode(&c)
	switch {
	case errors.Is(err, io.EOF) && !needed:
		return "", true
	case err != nil || c.Name == nil:
		h.problem(w, http.StatusBadRequest, say("api.display_change"))
		return "", false
	}
	return *c.Name, true
}

func (h *handler) allowDisplay(w http.ResponseWriter, r *http.Request) {
	if name, ok := h.readName(w, r, false); ok {
		h.done(w, r, h.displays.Allow(r.PathValue("code"), name))
	}
}

func (h *handler) renameDisplay(w http.ResponseWriter, r *http.Request) {
	if name, ok := h.readName(w, r, true); ok {
		h.done(w, r, h.displays.Rename(r.PathValue("id"), name))
	}
}

func (h *handler) removeDisplay(w http.ResponseWriter, r *http.Request) {
	h.done(w, r, h.displays.Remove(r.PathValue("id")))
}

func (h *handler) linkDisplay(w http.ResponseWriter, r *http.Request) {
	link, err := h.displays.Link()
	if err != nil {
		h.done(w, r, err)
		return
	}
	h.reply(w, http.StatusOK, link)
}

// Displays returns the browsers on other machines that may show the page, and those
// that wait.
func (c *Client) Displays(ctx context.Context) (*device.Displays, error) {
	return call[device.Displays](ctx, c, http.MethodGet, "/v1/displays", nil)
}

// AllowDisplay lets in the browser that shows a code, with a name or without. A
// *Problem with status 404 means that none shows it, 410 that it has expired.
func (c *Client) AllowDisplay(ctx context.Context, code, name string) error {
	var body []byte
	if name != "" {
		body = nameBody(name)
	}
	return c.change(ctx, http.MethodPost, "/v1/displays/"+url.PathEscape(code)+"/allow", body)
}

// RenameDisplay gives a display a name. A *Problem with status 404 means that there is
// none with that ID.
func (c *Client) RenameDisplay(ctx context.Context, id, name string) error {
	return c.change(ctx, http.MethodPatch, "/v1/displays/"+url.PathEscape(id), nameBody(name))
}

// RemoveDisplay removes a display. A *Problem with status 404 means that there is none
// with that ID.
func (c *Client) RemoveDisplay(ctx context.Context, id string) error {
	return c.change(ctx, http.MethodDelete, "/v1/displays/"+url.PathEscape(id), nil)
}

// LinkDisplay returns a link that lets one browser in. A *Problem with status 409 means
// that the page is not on the network.
func (c *Client) LinkDisplay(ctx context.Context) (*device.DisplayLink, error) {
	return call[device.DisplayLink](ctx, c, http.MethodPost, "/v1/displays/links", nil)
}

func nameBody(name string) []byte {
	text, _ := json.Marshal(name) // a string is always encoded
	return fmt.Appendf(nil, `{"name":%s}`, text)
}

// change asks for something that is answered without a body.
func (c *Client) change(ctx context.Context, method, path string, body []byte) error {
	_, _, err := callStatus[struct{}](ctx, c, method, path, body)
	return err
}
