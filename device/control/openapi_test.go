package control

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pickerd/device"
)

type schema struct {
	Ref        string `json:"$ref"`
	Type       string
	Properties map[string]schema
	Required   []string
	Items      *schema
}

type openAPI struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		Responses map[string]any
	}
	Components struct{ Schemas map[string]schema }
}

func described(t *testing.T) openAPI {
	t.Helper()
	var d openAPI
	want, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	(&handler{}).describe(w, nil)
	if !bytes.Equal(w.Body.Bytes(), want) {
		t.Error("the packed file differs from openapi.json: run device/control/pack.sh")
	}
	if err := json.Unmarshal(want, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// What is described is what there is: each route, and each member of each answer.
func TestDescription(t *testing.T) {
	d := described(t)
	if !strings.HasPrefix(d.OpenAPI, "3.1") {
		t.Errorf("it is OpenAPI %s", d.OpenAPI)
	}
	said := map[string]bool{}
	for path, methods := range d.Paths {
		for m := range methods {
			said[strings.ToUpper(m)+" "+path] = true
		}
	}
	there := map[string]bool{}
	for pattern := range (&handler{}).routes() {
		there[pattern] = true
	}
	if !maps.Equal(said, there) {
		t.Errorf("described: %v; there: %v", slices.Sorted(maps.Keys(said)), slices.Sorted(maps.Keys(there)))
	}
	for name, v := range map[string]any{"Status": device.Status{}, "Session": device.Session{}, "Item": device.Item{}, "Collection": device.Collection{}, "Problem": Problem{}, "Displays": device.Displays{}, "DisplayLink": device.DisplayLink{}, "Setting": device.Setting{}} {
		sameShape(t, name, d.Components.Schemas[name], reflect.TypeOf(v))
	}
}

// sameShape compares a schema with what encoding/json makes of a type.
func sameShape(t *testing.T, at string, s schema, of reflect.Type) {
	t.Helper()
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() == reflect.Slice {
		if s.Items == nil {
			t.Errorf("%s is a list", at)
			return
		}
		sameShape(t, at+"[]", *s.Items, of.Elem())
		return
	}
	if of.Kind() != reflect.Struct || of.String() == "time.Time" {
		return
	}
	members := map[string]bool{}
	for i := range of.NumField() {
		f := of.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if !f.IsExported() || name == "" {
			continue
		}
		members[name] = true
		p, ok := s.Properties[name]
		if !ok {
			t.Errorf("%s.%s is not described", at, name)
		}
		if optional := strings.Contains(options, "omit"); optional == slices.Contains(s.Required, name) {
			t.Errorf("%s.%s: optional %v, required by the description %v", at, name, optional, !optional)
		}
		sameShape(t, at+"."+name, p, f.Type)
	}
	for name := range s.Properties {
		if !members[name] {
			t.Errorf("%s.%s is described, and is not there", at, name)
		}
	}
}

// Each answer has a status that is described.
func TestDescribedAnswers(t *testing.T) {
	d := described(t)
	for _, failure := range []error{nil, device.ErrPickRunning, device.ErrNoPick, device.ErrNoCode, device.ErrNotPaired, device.ErrPaired, device.ErrStopping, device.ErrUnready} {
		r := newRig(t)
		r.dev.err = failure
		for pattern := range (&handler{}).routes() {
			method, path, _ := strings.Cut(pattern, " ")
			if path == "/v1/events" {
				continue // it does not end
			}
			resp, _ := r.raw(t, method, strings.ReplaceAll(path, "{id}", "a%2Fb"))
			said := d.Paths[path][strings.ToLower(method)].Responses
			if _, ok := said[strconv.Itoa(resp.StatusCode)]; !ok && fits(failure, pattern) {
				t.Errorf("%s with %v answers %d, which is not described", pattern, failure, resp.StatusCode)
			}
		}
	}
}

// fits leaves out errors that a route's device never has.
func fits(err error, pattern string) bool {
	only := map[error][]string{device.ErrPickRunning: {"POST /v1/picks", "DELETE /v1/items/{id}"}, device.ErrNoPick: {"DELETE /v1/picks/current"}, device.ErrNoCode: {"POST /v1/pairing"},
		device.ErrNotPaired: {"DELETE /v1/account"}, device.ErrPaired: {"POST /v1/account"}}
	routes, ok := only[err]
	return !ok || slices.Contains(routes, pattern)
}

// Copies have a size, a name of their own, and a reason where there is none.
func TestCopies(t *testing.T) {
	r := newRig(t)
	for path, want := range map[string]string{
		"/v1/items/a%2Fb/content?w=100&h=50": "200 a copy of 100 by 50",
		"/v1/items/a%2Fb/content?w=100":      "200 a copy of 100 by 8192",
		"/v1/items/a%2Fb/content?w=0":        "400 w is a number",
		"/v1/items/a%2Fb/content?h=9000":     "400 h is a number",
		"/v1/items/a%2Fb/content?h=x":        "400 h is a number",
		"/v1/items/none/content?w=1":         "404 no such item",
		"/v1/items/broken/content?w=1":       "415 can't be decoded",
	} {
		resp, text := r.raw(t, "GET", path)
		code, part, _ := strings.Cut(want, " ")
		if strconv.Itoa(resp.StatusCode) != code || !strings.Contains(text, part) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	if resp, _ := r.raw(t, "DELETE", "/v1/items/none"); resp.StatusCode != 404 {
		t.Errorf("removing nothing: %d", resp.StatusCode)
	}
	if resp, _ := r.raw(t, "DELETE", "/v1/items/a%2Fb"); resp.StatusCode != 202 || r.dev.removed != "a/b" {
		t.Errorf("removing: %d, %q", resp.StatusCode, r.dev.removed)
	}
	tags := map[string]bool{}
	for _, q := range []string{"", "?w=10", "?w=20"} {
		resp, _ := r.raw(t, "GET", "/v1/items/a%2Fb/content"+q)
		tag := resp.Header.Get("ETag")
		if tag == "" || tags[tag] {
			t.Errorf("%q has the tag %s", q, tag)
		}
		tags[tag] = true
		again, _ := r.raw(t, "GET", "/v1/items/a%2Fb/content"+q, "If-None-Match", tag)
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%q again: %d", q, again.StatusCode)
		}
	}
	if resp, text := r.raw(t, "GET", "/v1/items/a%2Fb/content?w=10", "Range", "bytes=2-5"); resp.StatusCode != 206 || text != "copy" {
		t.Errorf("a part: %d %q", resp.StatusCode, text)
	}
}

// Whoever may not use the socket gets nothing, also when its mode lets them.
func TestPeers(t *testing.T) {
	l, err := Listen(filepath.Join(t.TempDir(), "c.sock"))
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan [2]uint32, 10)
	may := false
	p := l.(peerListener)
	p.mayUse = func(uid, gid uint32) bool { asked <- [2]uint32{uid, gid}; return may }
	srv := &http.Server{Handler: Handler(Config{Actor: &fakeDevice{}, Box: &fakeDevice{}, Statuses: &newRig(t).board, Log: slog.New(slog.DiscardHandler)})}
	served := make(chan error)
	go func() { served <- srv.Serve(p) }()
	defer func() { srv.Close(); <-served }()
	c := NewClient(l.(peerListener).Addr().(*net.UnixAddr).Name)
	if _, err := c.Status(t.Context()); err == nil {
		t.Error("somebody who may not has an answer")
	}
	select {
	case who := <-asked:
		if who != [2]uint32{uint32(os.Geteuid()), uint32(os.Getegid())} {
			t.Errorf("it came from %v", who)
		}
	default:
		t.Error("nobody has asked who it is")
	}
	for uid, want := range map[uint32]bool{0: true, uint32(os.Geteuid()): true, 54321: false} {
		if got := permits(4711)(uid, 99); got != want {
			t.Errorf("user %d may: %v", uid, got)
		}
	}
	if !permits(4711)(54321, 4711) {
		t.Error("a member of the group may not")
	}
}
