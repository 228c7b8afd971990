package device_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/picker/pickertest"
)

// TestThrottledPage checks that a person sees how far the downloads are, and when they
// continue, while the media hosts refuse them.
func TestThrottledPage(t *testing.T) {
	for name, status := range map[string]int{"429": 429, "403": 403} {
		for when, served := range map[string]int{"before the first photo": 0, "over a photo": 8} {
			t.Run(name+" "+when, func(t *testing.T) {
				const photos = 150 // more than a page of the list
				inWorld(t, options{items: pickertest.PlainPhotos(photos)}, func(t *testing.T, w *world) {
					w.pair()
					w.photos.Fail(pickertest.OpMedia, append(make([]http.HandlerFunc, served), repeat(40, answer(status, "image/png", "\x89PNG\r\n\x1a\n"))...)...)
					w.choose()
					p := w.untilPage("pause", func(p display.Page) bool {
						left := time.Until(p.RetryAt)
						return 0 < left && left <= 10*time.Second && (p.Slide != nil) == (served > 0) &&
							p.Progress != nil && *p.Progress == display.Progress{Done: served, Total: photos}
					})
					if p.State != string(device.Fetching) || !strings.HasPrefix(p.Problem+p.Title, "Google is busy") {
						t.Errorf("state %s, title %q, problem %q", p.State, p.Title, p.Problem)
					}
					w.until("all photos", func(s device.Status) bool { return s.State == device.Showing && s.Library.Items == photos })
					if p := w.untilPage("photos", func(p display.Page) bool { return p.State == string(device.Showing) }); p.Problem != "" || !p.RetryAt.IsZero() {
						t.Errorf("still %q, %v", p.Problem, p.RetryAt)
					}
				})
			})
		}
	}
}

// TestSteady403 checks that items that are refused for good don't keep the others
// waiting, and are given up.
func TestSteady403(t *testing.T) {
	skipShort(t)
	for name, tt := range map[string]struct {
		items  []string // that are refused
		others time.Duration
		max    time.Duration
	}{
		"one": {[]string{"item-3"}, 2 * time.Minute, 2 * time.Minute},
		// It depends on the order of the answers how many look like a limit of the host.
		"in a row": {[]string{"item-1", "item-2", "item-3", "item-4", "item-5", "item-6"}, time.Hour, 36 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{items: pickertest.PlainPhotos(20)}, func(t *testing.T, w *world) {
				for _, id := range tt.items {
					w.photos.FailItem(id, answer(403, "image/png", "\x89PNG\r\n\x1a\n"))
				}
				w.pair()
				w.choose()
				good, began := 20-len(tt.items), time.Now()
				w.until("other photos", func(s device.Status) bool { return s.Library.Items == good })
				if took := time.Since(began); took > tt.others {
					t.Errorf("the others came after %v", took)
				}
				for w.dev.Statuses().Get().State != device.Showing && time.Since(began) < 2*tt.max {
					w.pass(time.Second)
				}
				s := w.dev.Statuses().Get()
				if s.State != device.Showing || s.Library.Items != good || time.Since(began) > tt.max {
					t.Errorf("state %s, %d photos after %v", s.State, s.Library.Items, time.Since(began))
				}
			})
		})
	}
}
