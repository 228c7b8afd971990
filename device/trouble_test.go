package device_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

func refuse(status int, code string) http.HandlerFunc {
	return answer(status, "application/json", `{"error":"`+code+`","error_description":"why"}`)
}

func slowAnswer(rw http.ResponseWriter, r *http.Request) {
	select {
	case <-time.After(time.Hour):
	case <-r.Context().Done():
	}
}

func huge(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	for range 10 {
		rw.Write([]byte(strings.Repeat(" ", 1<<20)))
	}
	rw.Write([]byte("{}"))
}

// TestOAuthTable goes through what an authorization server may answer when it is
// asked for a code or polled: each row ends in the right words, and pairing goes
// on.
func TestOAuthTable(t *testing.T) {
	type row struct {
		op       string
		answers  []http.HandlerFunc
		problem  string
		state    device.State
		sameCode bool // the code on the screen survives
	}
	const code, poll = oauthtest.OpCode, oauthtest.OpPoll
	tests := map[string]row{
		"code: invalid_scope":                 {code, repeat(1, refuse(400, "invalid_scope")), "scope_refused", device.Blocked, false},
		"code: invalid_client":                {code, repeat(2, refuse(401, "invalid_client")), "client_refused", device.Blocked, false},
		"code: rate limit without error":      {code, repeat(1, answer(403, "application/json", `{"error_code":"rate_limit_exceeded"}`)), "rate_limited", device.Pairing, false},
		"code: 503":                           {code, repeat(6, refuse(503, "")), "server_trouble", device.Pairing, false},
		"code: no network":                    {code, repeat(6, abort), "no_network", device.Waiting, false},
		"code: slow":                          {code, repeat(2, slowAnswer), "no_network", device.Waiting, false},
		"code: captive portal":                {code, repeat(6, answer(200, "text/html", "<html>Welcome to the hotel")), "not_google", device.Waiting, false},
		"code: empty":                         {code, repeat(1, answer(200, "application/json", "")), "bad_answer", device.Pairing, false},
		"code: cut off":                       {code, repeat(1, cutOff), "bad_answer", device.Pairing, false},
		"code: 10 MB":                         {code, repeat(1, huge), "bad_answer", device.Pairing, false},
		"code: wrong types":                   {code, repeat(1, answer(200, "application/json", `{"device_code":7,"user_code":[]}`)), "bad_answer", device.Pairing, false},
		"code: no user_code":                  {code, repeat(1, answer(200, "application/json", `{"device_code":"d","verification_url":"https://g.test/device"}`)), "bad_answer", device.Pairing, false},
		"code: verification_url is no web":    {code, repeat(1, answer(200, "application/json", `{"device_code":"d","user_code":"AB-CD","verification_url":"javascript:alert(1)"}`)), "bad_answer", device.Pairing, false},
		"code: verification_url too long":     {code, repeat(1, answer(200, "application/json", `{"device_code":"d","user_code":"AB-CD","verification_url":"https://g.test/`+strings.Repeat("x", 2000)+`"}`)), "bad_link", device.Pairing, false},
		"poll: access_denied":                 {poll, repeat(1, refuse(403, "access_denied")), "denied", device.Pairing, false},
		"poll: invalid_grant":                 {poll, repeat(1, refuse(400, "invalid_grant")), "code_spent", device.Pairing, false},
		"poll: cut off":                       {poll, repeat(1, cutOff), "code_spent", device.Pairing, false},
		"poll: empty 200":                     {poll, repeat(1, answer(200, "application/json", "")), "code_spent", device.Pairing, false},
		"poll: 10 MB":                         {poll, repeat(1, huge), "code_spent", device.Pairing, false},
		"poll: 200 without a token":           {poll, repeat(1, answer(200, "application/json", `{"token_type":"Bearer"}`)), "code_spent", device.Pairing, false},
		"poll: admin_policy_enforced":         {poll, repeat(1, refuse(400, "admin_policy_enforced")), "admin_policy", device.Pairing, false},
		"poll: org_internal":                  {poll, repeat(1, refuse(403, "org_internal")), "org_internal", device.Pairing, false},
		"poll: unsupported_grant_type":        {poll, repeat(1, refuse(400, "unsupported_grant_type")), "refused", device.Blocked, false},
		"poll: invalid_client at token only":  {poll, repeat(1, refuse(401, "invalid_client")), "client_refused", device.Blocked, false},
		"poll: 500 keeps the code":            {poll, repeat(8, refuse(500, "")), "server_trouble", device.Pairing, true},
		"poll: 429 keeps the code":            {poll, repeat(3, answer(429, "text/plain", "slow")), "rate_limited", device.Pairing, true},
		"poll: no network keeps the code":     {poll, repeat(8, abort), "no_network", device.Pairing, true},
		"poll: captive portal keeps the code": {poll, repeat(8, answer(200, "text/html", "<html>")), "not_google", device.Pairing, true},
		"poll: HTML 502 keeps the code":       {poll, repeat(8, answer(502, "text/html", "<html>")), "server_trouble", device.Pairing, true},
		"poll: slow answers keep the code":    {poll, repeat(3, slowAnswer), "no_network", device.Pairing, true},
	}
	for name, r := range tests {
		t.Run(name, func(t *testing.T) {
			before := func(w *world) { w.auth.Fail(r.op, r.answers...) }
			inWorld(t, options{before: before}, func(t *testing.T, w *world) {
				s := w.untilProblem(r.problem)
				if s.State != r.state {
					t.Errorf("state %s, want %s", s.State, r.state)
				}
				if s.Problem.Message == "" || s.Problem.Remedy == "" {
					t.Errorf("no words: %+v", s.Problem)
				}
				before := ""
				if s.Pairing != nil {
					before = s.Pairing.UserCode
				}
				w.until("a code and calm", func(s device.Status) bool { return s.Pairing != nil && s.Problem == nil })
				if after := w.dev.Statuses().Get().Pairing.UserCode; r.sameCode && after != before {
					t.Errorf("the code changed from %q to %q", before, after)
				}
				w.pair()
				w.choose()
				w.untilState(device.Showing)
				w.untilClean()
			})
		})
	}
}

