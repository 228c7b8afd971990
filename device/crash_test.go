package device

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// TestPowerCuts pulls the plug just before and just after each request of a
// whole life (pair, pick, fetch, delete), switches the box on again on the same
// disk, and expects the photos on the screen and no session left.
func TestPowerCuts(t *testing.T) {
	for _, after := range []bool{false, true} {
		cuts := 0
		for cut := 0; ; cut++ {
			reached := false
			t.Run(fmt.Sprintf("cut %d, after=%v", cut, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { reached = lifeWithCut(t, cut, after) })
			})
			if !reached || t.Failed() {
				break
			}
			cuts++
		}
		// code, polls, create, polls, list, four downloads, delete
		if cuts < 10 {
			t.Errorf("only %d places to cut were found", cuts)
		}
	}
}

// lifeWithCut lives through a pick and pulls the plug once at request number
// cut. It reports whether there was such a request.
func lifeWithCut(t *testing.T, cut int, after bool) (reached bool) {
	w := newWorld(t, options{items: pickertest.Plain(4), photos: pickertest.Options{Repeat: pickertest.SameSession}})
	w.photos.NoLeaks(t)
	off := make(chan struct{})
	var mu sync.Mutex
	n := 0
	hook := func(*http.Request) error {
		mu.Lock()
		defer mu.Unlock()
		if reached {
			return oauthtest.ErrConnection
		}
		if n++; n-1 == cut {
			reached = true
			close(off)
			return oauthtest.ErrConnection
		}
		return nil
	}
	if after {
		w.net.hook(nil, hook)
	} else {
		w.net.hook(hook, nil)
	}
	w.start()
	person := make(chan struct{})
	go func() {
		defer close(person)
		w.actAsPerson(off)
	}()
	select {
	case <-off:
		w.stop()
		<-person
		w.net.mend()
		w.start()
		w.actAsPerson(nil)
	case <-person:
	}
	w.untilClean()
	if got := w.dev.Statuses().Get(); got.State != Showing || got.Library.Items != 4 {
		t.Errorf("after the cut: %s with %d photos", got.State, got.Library.Items)
	}
	w.stop()
	return reached
}

// actAsPerson does whatever the screen asks for until photos are shown or the
// box is off.
func (w *world) actAsPerson(off <-chan struct{}) {
	for range 24 * 60 {
		select {
		case <-off:
			return
		case <-time.After(time.Second):
		}
		s := w.dev.Statuses().Get()
		switch {
		case s.State == Showing:
			return
		case s.Pairing != nil:
			w.auth.Approve(s.Pairing.UserCode)
		case s.State == Picking:
			w.photos.Choose(s.Pick.SessionID)
		}
	}
}
