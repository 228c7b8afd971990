package picker_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pickerd/picker"
)

// TestListBounds checks how many pages and items are read of a list that a server
// makes as long as it likes.
func TestListBounds(t *testing.T) {
	page := func(items, next string) string {
		return `{"mediaItems":[` + items + `],"nextPageToken":"` + next + `"}`
	}
	const size = 3 << 20
	tests := map[string]struct {
		body         func(n int) string
		pages, items int
		err          error
	}{
		"new tokens":     {func(n int) string { return page("", fmt.Sprint(n)) }, 1000, 0, picker.ErrEndlessList},
		"large tokens":   {func(n int) string { return page("", fmt.Sprint(n, strings.Repeat("x", size))) }, 1, 0, picker.ErrEndlessList},
		"repeated token": {func(n int) string { return page(`{"id":"a"}`, "same") }, 2, 2, picker.ErrEndlessList},
		"same item":      {func(n int) string { return page(strings.Repeat(`{"id":"a"},`, 99)+`{"id":"a"}`, fmt.Sprint(n)) }, 41, 4000, picker.ErrEndlessList},
		"crowded page":   {func(n int) string { return page(strings.Repeat(`{},`, size/3)+`{}`, "") }, 1, 4000, picker.ErrEndlessList},
		"large items": {func(n int) string {
			return page(`{"id":"a","mediaFile":{"filename":"`+strings.Repeat("x", 100<<10)+`"}}`, strings.Repeat("x", 20-n))
		}, 20, 20, nil},
		"2000 on a page":   {func(n int) string { return page(strings.Repeat(`{"id":"a"},`, 1999)+`{"id":"a"}`, "") }, 1, 2000, nil},
		"null":             {func(n int) string { return `{"mediaItems":null}` }, 1, 0, nil},
		"not a list":       {func(n int) string { return `{"mediaItems":7}` }, 1, 0, picker.ErrMalformedResponse},
		"larger than 4 MB": {func(n int) string { return page("", strings.Repeat("x", 5<<20)) }, 1, 0, picker.ErrMalformedResponse},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pages := 0
			c, _ := newClient(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				pages++
				respond(200, tt.body(pages))(w, r)
			}))
			items, last := 0, error(nil)
			for _, err := range c.MediaItems(t.Context(), "s") {
				if _, ok := errors.AsType[*picker.ItemError](err); err == nil || ok {
					items++
				} else {
					last = err
				}
			}
			if pages != tt.pages || items != tt.items || !errors.Is(last, tt.err) {
				t.Errorf("%d pages, %d items, %v; want %d, %d, %v", pages, items, last, tt.pages, tt.items, tt.err)
			}
		})
	}
}
