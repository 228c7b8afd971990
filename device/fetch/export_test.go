package fetch

import (
	"context"
	"time"
)

// What the external tests need of the internals.

const (
	MaxDownloads = maxDownloads
	MaxForbidden = maxForbidden
	MaxPause     = maxPause

	Stands  = stands
	Busy    = busy
	Refuses = refuses
)

type Throttle = throttle

func NewThrottle(c Config) *Throttle { return newThrottle(c) }

func (t *throttle) Acquire(ctx context.Context) (time.Time, error) { return t.acquire(ctx) }

func (t *throttle) Release(started time.Time, id string, err error) verdict {
	return t.release(started, id, err)
}

func (t *throttle) Left() time.Duration { return t.left() }
