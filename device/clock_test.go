package device_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// skew sets the servers' clocks d ahead of the box's. Virtual time cannot be set,
// so this stands for a wrong clock of the box.
func (w *world) skew(d time.Duration) {
	w.auth.Change(func(o *oauthtest.Options) { o.ClockSkew = d })
	w.photos.Change(func(o *pickertest.Options) { o.ClockSkew = d })
}

// moveClock moves the clock of a box that is off. Virtual time cannot be set, so
// it moves all times on the disk the other way.
func (w *world) moveClock(by time.Duration) {
	w.t.Helper()
	st, err := store.Open(w.dir, store.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer st.Close()
	shift := func(t *time.Time) {
		if !t.IsZero() {
			*t = t.Add(-by)
		}
	}
	p, err := st.Pairings.Current()
	if err == nil && p != nil {
		shift(&p.StartedAt)
		shift(&p.ExpiresAt)
		err = st.Pairings.Save(*p)
	}
	picks, perr := st.Picks.All()
	for _, p := range picks {
		err = errors.Join(err, st.Picks.Update(p.RequestID, func(p *store.Pick) {
			shift(&p.CreatedAt)
			shift(&p.ExpireTime)
			shift(&p.PollUntil)
		}))
	}
	if err := errors.Join(err, perr); err != nil {
		w.t.Fatal(err)
	}
}

const year = 365 * 24 * time.Hour

// TestWrongClock checks that a box whose clock is years off pairs and picks.
func TestWrongClock(t *testing.T) {
	for name, skews := range map[string][2]time.Duration{ // before and after a power cut
		"behind":                     {26 * year, 26 * year},
		"ahead":                      {-20 * year, -20 * year},
		"corrected by the power cut": {26 * year, 0},
		"wrong after the power cut":  {0, 26 * year},
		"ahead after the power cut":  {0, -20 * year},
		"ahead, then behind":         {-20 * year, 26 * year},
	} {
		for _, polling := range []pickertest.Options{{}, {OmitTimeout: true}, {OmitPolling: true}} {
			t.Run(fmt.Sprint(name, polling.OmitTimeout, polling.OmitPolling), func(t *testing.T) {
				inWorld(t, options{photos: polling, before: func(w *world) { w.skew(skews[0]) }}, func(t *testing.T, w *world) {
					w.photos.NoLeaks(t)
					restart := func() {
						w.stop()
						w.moveClock(skews[0] - skews[1])
						w.skew(skews[1])
						w.start()
						skews[0] = skews[1]
					}
					code := w.untilCode()
					if left := time.Until(code.Pairing.ExpiresAt); left < 20*time.Minute || left > 30*time.Minute {
						t.Errorf("the code is valid for %v", left)
					}
					w.pass(2 * time.Minute)
					restart() // the code on the screen remains valid
					again := w.untilCode()
					w.pass(10 * time.Second)
					again = w.untilCode()
					if again.Pairing.UserCode != code.Pairing.UserCode {
						t.Error("the code was replaced before it expired")
					}
					link := w.pair()
					w.pass(5 * time.Minute)
					restart() // so does the link
					w.pass(time.Minute)
					if s := w.untilState(device.Picking); s.Pick.SessionID != link.Pick.SessionID {
						t.Error("the session was replaced before it expired")
					}
					w.pickAndUnpair()
				})
			})
		}
	}
}

// TestRecordsWithWrongClock checks that a wrong clock does not make the box drop
// the record of a session that was not deleted.
func TestRecordsWithWrongClock(t *testing.T) {
	for name, skews := range map[string][2]time.Duration{ // before and after a power cut
		"ahead": {-20 * year, -20 * year}, "behind": {20 * year, 20 * year},
		"then ahead": {0, -20 * year}, "then behind": {0, 20 * year}, "corrected": {20 * year, 0},
	} {
		for _, known := range []bool{true, false} {
			t.Run(fmt.Sprint(name, ", id known ", known), func(t *testing.T) {
				before := func(w *world) { w.skew(skews[0]) }
				inWorld(t, options{photos: pickertest.Options{RepeatedRequest: pickertest.SameSession}, before: before}, func(t *testing.T, w *world) {
					w.photos.NoLeaks(t)
					s := w.pair()
					w.net.cut()
					if err := w.dev.Cancel(t.Context()); err != nil {
						t.Fatal(err)
					}
					if !known { // as after a lost answer
						err := w.store.Picks.Update(s.Pick.RequestID, func(p *store.Pick) { p.SessionID, p.ExpireTime = "", time.Time{} })
						if err != nil {
							t.Fatal(err)
						}
					}
					w.stop()
					w.moveClock(skews[0] - skews[1])
					w.skew(skews[1])
					w.start()
					w.pass(3 * time.Hour)
					if picks, err := w.store.Picks.All(); err != nil || len(picks) != 1 {
						t.Fatalf("records %v, %v; want one", picks, err)
					}
					// The servers answer again, but refuse the deletion.
					w.net.mend()
					w.photos.Fail(pickertest.OpDelete, repeat(20, pickertest.Refuse(503, "UNAVAILABLE", ""))...)
					w.photos.Fail(pickertest.OpCreate, repeat(5, pickertest.Refuse(503, "UNAVAILABLE", ""))...)
					w.untilClean()
				})
			})
		}
	}
}

// TestAbsurdDate checks that a box pairs and picks although a server's time can't be
// right.
func TestAbsurdDate(t *testing.T) {
	for _, date := range []string{
		"Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 2011 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT",
	} {
		t.Run(date, func(t *testing.T) {
			o := options{auth: oauthtest.Options{Date: date}, photos: pickertest.Options{Date: date}}
			o.config = func(c *Config) { c.Built = time.Now().AddDate(0, -6, 0) } // virtual time begins in 2000
			inWorld(t, o, func(t *testing.T, w *world) {
				w.photos.NoLeaks(t)
				w.pickAndUnpair()
				if s := w.dev.Statuses().Get(); s.Problem != nil {
					t.Errorf("problem: %+v", s.Problem)
				}
				if got := w.dev.engine.Now(); time.Until(got).Abs() > time.Minute {
					t.Errorf("the box takes it for %v", got)
				}
				if n := strings.Count(w.log.String(), "server time refused"); n != 1 {
					t.Errorf("logged %d times", n)
				}
			})
		})
	}
}

// TestDateYearsAfterTheBuild checks that a box without updates follows the servers
// for longer than the bound.
func TestDateYearsAfterTheBuild(t *testing.T) {
	const years = 25
	built := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	o := options{config: func(c *Config) { c.Built = built }}
	inWorld(t, o, func(t *testing.T, w *world) {
		for y := range years {
			w.stop()
			w.skew(time.Duration(y) * year)
			w.start()
			w.pass(5 * time.Minute)
			if got, want := w.dev.engine.Now(), time.Now().Add(time.Duration(y)*year); got.Sub(want).Abs() > time.Minute {
				t.Fatalf("after %d years the box takes it for %v", y, got)
			}
		}
	})
}
