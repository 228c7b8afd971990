package device_test

import (
	"context"
	"errors"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/device/library"
	"pickerd/device/screen"
	"pickerd/device/slideshow"
	"pickerd/display"
	"pickerd/display/qr"
	"pickerd/display/words"
	"pickerd/store"
)

// Config configures a whole box.
type Config struct {
	engine.Config
	Phones      *fakePhones
	NoRemote    bool
	ForgetAfter time.Duration
	Words       *words.Words
	Slideshow   Slideshow
	Version     string
	Address     func() string
}

// Slideshow configures what is seen while nothing happens.
type Slideshow struct {
	slideshow.Config
	Clock screen.Clock
	Night screen.Nights
}

// A box is an engine, a slideshow and a screen, connected as cmd/pickerd does.
type box struct {
	*library.Library
	engine *engine.Engine
	slides *slideshow.Slideshow
	screen *screen.Screen
}

func newBox(cfg Config) *box {
	b := &box{Library: library.New(cfg.Store, nil)}
	cfg.Guests = cfg.ForgetAfter > 0
	cfg.Config.Phones = cfg.Phones.user("pairing")
	cfg.PhotosChanged = func() { b.slides.Reload() }
	cfg.CheckQR = func(link string) error { _, err := qr.New(link); return err }
	if cfg.ScreenSize == nil {
		cfg.ScreenSize = func() (int, int) { return 1920, 1080 }
	}
	b.engine = engine.New(cfg.Config)
	s := cfg.Slideshow
	s.Options.Words, s.Photos, s.Generation, s.ScreenSize, s.Log = cfg.Words, func() ([]store.Photo, error) { return cfg.Store.Photos.OnWall(b.slides.Collection()) }, b.engine.Generation, cfg.ScreenSize, cfg.Log
	b.slides = slideshow.New(s.Config)
	sc := screen.Config{Options: screen.Options{Name: cfg.Name, Style: display.Style{Words: cfg.Words}, Clock: s.Clock, Date: screen.ClockDate, Nights: s.Night}, Version: cfg.Version, ForgetAfter: cfg.ForgetAfter,
		Snapshots: b.engine.Snapshots(), Frames: b.slides.Frames(), Engine: b.engine, Slides: b.slides,
		LastActivity: b.engine.LastActivity, Now: b.engine.Now, Address: cfg.Address, Log: cfg.Log}
	if cfg.Carried != nil {
		sc.Visit = cfg.Carried.Visit
	}
	if !cfg.NoRemote {
		sc.Phones = cfg.Phones.user("remote")
	}
	b.screen = screen.New(sc)
	return b
}

// Run runs the box until ctx ends.
func (b *box) Run(ctx context.Context) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.engine.Run(ctx) })
	g.Go(func() error { return b.slides.Run(ctx) })
	g.Go(func() error { return b.screen.Run(ctx) })
	if err := g.Wait(); !errors.Is(err, context.Canceled) {
		panic(err)
	}
}

func (b *box) Pages() *display.Board[display.Page]     { return b.screen.Pages() }
func (b *box) Statuses() *display.Board[device.Status] { return b.screen.Statuses() }
func (b *box) Tally() device.Tally                     { return b.engine.Tally() }
func (b *box) Alive() bool                             { return b.engine.Alive() }

func (b *box) do(ctx context.Context, w display.Wish) error { return b.screen.Do(ctx, w) }

func (b *box) Pick(ctx context.Context) error { return b.do(ctx, display.Wish{Verb: display.Pick}) }
func (b *box) PickAs(ctx context.Context, account string) error {
	return b.do(ctx, display.Wish{Verb: display.Pick, Account: account})
}
func (b *box) Cancel(ctx context.Context) error { return b.do(ctx, display.Wish{Verb: display.Cancel}) }
func (b *box) Renew(ctx context.Context) error  { return b.do(ctx, display.Wish{Verb: display.Renew}) }
func (b *box) Forget(ctx context.Context) error {
	return b.do(ctx, display.Wish{Verb: display.AskForget})
}
func (b *box) Next(ctx context.Context) error { return b.do(ctx, display.Wish{Verb: display.Next}) }
func (b *box) Touch()                         { _ = b.do(context.Background(), display.Wish{Verb: display.Stay}) }
func (b *box) Unpair(ctx context.Context, everywhere bool) error {
	return b.do(ctx, display.Wish{Verb: display.Forget, Everywhere: everywhere})
}
func (b *box) UnpairOne(ctx context.Context, account string, everywhere bool) error {
	return b.do(ctx, display.Wish{Verb: display.Forget, Account: account, Everywhere: everywhere})
}
func (b *box) RemoveItem(ctx context.Context, id string) error {
	return b.do(ctx, display.Wish{Verb: display.Remove, Item: id})
}
func (b *box) HideItem(ctx context.Context, id string, hidden bool) error {
	if hidden {
		return b.do(ctx, display.Wish{Verb: display.Hide, Item: id})
	}
	return b.do(ctx, display.Wish{Verb: display.Unhide, Item: id})
}
func (b *box) Press(ctx context.Context, k screen.Key) error     { return b.screen.Press(ctx, k) }
func (b *box) ChooseItem(ctx context.Context, id string) error   { return b.screen.Choose(ctx, id) }
func (b *box) Remote(key string) (device.Remote, error)          { return b.screen.Remote(key) }
func (b *box) Visit(link string) (device.Visit, error)           { return b.engine.Links().Visit(link) }
func (b *box) Unshowable(ctx context.Context, f string, e error) { b.slides.Unshowable(ctx, f, e) }
func (b *box) Import(ctx context.Context, sealed []byte) (bool, error) {
	return b.engine.Import(ctx, sealed)
}
func (b *box) Redirected(ctx context.Context, answer url.Values) (string, error) {
	return b.engine.Links().Redirected(ctx, answer)
}
func (b *box) Control(ctx context.Context, key string, verb display.Verb, account string) (string, error) {
	return b.screen.Control(ctx, key, display.Wish{Verb: verb, Account: account})
}
