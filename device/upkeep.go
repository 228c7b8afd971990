package device

import (
	"context"
	"errors"
	"time"

	"pickerd/store"
)

const (
	upkeepEvery = time.Minute
	// mendEvery is how often a disk is tried again that takes nothing.
	mendEvery = 5 * time.Second
	// verifyEvery is how often every photo is read through: what is damaged
	// must not be on the wall, and a flash disk wears little by being read.
	verifyEvery = 7 * 24 * time.Hour
	// verifyAgain is how soon that is done again where it did not go through.
	verifyAgain = 5 * time.Minute
	// verifyPause lets other programs have the disk between two photos.
	verifyPause = 50 * time.Millisecond
)

// upkeep looks after the state directory, until ctx ends: what the disk did not
// take is done again.
func (d *Device) upkeep(ctx context.Context) {
	said := ""
	for {
		wait := upkeepEvery
		err := errors.Join(d.cfg.Store.Upkeep(), d.cfg.Store.Health())
		if err == nil {
			err = d.catchUp(ctx)
		}
		switch {
		case err == nil:
			said = ""
		case err.Error() != said:
			said = err.Error()
			d.log.Warn("upkeep", "err", err)
		}
		if err != nil {
			wait = mendEvery
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// catchUp does what could not be done at the start, and keeps what could not be
// kept when it came.
func (d *Device) catchUp(ctx context.Context) error {
	if d.later.announce {
		if err := d.announce(); err != nil {
			return err
		}
		d.later.announce = false
	}
	if d.later.provision {
		err := d.ask(ctx, d.provision)
		if store.IsDiskError(err) {
			return err
		}
		d.later.provision = false
	}
	return d.flush()
}

// verifier reads all photos through at the start and now and then, until ctx
// ends.
func (d *Device) verifier(ctx context.Context) {
	for {
		wait := verifyEvery
		if err := d.verify(ctx); err != nil && ctx.Err() == nil {
			d.log.Warn("photos could not be verified", "err", err)
			wait = verifyAgain
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// pause reports whether a time passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// verify drops the photos whose files are missing or not as they came. One that
// belongs to a pick which is still being fetched comes again with that.
func (d *Device) verify(ctx context.Context) error {
	photos, err := d.cfg.Store.Photos.Collection()
	if err != nil {
		return err
	}
	var damaged []store.Photo
	var errs []error
	for i, p := range photos {
		if !pause(ctx, verifyPause) {
			return ctx.Err()
		}
		ok, err := d.cfg.Store.Photos.Verify(ctx, p)
		if err != nil {
			errs = append(errs, err) // the others can be looked at all the same
		} else if !ok {
			damaged = append(damaged, p)
		}
		// Each wish stops what the box is doing: many come together.
		if len(damaged) > 0 && (i%manyDamaged == manyDamaged-1 || i == len(photos)-1 || i == 0) {
			errs = append(errs, d.dropDamaged(ctx, damaged))
			damaged = nil
		}
	}
	return errors.Join(errs...)
}

const manyDamaged = 50

func (d *Device) dropDamaged(ctx context.Context, damaged []store.Photo) error {
	var dropped []store.Photo
	err := d.ask(ctx, func() error {
		for _, p := range damaged {
			now, err := d.cfg.Store.Photos.Get(p.ID)
			if err != nil {
				return &storeError{err}
			}
			if now != nil && now.File == p.File && now.CRC32C == p.CRC32C && now.Bytes == p.Bytes { // not fetched anew
				dropped = append(dropped, *now)
			}
		}
		if err := d.cfg.Store.Photos.Delete(dropped); err != nil {
			return &storeError{err}
		}
		return nil
	})
	if err == nil && len(dropped) > 0 {
		d.log.Warn("photos are damaged on the disk and are dropped", "photos", len(dropped), "first", dropped[0].File)
		wake(d.slideNow)
	}
	return err
}
