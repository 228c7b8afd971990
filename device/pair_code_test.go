package device_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/words"
	"pickerd/oauthdevice/oauthtest"
)

// TestDeviceFlowAnswers checks the problem shown for each answer of an
// authorization server to a request for a code or to a poll, and that pairing
// works afterwards.
func TestDeviceFlowAnswers(t *testing.T) {
	skipShort(t)
	type row struct {
		op       string
		answers  []http.HandlerFunc
		problem  string
		state    device.State
		sameCode bool // the code on the screen remains
	}
	const code, poll = oauthtest.OpCode, oauthtest.OpPoll
	tests := map[string]row{
		"code: invalid_scope":                 {code, repeat(1, refuse(400, "invalid_scope")), "scope_refused", device.Blocked, false},
		"code: invalid_client":                {code, repeat(2, refuse(401, "invalid_client")), "client_refused", device.Blocked, false},
		"code: rate limit without error":      {code, repeat(1, answer(403, "application/json", `{"error_code":"rate_limit_exceeded"}`)), "rate_limited", device.Pairing, false},
		"code: 503":                           {code, repeat(6, refuse(503, "")), "server_trouble", device.Pairing, false},
		"code: no network":                    {code, repeat(6, abort), "no_network", device.Waiting, false},
		"code: slow":                          {code, repeat(2, silent), "no_network", device.Waiting, false},
		"code: captive portal":                {code, repeat(6, answer(200, "text/html", "<html>Welcome to the hotel")), "not_google", device.Waiting, false},
		"code: empty":                         {code, repeat(1, answer(200, "application/json", "")), "bad_answer", device.Pairing, false},
		"code: cut off":                       {code, repeat(1, cutOff), "bad_answer", device.Pairing, false},
		"code: 10 MB":                         {code, repeat(1, hugeAnswer), "bad_answer", device.Pairing, false},
		"code: wrong types":                   {code, repeat(1, answer(200, "application/json", `{"device_code":7,"user_code":[]}`)), "bad_answer", device.Pairing, false},
		"code: no user_code":                  {code, repeat(1, answer(200, "application/json", `{"device_code":"d","verification_url":"https://g.test/device"}`)), "bad_answer", device.Pairing, false},
		"code: verification_url not HTTP":     {code, repeat(1, answer(200, "application/json", `{"device_code":"d","user_code":"AB-CD","verification_url":"javascript:alert(1)"}`)), "bad_answer", device.Pairing, false},
		"code: verification_url too long":     {code, repeat(1, answer(200, "application/json", `{"device_code":"d","user_code":"AB-CD","verification_url":"https://g.test/`+strings.Repeat("x", 2000)+`"}`)), "bad_link", device.Pairing, false},
		"code: null":                          {code, repeat(1, answer(200, "application/json", "null")), "bad_answer", device.Pairing, false},
		"code: deleted_client":                {code, repeat(1, refuse(401, "deleted_client")), "client_refused", device.Blocked, false},
		"poll: null":                          {poll, repeat(1, answer(200, "application/json", "null")), "code_spent", device.Pairing, false},
		"poll: disabled_client":               {poll, repeat(1, refuse(401, "disabled_client")), "client_refused", device.Blocked, false},
		"poll: authorization_declined":        {poll, repeat(1, refuse(400, "authorization_declined")), "denied", device.Pairing, false},
		"poll: bad_verification_code":         {poll, repeat(1, refuse(400, "bad_verification_code")), "code_spent", device.Pairing, false},
		"poll: an unknown error":              {poll, repeat(1, refuse(403, "what_is_this")), "code_spent", device.Pairing, false},
		"poll: access_denied":                 {poll, repeat(1, refuse(403, "access_denied")), "denied", device.Pairing, false},
		"poll: invalid_grant":                 {poll, repeat(1, refuse(400, "invalid_grant")), "code_spent", device.Pairing, false},
		"poll: cut off":                       {poll, repeat(1, cutOff), "code_spent", device.Pairing, false},
		"poll: empty 200":                     {poll, repeat(1, answer(200, "application/json", "")), "code_spent", device.Pairing, false},
		"poll: 10 MB":                         {poll, repeat(1, hugeAnswer), "code_spent", device.Pairing, false},
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
		"poll: slow answers keep the code":    {poll, repeat(3, silent), "no_network", device.Pairing, true},
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
					t.Errorf("no message or no remedy: %+v", s.Problem)
				}
				before := ""
				if s.Pairing != nil {
					before = s.Pairing.UserCode
				}
				w.until("code without a problem", func(s device.Status) bool { return s.Pairing != nil && s.Problem == nil })
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

// TestSlowDownPersists checks that slow_down applies to all further polls, also
// after a restart.
func TestSlowDownPersists(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.auth.Fail(oauthtest.OpPoll, refuse(403, "slow_down"))
		w.untilCode()
		w.pass(2 * time.Minute)
		w.restart()
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

// TestCodeRenewal checks that an expired code is replaced without a notice.
func TestCodeRenewal(t *testing.T) {
	skipShort(t)
	for name, o := range map[string]oauthtest.Options{
		"expired_token":      {CodeLife: 10 * time.Minute},
		"as invalid_grant":   {CodeLife: 10 * time.Minute, ExpireAsInvalid: true},
		"30 seconds":         {CodeLife: 30 * time.Second},
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
						t.Errorf("the page shows %q while codes are renewed", p.Problem)
					}
					if p.Code == "" {
						continue
					}
					codes[p.Code] = true
					if !time.Now().Before(p.Until) {
						t.Error("an expired code is on the screen")
					}
				}
				if len(codes) < 4 {
					t.Errorf("%d codes in two hours, want 4 or more", len(codes))
				}
			})
		})
	}
}

