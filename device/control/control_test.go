package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
)

type fakeDevice struct {
	resets     int
	err        error
	everywhere bool
	file       string
	removed    string
	account    string // that was named
	hidden     map[string]bool
	active     bool
	dark       bool
	changes    map[string]any
}

func (f *fakeDevice) Settings() map[string]device.Setting {
	return map[string]device.Setting{"slideshow.interval": {Value: "20s", Default: "10s", Origin: device.FromPhone}}
}

func (f *fakeDevice) Change(_ context.Context, changes map[string]any) error {
	f.changes = changes
	return f.err
}

func (f *fakeDevice) Do(_ context.Context, w display.Wish) error {
	f.account, f.everywhere = w.Account, w.Everywhere
	switch w.Verb {
	case display.Activity:
		f.active = true
		return nil
	case display.ScreenOff, display.ScreenOn:
		f.dark = w.Verb == display.ScreenOff
		return nil
	case display.Hide, display.Unhide:
		if w.Item != "a/b" {
			return fs.ErrNotExist
		}
		f.hidden = map[string]bool{w.Item: w.Verb == display.Hide}
	case display.Remove:
		if w.Item != "a/b" {
			return fs.ErrNotExist
		}
		f.removed = w.Item
	}
	return f.err
}

func (f *fakeDevice) Import(_ context.Context, sealed []byte) (bool, error) {
	return string(sealed) == "works", f.err
}
func (f *fakeDevice) Sessions() ([]device.Session, error) {
	return []device.Session{{RequestID: "r", State: "open"}}, f.err
}
func (f *fakeDevice) ItemsIn(string) ([]device.Item, error) { return []device.Item{}, f.err }
func (f *fakeDevice) Collections() ([]device.Collection, error) {
	return []device.Collection{{ID: device.DefaultCollection}}, f.err
}
func (f *fakeDevice) OpenItem(id string) (*os.File, *device.Item, error) {
	if id != "a/b" {
		return nil, nil, fs.ErrNotExist
	}
	file, err := os.Open(f.file)
	return file, &device.Item{MimeType: "image/jpeg"}, err
}

func (f *fakeDevice) CopyItem(_ context.Context, id string, w, h int) ([]byte, *device.Item, error) {
	switch id {
	case "a/b":
		return fmt.Appendf(nil, "a copy of %d by %d", w, h), &device.Item{}, f.err
	case "broken":
		return nil, nil, device.ErrNoCopy
	}
	return nil, nil, fs.ErrNotExist
}

// Reset fails as the disk does.
func (f *fakeDevice) Reset() error {
	f.resets++
	if e, ok := errors.AsType[*device.StoreError](f.err); ok {
		return e.Err
	}
	return nil
}

