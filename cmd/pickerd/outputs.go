package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/metrics"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/display/framebuffer"
	"pickerd/display/remote"
	"pickerd/display/stage"
	"pickerd/display/terminal"
	"pickerd/display/typeface"
	"pickerd/display/web"
	"pickerd/display/words"
)

// outputs are the outputs that the configuration names.
type outputs struct {
	web   *web.Server // nil without "http"
	pages *display.Board[display.Page]
	words *words.Words
	log   *slog.Logger
	alive func() bool
	stage *stage.Stage // nil without "framebuffer"
	runs  []func(ctx context.Context) error
}

// newOutputs returns the outputs of a screen. media opens photos, unshowable is
// called with each photo that can't be shown, and alive reports whether the engine's
// loop runs.
func newOutputs(cfg *configs.Config, s *screen.Screen, unshowable func(context.Context, string, error), alive func() bool,
	media func(string) (*os.File, error), log *slog.Logger, e env) (*outputs, error) {
	lang, err := words.For(cfg.Display.Language)
	if err != nil {
		return nil, err
	}
	out := &outputs{pages: s.Pages(), words: lang, log: log}
	out.alive = func() bool { return alive() && (out.stage == nil || out.stage.Alive()) }
	if cfg.Display.HasOutput("http") {
		out.web = web.New(web.Config{Screen: s, Transient: cfg.IsGuest(), Media: media,
			Key:  func(ctx context.Context, name string) error { return s.Press(ctx, screen.Key(name)) },
			Font: typeface.File, Alive: out.alive, Words: lang, Look: look(cfg.Slideshow), Log: log})
	}
	if cfg.Display.HasOutput("framebuffer") {
		out.stage = stage.New(stage.Config{
			Open: func() (stage.Screen, error) {
				return framebuffer.Open(framebuffer.Config{Device: cfg.Framebuffer.Device, Log: log, Handoff: e.renewal.handoff()})
			},
			Pages: s.Pages(), Media: media, Unshowable: unshowable, ScreenChanged: s.Found, Words: lang, Look: look(cfg.Slideshow),
			Rotate: cfg.Framebuffer.Rotate, Overscan: float64(cfg.Framebuffer.Overscan) / 100,
			Cache: fontCache(e.getenv), Log: log,
		})
		keys, _, err := keymap(cfg.Remote)
		if err != nil {
			return nil, err
		}
		out.runs = append(out.runs, out.stage.Run, newRemote(cfg, keys, s, log).Run)
	}
	if cfg.Display.HasOutput("terminal") {
		out.runs = append(out.runs, func(ctx context.Context) error {
			return showText(ctx, cfg.Terminal.Device, e, terminal.Config{Pages: s.Pages(), Words: lang}, log)
		})
	}
	return out, nil
}

// fontCache returns the directory for an index of the system's fonts. Other users
// must not be able to write it.
func fontCache(getenv func(string) string) string {
	if dir := getenv("CACHE_DIRECTORY"); dir != "" {
		return dir
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "pickerd")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("pickerd-fonts-%d", os.Getuid()))
}

func look(s configs.Slideshow) display.Look {
	return display.Look{Fade: time.Duration(s.Fade), Interval: time.Duration(s.Interval), Zoom: s.Zoom, Plain: s.Backing == "black"}
}

// run starts the outputs in g.
func (o *outputs) run(ctx context.Context, g *errgroup.Group) {
	for _, run := range o.runs {
		g.Go(func() error { return run(ctx) })
	}
}

