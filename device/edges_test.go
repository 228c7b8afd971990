package device_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// deadFor returns the longest time that a dead code or QR stood on the screen.
func deadFor(w *world, d time.Duration) (longest time.Duration) {
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		if p := w.dev.Pages().Get(); p.QR != "" && !p.Until.IsZero() {
			longest = max(longest, time.Since(p.Until))
		}
		<-time.After(time.Second)
	}
	return longest
}

func TestDeadCodeRateLimited(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{CodeLife: 10 * time.Minute}}, func(t *testing.T, w *world) {
		w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		w.pass(time.Minute)
		w.auth.Fail(oauthtest.OpCode, answer(403, "application/json", `{"error_code":"rate_limit_exceeded"}`))
		if d := deadFor(w, 20*time.Minute); d > 0 {
			t.Errorf("a dead code on the screen for %v", d)
		}
	})
}

func TestDeadCodePollRetryAfter(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{CodeLife: 10 * time.Minute}}, func(t *testing.T, w *world) {
		w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		w.pass(8 * time.Minute)
		w.auth.Fail(oauthtest.OpPoll, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Retry-After", "600")
			rw.WriteHeader(429)
		})
		if d := deadFor(w, 20*time.Minute); d > 0 {
			t.Errorf("a dead code on the screen for %v", d)
		}
	})
}

func TestDeadCodeBlackHole(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{CodeLife: 10 * time.Minute}}, func(t *testing.T, w *world) {
		w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		w.net.hook(func(r *http.Request) error { <-r.Context().Done(); return r.Context().Err() }, nil)
		if d := deadFor(w, 20*time.Minute); d > 0 {
			t.Errorf("a dead code on the screen for %v", d)
		}
	})
}

func TestDeadCodeLongInterval(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{CodeLife: 9 * time.Minute, Interval: 5 * time.Minute}}, func(t *testing.T, w *world) {
		w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		if d := deadFor(w, 30*time.Minute); d > 0 {
			t.Errorf("a dead code on the screen for %v", d)
		}
	})
}

func TestDeadPickerQR(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.pass(28 * time.Minute)
		w.photos.Fail(pickertest.OpGet, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Retry-After", "600")
			rw.WriteHeader(429)
		})
		if d := deadFor(w, 20*time.Minute); d > 0 {
			t.Errorf("a dead picker QR on the screen for %v", d)
		}
	})
}

// A person scans in time and approves while the code is good, but the box has moved on.
func TestApprovalInLastMinute(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{CodeLife: 10 * time.Minute}}, func(t *testing.T, w *world) {
		s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		w.pass(8*time.Minute + 50*time.Second)
		if got := w.dev.Statuses().Get().Pairing.UserCode; got != s.Pairing.UserCode {
			t.Fatal("already another code")
		}
		w.pass(30 * time.Second) // the person signs in
		if !w.auth.Approve(s.Pairing.UserCode) {
			t.Fatal("code dead")
		}
		w.pass(5 * time.Minute)
		if s := w.dev.Statuses().Get(); s.State == device.Pairing {
			t.Errorf("an approval given 40 s before the code's end is ignored: %s", s.State)
		}
	})
}

// The network goes, the person chooses on the phone, the network returns after timeoutIn.
func TestChoiceDuringOutage(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.pair()
		w.pass(20 * time.Minute)
		w.net.cut()
		w.pass(time.Minute)
		if err := w.photos.Choose(s.Pick.SessionID); err != nil {
			t.Fatal(err)
		}
		w.pass(15 * time.Minute)
		w.net.mend()
		w.pass(5 * time.Minute)
		if s := w.dev.Statuses().Get(); s.Library.Items != 12 {
			t.Errorf("the person's choice is lost: %s, %d photos", s.State, s.Library.Items)
		}
	})
}

func TestAppendDoubleCounts(t *testing.T) {
	items := pickertest.PlainPhotos(12)
	o := options{items: items, photos: pickertest.Options{PageLimit: 6}, config: func(c *Config) {
		c.Append = true
	}}
	var size int64
	// first run to learn the size
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		size = w.untilState(device.Showing).Library.Bytes
	})
	o.config = func(c *Config) { c.Append = true; c.MaxBytes = size + size/10 }
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		var n atomic.Int32
		w.net.hook(func(r *http.Request) error {
			if r.URL.Path == "/v1/mediaItems" && r.URL.Query().Get("pageToken") != "" && n.Add(1) == 1 {
				<-time.After(3 * time.Second) // page one arrives meanwhile
				return oauthtest.ErrConnection
			}
			return nil
		}, nil)
		w.choose()
		got := w.untilState(device.Showing)
		w.pass(time.Minute)
		if got = w.dev.Statuses().Get(); got.Library.Items != 12 {
			t.Errorf("%d of 12 photos, although there is room: %d of %d bytes", got.Library.Items, got.Library.Bytes, size+size/10)
		}
	})
}

