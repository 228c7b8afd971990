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

// lives is how many boxes run at a time. They mostly wait.
const lives = 8

// TestCrashPoints kills the process at each use of disk or network in a whole life:
// pair, pick, fetch, delete, pick again, unpair.
func TestCrashPoints(t *testing.T) {
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
	t.Logf("killed at %d places; %d sessions created, 0 left", len(places), sessions)
	if len(places) < 100 && !t.Failed() {
		t.Errorf("only %d crash points", len(places))
	}
}

// A life is a box and the requests of a person, in this order: show three photos,
// show two others instead, and unpair.
type life struct {
	t      *testing.T
	g      *google
	b      *box
	stage  int
	paired bool
	had    []string

	limit time.Duration // of live
}

var (
	firstPick  = []string{"item-1", "item-2", "item-3"}
	secondPick = []string{"item-4", "item-3"}
)

func newLife(t *testing.T) *life {
	g := googleLike(t, oauthtest.Options{Interval: time.Second}, pickertest.PlainPhotos(4)...)
	return &life{t: t, g: g, b: configured(t, g, t.TempDir()), limit: maxWait}
}

// withCrash lives until pickerd crashes, starts it again, and lives to the end. It
// returns where pickerd crashed, "" if it did not.
func (l *life) withCrash() string {
	l.b.launch()
	ended := !l.live()
	if !ended {
		l.b.end() // or it has just crashed
	}
	_, at, crashed := strings.Cut(l.b.log.String(), "crash point ")
	place, _, _ := strings.Cut(at, "\n")
	switch {
	case crashed:
		l.b.env = nil
		if l.b.launch(); !l.live() {
			l.t.Errorf("%s: pickerd ended again:\n%s", place, l.b.log)
			return place
		}
		l.b.kill()
	case ended:
		l.t.Errorf("pickerd ended without a crash point:\n%s", l.b.log)
	}
	if l.stage < 3 {
		l.t.Errorf("%s: stage %d is not complete", place, l.stage)
	}
	if open := l.g.photos.Open(); len(open) > 0 {
		l.t.Errorf("%s: %d sessions left", place, len(open))
	}
	l.g.checkRules(l.t)
	return place
}

// live acts for the person until all requests are served. It reports false if the
// process ended before.
func (l *life) live() bool {
	end := time.NewTimer(l.limit)
	defer end.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for l.stage < 3 {
		select {
		case <-l.b.ended:
			return false
		case <-end.C:
			l.t.Errorf("timed out in stage %d: %+v\n%s", l.stage, l.b.status(), l.b.log)
			return true
		case <-tick.C:
		}
		if s := l.b.status(); s != nil {
			l.check(s)
			l.act(s)
		}
	}
	return true
}

// check checks that nothing was lost.
func (l *life) check(s *device.Status) {
	if s.Account != nil {
		l.paired = true
	}
	if l.stage < 2 && l.paired && s.Pairing != nil {
		l.t.Errorf("pairing lost: %+v", s)
		l.stage = 3
	}
	if l.stage < 2 && len(l.had) > 0 && s.State != device.Starting && s.Library.Items == 0 {
		l.t.Errorf("photos lost: %+v", s)
		l.stage = 3
	}
}

// act takes the person's next action.
func (l *life) act(s *device.Status) {
	ctx := l.t.Context()
	clean := s.Sessions == device.Sessions{}
	switch {
	case l.stage == 2 && l.paired && s.Account == nil && s.Outstanding == nil && clean && s.State != device.Starting:
		l.stage = 3
	case l.stage == 2 && s.Account != nil:
		_, _ = l.b.client().Unpair(ctx, "", true) // fails if pickerd crashes
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

// advance checks the result of a pick and requests the next one.
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
	case l.stage == 1 && slices.Equal(l.had, firstPick): // the request was lost with the process
	default:
		l.t.Errorf("stage %d has %v", l.stage, l.had)
		l.stage = 3
	}
	if l.stage == 1 {
		_, _ = l.b.client().Pick(l.t.Context(), "", "")
	}
}