func TestSlowDownIsForGood(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.auth.Fail(oauthtest.OpPoll, refuse(403, "slow_down"))
		w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		w.pass(2 * time.Minute)
		w.restart() // it must not be forgotten over a restart either
		w.pass(2 * time.Minute)
		var last time.Time
		for _, c := range w.auth.Calls() {
			if c.Op != oauthtest.OpPoll {
				continue
			}
			if gap := c.At.Sub(last); !last.IsZero() && gap < 10*time.Second {
				t.Errorf("polled after %v, want 10 s or more", gap)
			}
			last = c.At
		}
	})
}

func TestCodeIsRenewedUnattended(t *testing.T) {
	for name, o := range map[string]oauthtest.Options{
		"expired_token":      {CodeLife: 10 * time.Minute},
		"as invalid_grant":   {CodeLife: 10 * time.Minute, ExpireAsInvalid: true},
		"very short lived":   {CodeLife: 30 * time.Second},
		"half an hour":       {},
		"expires_in missing": {},
	} {
		t.Run(name, func(t *testing.T) {
			before := func(w *world) {
				if name == "expires_in missing" {
					w.auth.Fail(oauthtest.OpCode, answer(200, "application/json", `{"device_code":"x","user_code":"AB-CD","verification_uri":"https://g.test/d"}`))
				}
			}
			inWorld(t, options{auth: o, before: before}, func(t *testing.T, w *world) {
				codes := map[string]bool{}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
				defer cancel()
				for p := range w.dev.Pages().Watch(ctx) {
					if p.Problem != "" && name != "expires_in missing" {
						t.Errorf("unattended, the screen says %q", p.Problem)
					}
					if p.Code == "" {
						continue
					}
					codes[p.Code] = true
					if !time.Now().Before(p.Until) {
						t.Error("a dead code is on the screen")
					}
				}
				if len(codes) < 4 {
					t.Errorf("%d codes in two hours", len(codes))
				}
			})
		})
	}
}

// An approval given while the box was off counts.
func TestApprovalWhileOff(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		w.stop()
		w.auth.Approve(s.Pairing.UserCode)
		w.pass(3 * time.Minute)
		w.start()
		w.untilState(device.Picking)
	})
}

func TestScopeUnticked(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		w.auth.Approve(s.Pairing.UserCode, oauthtest.PickerScope)
		w.untilProblem("scope_missing")
		w.pair()
	})
}

