package fleet

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"pickerd/device"
	"pickerd/device/mqtt"
	"pickerd/display"
)

// A bare box has a bridge alone. Its API accepts everything, and its memory is no disk.
type bare struct {
	statuses display.Board[device.Status]
	items    [3]string
	set      func() // called when its settings have changed

	mu      sync.Mutex
	ids     map[string]bool
	serials map[string]uint64
	pause   time.Duration // between photos
}

func newBare(i int, set func()) *bare {
	b := &bare{set: set, ids: map[string]bool{}, serials: map[string]uint64{}, pause: Interval}
	for k := range b.items {
		b.items[k] = fmt.Sprintf("%08x-0000-4000-8000-%012x", i, k) // as long as real ones
	}
	b.show(time.Now(), 0)
	return b
}

// show shows the nth photo.
func (b *bare) show(now time.Time, n int) {
	b.statuses.Set(device.Status{State: device.Showing, Since: now.Truncate(time.Hour).UTC(), Name: "Lobby, ground floor", ScreenOn: true,
		Accounts: []device.AccountStatus{{ID: "1"}},
		Library:  device.Library{Items: len(b.items), Bytes: 1_500_000},
		LastPick: &device.PickEnd{RequestID: b.items[0], Outcome: device.PickDone, Photos: len(b.items), At: now.Truncate(time.Hour).UTC()},
		Showing:  &device.ShowingStatus{Item: b.items[n%len(b.items)], Since: now.UTC(), Until: now.Add(Interval).UTC()}})
}

// turn shows the next photo on each bare box, evenly over the interval, until ctx ends.
func (f *Fleet) turn(ctx context.Context) {
	const steps = 1000 // in an interval
	n := len(f.boxes)
	tick := time.NewTicker(Interval / steps)
	defer tick.Stop()
	for began, done := time.Now(), 0; ; {
		select {
		case now := <-tick.C:
			for due := int(float64(n) * now.Sub(began).Seconds() / Interval.Seconds()); done < due; done++ {
				f.boxes[done%n].(*bare).show(now, done/n+1)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (b *bare) run(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (b *bare) ready(context.Context) error { return nil }

// accept is the control API.
var accept = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })

func (b *bare) fill(c *mqtt.Config) {
	c.Statuses, c.API, c.Orders = &b.statuses, accept, b
	c.SetGroup = func(_ context.Context, _ string, all map[string]any) error {
		pause, err := time.ParseDuration(fmt.Sprint(all[intervalKey]))
		if err != nil {
			return err
		}
		b.mu.Lock()
		b.pause = pause
		b.mu.Unlock()
		b.set()
		return nil
	}
}

func (b *bare) interval() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pause
}

// Seen implements mqtt.Orders, as do the following.
func (b *bare) Seen(id string) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := b.ids[id]
	b.ids[id] = true
	return seen, nil
}

func (b *bare) Advance(target string, serial uint64) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if serial <= b.serials[target] {
		return false, nil
	}
	b.serials[target] = serial
	return true, nil
}

func (b *bare) Topics() ([]string, error) { return nil, nil }

func (b *bare) SetTopics([]string) error { return nil }

func (b *bare) Highest(target string) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.serials[target], nil
}
