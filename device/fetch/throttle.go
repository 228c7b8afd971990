package fetch

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"pickerd/picker"
)

const (
	// maxInterval bounds the time between downloads that a throttle learns.
	maxInterval = 10 * time.Minute
	// minInterval is the interval below which downloads need none.
	minInterval = 20 * time.Millisecond
	// shrink is by what part each success shortens the interval after the first
	// refusals, and half of it after each further time.
	shrink = 0.05
	// minShrink is the least that it becomes: a limit may have been lifted.
	minShrink = shrink / 16
)

// A throttle paces the downloads of a pick as the hosts of the media demand. After a
// refusal nothing is handed out until the pause is over. Then one download runs at a
// time, at intervals that are what the host has shown to allow. With each success the
// interval shrinks; when it is gone, one more download may run.
type throttle struct {
	wait    func(ctx context.Context, d time.Duration) error
	backoff func(n int) time.Duration
	tell    func(until time.Time) // of a pause; the zero time when it is over

	mu       sync.Mutex
	running  int
	slots    int           // downloads at a time
	interval time.Duration // from start to start
	shrink   float64       // by what part of it each success shortens the interval
	next     time.Time     // when the next download may start
	paused   time.Time     // when the last pause began
	refusals int           // in a row
	limited  bool          // there were refusals before
	since    time.Time     // of the successes that are counted
	came     int           // successes since then
	freed    chan struct{} // closed when a download may be able to start
}

func newThrottle(c Config) *throttle {
	return &throttle{wait: c.Wait, backoff: c.Backoff, tell: c.Throttled, slots: maxDownloads, shrink: shrink, since: time.Now(), freed: make(chan struct{})}
}

// acquire waits until a download may start. Its error is ctx's.
func (t *throttle) acquire(ctx context.Context) (started time.Time, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return time.Time{}, err
		}
		t.mu.Lock()
		now, freed := time.Now(), t.freed
		left := t.next.Sub(now)
		if t.running < t.slots && left <= 0 {
			t.running++
			t.next = now.Add(t.interval)
			t.mu.Unlock()
			return now, nil
		}
		full := t.running >= t.slots
		t.mu.Unlock()
		if full {
			select {
			case <-freed:
			case <-ctx.Done():
				return now, ctx.Err()
			}
		} else if err := t.wait(ctx, left); err != nil {
			return now, err
		}
	}
}

// release ends a download that began at started, with its error. It reports whether
// the host has refused it only to be spared.
func (t *throttle) release(started time.Time, err error) (refused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	defer func() { close(t.freed); t.freed = make(chan struct{}) }()
	now := time.Now()
	asked, refused := isThrottled(err)
	switch {
	case refused:
		t.refuse(started, now, asked)
	case err == nil:
		t.succeed(now)
	}
	return refused
}

// yield interrupts a download whose request at started was refused with err until the
// host may be asked again. Its error is ctx's; the download has to be released in any
// case.
func (t *throttle) yield(ctx context.Context, started time.Time, err error) error {
	t.release(started, err)
	_, err = t.acquire(ctx)
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.running++
	}
	return err
}

func (t *throttle) refuse(started, now time.Time, asked time.Duration) {
	if started.After(t.paused) { // not one that was under way when another was refused
		t.refusals++
		t.paused = now
	}
	t.slots = 1
	if next := now.Add(max(asked, t.backoff(t.refusals+1))); next.After(t.next) {
		t.next = next
		t.tell(next)
	}
}

func (t *throttle) succeed(now time.Time) {
	if t.refusals > 0 {
		// What came since the last time, over the time that it took, is what the
		// host allows.
		t.interval = min(max(t.interval, now.Sub(t.since)/time.Duration(max(t.came, 1))), maxInterval)
		t.next = now.Add(t.interval)
		t.refusals, t.since, t.came = 0, now, 1
		if t.limited {
			t.shrink = max(t.shrink/2, minShrink)
		}
		t.limited = true
		t.tell(time.Time{})
		return
	}
	t.came++
	if t.interval > 0 {
		t.interval -= time.Duration(float64(t.interval) * t.shrink)
		if t.interval < minInterval {
			t.interval = 0
		}
		return
	}
	t.slots = min(t.slots+1, maxDownloads)
}

// isThrottled reports whether a host refuses a download because there are too many,
// and how long it asks to wait.
func isThrottled(err error) (asked time.Duration, ok bool) {
	e, ok := errors.AsType[*picker.Error](err)
	if !ok || e.HTTPStatus != http.StatusTooManyRequests {
		return 0, false
	}
	return e.RetryAfter, true
}
