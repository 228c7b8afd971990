package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"pickerd/store"
)

// maxDamaged is how many damaged photos are dropped together: each request stops
// what the box is doing.
const maxDamaged = 50

// An upkeep looks after the state directory: it retries writes that failed
// earlier, and drops photos that are damaged on the disk.
type upkeep struct {
	store         *store.Store
	clock         *clock
	log           *slog.Logger
	ask           func(ctx context.Context, change func() error) error
	flush         func() error
	photosChanged func()

	mu      sync.Mutex
	pending []func(context.Context) error // what failed at the start
}

// onceWritable has f called until it does not fail because of the disk.
func (u *upkeep) onceWritable(f func(context.Context) error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.pending = append(u.pending, f)
}

// run looks after the state directory until ctx ends.
func (u *upkeep) run(ctx context.Context) {
	logged := newRepeats(u.log)
	for {
		wait := upkeepInterval
		err := errors.Join(u.store.Upkeep(), u.store.Health())
		if err == nil {
			err = errors.Join(u.catchUp(ctx), u.clock.mark(u.store))
		}
		logged.warn("upkeep failed", err)
		for _, r := range u.store.Repairs() {
			u.log.Warn("state directory repaired", "path", r.Path, "problem", r.Problem, "action", r.Action)
		}
		if err != nil {
			wait = diskRetry
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// catchUp does what could not be done at the start, and stores what could not be
// stored when it came.
func (u *upkeep) catchUp(ctx context.Context) error {
	u.mu.Lock()
	pending := u.pending
	u.mu.Unlock()
	for _, f := range pending {
		err := f(ctx)
		if store.IsDiskError(err) {
			return err
		}
		if err != nil {
			u.log.Error("start not completed", "err", err)
		}
		u.mu.Lock()
		u.pending = u.pending[1:]
		u.mu.Unlock()
	}
	return u.flush()
}

// runVerifier reads all photos through at the start and now and then, until ctx
// ends.
func (u *upkeep) runVerifier(ctx context.Context) {
	for {
		wait := verifyInterval
		if err := u.verify(ctx); err != nil && ctx.Err() == nil {
			u.log.Warn("photos not verified", "err", err)
			wait = verifyRetry
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// verify drops the photos whose files are missing or not as they came. One that
// belongs to a pick which is still being fetched is fetched again with that.
func (u *upkeep) verify(ctx context.Context) error {
	photos, err := u.store.Photos.Collection()
	if err != nil {
		return err
	}
	var damaged []store.Photo
	var errs []error
	for i, p := range photos {
		if !pause(ctx, verifyPause) {
			return ctx.Err()
		}
		ok, err := u.store.Photos.Verify(ctx, p)
		if err != nil {
			errs = append(errs, err) // the others can be read nevertheless
		} else if !ok {
			damaged = append(damaged, p)
		}
		if len(damaged) > 0 && (i%maxDamaged == maxDamaged-1 || i == len(photos)-1 || i == 0) {
			errs = append(errs, u.dropDamaged(ctx, damaged))
			damaged = nil
		}
	}
	return errors.Join(errs...)
}

func (u *upkeep) dropDamaged(ctx context.Context, damaged []store.Photo) error {
	var dropped []store.Photo
	err := u.ask(ctx, func() error {
		for _, p := range damaged {
			now, err := u.store.Photos.Get(p.ID)
			if err != nil {
				return storeError(err)
			}
			if now != nil && now.File == p.File && now.CRC32C == p.CRC32C && now.Bytes == p.Bytes { // not fetched anew
				dropped = append(dropped, *now)
			}
		}
		if err := u.store.Photos.Delete(dropped); err != nil {
			return storeError(err)
		}
		return nil
	})
	if err == nil && len(dropped) > 0 {
		u.log.Warn("damaged photos dropped", "photos", len(dropped), "first", dropped[0].File)
		u.photosChanged()
	}
	return err
}