func TestMediaUnreachable(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		var n atomic.Int32
		w.net.hook(func(r *http.Request) error {
			if strings.HasPrefix(r.URL.Path, "/media/") {
				n.Add(1)
				return oauthtest.ErrConnection
			}
			return nil
		}, nil)
		w.choose()
		for range 3600 {
			w.pass(time.Second)
			if s := w.dev.Statuses().Get(); s.Problem != nil {
				return
			}
		}
		t.Errorf("an hour without a word: %+v, %d requests; log mentions trouble: %v", w.dev.Statuses().Get().Fetch, n.Load(), strings.Contains(w.log.String(), "trouble"))
	})
}

func TestShort403(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.photos.Fail(pickertest.OpMedia, repeat(36, answer(403, "image/png", "\x89PNG\r\n\x1a\n"))...)
		began := time.Now()
		w.choose()
		w.until("end", func(s device.Status) bool { return s.State == device.Showing || s.State == device.Idle })
		if s := w.dev.Statuses().Get(); s.Library.Items != 12 {
			t.Errorf("%d photos of 12 after a refusal of %v: all given up", s.Library.Items, time.Since(began))
		}
	})
}

type slowMedia struct {
	next http.RoundTripper
	took time.Duration
}

type slowBody struct {
	io.Reader
	left time.Duration
}

func (b *slowBody) Close() error { return nil }
func (b *slowBody) Read(p []byte) (int, error) {
	if b.left > 0 {
		<-time.After(30 * time.Second)
		b.left -= 30 * time.Second
		return b.Reader.Read(p[:min(len(p), 16)])
	}
	return b.Reader.Read(p)
}

func (s slowMedia) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(r)
	if err == nil && resp.StatusCode == 200 && strings.HasPrefix(r.URL.Path, "/media/") {
		b, _ := io.ReadAll(resp.Body)
		resp.Body = &slowBody{bytes.NewReader(b), s.took}
	}
	return resp, err
}

// 40 items that take 27 minutes each, four at a time: addresses end after 60 minutes.
func TestSlowLine(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(40)}, func(t *testing.T, w *world) {
		w.net.setMedia(slowMedia{w.net.media(), 27 * time.Minute})
		w.pair()
		w.choose()
		w.until("end", func(s device.Status) bool { return s.State == device.Showing })
		if s := w.dev.Statuses().Get(); s.Library.Items != 40 {
			t.Errorf("%d photos of 40", s.Library.Items)
		}
	})
}

func TestNoRefreshToken(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		w.pass(2 * time.Second)
		w.auth.Approve(s.Pairing.UserCode)
		w.untilState(device.Picking)
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		g, _ := w.store.Grants.Current()
		w.stop()
		st, _ := store.Open(w.dir, store.Options{})
		// as if the server had given no refresh token
		g.RefreshToken = ""
		_ = st.FinishPairing(*g, &store.Pick{RequestID: "x", GrantID: g.ID, EndReason: "x", CreatedAt: time.Now()})
		st.Close()
		w.start()
		w.pass(3 * time.Hour)
		w.dev.Pick(t.Context())
		for range 600 {
			w.pass(time.Minute)
			if s := w.dev.Statuses().Get(); s.Pairing != nil {
				return
			}
		}
		s = w.dev.Statuses().Get()
		t.Errorf("never paired again: %s %+v", s.State, s.Problem)
	})
}

// after a lost grant and a new pairing of the same person, one 503 for the old session
func TestTriedOnce(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		first := w.pair()
		w.auth.RevokeAll()
		s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		w.photos.Fail(pickertest.OpDelete, pickertest.Refuse(503, "UNAVAILABLE", ""))
		w.auth.Approve(s.Pairing.UserCode)
		w.choose()
		w.untilState(device.Showing)
		w.pass(3 * 24 * time.Hour)
		for _, id := range w.photos.Open() {
			if id == first.Pick.SessionID {
				t.Errorf("the session is left at Google for three days after one 503")
			}
		}
	})
}

// a wrong expireTime (or a box clock that was ahead): the record is forgotten unasked
func TestForgottenTooEarly(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.pair()
		w.store.Picks.Update(s.Pick.RequestID, func(p *store.Pick) { p.ExpireTime = time.Now().Add(-2 * time.Hour) })
		w.dev.Cancel(t.Context())
		w.until("records gone", func(s device.Status) bool { return s.Sessions == device.Sessions{} })
		if n := len(w.photos.Open()); n > 0 {
			t.Errorf("%d session open at Google, none on record, and a live token", n)
		}
	})
}

