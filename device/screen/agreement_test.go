package screen_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"pickerd/device"
	"pickerd/device/control"
	"pickerd/device/phone"
	"pickerd/device/screen"
	"pickerd/device/slideshow"
	"pickerd/display"
	"pickerd/display/web"
	"pickerd/display/words"
	"pickerd/picker"
	"pickerd/store"
)

// TestAgreement has people at the page, the remote control, a phone and programs do what
// they like. After each wish all of them must be told the same of what is on the wall.
func TestAgreement(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		plan := rapid.SliceOfN(rapid.Custom(drawAct), 5, 40).Draw(r, "acts")
		var wrong []string
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			defer h.close()
			for i, a := range plan {
				h.do(a)
				if wrong = h.disagreements(); len(wrong) > 0 {
					wrong = append(wrong, fmt.Sprintf("after %d: %+v", i, plan[:i+1]))
					return
				}
			}
		})
		for _, w := range wrong {
			r.Error(w)
		}
	})
}

// An act is what somebody does, and how long nobody does anything after it.
type act struct {
	Where, What string
	For         time.Duration
}

var acts = map[string][]string{
	"page":   {"next", "previous", "pause", "volume-up", "volume-down", "mute", "touch"},
	"key":    {"right", "left", "up", "down", "ok", "menu", "back", "play", "next", "previous", "volume_up", "volume_down", "mute"},
	"menu":   {"photo", "settings", "slideshow.volume", "back"},
	"remote": {"next", "previous", "pause", "louder", "quieter", "mute", "screen-off", "screen-on"},
	"api":    {"next", "previous", "pause", "resume", "mute", "unmute"},
	"film":   {"plays", "ends", "is longer", "can't play", "another display"},
	"wait":   {""},
}

func drawAct(r *rapid.T) act {
	where := rapid.SampledFrom(slices.Sorted(maps.Keys(acts))).Draw(r, "where")
	return act{where, rapid.SampledFrom(acts[where]).Draw(r, "what"),
		rapid.SampledFrom([]time.Duration{0, time.Millisecond, 2 * time.Second, 3500 * time.Millisecond, 9 * time.Second, 25 * time.Second}).Draw(r, "for")}
}

// A house is a box with a page, a phone and programs.
type house struct {
	*screen.Screen
	slides  *slideshow.Slideshow
	viewers []*slideshow.Viewer
	page    stream
	site    http.Handler
	phone   http.Handler
	api     http.Handler
	remote  string // its address
	muted   bool
	paused  bool
	close   func()
}

// home is who grants the wishes of a house, but those about slides.
type home struct {
	nobody
	mu     sync.Mutex
	volume int
	told   func(volume int)
}

func (h *home) Open() (string, error) { return "http://192.0.2.7", nil }
func (h *home) Close()                {}

func (h *home) Settings() map[string]device.Setting {
	h.mu.Lock()
	defer h.mu.Unlock()
	return map[string]device.Setting{"slideshow.volume": {Value: h.volume}}
}

func (h *home) Change(_ context.Context, changes map[string]any) error {
	h.mu.Lock()
	h.volume = changes["slideshow.volume"].(int)
	volume := h.volume
	h.mu.Unlock()
	h.told(volume)
	return nil
}

// A stream is the page's message as a browser last got it.
type stream struct {
	mu   sync.Mutex
	head http.Header
	data []byte
	at   time.Time
}

func (s *stream) Header() http.Header { return s.head }
func (s *stream) WriteHeader(int)     {}
func (s *stream) Flush()              {}
func (s *stream) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if message, ok := bytes.CutPrefix(data, []byte("event: page\ndata: ")); ok {
		s.data, s.at = bytes.Clone(message), time.Now()
	}
	return len(data), nil
}

