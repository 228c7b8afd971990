package control

import (
	"context"
	"net/http"
	"net/url"

	"pickerd/device"
	"pickerd/display"
)

// slideshowVerbs are what programs ask of the slideshow.
var slideshowVerbs = map[string]display.Verb{"next": display.Next, "previous": display.Previous,
	"pause": display.Hold, "resume": display.Resume, "mute": display.Silence, "unmute": display.Unmute}

// slideshow goes to another slide, pauses or mutes.
func (h *handler) slideshow(w http.ResponseWriter, r *http.Request) {
	verb, ok := slideshowVerbs[r.PathValue("action")]
	if !ok {
		h.problem(w, http.StatusNotFound, say("api.no_route", "method", r.Method, "path", r.URL.Path))
		return
	}
	h.do(w, r, display.Wish{Verb: verb})
}

// Slideshow does something with the slideshow: "next", "previous", "pause", "resume",
// "mute" or "unmute".
func (c *Client) Slideshow(ctx context.Context, action string) (*device.Status, error) {
	return call[device.Status](ctx, c, http.MethodPost, "/v1/slideshow/"+url.PathEscape(action), nil)
}
