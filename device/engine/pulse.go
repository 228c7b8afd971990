package engine

import (
	"context"
	"sync/atomic"
	"time"
)

// A pulse shows that the loop moves, and when somebody's photos last progressed.
// It counts from its birth: the box's clock may jump.
type pulse struct {
	born         time.Time
	lastBeat     atomic.Int64 // nanoseconds since then
	lastProgress atomic.Int64 // likewise
}

func (p *pulse) beat() { p.lastBeat.Store(int64(time.Since(p.born))) }

func (p *pulse) alive() bool {
	return time.Since(p.born)-time.Duration(p.lastBeat.Load()) < maxSilence
}

// progress notes that somebody's photos are coming, or are wanted. A guest who
// waits for them is not gone.
func (p *pulse) progress() { p.lastProgress.Store(int64(time.Since(p.born))) }

func (p *pulse) lastActivity() time.Time { return p.born.Add(time.Duration(p.lastProgress.Load())) }

// sleep waits, showing that the loop is alive. Its error is ctx's.
func (p *pulse) sleep(ctx context.Context, d time.Duration) error {
	until := time.Now().Add(d)
	for {
		p.beat()
		left := time.Until(until)
		if left <= 0 {
			return ctx.Err()
		}
		if !pause(ctx, min(left, beatInterval)) {
			return ctx.Err()
		}
	}
}