type rig struct {
	dev    *fakeDevice
	board  display.Board[device.Status]
	client *Client
	socket string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{dev: &fakeDevice{}, socket: filepath.Join(t.TempDir(), "run", "c.sock")}
	r.dev.file = filepath.Join(t.TempDir(), "a.jpg")
	if err := os.WriteFile(r.dev.file, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(r.socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: Handler(Config{Actor: r.dev, Box: r.dev, Settings: r.dev, Statuses: &r.board, Reset: r.dev.Reset, Log: slog.New(slog.DiscardHandler)})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(l)
	}()
	t.Cleanup(func() { srv.Close(); <-done })
	r.client = NewClient(r.socket)
	return r
}

func (r *rig) raw(t *testing.T, method, path string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://x"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := r.client.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestRoutes(t *testing.T) {
	r := newRig(t)
	r.board.Set(device.Status{State: device.Idle, Name: "Living room"})
	ctx := t.Context()
	if s, err := r.client.Status(ctx); err != nil || s.State != device.Idle || s.Name != "Living room" {
		t.Errorf("status: %+v, %v", s, err)
	}
	if list, err := r.client.Sessions(ctx); err != nil || len(list) != 1 || list[0].RequestID != "r" {
		t.Errorf("sessions: %+v, %v", list, err)
	}
	if resp, body := r.raw(t, "GET", "/v1/items"); resp.StatusCode != 200 || body != "{\"items\":[]}\n" {
		t.Errorf("items: %d %s", resp.StatusCode, body)
	}
	if resp, body := r.raw(t, "POST", "/v1/picks"); resp.StatusCode != 202 || !strings.Contains(body, `"state":"idle"`) {
		t.Errorf("pick: %d %s", resp.StatusCode, body)
	}
	if _, err := r.client.Unpair(ctx, "", true); err != nil || !r.dev.everywhere || r.dev.account != "" {
		t.Errorf("unpair: %v, %q", err, r.dev.account)
	}
	if _, err := r.client.Unpair(ctx, "g 1", false); err != nil || r.dev.everywhere || r.dev.account != "g 1" {
		t.Errorf("unpair one: %v, %q", err, r.dev.account)
	}
	if _, err := r.client.Pick(ctx, device.NewAccount, ""); err != nil || r.dev.account != device.NewAccount {
		t.Errorf("pick as: %v, %q", err, r.dev.account)
	}
	for _, bad := range [][2]string{{"POST", "/v1/picks?account="}, {"DELETE", "/v1/account?account="}, {"DELETE", "/v1/account?everywhere=yes"}} {
		r.dev.account = "nobody was asked for"
		if resp, body := r.raw(t, bad[0], bad[1]); resp.StatusCode != 400 || r.dev.account != "nobody was asked for" {
			t.Errorf("%v: %d %s", bad, resp.StatusCode, body)
		}
	}
	if resp, _ := r.raw(t, "POST", "/v1/activity"); resp.StatusCode != 202 || !r.dev.active {
		t.Errorf("activity: %d", resp.StatusCode)
	}
	r.dev.active = false
	if err := r.client.Activity(ctx); err != nil || !r.dev.active {
		t.Errorf("activity: %v", err)
	}
	for _, on := range []bool{false, true} {
		if err := r.client.SwitchScreen(ctx, on); err != nil || r.dev.dark == on {
			t.Errorf("screen on: %t: %v", on, err)
		}
	}
	for _, body := range []string{"", "{}", `{"on":1}`, `{"off":true}`, `{"on":true,"off":true}`} {
		if _, _, err := callStatus[device.Status](ctx, r.client, "PATCH", "/v1/screen", []byte(body)); !strings.Contains(fmt.Sprint(err), "A change is") {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, hidden := range []bool{true, false} {
		if err := r.client.Hide(ctx, "a/b", hidden); err != nil || r.dev.hidden["a/b"] != hidden {
			t.Errorf("hide: %v, %v", err, r.dev.hidden)
		}
	}
	if items, err := r.client.Items(ctx); err != nil || len(items) != 0 {
		t.Errorf("items: %+v, %v", items, err)
	}
	if err := r.client.Remove(ctx, "a/b"); err != nil || r.dev.removed != "a/b" {
		t.Errorf("remove: %v, removed %q", err, r.dev.removed)
	}
	if p, ok := errors.AsType[*Problem](r.client.Remove(ctx, "none")); !ok || p.Status != 404 {
		t.Errorf("remove an unknown item: %+v, want status 404", p)
	}
	if p, ok := errors.AsType[*Problem](r.client.Hide(ctx, "none", true)); !ok || p.Status != 404 {
		t.Error("what is not there can be hidden")
	}
	if resp, _ := r.raw(t, "PATCH", "/v1/items/a%2Fb"); resp.StatusCode != 400 {
		t.Errorf("a change without a change: %d", resp.StatusCode)
	}
	if resp, body := r.raw(t, "GET", "/v1/items/a%2Fb/content", "Range", "bytes=1-3"); resp.StatusCode != 206 || body != "123" || resp.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("content: %d %q", resp.StatusCode, body)
	}
}

func TestProblems(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		err          error
		method, path string
		status       int
	}{
		{device.ErrPickRunning, "POST", "/v1/picks", 409},
		{device.ErrNoPick, "DELETE", "/v1/picks/current", 404},
		{device.ErrNotPaired, "DELETE", "/v1/account", 409},
		{device.ErrNoCode, "POST", "/v1/pairing", 409},
		{device.ErrPaired, "POST", "/v1/account", 409},
		{&device.TokenError{Message: "It is for another box.", Err: errors.New("secret detail")}, "POST", "/v1/account", 422},
		{device.ErrNoAccount, "POST", "/v1/picks", 404},
		{device.ErrGuestHere, "POST", "/v1/picks", 409},
		{device.ErrGuests, "POST", "/v1/account", 409},
		{device.ErrAlreadyPaired, "POST", "/v1/account", 409},
		{device.ErrForgetting, "POST", "/v1/pairing", 409},
		{device.ErrStopping, "POST", "/v1/picks", 503},
		{errors.New("secret detail"), "GET", "/v1/sessions", 500},
		{nil, "GET", "/v1/items/none/content", 404},
		{nil, "GET", "/v2/status", 404},
	} {
		r.dev.err = tt.err
		resp, body := r.raw(t, tt.method, tt.path)
		if resp.StatusCode != tt.status || resp.Header.Get("Content-Type") != "application/problem+json" || strings.Contains(body, "secret") {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, resp.StatusCode, body)
		}
	}
	for name, list := range map[string]func() error{
		"sessions": func() error { _, err := r.client.Sessions(t.Context()); return err },
		"items":    func() error { _, err := r.client.Items(t.Context()); return err },
	} {
		r.dev.err = errors.New("secret detail")
		if p, ok := errors.AsType[*Problem](list()); !ok || p.Status != 500 || strings.Contains(p.Error(), "secret") {
			t.Errorf("%s of a failing device: %+v, want status 500", name, p)
		}
	}
	r.dev.err = device.ErrPickRunning
	_, err := r.client.Pick(t.Context(), "", "")
	if p, ok := errors.AsType[*Problem](err); !ok || p.Status != 409 || err.Error() != "A pick is under way already." {
		t.Errorf("the client says %v", err)
	}
}