// TestPickerTable goes through what the Picker API may answer.
func TestPickerTable(t *testing.T) {
	disabled := pickertest.Refuse(403, "PERMISSION_DENIED", "Google Photos Picker API has not been used in project 1 before or it is disabled.")
	type row struct {
		op      string
		answers []http.HandlerFunc
		problem string
		state   device.State
	}
	session := func(body string) []http.HandlerFunc { return repeat(1, answer(200, "application/json", body)) }
	tests := map[string]row{
		"create: no Google Photos account": {pickertest.OpCreate, repeat(6, pickertest.Refuse(400, "FAILED_PRECONDITION", "")), "no_photos_account", device.Opening},
		"create: too many sessions":        {pickertest.OpCreate, repeat(2, pickertest.Refuse(429, "RESOURCE_EXHAUSTED", "")), "too_many_sessions", device.Opening},
		"create: API disabled, no details": {pickertest.OpCreate, repeat(2, disabled), "api_disabled", device.Blocked},
		"create: bug":                      {pickertest.OpCreate, repeat(1, pickertest.Refuse(400, "INVALID_ARGUMENT", "")), "refused", device.Blocked},
		"create: HTML 502":                 {pickertest.OpCreate, repeat(6, answer(502, "text/html", "<html>")), "server_trouble", device.Opening},
		"create: captive portal":           {pickertest.OpCreate, repeat(6, answer(200, "text/html", "<html>")), "not_google", device.Opening},
		"create: proxy's 403":              {pickertest.OpCreate, repeat(6, answer(403, "text/html", "<html>")), "not_google", device.Opening},
		"create: no network":               {pickertest.OpCreate, repeat(6, abort), "no_network", device.Opening},
		"create: slow":                     {pickertest.OpCreate, repeat(2, slowAnswer), "no_network", device.Opening},
		"create: empty":                    {pickertest.OpCreate, session(""), "bad_answer", device.Opening},
		"create: 10 MB":                    {pickertest.OpCreate, repeat(1, huge), "bad_answer", device.Opening},
		"create: wrong types":              {pickertest.OpCreate, session(`{"id":{},"pickerUri":7}`), "bad_answer", device.Opening},
		"create: no id":                    {pickertest.OpCreate, session(`{"pickerUri":"https://p.test/x"}`), "bad_answer", device.Opening},
		"create: no pickerUri":             {pickertest.OpCreate, session(`{"id":"nowhere"}`), "bad_link", device.Opening},
		"create: pickerUri is no web":      {pickertest.OpCreate, session(`{"id":"nowhere","pickerUri":"file:///etc/passwd"}`), "bad_link", device.Opening},
		"create: pickerUri too long":       {pickertest.OpCreate, session(`{"id":"nowhere","pickerUri":"https://p.test/` + strings.Repeat("x", 2000) + `"}`), "bad_link", device.Opening},
		"get: 500":                         {pickertest.OpGet, repeat(8, pickertest.Refuse(500, "INTERNAL", "")), "server_trouble", device.Picking},
		"get: empty":                       {pickertest.OpGet, repeat(3, answer(200, "application/json", "")), "bad_answer", device.Picking},
		"get: slow":                        {pickertest.OpGet, repeat(3, slowAnswer), "no_network", device.Picking},
		"list: not ready yet":              {pickertest.OpList, repeat(6, pickertest.Refuse(400, "FAILED_PRECONDITION", "")), "server_trouble", device.Fetching},
		"list: 503":                        {pickertest.OpList, repeat(6, pickertest.Refuse(503, "UNAVAILABLE", "")), "server_trouble", device.Fetching},
		"list: HTML":                       {pickertest.OpList, repeat(6, answer(200, "text/html", "<html>")), "not_google", device.Fetching},
		"list: slow":                       {pickertest.OpList, repeat(2, slowAnswer), "no_network", device.Fetching},
	}
	for name, r := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{photos: pickertest.Options{RepeatedRequest: pickertest.SameSession}}, func(t *testing.T, w *world) {
				w.photos.Fail(r.op, r.answers...)
				s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
				w.auth.Approve(s.Pairing.UserCode)
				if r.op == pickertest.OpList {
					w.choose()
				}
				s = w.untilProblem(r.problem)
				if s.State != r.state {
					t.Errorf("state %s, want %s", s.State, r.state)
				}
				if s.Problem.Message == "" || s.Problem.Remedy == "" {
					t.Errorf("no words: %+v", s.Problem)
				}
				if r.op != pickertest.OpList {
					w.choose()
				}
				if s := w.untilState(device.Showing); s.Library.Items != 12 {
					t.Errorf("%d photos, want 12", s.Library.Items)
				}
				w.untilClean()
			})
		})
	}
}