func TestCancelDuringCreate(t *testing.T) {
	for name, mode := range map[string]int{"conflict": pickertest.Conflict, "new session": pickertest.NewSession} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{photos: pickertest.Options{RepeatedRequest: mode}}, func(t *testing.T, w *world) {
				w.pair()
				w.choose()
				w.untilState(device.Showing)
				w.untilClean()
				var slow atomic.Bool
				w.net.hook(nil, func(r *http.Request) error {
					if r.Method == "POST" && r.URL.Path == "/v1/sessions" && !slow.Swap(true) {
						select {
						case <-time.After(2 * time.Second): // the answer is on its way
						case <-r.Context().Done():
							return r.Context().Err()
						}
					}
					return nil
				})
				w.dev.Pick(t.Context())
				w.pass(time.Second)
				w.dev.Cancel(t.Context())
				w.until("records gone", func(s device.Status) bool { return s.Sessions == device.Sessions{} })
				w.pass(time.Hour)
				if n := len(w.photos.Open()); n > 0 {
					t.Errorf("%d session left at Google", n)
				}
			})
		})
	}
}

func TestCancelDuringRotatingRefresh(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{RotateRefresh: true}}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.pass(2 * time.Hour)
		var slow atomic.Bool
		w.net.hook(nil, func(r *http.Request) error {
			if r.URL.Path == "/token" && !slow.Swap(true) {
				select {
				case <-time.After(2 * time.Second):
				case <-r.Context().Done():
					return r.Context().Err()
				}
			}
			return nil
		})
		w.dev.Pick(t.Context())
		w.pass(time.Second)
		w.dev.Cancel(t.Context())
		w.dev.Pick(t.Context())
		w.until("a place to choose", func(s device.Status) bool { return s.State == device.Picking || s.Pairing != nil })
		if s := w.dev.Statuses().Get(); s.Pairing != nil {
			t.Error("the pairing is lost because somebody cancelled at the wrong moment")
		}
	})
}

func TestWishDuringPoll(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		w.pass(time.Second)
		w.auth.Approve(s.Pairing.UserCode)
		var slow atomic.Bool
		w.net.hook(nil, func(r *http.Request) error {
			if r.URL.Path == "/token" && !slow.Swap(true) {
				select {
				case <-time.After(2 * time.Second):
				case <-r.Context().Done():
					return r.Context().Err()
				}
			}
			return nil
		})
		w.pass(5 * time.Second)
		w.dev.Pick(t.Context()) // an impatient person
		w.pass(time.Minute)
		if s := w.dev.Statuses().Get(); s.State == device.Pairing {
			t.Errorf("approved, but %s %+v", s.State, s.Problem)
		}
	})
}

func TestOpeningHidesPhotos(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.dev.Pick(t.Context())
		w.untilState(device.Picking)
		w.net.cut() // nobody picks, the network goes
		w.pass(12 * time.Hour)
		if p := w.dev.Pages().Get(); p.Slide == nil {
			t.Errorf("12 photos are here, the screen says %q %q", p.Title, p.Problem)
		}
	})
}

func TestPairingHidesPhotos(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.auth.RevokeAll()
		w.pass(2 * time.Hour)
		w.auth.Fail(oauthtest.OpCode, repeat(10000, refuse(401, "invalid_client"))...)
		w.dev.Pick(t.Context())
		w.pass(12 * time.Hour)
		if p := w.dev.Pages().Get(); p.Slide == nil {
			t.Errorf("12 photos are here, the screen says %q %q (state %s)", p.Title, p.Problem, p.State)
		}
	})
}

func TestDeniedLate(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{CodeLife: 10 * time.Minute}}, func(t *testing.T, w *world) {
		s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		w.pass(8*time.Minute + 57*time.Second)
		w.auth.Deny(s.Pairing.UserCode)
		for range 60 {
			w.pass(time.Second)
			if s := w.dev.Statuses().Get(); s.Problem != nil {
				return
			}
		}
		t.Error("no word about the refusal")
	})
}

func TestRepeatedToken(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(8)}, func(t *testing.T, w *world) {
		w.pair()
		w.net.hook(func(r *http.Request) error {
			if strings.HasPrefix(r.URL.Path, "/media/") {
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
					return r.Context().Err()
				}
			}
			return nil
		}, nil)
		inner := w.net.media()
		w.net.setMedia(rt(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/mediaItems" {
				r = r.Clone(r.Context())
				q := r.URL.Query()
				q.Del("pageToken")
				r.URL.RawQuery = q.Encode()
			}
			resp, err := inner.RoundTrip(r)
			if err == nil && r.URL.Path == "/v1/mediaItems" {
				b, _ := io.ReadAll(resp.Body)
				s := strings.TrimSpace(string(b))
				s = s[:len(s)-1] + `,"nextPageToken":"again"}`
				resp.Body = io.NopCloser(strings.NewReader(s))
			}
			return resp, err
		}))
		w.choose()
		w.until("end", func(s device.Status) bool { return s.State == device.Showing || s.State == device.Idle })
		w.pass(time.Minute)
		if s := w.dev.Statuses().Get(); s.Library.Items != 8 {
			t.Errorf("%d photos of the 8 listed", s.Library.Items)
		}
	})
}

