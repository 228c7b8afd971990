package screen_test

import (
	"log/slog"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
)

// What is wrong with the configuration stands over photos while nothing else is wrong,
// and takes no page away.
func TestMisconfigured(t *testing.T) {
	wrong := &device.Problem{Code: "configuration", Operator: true, Where: &device.Place{File: "/etc/x.toml", Line: 3, Key: "slideshow.order"}, Args: []any{"where", "/etc/x.toml:3 slideshow.order"}}
	photos := device.Snapshot{State: device.Showing, Library: device.Library{Items: 1}}
	for _, tt := range []struct {
		name string
		snap device.Snapshot
		bar  bool
		code string
	}{
		{"photos", photos, true, "configuration"},
		{"opening", device.Snapshot{State: device.Opening}, false, "configuration"},
		{"another problem", device.Snapshot{State: device.Showing, Library: photos.Library, Problem: &device.Problem{Code: "no_network"}}, true, "no_network"},
		{"something lasting", device.Snapshot{State: device.Showing, Library: photos.Library, Standing: &device.Problem{Code: "key_lost"}}, true, "key_lost"},
	} {
		var snapshots display.Board[device.Snapshot]
		var frames display.Board[device.Frame]
		tt.snap.Seq = 1
		snapshots.Set(tt.snap)
		frames.Set(device.Frame{Seq: 1, Slide: &display.Slide{}})
		s := screen.New(screen.Config{Snapshots: &snapshots, Frames: &frames, Now: time.Now, LastActivity: time.Now, Log: slog.New(slog.DiscardHandler)})
		before := s.Pages().Get()
		s.Misconfigured(wrong)
		p, st := s.Pages().Get(), s.Statuses().Get()
		if (p.Problem != "") != tt.bar || p.Title != before.Title || st.Problem == nil || st.Problem.Code != tt.code {
			t.Errorf("%s: %q, title %q, status %+v", tt.name, p.Problem, p.Title, st.Problem)
		}
		if tt.code == "configuration" && (st.Problem.File != "/etc/x.toml" || st.Problem.Line != 3 || st.Problem.Key != "slideshow.order") {
			t.Errorf("%s: %+v", tt.name, st.Problem)
		}
		s.Misconfigured(nil)
		if st := s.Statuses().Get(); tt.code == "configuration" && st.Problem != nil {
			t.Errorf("%s: it stays", tt.name)
		}
	}
}