func TestRepeatedRequestID(t *testing.T) {
	for name, mode := range map[string]int{"same session": pickertest.SameSession, "conflict": pickertest.Conflict} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{photos: pickertest.Options{RepeatedRequest: mode}}, func(t *testing.T, w *world) {
				var lost atomic.Bool
				w.net.hook(nil, func(r *http.Request) error {
					if r.URL.Path == "/v1/sessions" && !lost.Swap(true) {
						// the session exists, its answer is lost
						return oauthtest.ErrConnection
					}
					return nil
				})
				w.pair()
				w.choose()
				w.untilState(device.Showing)
				w.until("records gone", func(s device.Status) bool { return s.Sessions == device.Sessions{} })
				if open := w.photos.Open(); mode == pickertest.SameSession && len(open) > 0 {
					t.Errorf("%d sessions left", len(open))
				}
			})
		})
	}
}

func TestUnusedSessions(t *testing.T) {
	t.Run("replaced while there is nothing to show", func(t *testing.T) {
		inWorld(t, options{photos: pickertest.Options{TimeoutIn: 10 * time.Minute}}, func(t *testing.T, w *world) {
			first := w.pair()
			seen := map[string]bool{}
			w.until("the fourth session", func(s device.Status) bool {
				if s.State == device.Picking {
					seen[s.Pick.SessionID] = true
				}
				return len(seen) == 4
			})
			w.until("old ones deleted", func(s device.Status) bool { return s.Sessions.PendingDeletion == 0 })
			if open := w.photos.Open(); len(open) != 1 || open[0] == first.Pick.SessionID {
				t.Errorf("open: %v", open)
			}
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
		})
	})
	t.Run("dropped at Google", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			s := w.pair()
			w.photos.LoseSession(s.Pick.SessionID)
			w.until("another session", func(n device.Status) bool {
				return n.State == device.Picking && n.Pick.SessionID != s.Pick.SessionID
			})
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
		})
	})
	t.Run("timeoutIn 0 does not flood Google", func(t *testing.T) {
		inWorld(t, options{photos: pickertest.Options{ZeroTimeout: true}}, func(t *testing.T, w *world) {
			w.pair()
			w.pass(10 * time.Minute)
			if n := len(w.photos.Sessions()); n > 60 {
				t.Errorf("%d sessions in ten minutes", n)
			}
			if n := len(w.photos.Open()); n > 2 {
				t.Errorf("%d sessions open", n)
			}
		})
	})
	t.Run("back to the photos", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.pair()
			w.choose()
			w.untilState(device.Showing)
			if err := w.dev.Pick(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.untilState(device.Picking)
			w.untilState(device.Showing)
			w.untilClean()
			if n := len(w.photos.Sessions()); n != 1+unattended {
				t.Errorf("%d sessions, want %d", n, 1+unattended)
			}
		})
	})
	t.Run("bad durations", func(t *testing.T) {
		for _, bad := range []string{"-1s", "1e99s", "abc", "5"} {
			inWorld(t, options{photos: pickertest.Options{PollInterval: bad}}, func(t *testing.T, w *world) {
				w.pair()
				w.pass(time.Minute)
				w.choose()
				w.untilState(device.Showing)
				w.untilClean()
				if !strings.Contains(w.log.String(), "pollInterval") {
					t.Error("the log doesn't name pollInterval")
				}
				var gaps []time.Duration
				var last time.Time
				for _, c := range w.photos.Calls() {
					if c.Op == pickertest.OpGet {
						if !last.IsZero() {
							gaps = append(gaps, c.At.Sub(last))
						}
						last = c.At
					}
				}
				for _, g := range gaps {
					if g < 5*time.Second {
						t.Errorf("pollInterval %q: polled after %v", bad, g)
					}
				}
			})
		}
	})
}

func TestWishes(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		if err := w.dev.Cancel(t.Context()); !errors.Is(err, device.ErrNoPick) {
			t.Errorf("cancel without a pick: %v", err)
		}
		w.pair()
		if err := w.dev.Pick(t.Context()); !errors.Is(err, device.ErrPickRunning) {
			t.Errorf("a second pick: %v", err)
		}
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Error(err)
		}
		w.untilState(device.Idle)
		w.untilClean()
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Error(err)
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()

		if err := w.dev.Pick(t.Context()); err != nil {
			t.Error(err)
		}
		w.untilState(device.Picking)
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Error(err)
		}
		w.until("the pairing screen", func(s device.Status) bool { return s.Pairing != nil && s.Library.Items == 0 })
		w.untilClean()
		w.pass(time.Minute)
		grants, err := w.store.Grants.All()
		if err != nil || len(grants) != 0 {
			t.Errorf("grants after unpairing: %v, %v", grants, err)
		}
		if n := count(w, oauthtest.OpRevoke); n != 1 {
			t.Errorf("%d revocations, want 1", n)
		}
		if err := w.dev.Unpair(t.Context(), false); !errors.Is(err, device.ErrNotPaired) {
			t.Errorf("a second unpair: %v", err)
		}
	})
}

