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

// tryDiskEvery is how often a state directory is tried again that the disk does
// not let be opened.
const tryDiskEvery = 5 * time.Second

// readingLasts is how long a database that the disk does not read may still be
// read again; after that the box goes on without it.
const readingLasts = 2 * time.Minute

// awaitStore opens the state directory. A disk that is full, read-only or out of
// order is something to show, not to die of: until it is mended the screen and
// the status say what is wrong.
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
	ctl, lerr := listenControl(cfg.Control.Socket)
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
	serve(serving, g, listener, guarded(cfg, cfg.HTTP.Key, outputs, outputs.mux(metrics.Config{Status: u.screen.Statuses().Get, Calls: newCalls(cfg.Google), Log: log})))
	g.Go(func() error { return u.screen.Run(serving) })
	outputs.run(serving, g)
	serve(serving, g, ctl, control.Handler(control.Config{Actor: u.screen, Statuses: u.screen.Statuses(), Log: log}))
	manage(serving, g, systemd.NewNotifier(e.getenv), u.screen.Statuses(), outputs, log)
	began := time.Now()
	for said := ""; store.IsDiskError(err); st, err = openStore(cfg, store.Options{ReplaceUnreadable: time.Since(began) > readingLasts}, log, e.getenv) {
		if err.Error() != said {
			said = err.Error()
			log.Error("state directory unusable", "err", err, "retry_in", tryDiskEvery)
		}
		u.tell(err)
		t := time.NewTimer(tryDiskEvery)
		select {
		case <-t.C:
			continue
		case <-serving.Done():
			t.Stop()
		}
		break
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

// errStopped means that a stop came while the disk was waited for.
var errStopped = errors.New("stopped")

// unready is the screen of a box whose state directory can't be used. It grants
// nothing.
type unready struct {
	screen    *screen.Screen
	snapshots display.Board[device.Snapshot]
	frames    display.Board[device.Frame]
}

// newUnready shows store.Open's error from the beginning.
func newUnready(cfg *configs.Config, lang *words.Words, log *slog.Logger, err error) *unready {
	u := &unready{}
	u.tell(err)
	u.screen = screen.New(screen.Config{Name: cfg.Name, Version: version(), Words: lang, Snapshots: &u.snapshots, Frames: &u.frames,
		Engine: u, Slides: u, LastActivity: time.Now, Now: time.Now, Log: log})
	return u
}

// tell shows why the state directory can't be used, with store.Open's error.
func (u *unready) tell(err error) {
	now := time.Now()
	p := device.DiskProblem(&device.StoreError{Err: err})
	p.Operator, p.RetryAt = true, now.Add(tryDiskEvery)
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
