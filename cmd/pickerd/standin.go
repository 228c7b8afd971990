package main

import (
	"context"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/control"
	"pickerd/device/metrics"
	"pickerd/device/screen"
	"pickerd/device/slideshow"
	"pickerd/display"
	"pickerd/systemd"
)

// A standIn serves page, control socket and screens in place of a box that can't run.
// It refuses every request.
type standIn struct {
	cfg       *configs.Config
	key       string // of displays on other machines; "" refuses them
	log       *slog.Logger
	refusal   error
	screen    *screen.Screen
	snapshots display.Board[device.Snapshot]
	frames    display.Board[device.Frame]
	mount     func(*http.ServeMux) // adds pages to the screen's; may be nil
	reset     *resetter            // nil if the box can't be erased

	group   *errgroup.Group
	serving context.Context // ends when a part of it has failed, too
	end     context.CancelFunc
}

// newStandIn returns a standIn that refuses requests with an error. first is what it
// shows from the beginning. key is the display key. address and wifi are as in
// screen.Config.
func newStandIn(cfg *configs.Config, first device.Snapshot, refusal error, key string, address func() string, wifi screen.WiFi, reset *resetter, log *slog.Logger) (*standIn, error) {
	now, err := liveOptions(cfg)
	if err != nil {
		return nil, err
	}
	s := &standIn{cfg: cfg, key: key, log: log, refusal: refusal, reset: reset}
	s.show(func(snap *device.Snapshot) { *snap = first })
	sc := screen.Config{Options: screen.Options{Name: now.screen.Name, Style: now.screen.Style}, Version: version(), DisplayKey: key,
		Snapshots: &s.snapshots, Frames: &s.frames, Engine: s, Slides: s, LastActivity: time.Now, Now: time.Now, Address: address, WiFi: wifi, Log: log}
	sc.Withheld = cfg.IsGuest() || cfg.Remote.PIN != "" // the PIN's attempts are counted in the store
	if reset != nil {
		sc.Erase, sc.EraseUntil = reset.order, reset.until
	}
	s.screen = screen.New(sc)
	return s, nil
}

// show changes what is shown. Only one goroutine may call it.
func (s *standIn) show(change func(*device.Snapshot)) {
	snap := s.snapshots.Get()
	before := snap.State
	seq := snap.Seq
	change(&snap)
	snap.Seq = seq + 1
	if snap.State != before || snap.Since.IsZero() {
		snap.Since = time.Now()
	}
	s.snapshots.Set(snap)
}

// start serves until stop is called or ctx ends. It owns the listeners. page may be
// nil.
func (s *standIn) start(ctx context.Context, page, ctl net.Listener, e env) error {
	none := func(string) (*os.File, error) { return nil, fs.ErrNotExist }
	outputs, err := newOutputs(s.cfg, s.screen, slideshow.New(slideshow.Config{}), func() bool { return true }, none, nil, s.log, e)
	if err != nil {
		if page != nil {
			page.Close()
		}
		ctl.Close()
		return err
	}
	ctx, s.end = context.WithCancel(ctx)
	s.group, ctx = errgroup.WithContext(ctx)
	s.serving = ctx
	if page != nil {
		mux := http.NewServeMux()
		mux.Handle("/", guarded(s.cfg, s.key, newKey(), nil, outputs, outputs.mux(metrics.Config{Status: s.screen.Statuses().Get, Calls: newCalls(s.cfg.Google), Log: s.log})))
		if s.mount != nil {
			s.mount(mux)
		}
		serve(ctx, s.group, page, mux)
	}
	s.group.Go(func() error { return s.screen.Run(ctx) })
	if s.reset != nil {
		// Google is not told, also where a client would be there and only something
		// else is wrong: that would take a store and an engine.
		s.group.Go(func() error { return s.reset.run(ctx, func(context.Context) {}) })
	}
	outputs.run(ctx, s.group)
	tellProblems(ctx, s.group, e.keeper, s.screen)
	api := control.Handler(control.Config{Actor: s.screen, Settings: settingsOf(e.keeper), Reset: s.orderReset, Statuses: s.screen.Statuses(), Log: s.log})
	serve(ctx, s.group, ctl, api)
	e.startBridge(ctx, s.group, s.cfg, bridged{screen: s.screen, api: api, keeper: e.keeper, picture: outputs.picture, now: time.Now}, s.log)
	manage(ctx, s.group, systemd.NewNotifier(e.getenv), s.screen.Statuses(), outputs, s.log)
	return nil
}

// orderReset orders that the box be erased, after which stop returns errReset.
func (s *standIn) orderReset() error {
	if s.reset == nil {
		return s.refusal
	}
	return s.reset.order()
}

// stop ends what start began, and returns its first error.
func (s *standIn) stop() error {
	s.end()
	return s.group.Wait()
}

// Do implements screen.Engine.
func (s *standIn) Do(context.Context, display.Wish) error { return s.refusal }

// ForgetIf implements screen.Engine.
func (s *standIn) ForgetIf(context.Context, func() bool) error { return s.refusal }
