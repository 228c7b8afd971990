package device_test

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker"
	"pickerd/picker/pickertest"
)

// A suffixLog records the suffixes by which videos are requested.
type suffixLog struct {
	mu   sync.Mutex
	list []string
}

// before is a hook of a network. Stills have other suffixes.
func (l *suffixLog) before(r *http.Request) error {
	_, suffix, _ := strings.Cut(r.URL.Path, "=")
	if strings.HasPrefix(r.URL.Path, "/media/") && !strings.HasPrefix(suffix, "w") {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = append(l.list, suffix)
	}
	return nil
}

func (l *suffixLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.list, " ")
}

func sampleVideos(t *testing.T, n int) (items []*pickertest.Item) {
	t.Helper()
	mp4, err := os.ReadFile("../picker/pickertest/samples/waves.mp4")
	if err != nil {
		t.Fatal(err)
	}
	still := pickertest.PlainPhotos(1)[0].Data
	for i := range n {
		items = append(items, &pickertest.Item{ID: fmt.Sprint("film-", i+1), Type: "VIDEO", MimeType: "video/mp4", Filename: "f.mp4", Data: mp4, Poster: still})
	}
	return items
}

// TestVideoSuffixes checks which suffixes a video is requested by, and that a refused
// one leads to the next at once, without counting against the video.
func TestVideoSuffixes(t *testing.T) {
	type refused = map[string]int
	for name, tt := range map[string]struct {
		original bool
		refused  refused
		want     string
	}{
		"screen":           {false, nil, "m37"},
		"original":         {true, nil, "dv"},
		"no m37":           {false, refused{"m37": 404}, "m37 m22"},
		"no streams":       {false, refused{"m37": 403, "m22": 400}, "m37 m22 dv"},
		"a still for m37":  {false, refused{"m37": 200}, "m37 m22"},
		"no original":      {true, refused{"dv": 403}, "dv m37"},
		"only the last":    {true, refused{"dv": 404, "m37": 410}, "dv m37 m22"},
		"m37 fails, twice": {false, refused{"m37": 500}, "m37 m37 m22"},
	} {
		t.Run(name, func(t *testing.T) {
			var log suffixLog
			o := options{items: sampleVideos(t, 1), photos: pickertest.Options{RefusedSuffixes: tt.refused},
				config: func(c *Config) { c.OriginalVideos = tt.original },
				before: func(w *world) { w.net.hook(log.before, nil) }}
			inWorld(t, o, func(t *testing.T, w *world) {
				w.pair()
				w.choose()
				w.untilState(device.Showing)
				w.untilClean()
				if got := log.String(); got != tt.want {
					t.Errorf("requested %s, want %s", got, tt.want)
				}
				photos, err := w.store.Photos.Collection()
				if err != nil || len(photos) != 1 || photos[0].Type != picker.Video {
					t.Errorf("collection %+v, %v", photos, err)
				}
				if s := w.log.String(); strings.Contains(s, "item skipped") {
					t.Error("the video was skipped")
				}
			})
		})
	}
}

// TestVideoWithoutGooglevideo checks that videos arrive on networks that block the
// host of the streams.
func TestVideoWithoutGooglevideo(t *testing.T) {
	o := options{items: sampleVideos(t, 3), before: func(w *world) {
		w.net.hook(func(r *http.Request) error {
			if strings.HasPrefix(r.URL.Host, "rr1.googlevideo.") {
				return oauthtest.ErrConnection
			}
			return nil
		}, nil)
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		if s := w.untilState(device.Showing); s.Library.Items != 3 {
			t.Errorf("%d videos, want 3", s.Library.Items)
		}
		w.untilClean()
	})
}

// TestVideosThrottled checks that what hosts say about too many requests is heeded
// although they refuse the streams too: every video comes, by its own suffix. Its still
// comes too where a refusal can be told from a limit.
func TestVideosThrottled(t *testing.T) {
	refused := map[string]int{"m37": 404, "m22": 400}
	for name, tt := range map[string]struct {
		refused map[string]int
		limit   pickertest.Limit
	}{
		"429":                         {refused, pickertest.Limit{N: 5, Per: 30 * time.Second, RetryAfter: true}},
		"403 with Retry-After":        {refused, pickertest.Limit{N: 5, Per: 30 * time.Second, Status: 403, RetryAfter: true}},
		"403":                         {refused, pickertest.Limit{N: 5, Per: 30 * time.Second, Status: 403}},
		"429, every stream":           {nil, pickertest.Limit{N: 5, Per: 30 * time.Second, RetryAfter: true}},
		"403, every stream":           {nil, pickertest.Limit{N: 5, Per: 30 * time.Second, Status: 403}},
		"429 without saying how long": {refused, pickertest.Limit{N: 5, Per: 30 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			o := options{items: sampleVideos(t, 24), photos: pickertest.Options{RefusedSuffixes: tt.refused, MediaLimit: tt.limit}}
			inWorld(t, o, func(t *testing.T, w *world) {
				w.pair()
				w.choose()
				if s := w.untilState(device.Showing); s.Library.Items != 24 {
					t.Errorf("%d videos, want 24", s.Library.Items)
				}
				w.untilClean()
				told := tt.limit.Status == 0 || tt.limit.RetryAfter // that it is a limit
				all, limited, served := 0, 0, 0
				for _, c := range w.photos.Calls() {
					switch {
					case c.Op == pickertest.OpVideo, c.Op == pickertest.OpStream:
						served++
					case c.Op == pickertest.OpMedia && c.Status == cmp.Or(tt.limit.Status, 429):
						limited++
					}
					all++
				}
				t.Logf("%d requests, %d limited", all, limited)
				if served != 24 || told && limited*10 > all {
					t.Errorf("%d videos served, %d of %d requests were too many", served, limited, all)
				}
				photos, err := w.store.Photos.Collection()
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range photos {
					if whole := int64(len(o.items[0].Data)); told && p.Bytes <= whole {
						t.Errorf("%s has %d bytes, want more than %d: a still is missing", p.ID, p.Bytes, whole)
					}
				}
			})
		})
	}
}

// TestVideoRefused checks that a video that every host refuses is skipped in the end
// and begins anew with each pass: the address may have expired.
func TestVideoRefused(t *testing.T) {
	var log suffixLog
	o := options{items: append(sampleVideos(t, 1), pickertest.PlainPhotos(1)...),
		photos: pickertest.Options{RefusedSuffixes: map[string]int{"m37": 404, "m22": 404, "dv": 404}},
		before: func(w *world) { w.net.hook(log.before, nil) }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		if got, want := log.String(), strings.TrimSpace(strings.Repeat("m37 m22 dv ", 6)); got != want {
			t.Errorf("requested %s, want %s", got, want)
		}
	})
}
