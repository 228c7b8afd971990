package control_test

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/control"
	"pickerd/display"
)

// fakeDisplays answer err and note what they are asked.
type fakeDisplays struct {
	err   error
	asked []string
}

func (f *fakeDisplays) did(words ...string) error {
	f.asked = append(f.asked, strings.Join(words, " "))
	return f.err
}

func (f *fakeDisplays) List() device.Displays {
	return device.Displays{Displays: []device.Display{{ID: "a", Name: "Hall"}}, Waiting: []device.WaitingDisplay{{Code: "BCDF"}}}
}
func (f *fakeDisplays) Allow(code, name string) error { return f.did("allow", code, name) }
func (f *fakeDisplays) Rename(id, name string) error  { return f.did("name", id, name) }
func (f *fakeDisplays) Remove(id string) error        { return f.did("remove", id) }
func (f *fakeDisplays) Link() (device.DisplayLink, error) {
	return device.DisplayLink{URL: "http://192.0.2.1/link#x", ExpiresAt: time.Unix(0, 0)}, f.did("link")
}

// displaysAPI returns the API with displays.
func displaysAPI(d control.Displays) http.Handler {
	return control.Handler(control.Config{Displays: d, Statuses: new(display.Board[device.Status]), Log: slog.New(slog.DiscardHandler)})
}

// Requests about displays, and their answers.
func TestDisplays(t *testing.T) {
	for name, tt := range map[string]struct {
		request, body string
		err           error
		status        int
		asked         string
	}{
		"list":                {"GET /v1/displays", "", nil, 200, ""},
		"allow":               {"POST /v1/displays/BCDF/allow", "", nil, 204, "allow BCDF "},
		"allow with a name":   {"POST /v1/displays/BCDF/allow", `{"name":"Hall"}`, nil, 204, "allow BCDF Hall"},
		"allow and more":      {"POST /v1/displays/BCDF/allow", `{"color":1}`, nil, 400, ""},
		"allow nobody":        {"POST /v1/displays/BCDF/allow", "", device.ErrCodeUnknown, 404, "allow BCDF "},
		"allow late":          {"POST /v1/displays/BCDF/allow", "", device.ErrCodeLate, 410, "allow BCDF "},
		"allow too many":      {"POST /v1/displays/BCDF/allow", "", device.ErrManyDisplays, 409, "allow BCDF "},
		"allow on a bad disk": {"POST /v1/displays/BCDF/allow", "", &device.StoreError{Err: syscall.EIO}, 503, "allow BCDF "},
		"link":                {"POST /v1/displays/links", "", nil, 200, "link"},
		"link to nowhere":     {"POST /v1/displays/links", "", device.ErrPageLocal, 409, "link"},
		"name":                {"PATCH /v1/displays/a", `{"name":"Hall"}`, nil, 204, "name a Hall"},
		"name with nothing":   {"PATCH /v1/displays/a", "", nil, 400, ""},
		"name with null":      {"PATCH /v1/displays/a", `{"name":null}`, nil, 400, ""},
		"name too long":       {"PATCH /v1/displays/a", `{"name":"x"}`, device.ErrDisplayName, 400, "name a x"},
		"remove":              {"DELETE /v1/displays/a", "", nil, 204, "remove a"},
		"remove nothing":      {"DELETE /v1/displays/a", "", device.ErrNoDisplay, 404, "remove a"},
	} {
		d := &fakeDisplays{err: tt.err}
		method, path, _ := strings.Cut(tt.request, " ")
		w := httptest.NewRecorder()
		displaysAPI(d).ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(tt.body)))
		if w.Code != tt.status || strings.Join(d.asked, ",") != tt.asked || (w.Code == 204) != (w.Body.Len() == 0) {
			t.Errorf("%s: %d %s, asked for %q", name, w.Code, w.Body, d.asked)
		}
	}
	for state, says := range map[device.State]string{device.Blocked: "state directory", device.SetUp: "not set up"} {
		board := new(display.Board[device.Status])
		board.Set(device.Status{State: state})
		w := httptest.NewRecorder()
		control.Handler(control.Config{Statuses: board, Log: slog.New(slog.DiscardHandler)}).ServeHTTP(w, httptest.NewRequest("GET", "/v1/displays", nil))
		if w.Code != 503 || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d %s", state, w.Code, w.Body)
		}
	}
}

// The client asks what the commands want.
func TestDisplaysClient(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "c.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	d := &fakeDisplays{}
	srv := &http.Server{Handler: displaysAPI(d)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(l)
	}()
	defer func() { srv.Close(); <-done }()
	c, ctx := control.NewClient(socket), t.Context()
	list, err := c.Displays(ctx)
	if err != nil || list.Displays[0].Name != "Hall" || list.Waiting[0].Code != "BCDF" {
		t.Errorf("list: %+v, %v", list, err)
	}
	link, err := c.LinkDisplay(ctx)
	if err != nil || link.URL != "http://192.0.2.1/link#x" {
		t.Errorf("link: %+v, %v", link, err)
	}
	if err := errors.Join(c.AllowDisplay(ctx, "BC/DF", `a "b"`), c.AllowDisplay(ctx, "GHJK", ""), c.RenameDisplay(ctx, "a", "ä"), c.RemoveDisplay(ctx, "a")); err != nil {
		t.Error(err)
	}
	if got, want := strings.Join(d.asked, ","), `link,allow BC/DF a "b",allow GHJK ,name a ä,remove a`; got != want {
		t.Errorf("asked for %q, want %q", got, want)
	}
	d.err = device.ErrCodeLate
	p, ok := errors.AsType[*control.Problem](c.AllowDisplay(ctx, "BCDF", ""))
	if !ok || p.Status != http.StatusGone {
		t.Errorf("a late code: %v", p)
	}
}