// TestRenew checks that a person can ask for a new code, and that the first one
// remains valid.
func TestRenew(t *testing.T) {
	for _, method := range []string{device.ByDevice, device.ByRelay} {
		inWorld(t, options{setUp: methods(method)}, func(t *testing.T, w *world) {
			first := w.untilCode()
			if err := w.dev.Renew(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Minute)
			if w.dev.Statuses().Get().Pairing.QRURI != first.Pairing.QRURI {
				t.Error("the code was renewed at once, so a held key would use up the server's rate limit")
			}
			if err := w.dev.Renew(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.until("new code", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.QRURI != first.Pairing.QRURI })
			if method == device.ByDevice {
				w.auth.Approve(first.Pairing.UserCode)
			} else {
				v, err := w.dev.Visit(first.Pairing.QRURI[len("http://192.168.1.20:8420/pair/"):])
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.dev.Redirected(t.Context(), w.consent(v)); err != nil {
					t.Fatal(err)
				}
			}
			w.untilState(device.Picking)
			if err := w.dev.Renew(t.Context()); !errors.Is(err, device.ErrNoCode) {
				t.Errorf("renewal without a code: %v", err)
			}
		})
	}
}

// TestSpokenCode checks that the code is spelled for screen readers.
func TestSpokenCode(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.untilCode()
		p := w.dev.Pages().Get()
		if !strings.Contains(p.Spoken, words.English().Spell(s.Pairing.UserCode)) || !strings.Contains(p.Spoken, ", dash, ") || p.Label(display.Renew) == "" {
			t.Errorf("page %+v", p)
		}
	})
}

// TestApprovalWhileOff checks that an approval given while the box is off counts.
func TestApprovalWhileOff(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.untilCode()
		w.stop()
		w.auth.Approve(s.Pairing.UserCode)
		w.pass(3 * time.Minute)
		w.start()
		w.untilState(device.Picking)
	})
}

// TestApprovalInLastMinute checks that an approval of a valid code counts after the
// box has replaced the code on the screen.
func TestApprovalInLastMinute(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{CodeLife: 10 * time.Minute}}, func(t *testing.T, w *world) {
		s := w.untilCode()
		w.pass(8*time.Minute + 50*time.Second)
		if got := w.dev.Statuses().Get().Pairing.UserCode; got != s.Pairing.UserCode {
			t.Fatal("the code was replaced too early")
		}
		w.pass(30 * time.Second) // the person signs in
		if !w.auth.Approve(s.Pairing.UserCode) {
			t.Fatal("the code has expired")
		}
		w.pass(5 * time.Minute)
		if s := w.dev.Statuses().Get(); s.State == device.Pairing {
			t.Errorf("an approval 40 s before the code expires is ignored: state %s", s.State)
		}
	})
}

