package device_test

import (
	"os"
	"path/filepath"
	"testing"

	"pickerd/device"
)

// TestFetchKinds checks that photos are kept that this program can't decode, as what
// their bytes are and not as what the server calls them.
func TestFetchKinds(t *testing.T) {
	for file, ext := range map[string]string{"x03.heic": ".heic", "j04-arith.jpg": ".jpg", "g06-trunc.gif": ".gif", "v09-vp9.webm": ".webm"} {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile("../display/photo/testdata/media/" + file)
			if err != nil {
				t.Fatal(err)
			}
			inWorld(t, options{}, func(t *testing.T, w *world) {
				w.photos.FailItem("item-7", answer(200, "application/octet-stream", string(data)))
				w.pair()
				w.choose()
				if s := w.untilState(device.Showing); s.Library.Items != 12 {
					t.Errorf("%d items, want 12", s.Library.Items)
				}
				if found, _ := filepath.Glob(filepath.Join(w.dir, "media", "*"+ext)); len(found) == 0 {
					t.Errorf("no file is called %s", ext)
				}
				w.untilClean()
			})
		})
	}
}
