package control

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"pickerd/device"
)

// patch changes settings by a body of any form.
func (r *rig) patch(t *testing.T, body io.Reader) (int, Problem) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://x/v1/settings", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := r.client.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var p Problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		t.Error(err)
	}
	return resp.StatusCode, p
}

func TestSettings(t *testing.T) {
	r := newRig(t)
	const want = `{"settings":{"slideshow.interval":{"value":"20s","default":"10s","origin":"phone","locked":false}}}` + "\n"
	if resp, body := r.raw(t, "GET", "/v1/settings"); resp.StatusCode != 200 || body != want {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	all, err := r.client.Change(t.Context(), map[string]any{"a": "x", "b": true, "c": 7, "d": 1.5, "e": nil, "f": []any{1, "y"}})
	if err != nil || all["slideshow.interval"].Value != "20s" {
		t.Errorf("%v, %v", all, err)
	}
	if got := r.dev.changes; !reflect.DeepEqual(got, map[string]any{"a": "x", "b": true, "c": int64(7), "d": 1.5, "e": nil, "f": []any{int64(1), "y"}}) {
		t.Errorf("%#v", got)
	}
	for body, want := range map[string]int{
		"": 400, "null": 400, "[]": 400, `"x"`: 400, "{}{}": 400, `{"a":`: 400, `{"a":1e999}`: 400, "{}": 200, `{"a":{"b":[1]}}`: 200,
		`{"a":"` + strings.Repeat("x", maxSettings) + `"}`: 413,
	} {
		if status, _ := r.patch(t, strings.NewReader(body)); status != want {
			t.Errorf("%.20q: %d, want %d", body, status, want)
		}
	}
}

func TestSettingsRefused(t *testing.T) {
	r := newRig(t)
	for code, status := range map[string]int{device.InvalidSetting: 422, device.UnknownSetting: 422, device.NotSettable: 403, device.SettingLocked: 403, device.PINRequired: 403} {
		r.dev.err = &device.SettingError{Code: code, Key: "a.b", Nearest: "a.c", Message: "no"}
		got, p := r.patch(t, strings.NewReader(`{"a.b":1}`))
		want := Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: "a.b: no", Code: code, Key: "a.b", Nearest: "a.c"}
		if got != status || p != want {
			t.Errorf("%d %+v, want %+v", got, p, want)
		}
		_, err := r.client.Change(t.Context(), map[string]any{"a.b": 1})
		if p, ok := errors.AsType[*Problem](err); !ok || *p != want {
			t.Errorf("the client has %v", err)
		}
	}
	w := httptest.NewRecorder()
	Handler(Config{Statuses: &r.board, Log: slog.New(slog.DiscardHandler)}).ServeHTTP(w, httptest.NewRequest("PATCH", "/v1/settings", strings.NewReader("{}")))
	if w.Code != 503 {
		t.Errorf("without settings: %d", w.Code)
	}
}

// A body of any text gives values that can be taken, or an error.
func FuzzDecodeSettings(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[1.5,{"c":null}]}`))
	f.Add([]byte(`{"a":1e400}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		changes, err := decodeSettings(body)
		if (changes == nil) == (err == nil) {
			t.Fatal(changes, err)
		}
	})
}
