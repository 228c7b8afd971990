package device_test

import (
	"net/http"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/picker/pickertest"
)

// TestLyingList checks that a list that does not end, or names items that nobody
// picked, ends the pick with at most pick.max_items of them and few requests.
func TestLyingList(t *testing.T) {
	const maxItems = 150
	broken := func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNotFound) }
	tests := map[string]struct {
		listing, page, items int
		broken               bool // one item can't be fetched, so that the list is read again
		pages                int
	}{
		"endless":                    {listing: pickertest.EndlessList, items: maxItems, pages: 2},
		"endless, one item each":     {listing: pickertest.EndlessList, page: 1, items: maxItems, pages: maxItems + 1},
		"endless, an item fails":     {listing: pickertest.EndlessList, broken: true, items: maxItems - 1, pages: 2 * 8},
		"same items":                 {listing: pickertest.RepeatingList, items: 12, pages: 41},
		"same items, one item each":  {listing: pickertest.RepeatingList, page: 1, items: 12, pages: 1001},
		"same items, an item fails":  {listing: pickertest.RepeatingList, broken: true, items: 11, pages: 8 * 41},
		"repeated token":             {listing: pickertest.LoopingList, page: 5, items: 12, pages: 4},
		"repeated token, item fails": {listing: pickertest.LoopingList, broken: true, page: 5, items: 11, pages: 8 * 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := options{photos: pickertest.Options{Listing: tt.listing, PageLimit: tt.page}, config: func(c *Config) { c.MaxItems = maxItems }}
			inWorld(t, o, func(t *testing.T, w *world) {
				w.pair()
				if tt.broken {
					w.photos.FailItem("item-3", broken)
				}
				began := time.Now()
				w.choose()
				w.until("the end of the pick", func(s device.Status) bool {
					if s.Fetch != nil && s.Fetch.Total > maxItems {
						t.Fatalf("%d items listed, want at most %d", s.Fetch.Total, maxItems)
					}
					if s.Problem != nil {
						t.Errorf("problem %s", s.Problem.Code)
					}
					return s.State == device.Showing && s.Pick == nil
				})
				if n := w.dev.Statuses().Get().Library.Items; n != tt.items {
					t.Errorf("%d items, want %d", n, tt.items)
				}
				if n := countPickerCalls(w, pickertest.OpList); n > tt.pages {
					t.Errorf("%d pages requested, want at most %d", n, tt.pages)
				}
				t.Logf("%d pages, %v", countPickerCalls(w, pickertest.OpList), time.Since(began))
				w.untilClean()
			})
		})
	}
}