type rt func(*http.Request) (*http.Response, error)

func (f rt) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestScopeLostWhilePicking(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		no := answer(403, "application/json", `{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Request had insufficient authentication scopes.","details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}`)
		w.photos.Fail(pickertest.OpList, repeat(100000, no)...)
		w.choose()
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Hour)
		defer cancel()
		for s := range w.dev.Statuses().Watch(ctx) {
			if s.Pairing != nil {
				return
			}
		}
		s := w.dev.Statuses().Get()
		t.Errorf("never paired again: %s %+v", s.State, s.Problem)
	})
}

type eofHook struct {
	io.Reader
	at func()
}

func (e *eofHook) Close() error { return nil }
func (e *eofHook) Read(b []byte) (int, error) {
	n, err := e.Reader.Read(b)
	if err == io.EOF {
		e.at()
	}
	return n, err
}

func TestPartLeak(t *testing.T) {
	inWorld(t, options{items: pickertest.PlainPhotos(4)}, func(t *testing.T, w *world) {
		w.pair()
		inner := w.net.media()
		var once sync.Once
		w.net.setMedia(rt(func(r *http.Request) (*http.Response, error) {
			resp, err := inner.RoundTrip(r)
			if err == nil && strings.HasPrefix(r.URL.Path, "/media/") && resp.StatusCode == 200 {
				b, _ := io.ReadAll(resp.Body)
				resp.Body = &eofHook{strings.NewReader(string(b)), func() {
					once.Do(func() { go w.dev.Cancel(context.Background()) })
					<-r.Context().Done()
				}}
			}
			return resp, err
		}))
		w.choose()
		w.until("the pick to be over", func(s device.Status) bool { return s.State == device.Idle || s.State == device.Showing })
		w.pass(time.Hour)
		parts, _ := filepath.Glob(filepath.Join(w.dir, "media", ".part-*"))
		open := 0
		fds, _ := os.ReadDir("/proc/self/fd")
		for _, fd := range fds {
			if l, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(l, w.dir) && strings.Contains(l, ".part-") {
				open++
			}
		}
		if len(parts)+open > 0 {
			t.Errorf("%d part files on disk, %d open, an hour after the cancel", len(parts), open)
		}
	})
}

func TestSweeperLosesWish(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.photos.Fail(pickertest.OpDelete, repeat(5, pickertest.Refuse(503, "UNAVAILABLE", ""))...)
		w.choose()
		w.untilState(device.Showing)
		w.dev.Pick(t.Context())
		w.untilState(device.Picking)
		w.photos.Fail(pickertest.OpGet, repeat(200, pickertest.Refuse(503, "UNAVAILABLE", ""))...)
		w.auth.RevokeAll()
		w.pass(10 * time.Minute)
		if s := w.dev.Statuses().Get(); s.State != device.Pairing {
			t.Errorf("a person was choosing; the box is now %s, pick %v", s.State, s.Pick)
		}
	})
}

// Unpair while a create is in flight, answer lost, conflict
func TestSigtermDuringCreate(t *testing.T) {
	inWorld(t, options{photos: pickertest.Options{RepeatedRequest: pickertest.Conflict}}, func(t *testing.T, w *world) {
		s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		var slow atomic.Bool
		w.net.hook(nil, func(r *http.Request) error {
			if r.Method == "POST" && r.URL.Path == "/v1/sessions" && !slow.Swap(true) {
				select {
				case <-time.After(2 * time.Second):
				case <-r.Context().Done():
					return r.Context().Err()
				}
			}
			return nil
		})
		w.auth.Approve(s.Pairing.UserCode)
		w.untilState(device.Opening)
		w.pass(time.Second)
		w.restart()
		w.choose()
		w.untilState(device.Showing)
		w.pass(time.Hour)
		if n := len(w.photos.Open()); n > 0 {
			t.Errorf("%d session left at Google after a plain SIGTERM", n)
		}
	})
}

// A server that spends every code is not flooded with wishes for new ones.
func TestSpentCodesBackOff(t *testing.T) {
	before := func(w *world) { w.auth.Fail(oauthtest.OpPoll, repeat(1000, refuse(400, "invalid_grant"))...) }
	inWorld(t, options{before: before}, func(t *testing.T, w *world) {
		w.pass(time.Hour)
		if n := count(w, oauthtest.OpCode); n > 40 {
			t.Errorf("%d codes asked for in an hour", n)
		}
	})
}