func count(w *world, op string) (n int) {
	for _, c := range w.auth.Calls() {
		if c.Op == op {
			n++
		}
	}
	return n
}

// Without a network the box forgets at once and deletes at Google later.
func TestUnpairOffline(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.net.cut()
		if err := w.dev.Unpair(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.until("deletion pending", func(s device.Status) bool { return s.Sessions.PendingDeletion == 1 })
		w.pass(time.Hour)
		w.restart()
		w.pass(time.Hour)
		w.net.mend()
		w.untilClean()
		if n := count(w, oauthtest.OpRevoke); n != 0 {
			t.Errorf("%d revocations, want none", n)
		}
	})
}

func TestDeletionIsRetried(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.photos.Fail(pickertest.OpDelete, repeat(12, pickertest.Refuse(503, "UNAVAILABLE", ""))...)
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilPage("an honest receipt", func(p display.Page) bool { return p.Receipt == "12 photos added." })
		w.restart()
		w.untilClean()
	})
}

func TestRefreshIsNotNoticed(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.pass(5 * time.Hour)
		w.auth.ExpireAccess() // also before its time: a 401 tells
		w.auth.Fail(oauthtest.OpRefresh, refuse(500, ""), abort)
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		for p := range w.dev.Pages().Watch(t.Context()) {
			if p.Problem != "" {
				t.Errorf("the person sees %q", p.Problem)
			}
			if p.State == string(device.Picking) {
				break
			}
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
	})
}

func TestGrantLost(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.auth.RevokeAll()
		w.pass(2 * time.Hour)
		if s := w.dev.Statuses().Get(); s.State != device.Showing {
			t.Errorf("nobody wants to pick, but the state is %s", s.State)
		}
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.until("the pairing screen", func(s device.Status) bool { return s.Pairing != nil })
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.until("the photos with a notice", func(s device.Status) bool {
			return s.State == device.Showing && s.Problem != nil && s.Problem.Code == "pair_again"
		})
		w.restart()
		w.untilProblem("pair_again")
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.pair()
		w.choose("item-2")
		w.until("one photo", func(s device.Status) bool { return s.State == device.Showing && s.Library.Items == 1 })
		w.untilClean()
	})
}

func TestShowingNeedsNoNetwork(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.stop()
		w.net.cut()
		w.start()
		began := time.Now()
		w.untilPage("a photo", func(p display.Page) bool { return p.Slide != nil && p.Problem == "" })
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v of virtual time", took)
		}
		w.pass(24 * time.Hour)
		if p := w.dev.Pages().Get(); p.Slide == nil || p.Problem != "" {
			t.Errorf("after a day without network: %+v", p)
		}
	})
}

// Somebody wants to choose, but the network is gone: the photos stay, with a
// line over them, until it is back.
func TestPhotosDontGiveWayToTrouble(t *testing.T) {
	for _, lost := range []bool{false, true} {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.pair()
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
			if lost { // then it is the code that can't be had
				w.auth.RevokeAll()
				w.auth.Fail(oauthtest.OpCode, repeat(5, abort)...)
			} else {
				w.net.cut()
			}
			if err := w.dev.Pick(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.untilPage("a line over the photos", func(p display.Page) bool {
				return p.Slide != nil && p.Problem == "No internet connection." && !p.RetryAt.IsZero()
			})
			w.net.mend()
			if lost {
				w.until("the pairing screen", func(s device.Status) bool { return s.Pairing != nil })
				return
			}
			w.choose("item-1")
			w.untilState(device.Showing)
			w.untilClean()
		})
	}
}

func TestPickSurvivesRestart(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		before := w.pair()
		w.stop()
		if open := w.photos.Open(); len(open) != 1 {
			t.Fatalf("%d sessions open while the box is off, want 1", len(open))
		}
		// Done is tapped while the box is off for longer than the session's polling.
		if err := w.photos.Choose(before.Pick.SessionID); err != nil {
			t.Fatal(err)
		}
		w.pass(6 * time.Hour)
		w.start()
		w.untilState(device.Showing)
		w.untilClean()
	})
}

func TestSecondDaemonIsRefused(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := store.Open(dir, store.Options{}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
}
