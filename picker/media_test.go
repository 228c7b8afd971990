package picker_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"pickerd/picker"
)

func TestMediaURL(t *testing.T) {
	var redirect string
	c, _ := newClient(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host != "first.test" && r.Header.Get("Authorization") != "" {
			t.Errorf("the token was sent to %s", r.URL.Host)
		}
		if r.URL.Host == "first.test" || r.URL.Path == "/loop" {
			w.Header().Set("Location", redirect)
			w.WriteHeader(http.StatusFound)
			return
		}
		w.Write([]byte("film"))
	}))
	for _, tt := range []struct {
		base, redirect string
		ok             bool
	}{
		{"https://first.test/x", "https://second.test/y", true},
		{"https://first.test/x", "http://second.test/y", false},
		{"http://first.test/x", "file:///etc/passwd", false},
		{"http://first.test/x", "http://second.test/loop", false},
		{"file:///etc/passwd", "", false},
		{"", "", false},
		{"http://%zz", "", false},
	} {
		redirect, c.BaseURL = tt.redirect, "http://first.test"
		m, err := c.OpenMedia(t.Context(), tt.base, picker.VideoSuffix)
		if (err == nil) != tt.ok {
			t.Errorf("%s to %s: %v", tt.base, tt.redirect, err)
		}
		if err == nil {
			m.Body.Close()
		}
	}
}

func TestMediaErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		code   string
		is     error
	}{
		"expired":           {403, "\x89PNG", picker.PermissionDenied, nil},
		"unauthorized":      {401, "", picker.Unauthenticated, nil},
		"not found":         {404, "", picker.NotFound, nil},
		"too many requests": {429, "", picker.ResourceExhausted, nil},
		"server error":      {503, "", "", picker.ErrNotAPI},
		"empty":             {204, "", "", picker.ErrNotAPI},
	} {
		c, _ := newClient(respond(tt.status, tt.body))
		_, err := c.OpenMedia(t.Context(), "http://p.test/x", picker.StillSuffix(10, 20))
		e, ok := errors.AsType[*picker.Error](err)
		if !ok || e.Op != "media" || e.HTTPStatus != tt.status || e.Code != tt.code || e.Err != tt.is {
			t.Errorf("%s: %+v", name, err)
		}
	}
}

func TestSuffixes(t *testing.T) {
	for got, want := range map[string]string{
		picker.ImageSuffix(1920, 1080): "=w1920-h1080",
		picker.StillSuffix(1920, 1080): "=w1920-h1080-no",
		picker.VideoSuffix:             "=dv",
		picker.Video1080Suffix:         "=m37",
		picker.Video720Suffix:          "=m22",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMediaItem(t *testing.T) {
	for body, want := range map[string]struct {
		processing    bool
		width, height picker.Int
	}{
		`{"type":"PHOTO","mediaFile":{"mediaFileMetadata":{"width":3000,"height":"4000"}}}`:     {false, 3000, 4000},
		`{"type":"PHOTO","mediaFile":{"mediaFileMetadata":{"width":-1,"height":"x"}}}`:          {false, 0, 0},
		`{"type":"PHOTO","mediaFile":{"mediaFileMetadata":{"width":1e3,"height":99999999999}}}`: {false, 0, 0},
		`{"type":"VIDEO"}`: {false, 0, 0},
		`{"type":"VIDEO","mediaFile":{"mediaFileMetadata":{"videoMetadata":{"processingStatus":"PROCESSING"}}}}`: {true, 0, 0},
		`{"type":"VIDEO","mediaFile":{"mediaFileMetadata":{"videoMetadata":{"processingStatus":"READY"}}}}`:      {false, 0, 0},
		`{"type":"VIDEO","mediaFile":{"mediaFileMetadata":{"videoMetadata":{"processingStatus":"FAILED"}}}}`:     {false, 0, 0},
		`{"type":"PHOTO","mediaFile":{"mediaFileMetadata":{"videoMetadata":{"processingStatus":"PROCESSING"}}}}`: {false, 0, 0},
	} {
		var m picker.MediaItem
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatal(err)
		}
		if md := m.MediaFile.Metadata; m.Processing() != want.processing || md.Width != want.width || md.Height != want.height {
			t.Errorf("%s: %t, %d x %d", body, m.Processing(), md.Width, md.Height)
		}
	}
}

// An unusable item does not end the list.
func TestUnusableItems(t *testing.T) {
	c, _ := newClient(respond(200, `{"mediaItems":[{"id":"a"},{"id":7},{},{"id":"`+strings.Repeat("x", 2049)+`"},{"id":"b"}]}`))
	var ids []string
	var causes []error
	for m, err := range c.MediaItems(t.Context(), "s") {
		if err == nil {
			ids = append(ids, m.ID)
			continue
		}
		e, ok := errors.AsType[*picker.ItemError](err)
		if !ok || !strings.Contains(err.Error(), e.Err.Error()) {
			t.Fatalf("%T: %v", err, err)
		}
		causes = append(causes, e.Unwrap())
	}
	if len(ids) != 2 || ids[0] != "a" || ids[1] != "b" {
		t.Errorf("items %q", ids)
	}
	if len(causes) != 3 || causes[0] != picker.ErrMalformedResponse || causes[1] != picker.ErrNoItemID || causes[2] != picker.ErrNoItemID {
		t.Errorf("errors %v", causes)
	}
	for range c.MediaItems(t.Context(), "s") {
		break // a caller may stop early
	}
}

func TestEndlessList(t *testing.T) {
	n := 0
	repeating := respond(200, `{"nextPageToken":"same"}`)
	growing := func(w http.ResponseWriter, r *http.Request) {
		n++
		respond(200, `{"nextPageToken":"`+strings.Repeat("x", n)+`"}`)(w, r)
	}
	for name, h := range map[string]http.HandlerFunc{"repeated token": repeating, "new tokens": growing} {
		c, _ := newClient(h)
		errs := 0
		for _, err := range c.MediaItems(t.Context(), "s") {
			if errs++; !errors.Is(err, picker.ErrEndlessList) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if errs != 1 {
			t.Errorf("%s: %d errors", name, errs)
		}
	}
	if n > 1001 {
		t.Errorf("%d pages requested", n)
	}
}
