package picker_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker"
	"pickerd/picker/pickertest"
)

// tokens are good for ever, but count how often one was refused.
type tokens struct{ refused int }

func (t *tokens) Token(context.Context) (string, error) { return "token-" + pickertest.Mark, nil }
func (t *tokens) Invalidate(string)                     { t.refused++ }

func newClient(h http.Handler) (*picker.Client, *tokens) {
	tk := &tokens{}
	return &picker.Client{HTTP: &http.Client{Transport: oauthtest.InProcess(h)}, BaseURL: "http://p.test/", Tokens: tk}, tk
}

const requestID = "0b2f6f0e-5a65-4b43-9d0f-2d8c0a7f3f11"

func TestSessionLife(t *testing.T) { synctest.Test(t, sessionLife) }

func sessionLife(t *testing.T) {
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
			t.Errorf("list before Done: %v", err)
		}
	}
	if err := srv.Choose(s.ID); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	if s, err = c.GetSession(t.Context(), s.ID); err != nil || !s.MediaItemsSet || s.PollingConfig != nil {
		t.Errorf("after Done: %+v, %v", s, err)
	}
	list := c.MediaItems(t.Context(), s.ID)
	for range 2 { // it may be ranged over again
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
		t.Errorf("deleting twice: %v", err)
	}
}

func TestUnauthorizedOnce(t *testing.T) {
	srv := pickertest.New(pickertest.Options{})
	c, tk := newClient(srv)
	srv.Fail(pickertest.OpCreate, pickertest.Refuse(401, "UNAUTHENTICATED", ""))
	s, err := c.CreateSession(t.Context(), requestID, 0)
	if err != nil || tk.refused != 1 {
		t.Fatalf("401 once: %v, refused %d", err, tk.refused)
	}
	srv.Fail(pickertest.OpGet, pickertest.Refuse(401, "UNAUTHENTICATED", ""), pickertest.Refuse(401, "UNAUTHENTICATED", ""))
	if _, err := c.GetSession(t.Context(), s.ID); err == nil || tk.refused != 2 {
		t.Errorf("401 twice: %v, refused %d", err, tk.refused)
	}
}

func TestErrorsNameNoAddress(t *testing.T) {
	c, _ := newClient(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	_, err := c.GetSession(t.Context(), "session-"+pickertest.Mark)
	if err == nil || strings.Contains(err.Error(), pickertest.Mark) || strings.Contains(err.Error(), "p.test") {
		t.Errorf("got %v", err)
	}
	_, err = c.OpenMedia(t.Context(), "http://m.test/"+pickertest.Mark, "=d")
	if err == nil || strings.Contains(err.Error(), pickertest.Mark) {
		t.Errorf("got %v", err)
	}
}

func TestMediaAddresses(t *testing.T) {
	var redirect string
	c, _ := newClient(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host != "first.test" && r.Header.Get("Authorization") != "" {
			t.Errorf("the token went to %s", r.URL.Host)
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
		redirect = tt.redirect
		m, err := c.OpenMedia(t.Context(), tt.base, picker.VideoSuffix)
		if (err == nil) != tt.ok {
			t.Errorf("%s to %s: %v", tt.base, tt.redirect, err)
		}
		if err == nil {
			m.Body.Close()
		}
	}
}

func TestPolling(t *testing.T) {
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
		t.Errorf("absent: %v, %v", d, err)
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"id":"s","pickerUri":"https://p.test/x","pollingConfig":{"pollInterval":"5s","timeoutIn":"1799.5s"},"expireTime":"2026-09-20T12:21:00.123456Z","mediaItemsSet":false}`)
	f.Add(200, `{"mediaItems":[{"id":"i","mediaFile":{"baseUrl":"http://m.test/x","mediaFileMetadata":{"width":"3000","height":4000,"videoMetadata":{"processingStatus":"NEW"}}}}],"nextPageToken":"n"}`)
	f.Add(403, `{"error":{"code":403,"message":"disabled","status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}`)
	f.Add(200, `{"id":7}`)
	f.Add(502, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		c, _ := newClient(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			w.Write([]byte(body))
		}))
		s, err := c.CreateSession(t.Context(), requestID, 1)
		check(t, err)
		if err == nil {
			_ = s.Check()
			if d, _ := s.PollingConfig.Interval(); d < picker.MinPollInterval || d > picker.MaxPollInterval {
				t.Errorf("interval %v", d)
			}
			if d, _, _ := s.PollingConfig.Timeout(); d < 0 {
				t.Errorf("timeout %v", d)
			}
		}
		n := 0
		for m, err := range c.MediaItems(t.Context(), "s") {
			if ie, ok := errors.AsType[*picker.ItemError](err); ok {
				_ = ie.Error()
				continue
			}
			check(t, err)
			if err == nil && m.ID == "" {
				t.Error("an item without id")
			}
			if n++; n > 10000 {
				t.Fatal("endless")
			}
		}
	})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if _, ok := errors.AsType[*picker.Error](err); !ok {
		t.Errorf("%T: %v", err, err)
	}
}
