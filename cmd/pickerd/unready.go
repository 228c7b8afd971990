package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/control"
	"pickerd/device/metrics"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/display/words"
	"pickerd/store"
	"pickerd/systemd"
)

// diskRetryInterval is the time between attempts to open a state directory after a
// disk error.
const diskRetryInterval = 5 * time.Second

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
	lang, lerr := words.For(cfg.Display.Language)
	if lerr != nil {
		return nil, lerr
	}
	listener, lerr := e.listen(cfg.HTTP)
	if lerr != nil {
		return nil, lerr
	}
	ctl, lerr := e.listenControl(cfg.Control.Socket)
	if lerr != nil {
		listener.Close()
		return nil, lerr
	}
	u := newUnready(cfg, lang, log, err)
	none := func(string) (*os.File, error) { return nil, fs.ErrNotExist }
	outputs, lerr := newOutputs(cfg, u.screen, func(context.Context, string, error) {}, func() bool { return true }, none, log, e)
	if lerr != nil {
		listener.Close()
		ctl.Close()
		return nil, lerr
	}
	serving, end := context.WithCancel(ctx)
	g, serving := errgroup.WithContext(serving)
	serve(serving, g, listener, guarded(cfg, cfg.HTTP.Key, newKey(), outputs, outputs.mux(metrics.Config{Status: u.screen.Statuses().Get, Calls: newCalls(cfg.Google), Log: log})))
	g.Go(func() error { return u.screen.Run(serving) })
	outputs.run(serving, g)
	serve(serving, g, ctl, control.Handler(control.Config{Actor: u.screen, Statuses: u.screen.Statuses(), Log: log}))
	manage(serving, g, systemd.NewNotifier(e.getenv), u.screen.Statuses(), outputs, log)
	began := time.Now()
	var changes changeFilter
	for store.IsDiskError(err) {
		if changes.isNew(err.Error()) {
			log.Error("state directory unusable", "err", err, "retry_in", diskRetryInterval)
		}
		u.showProblem(err)
		if !pause(serving, diskRetryInterval) {
			break
		}
		st, err = openStore(cfg, store.Options{ReplaceUnreadable: time.Since(began) > maxReadRetry}, log, e.getenv)
	}
	if err == nil {
		log.Info("state directory usable again")
	}
	end()
	if werr := g.Wait(); st == nil && werr != nil && !errors.Is(werr, context.Canceled) {
		err = werr
	}
	if st == nil && ctx.Err() != nil {
		return nil, errStopped
	}
	return st, err
}

// errStopped means that the program was stopped while it waited for the disk.
var errStopped = errors.New("stopped")

// unready is the screen of a box whose state directory can't be used. It refuses
// every request.
type unready struct {
	screen    *screen.Screen
	snapshots display.Board[device.Snapshot]
	frames    display.Board[device.Frame]
}

// newUnready shows store.Open's error from the beginning.
func newUnready(cfg *configs.Config, lang *words.Words, log *slog.Logger, err error) *unready {
	u := &unready{}
	u.showProblem(err)
	u.screen = screen.New(screen.Config{Name: cfg.Name, Version: version(), Words: lang, Snapshots: &u.snapshots, Frames: &u.frames,
		Engine: u, Slides: u, LastActivity: time.Now, Now: time.Now, Log: log})
	return u
}

// showProblem shows store.Open's error on the screen.
func (u *unready) showProblem(err error) {
	now := time.Now()
	p := device.DiskProblem(&device.StoreError{Err: err})
	p.Operator, p.RetryAt = true, now.Add(diskRetryInterval)
	s := u.snapshots.Get()
	if s.Seq == 0 {
		s.State, s.Since = device.Blocked, now
	}
	s.Seq, s.Problem = s.Seq+1, p
	u.snapshots.Set(s)
}

// Do implements screen.Engine.
func (u *unready) Do(context.Context, display.Wish) error { return device.ErrUnready }

// ForgetIf implements screen.Engine.
func (u *unready) ForgetIf(context.Context, func() bool) error { return device.ErrUnready }
