package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device/fetch"
	"pickerd/picker"
)

// newThrottle returns a throttle on the clock of the bubble. told has the last pause.
func newThrottle(told *time.Time) *fetch.Throttle {
	return fetch.NewThrottle(fetch.Config{
		Wait: func(ctx context.Context, d time.Duration) error {
			select {
			case <-time.After(d):
			case <-ctx.Done():
			}
			return ctx.Err()
		},
		Backoff:   func(n int) time.Duration { return min(time.Second<<(n-1), 15*time.Second) },
		Throttled: func(until time.Time) { *told = until },
	})
}

func refusal(status int, after time.Duration) error {
	return &picker.Error{Op: "media", HTTPStatus: status, RetryAfter: after}
}

// ask makes one download with a result and returns when it began, since from.
func ask(t *testing.T, th *fetch.Throttle, from time.Time, id string, err error) (at time.Duration) {
	t.Helper()
	started, aerr := th.Acquire(t.Context())
	if aerr != nil {
		t.Fatal(aerr)
	}
	time.Sleep(time.Millisecond)
	th.Release(started, id, err)
	return started.Sub(from).Round(10 * time.Millisecond)
}

// A pause is what the host asks for, but at least twice the one before. Success halves
// it.
func TestThrottlePauses(t *testing.T) {
	const busy = http.StatusTooManyRequests
	for name, tt := range map[string]struct {
		results []error
		want    []time.Duration // from the end of each download to the start of the next
	}{
		"doubled":          {[]error{refusal(busy, 0), refusal(busy, 0), refusal(busy, 0), refusal(busy, 0)}, []time.Duration{4e9, 8e9, 16e9, 32e9}},
		"asked for":        {[]error{refusal(busy, 90e9), refusal(busy, 0), refusal(busy, 1e9)}, []time.Duration{90e9, 8e9, 16e9}},
		"halved":           {[]error{refusal(busy, 0), refusal(busy, 0), refusal(busy, 0), nil, refusal(busy, 0)}, []time.Duration{4e9, 8e9, 16e9, 0, 16e9}},
		"no limit":         {[]error{nil, nil, errors.New("cut"), nil}, []time.Duration{0, 0, 0, 0}},
		"403 of one item":  {[]error{refusal(403, 0), refusal(403, 0), refusal(403, 0)}, []time.Duration{0, 0, 0}},
		"403 asks to wait": {[]error{refusal(403, 30e9), refusal(403, 0)}, []time.Duration{30e9, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told time.Time
				th := newThrottle(&told)
				for i, result := range tt.results {
					ask(t, th, time.Now(), "item", result)
					ended := time.Now()
					if left := max(th.Left(), 0); left != tt.want[i] {
						t.Errorf("pause %d is %v, want %v", i+1, left, tt.want[i])
					}
					if told.After(ended) != (tt.want[i] > 0) {
						t.Errorf("after download %d it continues at %v", i+1, told)
					}
				}
			})
		})
	}
}

// 403 is a limit once it answers several items in a row.
func TestThrottleForbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told time.Time
		th := newThrottle(&told)
		forbid := func(id string, want any) {
			t.Helper()
			started, err := th.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := th.Release(started, id, refusal(403, 0)); any(got) != want {
				t.Errorf("verdict on %s is %v, want %v", id, got, want)
			}
		}
		for i := range fetch.MaxForbidden - 1 {
			forbid(fmt.Sprint(i), fetch.Stands)
			forbid(fmt.Sprint(i), fetch.Stands)
			if n := running(t, th); n != 1 {
				t.Errorf("%d run after a 403, want 1 until something comes", n)
			}
		}
		ask(t, th, time.Now(), "other", nil)
		for i := range fetch.MaxForbidden - 1 {
			forbid(fmt.Sprint(i), fetch.Stands)
		}
		if !told.IsZero() {
			t.Fatalf("paused until %v", told)
		}
		forbid("last", fetch.Refuses)
		time.Sleep(time.Millisecond)
		forbid("again", fetch.Stands)
		if left := th.Left(); left != 16*time.Second {
			t.Errorf("one more 403 after a limit pauses for %v, want 16s", left)
		}
	})
}

// running returns how many more downloads may run now.
func running(t *testing.T, th *fetch.Throttle) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	var started []time.Time
	for {
		at, err := th.Acquire(ctx)
		if err != nil {
			break
		}
		started = append(started, at)
	}
	for _, at := range started {
		th.Release(at, "", errors.New("only counted"))
	}
	return len(started)
}

// One download runs after a refusal, and more with each success. What was under way
// says nothing about a pause.
func TestThrottleSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told time.Time
		th := newThrottle(&told)
		var under []time.Time
		for range fetch.MaxDownloads {
			started, _ := th.Acquire(t.Context())
			under = append(under, started)
		}
		if n := running(t, th); n != 0 {
			t.Errorf("%d more than the most run", n)
		}
		time.Sleep(time.Second)
		for i, at := range under {
			err := refusal(429, 0)
			if i == 2 {
				err = nil
			}
			th.Release(at, "", err)
		}
		if left := th.Left(); left != 4*time.Second {
			t.Errorf("the pause is %v, want 4s", left)
		}
		time.Sleep(4 * time.Second)
		if n := running(t, th); n != 1 {
			t.Errorf("%d run after a pause, want 1", n)
		}
	})
}

// A whole pick within a limit has few refusals, and is quick when the limit is lifted.
func TestThrottleHost(t *testing.T) {
	const items = 200
	for name, tt := range map[string]struct {
		n      int
		per    time.Duration
		lifted time.Duration // when there is no limit any more
		film   time.Duration // that one download takes
		max    time.Duration
	}{
		"none":           {items, 0, 0, 0, time.Minute},
		"4 in 10 s":      {4, 10 * time.Second, time.Hour, 0, 11 * time.Minute},
		"10 in a minute": {10, time.Minute, time.Hour, 0, 30 * time.Minute},
		"lifted":         {4, 10 * time.Second, time.Minute, 0, 6 * time.Minute},
		"a film first":   {4, 10 * time.Second, 24 * time.Hour, time.Hour, 100 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told time.Time
				th, began := newThrottle(&told), time.Now()
				var mu sync.Mutex
				var served []time.Time
				left, refused := items, 0
				var wg sync.WaitGroup
				for range fetch.MaxDownloads {
					wg.Go(func() {
						for {
							started, _ := th.Acquire(t.Context())
							mu.Lock()
							var err error
							now := time.Now()
							if len(served) >= tt.n && now.Sub(served[len(served)-tt.n]) < tt.per && now.Sub(began) < tt.lifted {
								err = refusal(429, 0)
								refused++
							} else {
								served = append(served, now)
								left--
							}
							done, film := left <= 0, err == nil && left == items-1
							mu.Unlock()
							if film {
								time.Sleep(tt.film)
							}
							time.Sleep(300 * time.Millisecond)
							th.Release(started, "", err)
							if done {
								return
							}
						}
					})
				}
				wg.Wait()
				took := time.Since(began)
				t.Logf("%d refused in %v", refused, took)
				if took > tt.max || refused > items/10 {
					t.Errorf("took %v, %d refused; want %v, %d", took, refused, tt.max, items/10)
				}
			})
		})
	}
}
