package screen

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// A rig is a screen in front of an engine and a slideshow that grant everything.
type rig struct {
	*Screen
	snapshots display.Board[device.Snapshot]
	frames    display.Board[device.Frame]
	asked     []display.Wish
	hold      chan struct{} // what the engine waits for; nil means nothing
	err       error
	sound     display.Verb // the last one about sound
}

// Do plays the engine, and the slideshow: a slide verb publishes a frame.
func (r *rig) Do(ctx context.Context, w display.Wish) error {
	if w.Verb.IsOfSound() {
		r.sound = w.Verb
		f := r.frames.Get()
		f.Seq++
		f.Muted = w.Verb == display.Silence || w.Verb == display.Mute && !f.Muted
		r.frames.Set(f)
		return nil
	}
	if w.Verb.IsOfSlides() {
		f := r.frames.Get()
		f.Seq++
		f.Slide = &display.Slide{Alt: string(w.Verb) + time.Now().String(), Media: []display.Media{{File: "a.jpg"}}}
		if w.Verb == display.Pause {
			f.Paused = !f.Paused
		}
		r.frames.Set(f)
		return nil
	}
	if r.hold != nil {
		select {
		case <-r.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.asked = append(r.asked, w)
	return r.err
}

// ForgetIf plays the engine.
func (r *rig) ForgetIf(ctx context.Context, still func() bool) error {
	if !still() {
		return nil
	}
	return r.Do(ctx, display.Wish{Verb: display.Forget, Everywhere: true})
}

func newRig(change func(*Config)) *rig {
	r := &rig{}
	r.frames.Set(device.Frame{Seq: 1, Slide: &display.Slide{Alt: "Photo 1 of 2", Media: []display.Media{{File: "a.jpg"}}}})
	r.snapshots.Set(device.Snapshot{Seq: 1, State: device.Showing, Since: time.Now(), Account: &device.AccountStatus{ID: "a"},
		Accounts: []device.AccountStatus{{ID: "a"}}, Library: device.Library{Items: 2}})
	cfg := Config{Options: Options{Name: "Living room"}, Snapshots: &r.snapshots, Frames: &r.frames, Engine: r, Slides: r,
		LastActivity: func() time.Time { return time.Time{} }, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	r.Screen = New(cfg)
	return r
}

// run runs the screen until the test's function returns.
func (r *rig) run(t *testing.T, f func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	synctest.Wait()
	f()
}

// TestOneUpdateAKey checks that a key changes the view once, whatever it means.
func TestOneUpdateAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(nil)
		r.run(t, func() {
			for _, k := range []Key{KeyRight, KeyLeft, KeyPlay, KeyNext, KeyPrevious, KeyMenu, KeyDown, KeyUp, KeyBack, KeyBack} {
				before := r.updates
				if err := r.Press(t.Context(), k); err != nil {
					t.Fatal(err)
				}
				page := r.Pages().Get()
				synctest.Wait()
				if n := r.updates - before; n > 1 {
					t.Errorf("%s: %d updates", k, n)
				}
				if page.Slide != r.Pages().Get().Slide || (page.Menu == nil) != (r.Pages().Get().Menu == nil) {
					t.Errorf("%s: the page shows it later", k)
				}
				time.Sleep(time.Second)
			}
		})
	})
}

// TestKeyNeverWaits checks that keys don't wait for an engine that waits for the
// disk, and that too many of them are dropped.
func TestKeyNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(nil)
		r.hold = make(chan struct{})
		r.run(t, func() {
			began := time.Now()
			for range 20 {
				for _, k := range []Key{KeyOK, KeyMenu, KeyDown, KeyBack, KeyRight} {
					if err := r.Press(t.Context(), k); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
			}
			if waited := time.Since(began); waited != 0 {
				t.Errorf("waited %v", waited)
			}
			close(r.hold)
			synctest.Wait()
			if n := len(r.asked); n == 0 || n > maxKeyWishes+2 {
				t.Errorf("asked %d times", n)
			}
			if w := r.asked[0]; w.Verb != display.Pick {
				t.Errorf("asked for %+v", w)
			}
		})
	})
}

