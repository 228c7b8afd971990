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

var kills = flag.Int("kills", 200, "how often TestRandomKills pulls the plug, in all")

// TestRandomKills pulls the plug of real processes at random moments of pick after
// pick, with wishes of somebody who is in no mood to wait. Nothing that was there
// is lost, and in the end every session is deleted.
func TestRandomKills(t *testing.T) {
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
			v.suffer(n)
			made.Add(int64(len(v.g.photos.Sessions())))
			paired.Add(int64(v.codes))
		})
	}
	wg.Wait()
	t.Logf("%d kills, %d sessions made, 0 left; %d codes approved by %d people", *kills, made.Load(), paired.Load(), boxes)
	if made.Load() < int64(*kills/8) {
		t.Errorf("only %d sessions were made: the test tests little", made.Load())
	}
}

// A victim is a box that is killed again and again, and an eager person.
type victim struct {
	t      *testing.T
	g      *google
	b      *box
	codes  int  // approved
	paired bool // the box has said so
	photos bool // it has had some
	// patient people cancel nothing, and ask again where they got nothing.
	patient bool
}

func newVictim(t *testing.T) *victim {
	g := googleLike(t, oauthtest.Options{Interval: time.Second}, pickertest.PlainPhotos(40)...)
	return &victim{t: t, g: g, b: configured(t, g, t.TempDir())}
}

func (v *victim) suffer(kills int) {
	for range kills {
		v.b.launch()
		life := time.NewTimer(time.Duration(rand.IntN(3000)) * time.Millisecond)
		if !v.until(life.C, func(*device.Status) bool { return false }) {
			return
		}
		v.b.kill()
	}
	v.b.launch()
	end := time.NewTimer(patience)
	defer end.Stop()
	if !v.until(end.C, func(s *device.Status) bool {
		return s.State == device.Showing && s.Pick == nil && s.Sessions == device.Sessions{} && len(v.g.photos.Open()) == 0
	}) {
		return
	}
	if s := v.b.status(); s == nil || s.State != device.Showing || len(v.g.photos.Open()) > 0 || s.Sessions != (device.Sessions{}) {
		v.t.Errorf("in the end: %+v, %d sessions open\n%s", s, len(v.g.photos.Open()), v.b.log)
	}
	v.b.stop()
	for _, broken := range v.g.photos.Violations() {
		v.t.Errorf("rule broken: %s", broken)
	}
}

// until lets the person act until ok or the end. It reports whether the box is
// still worth killing.
func (v *victim) until(end <-chan time.Time, ok func(*device.Status) bool) bool {
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	asked := false
	for {
		select {
		case err := <-v.b.ended:
			v.t.Errorf("pickerd ended by itself: %v\n%s", err, v.b.log)
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
			v.t.Errorf("the pairing is lost: %+v\n%s", s, v.b.log)
			return false
		case v.photos && s.Library.Items == 0:
			v.t.Errorf("the photos are gone: %+v\n%s", s, v.b.log)
			return false
		}
		v.paired = v.paired || s.Account != nil
		v.photos = v.photos || s.Library.Items > 0
		v.act(s, &asked)
	}
}

func (v *victim) act(s *device.Status, asked *bool) {
	switch {
	case s.Pairing != nil:
		if v.g.auth.Approve(s.Pairing.UserCode) {
			v.codes++
		}
	case s.State == device.Picking && s.Pick != nil && !v.patient && rand.IntN(20) == 0:
		_, _ = v.b.client().Cancel(v.t.Context())
	case s.State == device.Picking && s.Pick != nil:
		_ = v.g.photos.Choose(s.Pick.SessionID) // fails where it was done before
	case s.Pick == nil && (v.patient && s.State == device.Idle || !v.patient && !*asked):
		*asked = true // one in each life
		_, _ = v.b.client().Pick(v.t.Context(), "")
	}
}