func newHouse(t *testing.T) *house {
	log := slog.New(slog.DiscardHandler)
	photos := []store.Photo{{ID: "a", File: "a.jpg", Type: picker.Photo, Grant: "mira"}, {ID: "film", File: "film.mp4", Type: picker.Video, Duration: 30 * time.Second, Bytes: 1 << 24, Grant: "mira"},
		{ID: "b", File: "b.jpg", Type: picker.Photo}, {ID: "short", File: "short.mp4", Type: picker.Video, Duration: 4 * time.Second, Bytes: 1 << 20}}
	s := slideshow.New(slideshow.Config{Photos: func() ([]store.Photo, error) { return photos, nil }, Generation: func() int { return 0 },
		ScreenSize: func() (int, int) { return 1920, 1080 }, Log: log})
	var snapshots display.Board[device.Snapshot]
	snapshots.Set(device.Snapshot{Seq: 1, State: device.Showing, Since: time.Now(), Account: &device.AccountStatus{ID: "mira"}, Accounts: []device.AccountStatus{{ID: "mira"}}, Library: device.Library{Items: 4}})
	owner := &home{}
	h := &house{slides: s, page: stream{head: http.Header{}}}
	h.Screen = screen.New(screen.Config{Snapshots: &snapshots, Frames: s.Frames(), Engine: owner, Slides: s, Phones: owner, Settings: owner,
		LastActivity: func() time.Time { return time.Time{} }, Now: time.Now, Log: log})
	owner.told = func(volume int) {
		h.Configure(screen.Options{Style: display.Style{Look: display.Look{Volume: volume}}})
	}
	h.site = web.New(web.Config{Screen: h.Screen, Key: func(ctx context.Context, name string) error { return h.Press(ctx, screen.Key(name)) }, Log: log})
	h.phone = phone.Handler(nil, h.Screen, words.English, log)
	h.api = control.Handler(control.Config{Actor: h.Screen, Statuses: h.Statuses(), Log: log})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Run(ctx) })
	wg.Go(func() { _ = h.Run(ctx) })
	wg.Go(func() {
		h.site.ServeHTTP(&h.page, httptest.NewRequestWithContext(ctx, "GET", "/events", nil))
	})
	h.close = func() {
		cancel()
		wg.Wait()
	}
	synctest.Wait()
	h.openRemote(t.Context())
	return h
}

// openRemote scans the code in the menu.
func (h *house) openRemote(ctx context.Context) {
	_ = h.Press(ctx, screen.KeyMenu)
	if m := h.Pages().Get().Menu; m != nil {
		if u, err := url.Parse(m.QR); err == nil {
			h.remote = u.Path
		}
	}
	_ = h.Press(ctx, screen.KeyBack)
	synctest.Wait()
}

func (h *house) do(a act) {
	ctx := context.Background()
	post := func(to http.Handler, path string, form url.Values) {
		req := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		to.ServeHTTP(httptest.NewRecorder(), req)
	}
	switch a.Where {
	case "page":
		post(h.site, "/"+a.What, nil)
	case "key":
		post(h.site, "/key/"+a.What, nil)
	case "menu":
		if h.Pages().Get().Menu == nil {
			post(h.site, "/key/menu", nil)
			synctest.Wait()
		}
		post(h.site, "/menu/"+a.What, nil)
	case "remote":
		post(h.phone, h.remote, url.Values{"wish": {a.What}})
	case "api":
		post(h.api, "/v1/slideshow/"+a.What, nil)
		switch a.What {
		case "mute", "unmute":
			h.muted = a.What == "mute"
		case "pause", "resume":
			h.paused = a.What == "pause"
		}
		if st := h.Statuses().Get().Showing; st != nil && (st.Muted != h.muted && strings.HasSuffix(a.What, "mute") || st.Paused != h.paused && (a.What == "pause" || a.What == "resume")) {
			panic(fmt.Sprintf("after %s the answer is %+v", a.What, st))
		}
	case "film":
		h.tell(a.What)
	}
	synctest.Wait()
	time.Sleep(a.For)
	synctest.Wait()
	if _, err := h.Screen.Glance(path.Base(h.remote)); err != nil {
		h.openRemote(ctx)
	}
}

// tell has a display tell of the film on it.
func (h *house) tell(what string) {
	if len(h.viewers) == 0 || what == "another display" {
		h.viewers = append(h.viewers, h.slides.Join())
	}
	v, film := h.viewers[len(h.viewers)-1], "film.mp4"
	switch what {
	case "plays":
		v.Plays(film, 20*time.Second)
	case "is longer":
		v.Plays(film, 90*time.Second)
	case "ends":
		v.Plays(film, 0)
	case "can't play":
		v.Cannot(film, true, nil)
	}
}

