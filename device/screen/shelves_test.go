package screen

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// TestRemoteCollections checks that a phone lists collections where photos may be chosen
// for them, and needs the PIN to delete one. Guests have none.
func TestRemoteCollections(t *testing.T) {
	for _, guests := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			made := 0
			r := newRig(withPhones(&made, func(c *Config) {
				c.PIN = &fakePIN{}
				c.Collections = func() ([]device.Collection, error) { return []device.Collection{{ID: "c1", Name: "We"}}, nil }
				if guests {
					c.ForgetAfter = time.Hour
				}
			}))
			r.run(t, func() {
				r.withItems(display.Media{File: "a.jpg", Item: "a"})
				key := r.phone(t)
				remove := display.Wish{Verb: display.RemoveCollection, Collection: "c1"}
				if guests {
					if _, err := r.RemoteCollections(key); !errors.Is(err, device.ErrNotOffered) {
						t.Errorf("a guest's collections: %v", err)
					}
					if _, err := r.Control(t.Context(), key, remove); !errors.Is(err, device.ErrNotOffered) {
						t.Errorf("a guest deletes a collection: %v", err)
					}
					return
				}
				if v, err := r.RemoteCollections(key); err != nil || len(v.Collections) != 1 || len(v.Pick) != 1 {
					t.Errorf("%+v, %v", v, err)
				}
				if _, err := r.Control(t.Context(), key, remove); !errors.Is(err, device.ErrPINNeeded) {
					t.Errorf("delete without the PIN: %v", err)
				}
				if err := r.EnterRemotePIN(key, goodPIN); err != nil {
					t.Fatal(err)
				}
				rename := display.Wish{Verb: display.RenameCollection, Collection: "c1", Name: "You"}
				for _, w := range []display.Wish{remove, rename} {
					if _, err := r.Control(t.Context(), key, w); err != nil || r.asked[len(r.asked)-1] != w {
						t.Errorf("%v: %v, asked for %v", w, err, r.asked)
					}
				}
			})
		})
	}
}
