package displays_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/displays"
	"pickerd/display"
	"pickerd/store"
)

// page is where QR codes lead.
const page = "http://192.0.2.1:8420/allow?code="

// A rig is a Keeper and its store.
type rig struct {
	*displays.Keeper
	t     *testing.T
	dir   string
	store *store.Store
	base  string
	log   strings.Builder
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), base: "http://192.0.2.1:8420"}
	r.open()
	t.Cleanup(func() { r.store.Close() })
	return r
}

func (r *rig) open() {
	r.t.Helper()
	var err error
	if r.store, err = store.Open(r.dir, store.Options{}); err != nil {
		r.t.Fatal(err)
	}
	r.Keeper = displays.New(displays.Config{Store: r.store.Displays, Base: func() string { return r.base }, Now: time.Now,
		Draw: func(text string) (string, error) { return "drawn " + text, nil }, Log: slog.New(slog.NewTextHandler(&r.log, nil))})
}

// restart is a restart of the box.
func (r *rig) restart() {
	r.t.Helper()
	if err := r.store.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.open()
}

func (r *rig) wait(from string) display.Waiting {
	r.t.Helper()
	w, err := r.Wait("", netip.MustParseAddr(from), page)
	if err != nil {
		r.t.Fatal(err)
	}
	return w
}

// enters reports whether a key lets a browser in.
func (r *rig) enters(key string) bool {
	_, leave, ok := r.Enter(key, netip.MustParseAddr("192.0.2.7"))
	if ok {
		leave()
	}
	return ok
}

// A browser waits, is let in, stays in over a restart and is removed, which ends its
// requests.
func TestDisplay(t *testing.T) {
	r := newRig(t)
	w := r.wait("192.0.2.7")
	if len(w.Code) != 4 || strings.Trim(w.Code, "BCDFGHJKLMNPQRSTVWXZ") != "" || w.Picture != "drawn "+page+w.Code {
		t.Errorf("waiting: %+v", w)
	}
	if again, err := r.Wait(w.Key, netip.MustParseAddr("192.0.2.7"), page); err != nil || again != w {
		t.Errorf("asking again: %+v, %v", again, err)
	}
	if r.enters(w.Key) {
		t.Error("the browser is in before it is let in")
	}
	if err := r.Allow(" "+strings.ToLower(w.Code[:2])+"-"+w.Code[2:], ""); err != nil {
		t.Fatal(err)
	}
	if err := r.Allow(w.Code, ""); !errors.Is(err, device.ErrCodeUnknown) {
		t.Errorf("letting it in twice: %v", err)
	}
	if !r.enters(w.Key) || r.enters(w.Code) || r.enters(strings.Repeat("A", 26)) {
		t.Error("the key and nothing else lets it in")
	}
	list := r.Board().Get()
	if len(list.Displays) != 1 || len(list.Waiting) != 0 || list.Displays[0].Address != "192.0.2.7" {
		t.Fatalf("listed: %+v", list)
	}
	id := list.Displays[0].ID
	if err := r.Rename(id, "Hall"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", " Hall", "a\nb", strings.Repeat("ä", 65), "\xff"} {
		if err := r.Rename(id, name); !errors.Is(err, device.ErrDisplayName) {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	r.restart()
	if list := r.List(); !r.enters(w.Key) || list.Displays[0].Name != "Hall" {
		t.Errorf("after a restart: %+v", list)
	}
	removed, leave, _ := r.Enter(w.Key, netip.MustParseAddr("192.0.2.7"))
	defer leave()
	if err := r.Remove(id); err != nil {
		t.Fatal(err)
	}
	if removed.Err() == nil || r.enters(w.Key) {
		t.Error("a display that was removed is still in")
	}
	r.restart()
	if r.enters(w.Key) || !errors.Is(r.Remove(id), device.ErrNoDisplay) || !errors.Is(r.Rename(id, "x"), device.ErrNoDisplay) {
		t.Error("a display that was removed is in after a restart")
	}
	if strings.Contains(r.log.String(), w.Key) {
		t.Error("the key is in the log")
	}
}

// Each address has one browser that waits, and the box eight. Others take the places of
// silent ones only.
func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ask := func(key, from string) (display.Waiting, error) { return r.Wait(key, netip.MustParseAddr(from), page) }
		first := r.wait("2001:db8:1:2::1")
		if _, err := ask("", "2001:db8:1:2::ffff"); !errors.Is(err, display.ErrAddressTaken) {
			t.Errorf("another browser of the network: %v", err)
		}
		var others []display.Waiting
		for i := range 7 {
			others = append(others, r.wait(fmt.Sprintf("192.0.2.%d", i+1)))
		}
		if _, err := ask("", "192.0.2.99"); !errors.Is(err, display.ErrManyWaiting) {
			t.Errorf("a ninth browser: %v", err)
		}
		time.Sleep(14 * time.Second)
		for _, w := range others {
			if _, err := ask(w.Key, "192.0.2.1"); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Second)
		if _, err := ask("", "192.0.2.99"); err != nil {
			t.Errorf("a browser where another one is silent: %v", err)
		}
		if list := r.List().Waiting; len(list) != 8 || list[7].Address != "192.0.2.99" {
			t.Errorf("waiting: %+v", list)
		}
		if err := r.Allow(first.Code, ""); !errors.Is(err, device.ErrCodeLate) {
			t.Errorf("the code of the silent one: %v", err)
		}
	})
}

