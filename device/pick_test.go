package device_test

import (
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
)

// TestPick checks two whole picks, with the page and the requests of each step.
func TestPick(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.untilCode()
		page := w.dev.Pages().Get()
		if page.QR != s.Pairing.VerificationURI+"?user_code="+s.Pairing.UserCode {
			t.Errorf("QR code %q", page.QR)
		}
		if page.Code != s.Pairing.UserCode || page.Link != s.Pairing.VerificationURI || page.Until.IsZero() {
			t.Errorf("the page lacks the code, the address or the countdown: %+v", page)
		}
		requestID, name := w.auth.State()
		if name != "Living room" {
			t.Errorf("displayName %q", name)
		}
		w.auth.Approve(s.Pairing.UserCode)
		s = w.untilState(device.Picking)
		if s.Pick.RequestID != requestID {
			t.Errorf("requestId of the session %s, want that of the state, %s", s.Pick.RequestID, requestID)
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		if got := w.dev.Statuses().Get().Library.Items; got != 12 {
			t.Errorf("%d photos, want 12", got)
		}
		if p := w.dev.Statuses().Get().LastPick; p == nil || p.RequestID != requestID || p.Outcome != device.PickDone || p.Photos != 12 {
			t.Errorf("the status says of the pick %+v", p)
		}
		w.untilPage("receipt", func(p display.Page) bool {
			return p.Receipt == "12 photos added. Access to your selection in Google Photos has ended."
		})
		w.untilPage("slide without a receipt", func(p display.Page) bool { return p.Receipt == "" && p.Slide != nil })

		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := w.untilState(device.Picking)
		if second.Pick.RequestID == requestID {
			t.Error("both picks have the same requestId")
		}
		w.choose("item-3", "item-1")
		w.untilState(device.Showing)
		w.untilClean()
		photos, err := w.store.Photos.Collection()
		if err != nil {
			t.Fatal(err)
		}
		if len(photos) != 2 || photos[0].ID != "item-3" || photos[1].ID != "item-1" {
			t.Errorf("collection after the second pick: %+v", photos)
		}
		for _, s := range w.photos.Sessions() {
			if !s.Deleted {
				t.Errorf("session %s was not deleted", s.ID)
			}
		}
	})
}

// TestServerVariants checks a pick with servers that differ from Google's.
func TestServerVariants(t *testing.T) {
	tests := map[string]options{
		"standard names and complete link": {auth: oauthtest.Options{StandardNames: true, CompleteLink: true}},
		"quoted numbers, no interval":      {auth: oauthtest.Options{QuotedNumbers: true, OmitInterval: true}},
		"pending as 400, short groups":     {auth: oauthtest.Options{PendingStatus: 400, ShortGroups: true}},
		"pending as 403":                   {auth: oauthtest.Options{PendingStatus: 403}},
		"rotating refresh token":           {auth: oauthtest.Options{RotateRefresh: true, TokenLife: 90 * time.Second}},
		"refresh token repeated":           {auth: oauthtest.Options{RepeatRefresh: true, TokenLife: 90 * time.Second}},
		"no mediaItemsSet, no polling":     {photos: pickertest.Options{OmitFalse: true, OmitPolling: true}},
		"fractional durations":             {photos: pickertest.Options{PollInterval: "3.5s", TimeoutIn: 1799*time.Second + 123456789}},
		"no timeoutIn":                     {photos: pickertest.Options{OmitTimeout: true}},
		"empty and short pages":            {photos: pickertest.Options{Listing: pickertest.EmptyFirstPage, PageLimit: 5}},
		"numbers as strings":               {photos: pickertest.Options{StringNumbers: true}},
	}
	for name, o := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, o, func(t *testing.T, w *world) {
				w.pair()
				w.pass(3 * time.Minute) // the person browses
				w.choose()
				if s := w.untilState(device.Showing); s.Library.Items != 12 {
					t.Errorf("%d photos, want 12", s.Library.Items)
				}
				w.untilClean()
			})
		})
	}
}

