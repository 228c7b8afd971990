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
	if !store.IsDisk(err) {
		return st, err
	}
	lang, lerr := words.For(cfg.Display.Language)
	if lerr != nil {
		return nil, lerr
	}
	u := device.NewUnready(cfg.Name, lang)
	u.Tell(err, time.Now().Add(tryDiskEvery))
	display, lerr := e.listen(cfg.HTTP)
	if lerr != nil {
		return nil, lerr
	}
	ctl, lerr := listenControl(cfg.Control.Socket)
	if lerr != nil {
		display.Close()
		return nil, lerr
	}
	none := func(string) (*os.File, error) { return nil, fs.ErrNotExist }
	screens, lerr := newScreens(cfg, u, none, log, e)
	if lerr != nil {
		display.Close()
		ctl.Close()
		return nil, lerr
	}
	serving, end := context.WithCancel(ctx)
	g, serving := errgroup.WithContext(serving)
	serve(serving, g, display, guarded(cfg, cfg.HTTP.Key, screens, screens.mux(metrics.Config{Status: u.Statuses().Get, Calls: newCalls(cfg.Google), Log: log})))
	screens.run(serving, g)
	serve(serving, g, ctl, control.Handler(u, u.Statuses(), log))
	manage(serving, g, systemd.NewNotifier(e.getenv), u.Statuses(), screens, log)
	began := time.Now()
	for said := ""; store.IsDisk(err); st, err = openStore(cfg, store.Options{Unreadable: time.Since(began) > readingLasts}, log, e.getenv) {
		if err.Error() != said {
			said = err.Error()
			log.Error("state directory unusable", "err", err, "retry_in", tryDiskEvery)
		}
		u.Tell(err, time.Now().Add(tryDiskEvery))
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
	if werr := g.Wait(); st == nil && werr != nil {
		err = werr
	}
	if st == nil && ctx.Err() != nil {
		return nil, errStopped
	}
	return st, err
}

// errStopped means that a stop came while the disk was waited for.
var errStopped = errors.New("stopped")
