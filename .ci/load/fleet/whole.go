package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/configs"
	"pickerd/device/control"
	"pickerd/device/engine"
	"pickerd/device/library"
	"pickerd/device/mqtt"
	"pickerd/device/screen"
	"pickerd/device/settings"
	"pickerd/device/slideshow"
	"pickerd/display"
	"pickerd/display/qr"
	"pickerd/display/words"
	"pickerd/picker"
	"pickerd/store"
)

// A whole box is what cmd/pickerd composes, without outputs, pages and hooks.
type whole struct {
	google  *google
	person  string
	store   *store.Store
	keeper  *settings.Keeper
	engine  *engine.Engine
	slides  *slideshow.Slideshow
	screen  *screen.Screen
	library *library.Library
	log     *slog.Logger
	set     func() // called when its settings have changed
}

// newWhole returns box i with an empty state directory. set is called when its settings
// have changed.
func (f *Fleet) newWhole(i int, set func()) (*whole, error) {
	dir := filepath.Join(f.cfg.Dir, f.id(i))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "pickerd.toml")
	text := fmt.Sprintf("name = \"Box %d\"\n[store]\ndir = %q\n[mqtt]\nurl = \"mqtt://broker.test\"\nlabels = { %s = \"%d\" }\n", i, filepath.Join(dir, "state"), label, f.cfg.First)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	sources := configs.Sources{File: file, Phone: true, Getenv: func(string) string { return "" }}
	layers := sources.Read()
	if layers.Err != nil {
		return nil, layers.Err
	}
	lang, err := words.For(layers.Config.Display.Language)
	if err != nil {
		return nil, err
	}
	st, err := store.Open(layers.Config.Store.Dir, store.Options{Warning: engine.Damaged})
	if err != nil {
		return nil, err
	}
	b := &whole{google: f.googles[i/perGoogle], person: fmt.Sprintf("person %d", i), store: st, log: f.cfg.Log, set: set}
	b.keeper = settings.New(settings.Config{Sources: sources, Log: f.cfg.Log}, layers)
	b.compose(layers.Config, lang)
	return b, nil
}

// compose makes the parts and connects them.
func (b *whole) compose(cfg *configs.Config, lang *words.Words) {
	client := b.google.client()
	b.engine = engine.New(engine.Config{
		Options: engine.Options{Name: cfg.Name}, Store: b.store, OAuth: client, Methods: []engine.Method{b.google.method()},
		Picker: picker.Client{HTTP: client.HTTP, BaseURL: "http://" + photosHost}, Log: b.log, MaxItems: cfg.Pick.MaxItems,
		ScreenSize: size, PhotosChanged: func() { b.slides.Reload() },
		CheckQR: func(link string) error { _, err := qr.New(link); return err },
	})
	b.slides = slideshow.New(slideshow.Config{
		Options:    slideshow.Options{Interval: time.Duration(cfg.Slideshow.Interval), Words: lang},
		Photos:     func() ([]store.Photo, error) { return b.store.Photos.OnWall(b.slides.Collection()) },
		Generation: b.engine.Generation, ScreenSize: size, Log: b.log,
	})
	b.library = library.New(b.store, nil)
	b.screen = screen.New(screen.Config{
		Options: screen.Options{Name: cfg.Name, Style: display.Style{Words: lang}}, Version: "simulated",
		Snapshots: b.engine.Snapshots(), Frames: b.slides.Frames(), Engine: b.engine, Slides: b.slides,
		LastActivity: b.engine.LastActivity, Now: b.engine.Now, Settings: b.keeper,
		Collections: b.library.Collections, CheckCollection: b.library.CheckCollection, Log: b.log,
	})
}

func size() (w, h int) { return 1920, 1080 }

// run implements box.
func (b *whole) run(ctx context.Context) error {
	defer b.store.Close()
	defer b.keeper.Follow(b.configure)()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.keeper.Run(ctx) })
	g.Go(func() error { return b.engine.Run(ctx) })
	g.Go(func() error { return b.slides.Run(ctx) })
	g.Go(func() error { return b.screen.Run(ctx) })
	return g.Wait()
}

// configure takes over a configuration: what matters here is the interval.
func (b *whole) configure(cfg *configs.Config) {
	b.slides.Configure(slideshow.Options{Interval: time.Duration(cfg.Slideshow.Interval)})
	b.set()
}

// ready implements box: it does what a person does at a new box.
func (b *whole) ready(ctx context.Context) error { return b.google.person(ctx, b.person, b) }

func (b *whole) api() http.Handler {
	return control.Handler(control.Config{Actor: b.screen, Box: struct {
		*library.Library
		*engine.Engine
	}{b.library, b.engine}, Settings: b.keeper, Statuses: b.screen.Statuses(), Log: b.log})
}

func (b *whole) fill(c *mqtt.Config) {
	c.Statuses, c.API, c.Orders, c.Now = b.screen.Statuses(), b.api(), b.store.Orders, b.engine.Now
	c.Settings, c.SetGroup = b.keeper.Settings, b.keeper.SetGroup
}

func (b *whole) interval() time.Duration { return time.Duration(b.keeper.Config().Slideshow.Interval) }
