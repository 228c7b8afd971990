package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/metrics"
	"pickerd/device/screen"
	"pickerd/device/slideshow"
	"pickerd/display"
	"pickerd/display/film"
	"pickerd/display/framebuffer"
	"pickerd/display/photo/outside"
	"pickerd/display/remote"
	"pickerd/display/snapshot"
	"pickerd/display/stage"
	"pickerd/display/terminal"
	"pickerd/display/typeface"
	"pickerd/display/web"
)

// outputs are the outputs that the configuration names.
type outputs struct {
	web *web.Server // nil without "http"
	// picture serves what the screen shows; nil without "http".
	picture http.Handler
	pages   *display.Board[display.Page]
	log     *slog.Logger
	alive   func() bool
	stage   *stage.Stage // nil without "framebuffer"
	runs    []func(ctx context.Context) error
}

// newOutputs returns the outputs of a screen, which tell the slideshow what they can't
// show. media opens photos, copies those that package photo can't decode, and alive
// reports whether the engine's loop runs.
func newOutputs(cfg *configs.Config, s *screen.Screen, slides *slideshow.Slideshow, alive func() bool,
	media func(string) (*os.File, error), copies stage.Copy, log *slog.Logger, e env) (*outputs, error) {
	out := &outputs{pages: s.Pages(), log: log}
	out.alive = func() bool { return alive() && (out.stage == nil || out.stage.Alive()) }
	if cfg.Display.HasOutput("http") {
		pictures := snapshot.New(snapshot.Config{Pages: s.Pages(), Media: media, Copy: copies, Transient: cfg.IsGuest(), Log: log})
		out.picture, out.runs = pictures, append(out.runs, pictures.Run)
		out.web = web.New(web.Config{Screen: s, Picture: pictures, Transient: cfg.IsGuest(), Media: media, Copy: copies,
			Key:  func(ctx context.Context, name string) error { return s.Press(ctx, screen.Key(name)) },
			Font: typeface.File, Join: func() web.Viewer { return slides.Join() }, Sounds: out.hasScreen, Alive: out.alive, Framing: cfg.HTTP.FrameAncestors, Log: log})
	}
	if cfg.Display.HasOutput("framebuffer") {
		out.stage = stage.New(stage.Config{
			Open: func() (stage.Screen, error) {
				return framebuffer.Open(framebuffer.Config{Device: cfg.Framebuffer.Device, Log: log, Handoff: e.renewal.handoff()})
			},
			Pages: s.Pages(), Media: media, Copy: copies, Films: filmsOf(slides), Unshowable: slides.Unshowable,
			ScreenChanged: func(w, h int, err error) {
				slides.ScreenFound(err == nil)
				s.Found(w, h, err)
			},
			Rotate: cfg.Framebuffer.Rotate, Overscan: float64(cfg.Framebuffer.Overscan) / 100,
			Log: log,
		})
		keys, _, err := keymap(cfg.Remote)
		if err != nil {
			return nil, err
		}
		r := newRemote(cfg, keys, s, log)
		out.runs = append(out.runs, out.stage.Run, r.Run)
		if cfg.CEC.Device != "off" {
			out.runs = append(out.runs, speakCEC(cfg.CEC, s, r, log))
		}
	}
	if cfg.Display.HasOutput("terminal") {
		out.runs = append(out.runs, func(ctx context.Context) error {
			return showText(ctx, cfg.Terminal.Device, e, terminal.Config{Pages: s.Pages()}, log)
		})
	}
	return out, nil
}

// filmsOf plays films on the box's own screen by pickerd-media, if that is installed, and
// tells the slideshow of them.
func filmsOf(slides *slideshow.Slideshow) stage.Films {
	return stage.Films{
		Open: func(ctx context.Context, r film.Request) (stage.Film, error) {
			f, err := film.Open(ctx, outside.Socket, r)
			if err != nil {
				return nil, err
			}
			return f, nil
		},
		Plays: slides.FilmPlays,
		Failed: func(file string, why error) {
			if errors.Is(why, outside.ErrUnavailable) || errors.Is(why, outside.ToolMissing) {
				why = fmt.Errorf("%w: %w", slideshow.ErrNoPlayer, why)
			}
			slides.FilmFailed(file, why)
		},
	}
}

// hasScreen reports whether there is a screen without a browser.
func (o *outputs) hasScreen() bool {
	if o.stage == nil {
		return false
	}
	w, _ := o.stage.Size()
	return w > 0
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
	repeated = []string{string(screen.KeyLeft), string(screen.KeyRight), string(screen.KeyUp), string(screen.KeyDown), string(screen.KeyVolumeUp), string(screen.KeyVolumeDown)}
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
	// A box may have had a volume key for something else, such as the only key of a
	// camera's remote control, before these had a meaning.
	for _, k := range []struct {
		key   screen.Key
		names []string
	}{{screen.KeyVolumeUp, r.VolumeUp}, {screen.KeyVolumeDown, r.VolumeDown}, {screen.KeyMute, r.Mute}} {
		for _, name := range k.names {
			if err := keys.Add(string(k.key), []string{name}); err != nil && !errors.Is(err, remote.ErrConflict) {
				return nil, string(k.key), err
			}
		}
	}
	return keys, "", nil
}

func newRemote(cfg *configs.Config, keys remote.Keymap, s *screen.Screen, log *slog.Logger) *remote.Remote {
	return remote.New(remote.Config{Dir: "/dev/input", Keys: keys, Hold: time.Duration(cfg.Remote.Hold), HeldDown: held, Repeats: repeated, Log: log,
		Holding: func(meaning string) { s.Hold(screen.Key(meaning)) },
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