// TestPickerAnswers checks the problem shown for each answer of the Picker API, and
// that the pick succeeds afterwards.
func TestPickerAnswers(t *testing.T) {
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
		"create: slow":                     {pickertest.OpCreate, repeat(2, silent), "no_network", device.Opening},
		"create: empty":                    {pickertest.OpCreate, session(""), "bad_answer", device.Opening},
		"create: 10 MB":                    {pickertest.OpCreate, repeat(1, hugeAnswer), "bad_answer", device.Opening},
		"create: wrong types":              {pickertest.OpCreate, session(`{"id":{},"pickerUri":7}`), "bad_answer", device.Opening},
		"create: no id":                    {pickertest.OpCreate, session(`{"pickerUri":"https://p.test/x"}`), "bad_answer", device.Opening},
		"create: no pickerUri":             {pickertest.OpCreate, session(`{"id":"nowhere"}`), "bad_link", device.Opening},
		"create: pickerUri not HTTP":       {pickertest.OpCreate, session(`{"id":"nowhere","pickerUri":"file:///etc/passwd"}`), "bad_link", device.Opening},
		"create: pickerUri too long":       {pickertest.OpCreate, session(`{"id":"nowhere","pickerUri":"https://p.test/` + strings.Repeat("x", 2000) + `"}`), "bad_link", device.Opening},
		"get: 500":                         {pickertest.OpGet, repeat(8, pickertest.Refuse(500, "INTERNAL", "")), "server_trouble", device.Picking},
		"get: empty":                       {pickertest.OpGet, repeat(3, answer(200, "application/json", "")), "bad_answer", device.Picking},
		"get: slow":                        {pickertest.OpGet, repeat(3, silent), "no_network", device.Picking},
		"list: not ready yet":              {pickertest.OpList, repeat(6, pickertest.Refuse(400, "FAILED_PRECONDITION", "")), "server_trouble", device.Fetching},
		"list: 503":                        {pickertest.OpList, repeat(6, pickertest.Refuse(503, "UNAVAILABLE", "")), "server_trouble", device.Fetching},
		"list: HTML":                       {pickertest.OpList, repeat(6, answer(200, "text/html", "<html>")), "not_google", device.Fetching},
		"list: slow":                       {pickertest.OpList, repeat(2, silent), "no_network", device.Fetching},
	}
	for name, r := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{photos: pickertest.Options{RepeatedRequest: pickertest.SameSession}}, func(t *testing.T, w *world) {
				w.photos.Fail(r.op, r.answers...)
				s := w.untilCode()
				w.auth.Approve(s.Pairing.UserCode)
				if r.op == pickertest.OpList {
					w.choose()
				}
				s = w.untilProblem(r.problem)
				if s.State != r.state {
					t.Errorf("state %s, want %s", s.State, r.state)
				}
				if s.Problem.Message == "" || s.Problem.Remedy == "" {
					t.Errorf("no message or no remedy: %+v", s.Problem)
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

// TestPickCancelUnpair checks Pick, Cancel and Unpair in the states in which they
// are allowed and refused.
func TestPickCancelUnpair(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		if err := w.dev.Cancel(t.Context()); !errors.Is(err, device.ErrNoPick) {
			t.Errorf("cancel without a pick: %v", err)
		}
		w.pair()
		if err := w.dev.Pick(t.Context()); !errors.Is(err, device.ErrPickRunning) {
			t.Errorf("second pick: %v", err)
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
		w.until("code without photos", func(s device.Status) bool { return s.Pairing != nil && s.Library.Items == 0 })
		w.untilClean()
		w.pass(time.Minute)
		grants, err := w.store.Grants.All()
		if err != nil || len(grants) != 0 {
			t.Errorf("grants after unpairing: %v, %v", grants, err)
		}
		if n := countCalls(w, oauthtest.OpRevoke); n != 1 {
			t.Errorf("%d revocations, want 1", n)
		}
		if err := w.dev.Unpair(t.Context(), false); !errors.Is(err, device.ErrNotPaired) {
			t.Errorf("second unpair: %v", err)
		}
	})
}

// TestPickWhileOff checks that a pick completed while the box is off is fetched at
// the next start.
func TestPickWhileOff(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		before := w.pair()
		w.stop()
		if open := w.photos.Open(); len(open) != 1 {
			t.Fatalf("%d sessions open while the box is off, want 1", len(open))
		}
		// The box stays off for longer than the session may be polled.
		if err := w.photos.Choose(before.Pick.SessionID); err != nil {
			t.Fatal(err)
		}
		w.pass(6 * time.Hour)
		w.start()
		w.untilState(device.Showing)
		w.untilClean()
	})
}

// TestPickDuringOutage checks that a pick made during an outage is fetched,
// although the outage lasts longer than timeoutIn.
func TestPickDuringOutage(t *testing.T) {
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
			t.Errorf("the pick is lost: state %s, %d photos", s.State, s.Library.Items)
		}
	})
}

// TestTally checks the counters of a pick and a cancelled pick.
func TestTally(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2")
		w.untilState(device.Showing)
		w.untilClean()
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
		w.pass(time.Minute)
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilClean()
		got := w.dev.Tally()
		if got.Pairings[device.Attempt{device.ByDevice, "started"}] != 1 || got.Pairings[device.Attempt{device.ByDevice, "paired"}] != 1 {
			t.Errorf("pairings: %v", got.Pairings)
		}
		if len(got.Picks) != 2 || got.Picks["done"] != 1 || got.Picks["cancelled"] != 1 || got.Deletions["deleted"] != 2 {
			t.Errorf("picks %v, deletions %v", got.Picks, got.Deletions)
		}
		if got.Items["fetched"] != 2 || got.Items["failed"] != 0 || got.Bytes == 0 {
			t.Errorf("items %v, %d bytes", got.Items, got.Bytes)
		}
		if s := got.States[device.Picking]; s < time.Minute {
			t.Errorf("time in state picking %v, want a minute or more", s)
		}
	})
}

// TestPollsHeldBack checks that polls reach a server no faster than it asks, also those
// that the network holds back, as a refresh of the token does.
func TestPollsHeldBack(t *testing.T) {
	for name, isPoll := range map[string]func(*http.Request) bool{
		"code":    func(r *http.Request) bool { return r.URL.Path == "/token" },
		"session": func(r *http.Request) bool { return r.Method == http.MethodGet },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{}, func(t *testing.T, w *world) {
				w.untilCode()
				if name == "session" {
					w.pair()
				}
				var polls atomic.Int32
				last := time.Now().Add(-time.Hour)
				w.net.hook(func(r *http.Request) error {
					if !isPoll(r) {
						return nil
					}
					n := polls.Add(1)
					if n%2 == 1 {
						time.Sleep(4900 * time.Millisecond)
					}
					if gap := time.Since(last); gap < 5*time.Second {
						t.Errorf("poll %d came %v after the one before", n, gap)
					}
					last = time.Now()
					return nil
				}, nil)
				w.pass(time.Minute)
				if n := polls.Load(); n < 6 {
					t.Errorf("%d polls in a minute", n)
				}
			})
		})
	}
}