var (
	thumbOf  = regexp.MustCompile(`/thumbnail/(\w+)"`)
	playing  = regexp.MustCompile(`id="playing"[^>]*>([^<]*)<`)
	pauseSay = regexp.MustCompile(`data-wish="pause">([^<]*)<`)
	muteSay  = regexp.MustCompile(`data-wish="mute">([^<]*)<`)
)

func found(re *regexp.Regexp, in string) string {
	if m := re.FindStringSubmatch(in); m != nil {
		return m[1]
	}
	return ""
}

// disagreements compares what everybody is told.
func (h *house) disagreements() (wrong []string) {
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	now, p := time.Now(), h.Pages().Get()
	var m struct {
		Slide *struct{ Media []struct{ Src string } }
		Since int64
		Next  int64  `json:"next_in"`
		Pause string `json:"paused"`
		Muted bool
	}
	h.page.mu.Lock()
	data, came := h.page.data, h.page.at
	h.page.mu.Unlock()
	check(json.Unmarshal(data, &m) == nil, "page message %s", data)
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, httptest.NewRequest("GET", "/v1/status", nil))
	var status struct{ Showing *device.ShowingStatus }
	check(json.Unmarshal(w.Body.Bytes(), &status) == nil, "status %s", w.Body)
	st := status.Showing
	if st == nil || p.Slide == nil || m.Slide == nil {
		check(st == nil && p.Slide == nil && m.Slide == nil, "status %v, page %v, message %v", st, p.Slide, m.Slide)
		return wrong
	}
	file := p.Slide.Media[0].File
	film := strings.HasSuffix(file, ".mp4")
	check(p.Slide.Media[0].Item == st.Item && m.Slide.Media[0].Src == "media/"+file, "item: status %s, page %v, message %v", st.Item, p.Slide.Media, m.Slide.Media)
	check(p.Since.Equal(st.Since) && m.Since == st.Since.UnixMilli(), "since: status %v, page %v, message %d", st.Since, p.Since, m.Since)
	check(p.NextAt.Equal(st.Until), "until: status %v, page %v", st.Until, p.NextAt)
	if off := came.Add(time.Duration(m.Next) * time.Second).Sub(st.Until); m.Next > 0 || !st.Until.IsZero() {
		check(m.Next > 0 && off.Abs() <= time.Second, "until: status %v, message %d s after %v", st.Until, m.Next, came)
	}
	check((p.Paused != "") == st.Paused && m.Pause == p.Paused, "paused: status %t, page %q, message %q", st.Paused, p.Paused, m.Pause)
	check(!film || p.Slide.Held.IsZero() != st.Paused, "paused: status %t, film held at %v", st.Paused, p.Slide.Held)
	check(p.Muted == st.Muted && m.Muted == st.Muted, "muted: status %t, page %t, message %t", st.Muted, p.Muted, m.Muted)
	check(!st.Paused || st.Until.IsZero(), "paused until %v", st.Until)
	check(!st.Since.After(now) && (st.Until.IsZero() || st.Until.After(now.Add(-time.Second))), "it is %v, since %v, until %v", now, st.Since, st.Until)

	w = httptest.NewRecorder()
	h.phone.ServeHTTP(w, httptest.NewRequest("GET", h.remote+"/now", nil))
	body := w.Body.String()
	check(found(thumbOf, body) == st.Item, "phone: item %q, status %s", found(thumbOf, body), st.Item)
	check(found(pauseSay, body) == map[bool]string{false: "Pause", true: "Continue"}[st.Paused], "phone: the button says %q, paused %t", found(pauseSay, body), st.Paused)
	want := []string{}
	if st.Paused {
		want = append(want, "Paused")
	}
	if film {
		check(found(muteSay, body) == map[bool]string{false: "Mute", true: "Unmute"}[st.Muted], "phone: the button says %q, muted %t", found(muteSay, body), st.Muted)
		if st.Muted {
			want = append(want, "Muted")
		}
		if left := st.Until.Sub(now); left > 0 {
			want = append(want, words.English().Countdown(left)+" left")
		}
	}
	check(found(playing, body) == strings.Join(want, " · "), "phone: %q, want %q", found(playing, body), want)
	return wrong
}
