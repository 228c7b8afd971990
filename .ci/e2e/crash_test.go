package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// lives is how many boxes are tried at a time: they mostly wait.
const lives = 8

// TestEveryCrashPoint kills the real process at each place where it touches disk
// or network in a whole life: pair, pick, fetch, delete, pick again, unpair.
func TestEveryCrashPoint(t *testing.T) {
	t.Parallel()
	var next atomic.Int64
	var mu sync.Mutex
	var places []string
	over := false
	sessions := 0
	var wg sync.WaitGroup
	for range lives {
		wg.Go(func() {
			for {
				mu.Lock()
				stop := over || t.Failed()
				mu.Unlock()
				if stop {
					return
				}
				cut := next.Add(1) - 1
				t.Run(fmt.Sprint(cut), func(t *testing.T) {
					l := newLife(t)
					l.b.build = crashBinary
					l.b.env = []string{fmt.Sprint("PICKERD_CRASH_AT=", cut)}
					place := l.withCrash()
					mu.Lock()
					defer mu.Unlock()
					if place == "" {
						over = true
						return
					}
					places = append(places, place)
					sessions += len(l.g.photos.Sessions())
				})
			}
		})
	}
	wg.Wait()
	t.Logf("killed at %d places; %d sessions made, 0 left", len(places), sessions)
	if len(places) < 100 && !t.Failed() {
		t.Errorf("only %d places were found", len(places))
	}
}

// A life is a box and what a person wants of it, one thing after the other: three
// photos, two others in their place, and to be forgotten.
type life struct {
	t      *testing.T
	g      *google
	b      *box
	stage  int
	paired bool
	had    []string

	patience time.Duration
}

var (
	firstPick  = []string{"item-1", "item-2", "item-3"}
	secondPick = []string{"item-4", "item-3"}
)

func newLife(t *testing.T) *life {
	g := googleLike(t, oauthtest.Options{Interval: time.Second}, pickertest.PlainPhotos(4)...)
	return &life{t: t, g: g, b: configured(t, g, t.TempDir()), patience: patience}
}

// withCrash lives until the box dies, starts it again, and lives to the end. It
// returns where the box died, "" when it didn't.
func (l *life) withCrash() string {
	place := ""
	if l.b.launch(); !l.live() {
		_, at, _ := strings.Cut(l.b.log.String(), "crash point ")
		place, _, _ = strings.Cut(at, "\n")
		if place == "" {
			l.t.Errorf("pickerd died by itself:\n%s", l.b.log)
		}
		l.b.env = nil
		if l.b.launch(); !l.live() {
			l.t.Errorf("%s: pickerd died again:\n%s", place, l.b.log)
			return place
		}
	}
	if l.stage < 3 {
		l.t.Errorf("%s: stage %d is not over: %+v", place, l.stage, l.b.status())
	}
	if open := l.g.photos.Open(); len(open) > 0 {
		l.t.Errorf("%s: %d sessions are left", place, len(open))
	}
	for _, v := range l.g.photos.Violations() {
		l.t.Errorf("%s: rule broken: %s", place, v)
	}
	l.b.kill()
	return place
}

// live does what the person does. It reports whether the person got all they
// want, false when the process died before.
func (l *life) live() bool {
	end := time.NewTimer(l.patience)
	defer end.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for l.stage < 3 {
		select {
		case <-l.b.ended:
			return false
		case <-end.C:
			l.t.Errorf("stage %d never ends: %+v\n%s", l.stage, l.b.status(), l.b.log)
			return true
		case <-tick.C:
		}
		if s := l.b.status(); s != nil {
			l.judge(s)
			l.act(s)
		}
	}
	return true
}

// judge looks whether what was there once still is.
func (l *life) judge(s *device.Status) {
	if s.Account != nil {
		l.paired = true
	}
	if l.stage < 2 && l.paired && s.Pairing != nil {
		l.t.Errorf("the pairing is lost: %+v", s)
		l.stage = 3
	}
	if l.stage < 2 && len(l.had) > 0 && s.State != device.Starting && s.Library.Items == 0 {
		l.t.Errorf("photos were shown and are gone: %+v", s)
		l.stage = 3
	}
}

func (l *life) act(s *device.Status) {
	ctx := l.t.Context()
	clean := s.Sessions == device.Sessions{}
	switch {
	case l.stage == 2 && l.paired && s.Account == nil && s.Outstanding == nil && clean && s.State != device.Starting:
		l.stage = 3
	case l.stage == 2 && s.Account != nil:
		_, _ = l.b.client().Unpair(ctx, "", true) // it may die meanwhile
	case l.stage == 2:
	case s.Pairing != nil:
		l.g.auth.Approve(s.Pairing.UserCode)
	case s.State == device.Picking && s.Pick != nil:
		want := firstPick
		if l.stage == 1 {
			want = secondPick
		}
		_ = l.g.photos.Choose(s.Pick.SessionID, want...) // once
	case s.State == device.Showing && s.Pick == nil && clean:
		l.advance()
	}
}

// advance looks what a pick has brought, and asks for the next.
func (l *life) advance() {
	items, err := l.b.client().Items(l.t.Context())
	if err != nil {
		return
	}
	l.had = nil
	for _, it := range items {
		l.had = append(l.had, it.ID)
	}
	switch {
	case l.stage == 0 && slices.Equal(l.had, firstPick), l.stage == 1 && slices.Equal(l.had, secondPick):
		l.stage++
	case l.stage == 1 && slices.Equal(l.had, firstPick): // the wish went with the process
	default:
		l.t.Errorf("stage %d has %v", l.stage, l.had)
		l.stage = 3
	}
	if l.stage == 1 {
		_, _ = l.b.client().Pick(l.t.Context(), "")
	}
}