// TestDenialInLastMinute checks that a denial of a replaced code is shown.
func TestDenialInLastMinute(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{CodeLife: 10 * time.Minute}}, func(t *testing.T, w *world) {
		s := w.untilCode()
		w.pass(8*time.Minute + 57*time.Second)
		w.auth.Deny(s.Pairing.UserCode)
		for range 60 {
			w.pass(time.Second)
			if s := w.dev.Statuses().Get(); s.Problem != nil {
				return
			}
		}
		t.Error("the denial is not shown")
	})
}

// TestScopeDeclined checks that a person who unticks the scope can pair again.
func TestScopeDeclined(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.untilCode()
		w.auth.Approve(s.Pairing.UserCode, oauthtest.PickerScope)
		w.untilProblem("scope_missing")
		w.pair()
	})
}

// TestPickDuringPoll checks that a pick that interrupts a poll does not lose the
// token that is on its way.
func TestPickDuringPoll(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.untilCode()
		w.pass(time.Second)
		w.auth.Approve(s.Pairing.UserCode)
		w.net.delayFirst("POST", "/token", 2*time.Second)
		w.pass(5 * time.Second)
		w.dev.Pick(t.Context())
		w.pass(time.Minute)
		if s := w.dev.Statuses().Get(); s.State == device.Pairing {
			t.Errorf("the approval is lost: state %s, problem %+v", s.State, s.Problem)
		}
	})
}

// TestUsedCodeBackoff checks that requests for codes are limited when the server
// invalidates each code.
func TestUsedCodeBackoff(t *testing.T) {
	before := func(w *world) { w.auth.Fail(oauthtest.OpPoll, repeat(1000, refuse(400, "invalid_grant"))...) }
	inWorld(t, options{before: before}, func(t *testing.T, w *world) {
		w.pass(time.Hour)
		if n := countCalls(w, oauthtest.OpCode); n > 40 {
			t.Errorf("%d requests for a code in an hour", n)
		}
	})
}

// longestExpired watches the page for d. It returns the longest time that a QR code
// was shown after it had expired.
func longestExpired(w *world, d time.Duration) (longest time.Duration) {
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		if p := w.dev.Pages().Get(); p.QR != "" && !p.Until.IsZero() {
			longest = max(longest, time.Since(p.Until))
		}
		<-time.After(time.Second)
	}
	return longest
}

// TestExpiredCode checks that no expired code stays on the screen, whatever keeps
// the box from getting a new one.
func TestExpiredCode(t *testing.T) {
	for name, tt := range map[string]struct {
		auth  oauthtest.Options
		after time.Duration // from the first code to the fault
		fault func(*world)
		watch time.Duration
	}{
		"rate limited": {
			auth:  oauthtest.Options{CodeLife: 10 * time.Minute},
			after: time.Minute,
			fault: func(w *world) {
				w.auth.Fail(oauthtest.OpCode, answer(403, "application/json", `{"error_code":"rate_limit_exceeded"}`))
			},
			watch: 20 * time.Minute,
		},
		"Retry-After": {
			auth:  oauthtest.Options{CodeLife: 10 * time.Minute},
			after: 8 * time.Minute,
			fault: func(w *world) {
				w.auth.Fail(oauthtest.OpPoll, func(rw http.ResponseWriter, r *http.Request) {
					rw.Header().Set("Retry-After", "600")
					rw.WriteHeader(429)
				})
			},
			watch: 20 * time.Minute,
		},
		"no answer": {
			auth: oauthtest.Options{CodeLife: 10 * time.Minute},
			fault: func(w *world) {
				w.net.hook(func(r *http.Request) error { <-r.Context().Done(); return r.Context().Err() }, nil)
			},
			watch: 20 * time.Minute,
		},
		"long interval": {
			auth:  oauthtest.Options{CodeLife: 9 * time.Minute, Interval: 5 * time.Minute},
			fault: func(*world) {},
			watch: 30 * time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{auth: tt.auth}, func(t *testing.T, w *world) {
				w.untilCode()
				w.pass(tt.after)
				tt.fault(w)
				if d := longestExpired(w, tt.watch); d > 0 {
					t.Errorf("an expired code was on the screen for %v", d)
				}
			})
		})
	}
}
