package picker_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/picker"
	"pickerd/picker/pickertest"
)

func TestSession(t *testing.T) { synctest.Test(t, testSession) }

func testSession(t *testing.T) {
	srv := pickertest.New(pickertest.Options{OmitTimeout: true}, pickertest.PlainPhotos(130)...)
	srv.NoLeaks(t)
	c, _ := newClient(srv)
	s, err := c.CreateSession(t.Context(), requestID, 120)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); err != nil || s.MediaItemsSet || time.Until(s.ExpireTime.Time) < 24*time.Hour {
		t.Errorf("%+v, %v", s, err)
	}
	for _, err := range c.MediaItems(t.Context(), s.ID) {
		if e, ok := errors.AsType[*picker.Error](err); !ok || e.Code != picker.FailedPrecondition {
			t.Errorf("list before the person is done: %v", err)
		}
	}
	if err := srv.Choose(s.ID); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	if s, err = c.GetSession(t.Context(), s.ID); err != nil || !s.MediaItemsSet || s.PollingConfig != nil {
		t.Errorf("after the person is done: %+v, %v", s, err)
	}
	list := c.MediaItems(t.Context(), s.ID)
	for range 2 { // the iterator can be used again
		n := 0
		for m, err := range list {
			if err != nil {
				t.Fatal(err)
			}
			if n++; m.MediaFile.BaseURL == "" || m.MediaFile.Metadata.Width != 48 {
				t.Fatalf("%+v", m)
			}
		}
		if n != 120 {
			t.Errorf("%d items, want maxItemCount's 120", n)
		}
	}
	for m := range list {
		media, err := c.OpenMedia(t.Context(), m.MediaFile.BaseURL, picker.ImageSuffix(24, 24))
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(media.Body)
		media.Body.Close()
		if err != nil || int64(len(data)) != media.Length || media.MimeType != "image/jpeg" {
			t.Errorf("%d bytes of %d, %s, %v", len(data), media.Length, media.MimeType, err)
		}
		break
	}
	if err := c.DeleteSession(t.Context(), s.ID); err != nil {
		t.Error(err)
	}
	err = c.DeleteSession(t.Context(), s.ID)
	if e, ok := errors.AsType[*picker.Error](err); !ok || e.Code != picker.NotFound {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestPollInterval(t *testing.T) {
	tests := []struct {
		interval string
		want     time.Duration
		bad      bool
	}{
		{"5s", 5 * time.Second, false}, {"3.5s", 3500 * time.Millisecond, false}, {"0s", picker.MinPollInterval, false},
		{"999s", picker.MaxPollInterval, false}, {"", picker.DefaultPollInterval, false},
		{"-1s", picker.DefaultPollInterval, true}, {"1e99s", picker.DefaultPollInterval, true}, {"abc", picker.DefaultPollInterval, true},
		{"5m", picker.DefaultPollInterval, true}, {"99999999999999999s", picker.DefaultPollInterval, true},
	}
	for _, tt := range tests {
		got, err := (&picker.PollingConfig{PollInterval: tt.interval}).Interval()
		if got != tt.want || errors.Is(err, picker.ErrBadDuration) != tt.bad {
			t.Errorf("%q: %v, %v", tt.interval, got, err)
		}
	}
	if d, err := (*picker.PollingConfig)(nil).Interval(); d != picker.DefaultPollInterval || err != nil {
		t.Errorf("no PollingConfig: %v, %v", d, err)
	}
}

func TestPollTimeout(t *testing.T) {
	for _, tt := range []struct {
		timeout string
		want    time.Duration
		ok, bad bool
	}{
		{"1799.5s", 1799500 * time.Millisecond, true, false}, {"0s", 0, true, false}, {"", 0, false, false},
		{"-1s", 0, false, true}, {"soon", 0, false, true}, {"5m", 0, false, true}, {"1e99s", 0, false, true},
	} {
		got, ok, err := (&picker.PollingConfig{TimeoutIn: tt.timeout}).Timeout()
		if got != tt.want || ok != tt.ok || errors.Is(err, picker.ErrBadDuration) != tt.bad {
			t.Errorf("%q: %v, %t, %v", tt.timeout, got, ok, err)
		}
	}
	if d, ok, err := (*picker.PollingConfig)(nil).Timeout(); d != 0 || ok || err != nil {
		t.Errorf("no PollingConfig: %v, %t, %v", d, ok, err)
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		id, uri string
		want    error
	}{
		{"s", "https://photos.example/x", nil},
		{"s", "http://photos.example/x", nil},
		{"", "https://photos.example/x", picker.ErrNoSessionID},
		{"s", "", picker.ErrNoPickerURI},
		{"s", "javascript:alert(1)", picker.ErrBadPickerURI},
		{"s", "https:///x", picker.ErrBadPickerURI},
		{"s", "https://%zz/", picker.ErrBadPickerURI},
	} {
		if got := (&picker.PickingSession{ID: tt.id, PickerURI: tt.uri}).Check(); got != tt.want {
			t.Errorf("%q, %q: %v, want %v", tt.id, tt.uri, got, tt.want)
		}
	}
}

// An unusable value in a session does not cost its id, without which the
// session could not be deleted.
func TestUnusableValues(t *testing.T) {
	for _, body := range []string{
		`{"id":"s","expireTime":7}`,
		`{"id":"s","expireTime":"tomorrow"}`,
		`{"id":"s","expireTime":null}`,
		`{"id":"s","pollingConfig":{"pollInterval":"x","timeoutIn":"y"}}`,
	} {
		c, _ := newClient(respond(200, body))
		s, err := c.CreateSession(t.Context(), requestID, 0)
		if err != nil || s.ID != "s" || !s.ExpireTime.IsZero() {
			t.Errorf("%s: %+v, %v", body, s, err)
		}
	}
	c, _ := newClient(respond(200, `{"pickerUri":"https://photos.example/x"}`))
	if _, err := c.CreateSession(t.Context(), requestID, 0); !errors.Is(err, picker.ErrNoSessionID) {
		t.Errorf("without an id: %v", err)
	}
}