// await waits until the first page is shown or a screen has failed. It reports false
// if ctx ended first.
func (o *outputs) await(ctx context.Context) bool {
	for p := range o.pages.Watch(ctx) {
		if p.State != string(device.Starting) {
			break
		}
	}
	if o.stage != nil {
		select {
		case <-o.stage.Ready():
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// mux serves the page, or only /healthz without the output "http", and the metrics.
// m need not have the fields that the outputs know.
func (o *outputs) mux(m metrics.Config) *http.ServeMux {
	m.Alive, m.Version, m.Revision, m.Started = o.alive, version(), revision(), started
	mux := http.NewServeMux()
	if o.web != nil {
		m.Browsers = o.web.Screens
		mux.Handle("/", o.web)
	} else {
		mux.Handle("/", web.Health(o.alive))
	}
	if o.stage != nil {
		m.Frames = o.stage.Frames
	}
	mux.Handle("GET /metrics", metrics.Handler(m))
	return mux
}

// started is when the program started.
var started = time.Now()

// newCalls returns counters of the requests to the configured servers.
func newCalls(g configs.Google) *metrics.Calls {
	return metrics.NewCalls(metrics.Endpoints{DeviceAuthorization: g.DeviceAuthURL, Token: g.TokenURL, Revocation: g.RevokeURL, Userinfo: g.UserinfoURL, Gateway: g.Gateway, Picker: g.PickerURL})
}

// size returns the size to fetch photos at: that of the largest screen, or 1920 by
// 1080 while none is known.
func (o *outputs) size() (w, h int) {
	if o.web != nil {
		w, h = o.web.ScreenSize()
	}
	if o.stage != nil {
		if sw, sh := o.stage.Size(); sw*sh > w*h {
			w, h = sw, sh
		}
	}
	if w == 0 || h == 0 {
		return 1920, 1080
	}
	return w, h
}

// held maps a key to its meaning when it is held down. repeated keys repeat while
// they are held.
var (
	held     = map[string]string{string(screen.KeyOK): string(screen.KeyMenu)}
	repeated = []string{string(screen.KeyLeft), string(screen.KeyRight), string(screen.KeyUp), string(screen.KeyDown)}
)

// keymap returns the configured meanings of keys. With an error, key is the one
// that is wrong.
func keymap(r configs.Remote) (keys remote.Keymap, key string, err error) {
	keys = remote.Keymap{}
	for _, k := range []struct {
		key   screen.Key
		names []string
	}{
		{screen.KeyOK, r.OK}, {screen.KeyMenu, r.Menu}, {screen.KeyBack, r.Back}, {screen.KeyLeft, r.Left}, {screen.KeyRight, r.Right},
		{screen.KeyUp, r.Up}, {screen.KeyDown, r.Down}, {screen.KeyPlay, r.Play}, {screen.KeyNext, r.Next}, {screen.KeyPrevious, r.Previous},
	} {
		if err := keys.Add(string(k.key), k.names); err != nil {
			return nil, string(k.key), err
		}
	}
	return keys, "", nil
}

func newRemote(cfg *configs.Config, keys remote.Keymap, s *screen.Screen, log *slog.Logger) *remote.Remote {
	return remote.New(remote.Config{Dir: "/dev/input", Keys: keys, Hold: time.Duration(cfg.Remote.Hold), HeldDown: held, Repeats: repeated, Log: log,
		Press: func(ctx context.Context, meaning string) {
			if err := s.Press(ctx, screen.Key(meaning)); err != nil {
				log.Info("key had no effect", "key", meaning, "err", err)
			}
		}})
}

// consoleRetryInterval is the time between attempts to use a console that failed,
// such as an unplugged serial adapter.
const consoleRetryInterval = 5 * time.Second

// showText shows pages as text until ctx ends, and returns ctx's error. It retries
// after any other error: a lost terminal must not stop the other outputs.
func showText(ctx context.Context, path string, e env, cfg terminal.Config, log *slog.Logger) error {
	if path == "" {
		cfg.Tail = e.tail
	}
	var changes changeFilter
	for ctx.Err() == nil {
		err := showTextOn(ctx, path, e, cfg)
		if err != nil && ctx.Err() == nil && changes.isNew(err.Error()) {
			log.Error("terminal not usable", "err", err, "retry_in", consoleRetryInterval)
		}
		pause(ctx, consoleRetryInterval)
	}
	return ctx.Err()
}

func showTextOn(ctx context.Context, path string, e env, cfg terminal.Config) error {
	isStdout := path == ""
	if isStdout && !command.IsTerminal(e.stdout) {
		return errors.New("standard output is not a terminal; set terminal.device, for example to /dev/ttyS0")
	}
	if isStdout {
		path = "/proc/self/fd/1"
	}
	// O_NONBLOCK lets Close end a write that blocks.
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	switch {
	case err == nil:
		defer f.Close()
		cfg.Out, cfg.Size = f, sizeOf(f)
	case isStdout:
		cfg.Out, cfg.Size = e.stdout, sizeOf(e.stdout)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf(`terminal.device: %w; add the user that runs pickerd to the group of the device, often "tty" or "dialout"`, err)
	default:
		return fmt.Errorf("terminal.device: %w", err)
	}
	return terminal.New(cfg).Run(ctx)
}

// sizeOf returns a function that asks a terminal for its size. A file that is not a
// terminal has 80 columns and 24 rows.
func sizeOf(v any) func() (columns, rows int) {
	f, ok := v.(*os.File)
	if !ok {
		return nil
	}
	return func() (columns, rows int) {
		c, err := f.SyscallConn() // Fd would make its writes block
		if err == nil {
			err = c.Control(func(fd uintptr) { columns, rows, _ = term.GetSize(int(fd)) })
		}
		if err != nil || columns == 0 || rows == 0 {
			return 80, 24
		}
		return columns, rows
	}
}