// A code is good for five minutes, also if its browser asks all the time. The list is
// up to date then.
func TestCodesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		w := r.wait("192.0.2.7")
		synctest.Wait()
		if list := r.Board().Get().Waiting; len(list) != 1 || list[0].Code != w.Code || !list[0].ExpiresAt.Equal(time.Now().Add(5*time.Minute)) {
			t.Errorf("waiting: %+v", list)
		}
		time.Sleep(5*time.Minute - time.Second)
		if again, err := r.Wait(w.Key, netip.MustParseAddr("192.0.2.7"), page); err != nil || again != w {
			t.Errorf("just before the end: %+v, %v", again, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if list := r.Board().Get().Waiting; len(list) != 0 {
			t.Errorf("waiting after the end: %+v", list)
		}
		if err := r.Allow(w.Code, ""); !errors.Is(err, device.ErrCodeLate) {
			t.Errorf("the code after its end: %v", err)
		}
		if again, err := r.Wait(w.Key, netip.MustParseAddr("192.0.2.7"), page); err != nil || again.Code == w.Code || again.Key == w.Key {
			t.Errorf("asking after the end: %+v, %v", again, err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// When a display was last seen is stored once an hour.
func TestLastSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		w := r.wait("192.0.2.7")
		if err := r.Allow(w.Code, "Hall"); err != nil {
			t.Fatal(err)
		}
		stored := func() time.Time {
			list, err := r.store.Displays.All()
			if err != nil {
				t.Fatal(err)
			}
			return list[0].LastSeen
		}
		began := stored()
		_, leave, _ := r.Enter(w.Key, netip.MustParseAddr("192.0.2.8"))
		time.Sleep(59*time.Minute + time.Second)
		if got := stored(); !got.Equal(began) {
			t.Errorf("stored after less than an hour: %v", got.Sub(began))
		}
		if list := r.List().Displays; !list[0].LastSeenAt.Equal(time.Now()) || list[0].Address != "192.0.2.8" {
			t.Errorf("a display with an open stream: %+v", list[0])
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := stored().Sub(began); got != time.Hour {
			t.Errorf("stored after an hour: %v", got)
		}
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if got := stored().Sub(began); got != time.Hour {
			t.Errorf("stored again within an hour: %v", got)
		}
		leave()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if got := stored().Sub(began); got > 2*time.Hour+time.Minute {
			t.Errorf("stored after the stream has ended: %v", got)
		}
		cancel()
		<-done
	})
}

// A link lets one browser in, within a quarter of an hour, also after a restart.
func TestLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		from := netip.MustParseAddr("192.0.2.7")
		token := func() string {
			link, err := r.Link()
			if err != nil {
				t.Fatal(err)
			}
			at, token, ok := strings.Cut(link.URL, "#")
			if !ok || at != "http://192.0.2.1:8420/link" || !link.ExpiresAt.Equal(time.Now().Add(15*time.Minute)) {
				t.Errorf("link %+v", link)
			}
			return token
		}
		one := token()
		r.restart()
		key, err := r.UseLink(one, from)
		if err != nil || !r.enters(key) {
			t.Fatalf("using a link: %v", err)
		}
		late := token()
		time.Sleep(15 * time.Minute)
		for what, token := range map[string]string{"used": one, "expired": late, "made up": strings.Repeat("A", 26), "empty": ""} {
			if _, err := r.UseLink(token, from); !errors.Is(err, display.ErrLinkGone) {
				t.Errorf("a link that is %s: %v", what, err)
			}
		}
		if n := len(r.List().Displays); n != 1 {
			t.Errorf("%d displays", n)
		}
		r.base = ""
		if _, err := r.Link(); !errors.Is(err, device.ErrPageLocal) {
			t.Errorf("a link to a page that is not on the network: %v", err)
		}
	})
}

// No more displays are let in than may be.
func TestManyDisplays(t *testing.T) {
	r := newRig(t)
	for i := range store.MaxDisplays {
		if err := r.store.Displays.Add(store.Display{ID: fmt.Sprint(i), Key: store.DisplayHash{byte(i), 1}}); err != nil {
			t.Fatal(err)
		}
	}
	r.restart()
	w := r.wait("192.0.2.7")
	if err := r.Do(t.Context(), display.Wish{Verb: display.AllowDisplay, Item: w.Code}); !errors.Is(err, device.ErrManyDisplays) {
		t.Errorf("one more: %v", err)
	}
	link, err := r.Link()
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(link.URL, "#")
	if _, err := r.UseLink(token, netip.MustParseAddr("192.0.2.7")); !errors.Is(err, device.ErrManyDisplays) {
		t.Errorf("one more by a link: %v", err)
	}
	if err := r.Do(t.Context(), display.Wish{Verb: display.RemoveDisplay, Item: "3"}); err != nil {
		t.Fatal(err)
	}
	if err := r.Allow(w.Code, "Hall"); err != nil {
		t.Errorf("one for another: %v", err)
	}
}
