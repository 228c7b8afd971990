package device_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// TestForeignMedia checks that a list that names a stranger's host costs only the
// photos that are there: no request goes to the host, and the pick ends.
func TestForeignMedia(t *testing.T) {
	const host = "googleusercontent.com.evil.example"
	for name, tt := range map[string]struct {
		ids     []string
		receipt string
		state   device.State
	}{
		"some": {nil, "6 photos added. 6 could not be downloaded.", device.Showing},
		"all":  {[]string{"item-2", "item-4", "item-6", "item-8", "item-10"}, "No photos arrived. 5 could not be downloaded.", device.Idle},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{photos: pickertest.Options{ForeignMedia: "https://" + host}}, func(t *testing.T, w *world) {
				var requests atomic.Int32
				w.net.hook(func(r *http.Request) error {
					if r.URL.Host == host {
						requests.Add(1)
						return oauthtest.ErrConnection
					}
					return nil
				}, nil)
				w.pair()
				w.choose(tt.ids...)
				began := time.Now()
				w.untilPage("receipt", func(p display.Page) bool { return strings.HasPrefix(p.Receipt, tt.receipt) })
				if took := time.Since(began); took > time.Minute {
					t.Errorf("the pick ended after %v", took)
				}
				w.untilState(tt.state)
				w.untilClean()
				if n := requests.Load(); n != 0 {
					t.Errorf("%d requests to a stranger's host", n)
				}
			})
		})
	}
}
