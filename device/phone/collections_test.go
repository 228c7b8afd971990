package phone

import (
	"strings"
	"testing"

	"pickerd/device"
	"pickerd/display"
)

func newShelf() *fakeDevice {
	d := newHandset()
	d.remote.Collections = true
	d.collections = device.RemoteCollections{
		Collections: []device.Collection{{ID: "default", Items: 2}, {ID: "c1", Name: `"><b>We</b>`, Items: 1}},
		Pick:        []device.Button{{Wish: display.Wish{Verb: display.Pick}, Key: "page.choose_photos"}},
	}
	return d
}

// TestCollectionPages checks what the pages about collections hold. A name is a person's.
func TestCollectionPages(t *testing.T) {
	for _, tt := range []struct {
		path    string
		locked  error
		status  int
		has     []string
		hasNone []string
	}{
		{"", nil, 200, []string{`href="/remote/good/collections"`}, nil},
		{"/collections", nil, 200, []string{">General<", ">2 photos<", "&lt;b&gt;We", `value="c1"`, `value="default"`, `dir="auto"`, `maxlength="40"`, ">New collection<", ">Rename<", "/collections/remove?collection=c1"}, []string{"<b>We", "remove?collection=default"}},
		{"/collections/remove?collection=c1", nil, 200, []string{"&lt;b&gt;We", ">1 photo<", ">Delete<", `value="remove"`}, []string{"<b>We"}},
		{"/collections/remove?collection=c1", device.ErrPINNeeded, 403, []string{"Enter the PIN", `name="collection" value="c1"`}, []string{"We"}},
		{"/collections/remove?collection=default", nil, 303, nil, nil},
		{"/collections/remove?collection=gone", nil, 303, nil, nil},
	} {
		d := newShelf()
		d.locked = tt.locked
		w := ask(newHandler(d), "GET", "/remote/good"+tt.path, "")
		if w.Code != tt.status {
			t.Errorf("%s: %d", tt.path, w.Code)
		}
		for _, want := range tt.has {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s has no %s:\n%s", tt.path, want, w.Body)
			}
		}
		for _, no := range tt.hasNone {
			if strings.Contains(w.Body.String(), no) {
				t.Errorf("%s has %s", tt.path, no)
			}
		}
	}
}

// TestCollectionForms checks what the forms about collections ask for, and where they
// lead.
func TestCollectionForms(t *testing.T) {
	for _, tt := range []struct {
		body string
		err  error
		wish display.Wish
		code int
		has  string // in the page, or in the address that follows
	}{
		{"wish=pick&collection=Christmas&account=", nil, display.Wish{Verb: display.Pick, Collection: "Christmas"}, 303, "https://photos.test/picker/1"},
		{"wish=pick&collection=c1&account=a&name=x", nil, display.Wish{Verb: display.Pick, Collection: "c1", Account: "a"}, 303, "https://photos.test/picker/1"},
		{"wish=pick&collection=", nil, display.Wish{}, 422, "1 to 40 characters"},
		{"wish=pick&collection=x", device.ErrManyCollections, display.Wish{Verb: display.Pick, Collection: "x"}, 422, "50 collections"},
		{"wish=rename&collection=c1&name=We", nil, display.Wish{Verb: display.RenameCollection, Collection: "c1", Name: "We"}, 303, "/remote/good/collections"},
		{"wish=rename&collection=c1&name=We", device.ErrCollectionTaken, display.Wish{Verb: display.RenameCollection, Collection: "c1", Name: "We"}, 422, "has this name"},
		{"wish=rename&collection=c1", device.ErrNoCollection, display.Wish{Verb: display.RenameCollection, Collection: "c1"}, 303, "/remote/good/collections"},
		{"wish=remove&collection=c1", nil, display.Wish{Verb: display.RemoveCollection, Collection: "c1"}, 303, "/remote/good/collections"},
		{"wish=remove&collection=c1", device.ErrPickRunning, display.Wish{Verb: display.RemoveCollection, Collection: "c1"}, 422, "on their way"},
		{"wish=remove&collection=c1", device.ErrPINNeeded, display.Wish{Verb: display.RemoveCollection, Collection: "c1"}, 403, "Enter the PIN"},
	} {
		d := newShelf()
		d.err = tt.err
		if tt.wish.Verb == display.Pick && tt.err == nil {
			d.to = "https://photos.test/picker/1"
		}
		w := ask(newHandler(d), "POST", "/remote/good/collections", tt.body)
		if w.Code != tt.code || d.wish != tt.wish || !strings.Contains(w.Body.String()+w.Header().Get("Location"), tt.has) {
			t.Errorf("%s: %d %+v, %s %s", tt.body, w.Code, d.wish, w.Header().Get("Location"), w.Body)
		}
	}
	h := newHandler(newShelf())
	for _, r := range [][3]string{{"GET", "/collections"}, {"POST", "/collections", "wish=remove&collection=c1"}, {"GET", "/collections/remove?collection=c1"}} {
		if w := ask(h, r[0], "/remote/bad"+r[1], r[2]); w.Code != 410 {
			t.Errorf("%v with a wrong key: %d", r, w.Code)
		}
	}
	d := newShelf()
	if w := ask(newHandler(d), "POST", "/remote/good/pin", "pin=480915&collection=c1"); w.Header().Get("Location") != "/remote/good/collections/remove?collection=c1" {
		t.Errorf("after the PIN: %d %v", w.Code, w.Header())
	}
}
