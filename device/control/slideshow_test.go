package control

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"

	"pickerd/device"
	"pickerd/display"
)

// asked notes the wish that it was asked for.
type asked struct {
	display.Verb
	err error
}

func (a *asked) Do(_ context.Context, w display.Wish) error {
	a.Verb = w.Verb
	return a.err
}

// TestSlideshow checks what programs may ask of the slideshow: each word means one thing,
// however often it is said.
func TestSlideshow(t *testing.T) {
	for action, tt := range map[string]struct {
		err    error
		status int
		want   display.Verb
	}{
		"next": {nil, 202, display.Next}, "previous": {nil, 202, display.Previous}, "pause": {nil, 202, display.Hold}, "resume": {nil, 202, display.Resume},
		"mute": {nil, 202, display.Silence}, "unmute": {nil, 202, display.Unmute},
		"forget": {nil, 404, ""}, "next/": {nil, 404, ""}, "": {nil, 404, ""},
	} {
		var a asked
		h := Handler(Config{Actor: &a, Statuses: new(display.Board[device.Status]), Log: slog.New(slog.DiscardHandler)})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/v1/slideshow/"+action, nil))
		if w.Code != tt.status || a.Verb != tt.want {
			t.Errorf("%q: %d, asked for %q, want %d, %q", action, w.Code, a.Verb, tt.status, tt.want)
		}
	}
	a := asked{err: device.ErrStopping}
	h := Handler(Config{Actor: &a, Statuses: new(display.Board[device.Status]), Log: slog.New(slog.DiscardHandler)})
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest("POST", "/v1/slideshow/next", nil)); w.Code != 503 {
		t.Errorf("while the daemon stops: %d", w.Code)
	}
}