// TestKeyMeanings checks what keys ask for on the pages of all states.
func TestKeyMeanings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			state device.State
			key   Key
			want  display.Verb // of the engine
		}{
			{device.Showing, KeyOK, display.Pick}, {device.Showing, KeyBack, ""},
			{device.Idle, KeyOK, display.Pick}, {device.Idle, KeyBack, ""}, {device.Idle, KeyUp, ""},
			{device.Picking, KeyBack, display.Cancel}, {device.Picking, KeyOK, ""},
			{device.Fetching, KeyBack, display.Cancel}, {device.Opening, KeyBack, display.Cancel},
			{device.Starting, KeyOK, ""}, {device.Starting, KeyBack, ""}, {device.Blocked, KeyOK, ""},
		} {
			r := newRig(nil)
			s := r.snapshots.Get()
			s.Seq, s.State, s.Library = 2, tt.state, device.Library{}
			r.snapshots.Set(s)
			r.run(t, func() {
				if err := r.Press(t.Context(), tt.key); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			})
			got := display.Verb("")
			if len(r.asked) > 0 {
				got = r.asked[0].Verb
			}
			if got != tt.want {
				t.Errorf("%s in %s: %q, want %q", tt.key, tt.state, got, tt.want)
			}
		}
	})
}

// TestOtherGeneration checks that a slide is not shown once somebody was
// forgotten, until the slideshow has read the collection again.
func TestOtherGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(func(c *Config) { c.ForgetAfter = time.Hour })
		r.run(t, func() {
			visit := r.Pages().Get().Visit
			s := r.snapshots.Get()
			s.Seq, s.Generation = 2, 1
			r.snapshots.Set(s)
			synctest.Wait()
			if p := r.Pages().Get(); p.Slide != nil || p.Visit == visit {
				t.Errorf("%+v", p)
			}
			f := r.frames.Get()
			f.Seq, f.Generation = 2, 1
			r.frames.Set(f)
			synctest.Wait()
			if p := r.Pages().Get(); p.Slide == nil {
				t.Errorf("%+v", p)
			}
		})
	})
}

// TestMenuClosedByOthers presses keys in a menu that somebody who was forgotten had
// open, before the screen has taken that in.
func TestMenuClosedByOthers(t *testing.T) {
	for _, k := range []Key{KeyUp, KeyDown, KeyOK, KeyBack, KeyMenu} {
		r := newRig(nil)
		if err := r.Press(t.Context(), KeyMenu); err != nil || r.Pages().Get().Menu == nil {
			t.Fatalf("no menu: %v", err)
		}
		s := r.snapshots.Get()
		s.Seq++
		s.Generation++
		r.snapshots.Set(s)
		if err := r.Press(t.Context(), k); err != nil {
			t.Errorf("%s: %v", k, err)
		}
		if open := r.Pages().Get().Menu != nil; open != (k == KeyMenu) {
			t.Errorf("%s: menu open: %v", k, open)
		}
	}
}

// TestLateKey checks that a key that waited for the engine is dropped if the page
// no longer offers what it meant.
func TestLateKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(nil)
		r.hold = make(chan struct{})
		r.run(t, func() {
			for range 2 {
				if err := r.Press(t.Context(), KeyOK); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
			s := r.snapshots.Get()
			s.Seq, s.State = 2, device.Opening
			r.snapshots.Set(s)
			synctest.Wait()
			close(r.hold)
			synctest.Wait()
			if len(r.asked) != 1 {
				t.Errorf("asked for %+v", r.asked)
			}
		})
	})
}

// BenchmarkKey measures a key over a photo, with the updates and pages that it
// makes.
func BenchmarkKey(b *testing.B) {
	r := newRig(nil)
	before := r.updates
	for b.Loop() {
		if err := r.Press(b.Context(), KeyRight); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(r.updates-before)/float64(b.N), "updates/op")
}