func TestEvents(t *testing.T) {
	r := newRig(t)
	r.board.Set(device.Status{State: device.Pairing})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := r.client.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for _, want := range []device.State{device.Pairing, device.Showing} {
		found := false
		for !found && lines.Scan() {
			found = strings.HasPrefix(lines.Text(), "data: ") && strings.Contains(lines.Text(), string(want))
		}
		if !found {
			t.Fatalf("no event with %s", want)
		}
		r.board.Set(device.Status{State: device.Showing})
	}
}

func TestUnpairWaitsForTheSweeper(t *testing.T) {
	r := newRig(t)
	r.board.Set(device.Status{Outstanding: &device.Outstanding{Sessions: 1}})
	done := make(chan *device.Status, 1)
	go func() {
		s, err := r.client.Unpair(t.Context(), "", false)
		if err != nil {
			t.Error(err)
		}
		done <- s
	}()
	r.board.Set(device.Status{State: device.Pairing})
	if s := <-done; s == nil || s.Outstanding != nil {
		t.Errorf("%+v", s)
	}
}

func TestImport(t *testing.T) {
	r := newRig(t)
	for body, works := range map[string]bool{"works": true, "later": false} {
		if tried, err := r.client.Import(t.Context(), []byte(body)); err != nil || tried != works {
			t.Errorf("%s: tried %v, %v", body, tried, err)
		}
	}
	if _, err := r.client.Import(t.Context(), make([]byte, 2*maxToken)); err == nil {
		t.Error("a token file without an end was taken")
	}
}

func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if _, err := Listen(path); err == nil {
		t.Error("a living daemon's socket was taken")
	}
	l.(peerListener).SetUnlinkOnClose(false) // as a killed daemon leaves it
	l.Close()
	l, err = Listen(path)
	if err != nil {
		t.Fatalf("a dead daemon's socket is in the way: %v", err)
	}
	l.Close()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil {
		t.Error("a file was replaced")
	}
}

func TestUnreachable(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := NewClient(filepath.Join(t.TempDir(), "none.sock")).Status(ctx); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

// Who comes back is not told again what they know.
func TestEventsGoOn(t *testing.T) {
	r := newRig(t)
	r.board.Set(device.Status{State: device.Pairing})
	follow := func(last string) (*bufio.Scanner, func() error) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/v1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Last-Event-ID", last)
		resp, err := r.client.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return bufio.NewScanner(resp.Body), resp.Body.Close
	}
	lines, end := follow("")
	id := ""
	for id == "" && lines.Scan() {
		id, _ = strings.CutPrefix(lines.Text(), "id: ")
		if id == lines.Text() {
			id = ""
		}
	}
	end()
	lines, end = follow(id)
	defer end()
	if !lines.Scan() || lines.Text() != ": nothing new" {
		t.Errorf("who knows it gets %q", lines.Text())
	}
	r.board.Set(device.Status{State: device.Showing})
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if !strings.Contains(data, "showing") {
				t.Errorf("the next is %s", data)
			}
			return
		}
	}
	t.Error("nothing follows")
}
