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
	// maxForbidden is how many items may be refused with 403 in a row before it is
	// a limit of the host: so few are left at the end that the two can't be told
	// apart.
	maxForbidden = maxDownloads
	// maxPause bounds the pauses that a host does not ask for, and so the interval
	// that is learned.
	maxPause = 2 * time.Minute
	// maxAsked bounds what a host may ask for with Retry-After: the pick waits for it.
	maxAsked = time.Hour
	// minInterval is the interval below which downloads need none.
	minInterval = 20 * time.Millisecond
	// maxShrink and minShrink bound the part by which each success shortens the
	// interval. It is divided by three when that has led to a refusal, and never 0: a limit
	// may be lifted.
	maxShrink = 0.05
	minShrink = maxShrink / 16
)

// A throttle paces the downloads of a pick as the hosts of the media demand. After a
// refusal nothing is handed out until the pause is over, which is twice as long as
// the one before. Then one download runs at a time, at intervals that are what the
// host has shown to allow. With each success the pause and the interval shrink; when
// the interval is gone, one more download may run.
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
	pause    time.Duration // the last one
	paused   time.Time     // when it began
	refused  bool          // since the last success
	came     int           // successes that are counted
	span     time.Duration // that they took
	last     time.Time     // when the last one came
	freed    chan struct{} // closed when a download may be able to start

	forbidden map[string]bool // items refused with 403 since the last success
	storm     bool            // 403 has meant a limit before
}

func newThrottle(c Config) *throttle {
	return &throttle{wait: c.Wait, backoff: c.Backoff, tell: c.Throttled, slots: maxDownloads, shrink: maxShrink, last: time.Now(),
		freed: make(chan struct{}), forbidden: map[string]bool{}}
}

// acquire waits until a download may start. Its error is ctx's.
func (t *throttle) acquire(ctx context.Context) (started time.Time, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return started, err
		}
		t.mu.Lock()
		now, freed := time.Now(), t.freed
		left, full := t.next.Sub(now), t.running >= t.slots
		if left <= 0 && !full {
			t.running++
			t.next = now.Add(t.interval)
			t.mu.Unlock()
			return now, nil
		}
		t.mu.Unlock()
		if !full {
			if err := t.wait(ctx, left); err != nil {
				return started, err
			}
			continue
		}
		select {
		case <-freed:
		case <-ctx.Done():
		}
	}
}

// left returns how long nothing may start yet.
func (t *throttle) left() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Until(t.next)
}

// A verdict is what the end of a download means for the others.
type verdict int

const (
	stands  verdict = iota // nothing: the error is the item's own
	busy                   // the host has too many requests: ask again for the same item
	refuses                // the host refuses everything: only new addresses may help
)

// release ends the download of an item that began at started, with its error.
func (t *throttle) release(started time.Time, id string, err error) verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	defer func() { close(t.freed); t.freed = make(chan struct{}) }()
	if err == nil {
		t.succeedLocked(started)
		return stands
	}
	e, _ := errors.AsType[*picker.Error](err)
	switch {
	case e == nil:
	case isThrottled(err):
		t.refuseLocked(started, e.RetryAfter, 1)
		return busy
	case e.HTTPStatus == http.StatusForbidden:
		t.forbidden[id] = true
		t.slots = 1 // until something comes
		all := len(t.forbidden) >= maxForbidden
		t.storm = t.storm || all
		if t.storm {
			t.refuseLocked(started, e.RetryAfter, len(t.forbidden))
		}
		if all {
			clear(t.forbidden)
			return refuses
		}
	}
	return stands
}

// yield interrupts a download whose request at started was refused with err until the
// host may be asked again. Its error is ctx's; the download has to be released in any
// case.
func (t *throttle) yield(ctx context.Context, started time.Time, err error) error {
	t.release(started, "", err)
	_, err = t.acquire(ctx)
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.running++
	}
	return err
}

// stormy reports whether 403 may mean a limit.
func (t *throttle) stormy() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.storm
}

// refuseLocked begins a pause of at least asked after the refusal of a download that
// began at started, the nth in a row before there was a pause.
func (t *throttle) refuseLocked(started time.Time, asked time.Duration, n int) {
	now := time.Now()
	if started.After(t.paused) { // not one that was under way when another was refused
		t.pause = min(max(2*t.pause, t.backoff(max(n, 3))), maxPause)
		t.paused = now
	}
	t.slots, t.refused = 1, true
	if next := now.Add(max(min(asked, maxAsked), t.pause)); next.After(t.next) {
		t.next = next
		t.tell(next)
	}
}

func (t *throttle) succeedLocked(started time.Time) {
	now := time.Now()
	// A gap may be a long film, or a time without a network.
	t.span += min(now.Sub(t.last), maxPause)
	t.last = now
	clear(t.forbidden)
	if t.refused && !started.After(t.paused) {
		t.came++ // it was under way when another was refused
		return
	}
	t.pause /= 2
	if t.refused {
		if t.came > 0 {
			// What came since the last time, over the time that it took, is what the
			// host allows.
			t.interval = max(t.interval, t.span/time.Duration(t.came))
			t.next = now.Add(t.interval)
			t.shrink = max(t.shrink/3, minShrink)
		}
		t.refused, t.span, t.came = false, 0, 1
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

// isThrottled reports whether a host refuses a download because there are too many.
func isThrottled(err error) bool {
	e, ok := errors.AsType[*picker.Error](err)
	return ok && (e.HTTPStatus == http.StatusTooManyRequests || e.HTTPStatus == http.StatusForbidden && e.RetryAfter > 0)
}
