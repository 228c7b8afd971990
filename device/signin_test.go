package device_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// polls returns when the box polled.
func (w *world) polls() (times []time.Time) {
	for _, c := range w.auth.Calls() {
		if c.Op == oauthtest.OpPoll {
			times = append(times, c.At)
		}
	}
	return times
}

// TestRateLimitedPoll checks when the box polls after a rate limit: a Retry-After
// counts alone, but no poll is before the interval, and without one the interval
// grows for good.
func TestRateLimitedPoll(t *testing.T) {
	for name, tt := range map[string]struct {
		limit       http.HandlerFunc
		next, later time.Duration // pauses after the rate limit, and from then on
	}{
		"8 s":               {oauthtest.TooManyRequests("8"), 8 * time.Second, 5 * time.Second},
		"within interval":   {oauthtest.TooManyRequests("2"), 5 * time.Second, 5 * time.Second},
		"a minute":          {oauthtest.TooManyRequests("60"), time.Minute, 5 * time.Second},
		"a day":             {oauthtest.TooManyRequests("86400"), 10 * time.Minute, 5 * time.Second},
		"no time":           {oauthtest.TooManyRequests(""), 10 * time.Second, 10 * time.Second},
		"Google's body":     {oauthtest.RateLimited, 10 * time.Second, 10 * time.Second},
		"503, 40 s":         {retryAfter(503, "40"), 40 * time.Second, 5 * time.Second},
		"slow_down":         {refuse(403, "slow_down"), 10 * time.Second, 10 * time.Second},
		"slow_down for 429": {refuse(429, "slow_down"), 10 * time.Second, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{}, func(t *testing.T, w *world) {
				w.untilCode()
				w.pass(12 * time.Second) // two polls
				w.auth.Fail(oauthtest.OpPoll, tt.limit)
				w.pass(tt.next + 2*tt.later + 6*time.Second)
				polls := w.polls()
				if len(polls) < 5 {
					t.Fatalf("%d polls", len(polls))
				}
				for i, want := range []time.Duration{5 * time.Second, tt.next, tt.later} {
					if got := polls[i+2].Sub(polls[i+1]); got.Round(time.Second) != want {
						t.Errorf("pause %d is %v, want %v", i+1, got, want)
					}
				}
				w.restart()
				n := len(w.polls())
				w.pass(time.Minute)
				if got, want := len(w.polls())-n, int(time.Minute/tt.later); got < want-1 || got > want {
					t.Errorf("%d polls in the minute after a restart, want %d", got, want)
				}
				w.pair()
			})
		})
	}
}

func retryAfter(status int, value string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", value)
		w.WriteHeader(status)
	}
}

// TestRateLimitedRenewal checks that the box polls the code on the screen while the
// server gives no other one, and asks for that no earlier than the server wants.
func TestRateLimitedRenewal(t *testing.T) {
	for name, tt := range map[string]struct {
		limit http.HandlerFunc
		pause time.Duration
	}{
		"Retry-After": {oauthtest.TooManyRequests("30"), 30 * time.Second},
		"no time":     {oauthtest.RateLimited, 2 * time.Minute},
		"null":        {oauthtest.SendJSON(200, "null"), 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{}, func(t *testing.T, w *world) {
				first := w.untilCode().Pairing.UserCode
				w.pass(time.Minute)
				w.auth.Fail(oauthtest.OpCode, tt.limit)
				renew := func() {
					t.Helper()
					if err := w.dev.Renew(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				renew()
				n := len(w.polls())
				w.pass(tt.pause / 2)
				renew()
				w.pass(tt.pause/2 - time.Second)
				if got, want := len(w.polls())-n, int(tt.pause/(5*time.Second))-1; got < want {
					t.Errorf("%d polls in %v, want %d", got, tt.pause, want)
				}
				if got := w.dev.Statuses().Get().Pairing; got == nil || got.UserCode != first || countCalls(w, oauthtest.OpCode) != 2 {
					t.Errorf("after %d requests for a code the screen has %+v", countCalls(w, oauthtest.OpCode), got)
				}
				w.until("new code", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.UserCode != first })
				w.auth.Approve(first) // it is polled too
				w.untilState(device.Picking)
			})
		})
	}
}

// TestPollFields checks that a box polls with the fields of RFC 8628 §3.4 alone.
func TestPollFields(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		for _, c := range w.auth.Calls() {
			if c.Op == oauthtest.OpPoll && !slices.Equal(c.Fields, []string{"client_id", "client_secret", "device_code", "grant_type"}) {
				t.Errorf("a poll with the fields %v", c.Fields)
			}
		}
	})
}

// TestLongName checks that the phone is told the first 100 characters of a name.
func TestLongName(t *testing.T) {
	long := strings.Repeat("Küche ", 30)
	inWorld(t, options{config: func(c *Config) { c.Name = long }}, func(t *testing.T, w *world) {
		w.untilCode()
		if _, name := w.auth.State(); utf8.RuneCountInString(name) != 100 || !strings.HasPrefix(long, name) {
			t.Errorf("the phone is told %q", name)
		}
	})
}

// TestEveryJSONType answers each request with a value of every JSON type, paired and
// unpaired. A person must be able to finish.
func TestEveryJSONType(t *testing.T) {
	skipShort(t)
	for _, status := range []int{200, 400} {
		for _, body := range []string{`null`, `true`, `7`, `"x"`, `[]`, `[null]`, `{"error":null}`, `{"error":{}}`, `{"error":["x"]}`, `{"x":null}`} {
			t.Run(fmt.Sprint(status, body), func(t *testing.T) {
				o := options{photos: pickertest.Options{RepeatedRequest: pickertest.SameSession}, setUp: func(_ *world, c *Config) {
					c.OAuth.Scopes = append(c.OAuth.Scopes, "openid", "email")
				}}
				o.auth.NoIDToken = true // the box asks for userinfo
				o.before = func(w *world) {
					for _, op := range []string{oauthtest.OpCode, oauthtest.OpPoll, oauthtest.OpRefresh, oauthtest.OpRevoke, oauthtest.OpUserinfo} {
						w.auth.Fail(op, oauthtest.SendJSON(status, body))
					}
					for _, op := range []string{pickertest.OpCreate, pickertest.OpGet, pickertest.OpList, pickertest.OpDelete} {
						if body[0] != '{' || status != 200 { // an empty list, and a deletion
							w.photos.Fail(op, oauthtest.SendJSON(status, body))
						}
					}
				}
				inWorld(t, o, func(t *testing.T, w *world) {
					w.until("code after an unusable one", func(s device.Status) bool { return s.Pairing != nil && s.Problem == nil })
					w.pass(20 * time.Second) // the poll that fails
					w.pair()
					w.auth.ExpireAccess() // the refresh that fails
					w.pass(2 * time.Hour)
					w.pickAndUnpair()
				})
			})
		}
	}
}
