package device_test

import (
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/picker/pickertest"
)

// TestReceiptReasons checks that the receipt tells items that could not be downloaded
// from those that can't be shown, and that the log names each.
func TestReceiptReasons(t *testing.T) {
	items := append(pickertest.PlainPhotos(3), sampleVideos(t, 1)...)
	inWorld(t, options{items: items}, func(t *testing.T, w *world) {
		w.photos.FailItem("item-2", answer(404, "text/plain", "not found"))
		w.photos.FailItem("item-3", answer(200, "image/x-canon-cr2", "a raw photo\x00\x01"))
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilPage("receipt", func(p display.Page) bool {
			return p.Receipt == "1 photo and 1 video added. 1 could not be downloaded. 1 can't be shown here. Access to your selection in Google Photos has ended."
		})
		for _, line := range []string{"item=item-2", "item=item-3"} {
			if n := strings.Count(w.log.String(), line); n != 1 {
				t.Errorf("%s is logged %d times, want once", line, n)
			}
		}
		w.pass(device.ReceiptFor + time.Second)
		w.untilClean()
	})
}
