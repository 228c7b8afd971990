package pickertest_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	_ "image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker"
	"pickerd/picker/pickertest"
)

type tokens struct{}

func (tokens) Token(context.Context) (string, error) { return "access", nil }
func (tokens) Invalidate(string)                     {}

func client(s *pickertest.Server) *picker.Client {
	return &picker.Client{HTTP: &http.Client{Transport: oauthtest.InProcess(s)}, BaseURL: "http://p.test", Tokens: tokens{}}
}

func create(t *testing.T, s *pickertest.Server) *picker.PickingSession {
	t.Helper()
	x, err := client(s).CreateSession(t.Context(), "0b2f6f0e-5a65-4b43-9d0f-2d8c0a7f3f11", 0)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// fakeTB records what NoLeaks reports.
type fakeTB struct {
	cleanup func()
	errors  []string
}

func (f *fakeTB) Helper()          {}
func (f *fakeTB) Cleanup(c func()) { f.cleanup = c }
func (f *fakeTB) Errorf(format string, args ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

func TestNoLeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			use  func(s *pickertest.Server, x *picker.PickingSession) error
			want int
		}{
			"deleted": {func(s *pickertest.Server, x *picker.PickingSession) error {
				return client(s).DeleteSession(t.Context(), x.ID)
			}, 0},
			"open": {func(*pickertest.Server, *picker.PickingSession) error { return nil }, 1},
			"lost": {func(s *pickertest.Server, x *picker.PickingSession) error { s.LoseSession(x.ID); return nil }, 0},
			"expired": {func(*pickertest.Server, *picker.PickingSession) error {
				time.Sleep(8 * 24 * time.Hour)
				return nil
			}, 0},
			"polled too fast": {func(s *pickertest.Server, x *picker.PickingSession) error {
				_, err := client(s).GetSession(t.Context(), x.ID)
				s.LoseSession(x.ID)
				return err
			}, 1},
		} {
			s := pickertest.New(pickertest.Options{})
			tb := &fakeTB{}
			s.NoLeaks(tb)
			if err := tt.use(s, create(t, s)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if tb.cleanup(); len(tb.errors) != tt.want {
				t.Errorf("%s: %q", name, tb.errors)
			}
		}
	})
}

func TestRepeatedRequest(t *testing.T) {
	for mode, same := range map[int]bool{pickertest.SameSession: true, pickertest.NewSession: false} {
		s := pickertest.New(pickertest.Options{RepeatedRequest: mode})
		first, second := create(t, s), create(t, s)
		if got := first.ID == second.ID; got != same {
			t.Errorf("mode %d: same session: %t", mode, got)
		}
	}
	s := pickertest.New(pickertest.Options{RepeatedRequest: pickertest.Conflict})
	create(t, s)
	_, err := client(s).CreateSession(t.Context(), "0b2f6f0e-5a65-4b43-9d0f-2d8c0a7f3f11", 0)
	if err == nil || !strings.Contains(err.Error(), picker.AlreadyExists) {
		t.Errorf("conflict: %v", err)
	}
}

// The access token must not reach the host of the video.
func TestVideo(t *testing.T) {
	video := &pickertest.Item{ID: "v", Type: "VIDEO", MimeType: "video/mp4", Data: []byte("film"), Poster: []byte("still")}
	s := pickertest.New(pickertest.Options{}, video)
	x := create(t, s)
	if err := s.Choose(x.ID); err != nil {
		t.Fatal(err)
	}
	for m, err := range client(s).MediaItems(t.Context(), x.ID) {
		if err != nil {
			t.Fatal(err)
		}
		for suffix, want := range map[string]string{picker.VideoSuffix: "film", picker.Video1080Suffix: "film", picker.StillSuffix(10, 10): "still"} {
			media, err := client(s).OpenMedia(t.Context(), m.MediaFile.BaseURL, suffix)
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(media.Body)
			media.Body.Close()
			if err != nil || string(data) != want {
				t.Errorf("%s: %q, %v", suffix, data, err)
			}
		}
	}
	if v := s.Violations(); len(v) != 0 {
		t.Errorf("violations %q", v)
	}
	ops := []string{}
	for _, c := range s.Calls() {
		ops = append(ops, c.Op)
	}
	if !slices.Contains(ops, pickertest.OpVideo) || !slices.Contains(ops, pickertest.OpStream) {
		t.Errorf("calls %q", ops)
	}
}

func TestScaling(t *testing.T) {
	s := pickertest.New(pickertest.Options{}, pickertest.PlainPhotos(1)...)
	x := create(t, s)
	if err := s.Choose(x.ID); err != nil {
		t.Fatal(err)
	}
	for m := range client(s).MediaItems(t.Context(), x.ID) {
		for suffix, want := range map[string]image.Point{
			"=w24-h24": {24, 16}, "=w24-h24-c": {24, 24}, "=w480-h480": {48, 32}, "=w48-h8-c": {48, 8}, "=d": {48, 32},
		} {
			media, err := client(s).OpenMedia(t.Context(), m.MediaFile.BaseURL, suffix)
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(media.Body)
			media.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			c, _, err := image.DecodeConfig(bytes.NewReader(data))
			if err != nil || c.Width != want.X || c.Height != want.Y {
				t.Errorf("%s: %d x %d, %v", suffix, c.Width, c.Height, err)
			}
		}
	}
}

// A phone opens the link, picks, and finds the link used up.
func TestPickerPage(t *testing.T) {
	s := pickertest.New(pickertest.Options{}, pickertest.PlainPhotos(2)...)
	x := create(t, s)
	u, err := url.Parse(x.PickerURI)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ method, path, form, want string }{
		{"GET", "/continue/0b2f6f0e-5a65-4b43-9d0f-2d8c0a7f3f11", "", "Found"},
		{"GET", "/continue/unknown", "", "One moment"},
		{"GET", u.Path, "", `value="item-2"`},
		{"GET", "/thumb/item-2", "", "\xff\xd8"},
		{"GET", "/thumb/unknown", "", "not found"},
		{"POST", u.Path, "item=unknown", "Nothing chosen"},
		{"POST", u.Path, "item=item-2", "Done: 1 chosen"},
		{"POST", u.Path, "item=item-1", "no longer works"},
		{"GET", u.Path, "", "no longer works"},
	} {
		r := httptest.NewRequest(step.method, "http://p.test"+step.path, strings.NewReader(step.form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), step.want) {
			t.Errorf("%s %s: %d, no %q in %.200s", step.method, step.path, w.Code, step.want, w.Body)
		}
	}
	if got := s.Sessions(); len(got) != 1 || !got[0].Set || got[0].Deleted {
		t.Errorf("sessions %+v", got)
	}
}
