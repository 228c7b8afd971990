package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/store"
)

// diskRetryInterval is the time between attempts to open or erase a state directory
// after a disk error.
var diskRetryInterval = 5 * time.Second // shorter in tests

// maxReadRetry is how long reading an unreadable database is retried. After that the
// box replaces it.
const maxReadRetry = 2 * time.Minute

// awaitStore opens the state directory. While the disk is full, read-only or
// broken it keeps trying, and the screen and the status show the problem.
func awaitStore(ctx context.Context, cfg *configs.Config, log *slog.Logger, e env) (*store.Store, error) {
	st, err := openStore(cfg, store.Options{}, log, e.getenv)
	if !store.IsDiskError(err) {
		return st, err
	}
	err = e.awaitDisk(ctx, cfg, log, err, store.IsDiskError, func(waited time.Duration) (err error) {
		st, err = openStore(cfg, store.Options{ReplaceUnreadable: waited > maxReadRetry}, log, e.getenv)
		return err
	})
	return st, err
}

// awaitErased erases a state directory whose erasing was ordered. While the disk
// refuses that it keeps trying, as awaitStore does.
func (e env) awaitErased(ctx context.Context, cfg *configs.Config, log *slog.Logger) error {
	err := finishReset(cfg, log)
	if err == nil {
		return nil
	}
	err = e.awaitDisk(ctx, cfg, log, err, func(err error) bool { return err != nil }, func(time.Duration) error { return finishReset(cfg, log) })
	if errors.Is(err, errStopped) {
		log.Info("stopped", "why", context.Cause(ctx))
	}
	return err
}

// awaitDisk shows the error of use, which is called again while its error may pass.
// waited is the time since the first call. The error is the last one of use,
// errStopped if ctx ended.
func (e env) awaitDisk(ctx context.Context, cfg *configs.Config, log *slog.Logger, err error, mayPass func(error) bool, use func(waited time.Duration) error) error {
	u, lerr := newUnready(cfg, log, err)
	if lerr != nil {
		return lerr
	}
	page, lerr := e.listen(cfg.HTTP)
	if lerr != nil {
		return lerr
	}
	ctl, lerr := e.listenControl(cfg.Control.Socket)
	if lerr != nil {
		page.Close()
		return lerr
	}
	if lerr := u.start(ctx, page, ctl, e); lerr != nil {
		return lerr
	}
	began := time.Now()
	var changes changeFilter
	for mayPass(err) {
		if changes.isNew(err.Error()) {
			log.Error("state directory unusable", "err", err, "retry_in", diskRetryInterval)
		}
		u.show(diskTrouble(err))
		if !pause(u.serving, diskRetryInterval) {
			break
		}
		err = use(time.Since(began))
	}
	if err == nil {
		log.Info("state directory usable again")
	}
	if werr := u.stop(); err != nil && werr != nil && !errors.Is(werr, context.Canceled) {
		err = werr
	}
	if err != nil && ctx.Err() != nil {
		return errStopped
	}
	return err
}

// errStopped means that the program was stopped while it waited for the disk or to be
// set up.
var errStopped = errors.New("stopped")

// newUnready returns the standIn of a box whose state directory can't be used. It
// shows an error of the disk from the beginning.
func newUnready(cfg *configs.Config, log *slog.Logger, err error) (*standIn, error) {
	first := device.Snapshot{State: device.Blocked}
	diskTrouble(err)(&first)
	return newStandIn(cfg, first, device.ErrUnready, cfg.HTTP.Key, nil, nil, nil, log)
}

// diskTrouble returns a change that shows an error of the disk.
func diskTrouble(err error) func(*device.Snapshot) {
	p := device.DiskProblem(&device.StoreError{Err: err})
	p.Operator, p.RetryAt = true, time.Now().Add(diskRetryInterval)
	return func(s *device.Snapshot) { s.Problem = p }
}
