package picker_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker"
)

// Whatever the response, each method returns a usable value or an error of the
// documented types.
func FuzzResponse(f *testing.F) {
	f.Add(200, `{"id":"s","pickerUri":"https://p.test/x","pollingConfig":{"pollInterval":"5s","timeoutIn":"1799.5s"},"expireTime":"2026-09-20T12:21:00.123456Z","mediaItemsSet":false}`)
	f.Add(200, `{"mediaItems":[{"id":"i","mediaFile":{"baseUrl":"http://m.test/x","mediaFileMetadata":{"width":"3000","height":4000,"videoMetadata":{"processingStatus":"NEW"}}}}],"nextPageToken":"n"}`)
	f.Add(403, `{"error":{"code":403,"message":"disabled","status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}`)
	f.Add(200, `{"id":7}`)
	f.Add(502, `<html>`)
	for _, document := range []string{
		`{"id":"s","pickerUri":"https://p.test/x","pollingConfig":{"pollInterval":"5s","timeoutIn":"1799.5s"},"expireTime":"2026-09-20T12:21:00Z","pickingConfig":{"maxItemCount":"50"},"mediaItemsSet":true}`,
		`{"mediaItems":[{"id":"i","createTime":"2026-09-04T13:00:51Z","type":"VIDEO","mediaFile":{"baseUrl":"http://m.test/x","mimeType":"video/mp4","filename":"x.mp4","mediaFileMetadata":{"width":1,"height":1,"videoMetadata":{"processingStatus":"READY"}}}}],"nextPageToken":"n"}`,
		`{"error":{"code":403,"message":"disabled","status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}`,
	} {
		for _, body := range oauthtest.Variants(document) {
			f.Add(200, body)
			f.Add(403, body)
		}
	}
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
		_, err = c.GetSession(t.Context(), "s")
		check(t, err)
		check(t, c.DeleteSession(t.Context(), "s"))
		if strings.TrimSpace(body) == "null" && err == nil && status < 300 {
			t.Error("null is a session")
		}
		n := 0
		for m, err := range c.MediaItems(t.Context(), "s") {
			if ie, ok := errors.AsType[*picker.ItemError](err); ok {
				_ = ie.Error()
				continue
			}
			check(t, err)
			if err == nil && m.ID == "" {
				t.Error("an item without an id")
			}
			if n++; n > 10000 {
				t.Fatal("endless list")
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

// Wherever a download redirects, the access token stays with the first host, and
// only http(s) is followed.
func FuzzMedia(f *testing.F) {
	f.Add("http://second.test/y", "image/jpeg; x=y")
	f.Add("//second.test", "")
	f.Add("file:///etc/passwd", "image/")
	f.Add("/loop", "\x00")
	f.Add("http://@second.test", "image/png")
	f.Fuzz(func(t *testing.T, location, contentType string) {
		c, _ := newClient(nil)
		c.HTTP.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Scheme != "http" && r.URL.Scheme != "https" {
				t.Errorf("requested %s", r.URL)
			}
			first := r.URL.String() == "http://first.test/x=dv"
			// A location may bring a user of its own: Basic, from the URL.
			if !first && strings.HasPrefix(r.Header.Get("Authorization"), "Bearer") {
				t.Errorf("the token was sent to %s", r.URL)
			}
			resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {contentType}}, Body: http.NoBody, Request: r}
			if first {
				resp.StatusCode, resp.Header = 302, http.Header{"Location": {location}}
			}
			return resp, nil
		})
		m, err := c.OpenMedia(t.Context(), "http://first.test/x", picker.VideoSuffix)
		check(t, err)
		if err == nil {
			m.Body.Close()
		}
	})
}
