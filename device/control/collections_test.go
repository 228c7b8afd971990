package control

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pickerd/device"
	"pickerd/display"
)

// wishes is an Actor that notes what is asked for.
type wishes struct {
	last display.Wish
	err  error
}

func (a *wishes) Do(_ context.Context, w display.Wish) error {
	a.last = w
	return a.err
}

func TestCollections(t *testing.T) {
	r := newRig(t)
	actor := &wishes{}
	box := Handler(Config{Actor: actor, Box: r.dev, Statuses: &r.board})
	for _, tt := range []struct {
		method, path, body string
		err                error
		want               int
		wish               display.Wish
	}{
		{"POST", "/v1/picks", "", device.ErrPickRunning, 409, display.Wish{Verb: display.Pick}},
		{"POST", "/v1/picks?account=a", `{"collection":"Christmas"}`, device.ErrManyCollections, 409, display.Wish{Verb: display.Pick, Account: "a", Collection: "Christmas"}},
		{"POST", "/v1/picks", `{"collection":"Christmas"}`, device.ErrCollectionName, 422, display.Wish{Verb: display.Pick, Collection: "Christmas"}},
		{"POST", "/v1/picks", `{"collection":""}`, nil, 400, display.Wish{}},
		{"POST", "/v1/picks", `{}`, nil, 202, display.Wish{Verb: display.Pick}},
		{"POST", "/v1/picks", `{"collection":null}`, nil, 202, display.Wish{Verb: display.Pick}},
		{"POST", "/v1/picks", `{"album":"Christmas"}`, nil, 400, display.Wish{}},
		{"POST", "/v1/picks", `Christmas`, nil, 400, display.Wish{}},
		{"POST", "/v1/picks", `{"collection":"` + strings.Repeat("a", maxToken) + `"}`, nil, 400, display.Wish{}},
		{"PATCH", "/v1/collections/id", `{"name":"We"}`, nil, 202, display.Wish{Verb: display.RenameCollection, Collection: "id", Name: "We"}},
		{"PATCH", "/v1/collections/id", `{"name":"We"}`, device.ErrCollectionTaken, 409, display.Wish{Verb: display.RenameCollection, Collection: "id", Name: "We"}},
		{"PATCH", "/v1/collections/id", `{"title":"We"}`, nil, 400, display.Wish{}},
		{"DELETE", "/v1/collections/id", "", nil, 202, display.Wish{Verb: display.RemoveCollection, Collection: "id"}},
		{"DELETE", "/v1/collections/id", "", device.ErrNoCollection, 404, display.Wish{Verb: display.RemoveCollection, Collection: "id"}},
		{"DELETE", "/v1/collections/id", "", device.ErrPickRunning, 409, display.Wish{Verb: display.RemoveCollection, Collection: "id"}},
	} {
		*actor = wishes{err: tt.err}
		req, err := http.NewRequestWithContext(t.Context(), tt.method, "http://x"+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		box.ServeHTTP(w, req)
		if w.Code != tt.want || actor.last != tt.wish {
			t.Errorf("%s %s %.40s: %d, %+v, want %d, %+v", tt.method, tt.path, tt.body, w.Code, actor.last, tt.want, tt.wish)
		}
	}
	if list, err := r.client.Collections(t.Context()); err != nil || len(list) != 1 || list[0].ID != device.DefaultCollection {
		t.Errorf("collections %+v, %v", list, err)
	}
}
