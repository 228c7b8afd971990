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
	// verifyPause lets other programs have the disk between two photos.
	verifyPause = 50 * time.Millisecond
)

// upkeep looks after the state directory, until ctx ends: what the disk did not
// take is done again, and photos are compared with what came.
func (d *Device) upkeep(ctx context.Context) {
	var verified time.Time
	said := ""
	for {
		wait := upkeepEvery
		err := d.cfg.Store.Upkeep()
		if err != nil || d.cfg.Store.Health() != nil {
			wait = mendEvery
		}
		switch {
		case err == nil:
			said = ""
		case err.Error() != said:
			said = err.Error()
			d.log.Warn("upkeep", "err", err)
		}
		if verified.IsZero() || time.Since(verified) >= verifyEvery {
			verified = time.Now()
			if err := d.verify(ctx); err != nil && ctx.Err() == nil {
				d.log.Warn("photos could not be verified", "err", err)
			}
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
	photos, err := d.cfg.Store.Photos()
	if err != nil {
		return err
	}
	for _, p := range photos {
		if !pause(ctx, verifyPause) {
			return nil
		}
		ok, err := d.cfg.Store.Verify(p)
		if err != nil {
			return err
		}
		if !ok {
			if err := d.dropDamaged(ctx, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Device) dropDamaged(ctx context.Context, p store.Photo) error {
	dropped := false
	err := d.ask(ctx, func() error {
		now, err := d.cfg.Store.Photo(p.ID)
		if err != nil || now == nil || now.File != p.File {
			return err // it went by itself
		}
		dropped = true
		return d.cfg.Store.DropPhotos([]store.Photo{*now})
	})
	if dropped && !errors.Is(err, ErrStopping) {
		d.log.Warn("a photo is damaged on the disk and is dropped", "file", p.File, "err", err)
		wake(d.slideNow)
	}
	return err
}
