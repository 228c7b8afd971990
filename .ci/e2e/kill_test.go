package e2e

import (
	"flag"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

var kills = flag.Int("kills", 200, "how often TestKills kills pickerd, in all")

// TestKills kills pickerd at random moments of one pick after another, with an
// impatient person. Nothing is lost, and in the end every session is deleted.
func TestKills(t *testing.T) {
	t.Parallel()
	const boxes = 4
	var wg sync.WaitGroup
	var made, paired atomic.Int64
	for i := range boxes {
		wg.Go(func() {
			n := *kills / boxes
			if i < *kills%boxes {
				n++
			}
			v := newVictim(t)
			v.killOften(n)
			made.Add(int64(len(v.g.photos.Sessions())))
			paired.Add(int64(v.codes))
		})
	}
	wg.Wait()
	t.Logf("%d kills, %d sessions created, 0 left; %d codes approved by %d people", *kills, made.Load(), paired.Load(), boxes)
	if made.Load() < int64(*kills/8) {
		t.Errorf("only %d sessions created, too few to test anything", made.Load())
	}
}

// A victim is a box that is killed again and again, and a person.
type victim struct {
	t      *testing.T
	g      *google
	b      *box
	codes  int  // approved by the person
	paired bool // an account was in the status
	photos bool // photos were in the status
	// A patient person cancels nothing, and requests another pick after a failed one.
	patient bool
}

func newVictim(t *testing.T) *victim {
	g := googleLike(t, oauthtest.Options{Interval: time.Second}, pickertest.PlainPhotos(40)...)
	return &victim{t: t, g: g, b: configured(t, g, t.TempDir())}
}

// killOften kills the box again and again, and lets it recover at the end.
func (v *victim) killOften(kills int) {
	span := v.measureStart()
	for range kills {
		v.b.launch()
		life := time.NewTimer(rand.N(span))
		if !v.until(life.C, func(*device.Status) bool { return false }) {
			return
		}
		v.b.kill()
	}
	v.b.launch()
	end := time.NewTimer(maxWait)
	defer end.Stop()
	if !v.until(end.C, func(s *device.Status) bool {
		return s.State == device.Showing && s.Pick == nil && s.Sessions == device.Sessions{} && len(v.g.photos.Open()) == 0
	}) {
		return
	}
	if s := v.b.status(); s == nil || s.State != device.Showing || len(v.g.photos.Open()) > 0 || s.Sessions != (device.Sessions{}) {
		v.t.Errorf("at the end: %+v, %d sessions open\n%s", s, len(v.g.photos.Open()), v.b.log)
	}
	v.b.stop()
	v.g.checkRules(v.t)
}

// minLife is the least upper bound of the time until a kill. A start takes a small
// part of it.
// maxLife bounds it on a slow machine.
const (
	minLife = 3 * time.Second
	maxLife = 15 * time.Second
)

// measureStart starts and kills the box, and returns the upper bound of the time
// until a kill: more than minLife if the machine is so slow that a start takes long.
func (v *victim) measureStart() time.Duration {
	v.b.launch() // may build the binary
	began := time.Now()
	v.b.until("the daemon answers", func() bool { return v.b.status() != nil })
	took := time.Since(began)
	v.b.kill()
	return min(max(minLife, 6*took), maxLife)
}

// until lets the person act until ok or the end. It reports false if the test has
// failed.
func (v *victim) until(end <-chan time.Time, ok func(*device.Status) bool) bool {
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	asked := false
	for {
		select {
		case err := <-v.b.ended:
			v.t.Errorf("pickerd ended: %v\n%s", err, v.b.log)
			return false
		case <-end:
			return true
		case <-tick.C:
		}
		s := v.b.status()
		switch {
		case s == nil || s.State == device.Starting:
			continue
		case ok(s):
			return true
		case v.paired && s.Account == nil:
			v.t.Errorf("pairing lost: %+v\n%s", s, v.b.log)
			return false
		case v.photos && s.Library.Items == 0:
			v.t.Errorf("photos lost: %+v\n%s", s, v.b.log)
			return false
		}
		v.paired = v.paired || s.Account != nil
		v.photos = v.photos || s.Library.Items > 0
		v.act(s, &asked)
	}
}

// act takes the person's next action.
func (v *victim) act(s *device.Status, asked *bool) {
	switch {
	case s.Pairing != nil:
		if v.g.auth.Approve(s.Pairing.UserCode) {
			v.codes++
		}
	case s.State == device.Picking && s.Pick != nil && !v.patient && rand.IntN(20) == 0:
		_, _ = v.b.client().Cancel(v.t.Context())
	case s.State == device.Picking && s.Pick != nil:
		_ = v.g.photos.Choose(s.Pick.SessionID) // fails if it was done before
	case s.Pick == nil && (v.patient && s.State == device.Idle || !v.patient && !*asked):
		*asked = true // one per life
		_, _ = v.b.client().Pick(v.t.Context(), "", "")
	}
}
