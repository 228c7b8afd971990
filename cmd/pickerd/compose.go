package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/control"
	"pickerd/device/displays"
	"pickerd/device/engine"
	"pickerd/device/hooks"
	"pickerd/device/inet"
	"pickerd/device/library"
	"pickerd/device/media"
	"pickerd/device/metrics"
	"pickerd/device/phone"
	"pickerd/device/pin"
	"pickerd/device/screen"
	"pickerd/device/settings"
	"pickerd/device/slideshow"
	"pickerd/display/httpserve"
	"pickerd/display/photo/outside"
	"pickerd/display/qr"
	"pickerd/display/web"
	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
	"pickerd/systemd"
)

// A box is a whole daemon, ready to run.
type box struct {
	log     *slog.Logger
	env     env
	methods []engine.Method
	store   *store.Store
	engine  *engine.Engine
	slides  *slideshow.Slideshow
	screen  *screen.Screen
	others  *displays.Keeper // the browsers on other machines
	phones  *phoneListener
	library *library.Library
	copies  *media.Copier
	mux     *http.ServeMux // the page, and the pages for phones
	outputs *outputs
	names   []string // names of the outputs
	hooks   *hooks.Runner
	display net.Listener
	control net.Listener
	notify  systemd.Notifier
	renewal *renewal
	radio   *radio
	reset   *resetter
	cfg     *configs.Config
	keeper  *settings.Keeper // nil where the configuration does not change
	// renewable says that the program may re-execute itself.
	renewable bool
	// guestLeft prepares for errGuestLeft; nil where there are no guests. An error
	// means that the box goes on.
	guestLeft func() error
}

// httpClient returns the client for all requests to Google or a gateway. Its timeouts
// allow for a slow network.
func httpClient(d *inet.Dialer) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSHandshakeTimeout = 10 * time.Second
	t.ResponseHeaderTimeout = 45 * time.Second // a transcoded video takes up to nine seconds
	t.MaxIdleConnsPerHost = 8                  // four downloads and the API
	t.IdleConnTimeout = 30 * time.Second
	// Without pings, a connection that a restarted router has forgotten would be
	// used for a quarter of an hour.
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second}
	return &http.Client{Transport: crashNetwork(d.Transport(t))}
}

// newBox composes a box. It owns st and display, even if it returns an error.
func newBox(cfg *configs.Config, methods []engine.Method, st *store.Store, display net.Listener, log *slog.Logger, e env) (*box, error) {
	ctl, err := e.listenControl(cfg.Control.Socket)
	if err != nil {
		st.Close()
		display.Close()
		return nil, err
	}
	token, err := systemd.Credential(e.getenv, "token")
	if err != nil {
		log.Error("token credential unreadable", "err", err)
	}
	e.renewal.dialer.SetLog(log)
	oauth := endpoints(cfg.Google, e.renewal.dialer)
	calls := newCalls(cfg.Google)
	oauth.HTTP.Transport = calls.Transport(oauth.HTTP.Transport)
	b := &box{
		log: log, env: e, methods: methods, cfg: cfg, keeper: e.keeper, names: cfg.Display.Outputs, store: st, display: display, control: ctl,
		notify: systemd.NewNotifier(e.getenv), renewal: e.renewal, radio: e.radio, reset: newResetter(cfg, log, e.getenv),
	}
	b.reset.forgetWiFi = e.radio.forget()
	b.phones = &phoneListener{secure: cfg.HTTP.CertFile != "", display: display.Addr().(*net.TCPAddr), lan: inet.LANAddress, own: isOwnAddress, log: log, ended: make(chan struct{})}
	if cfg.Pairing.Address != "auto" {
		b.phones.address = cfg.Pairing.Address
	}
	now, err := liveOptions(cfg)
	if err != nil {
		b.close()
		return nil, err
	}
	key, generated := b.displayKeys(cfg.HTTP)
	b.newParts(cfg, now, methods, oauth, token, key, e.renewal.carried)
	b.hooks = hooks.New(hooks.Config{Statuses: b.screen.Statuses(), OnPhotos: cfg.Hooks.OnPhotos, OnPhoto: cfg.Hooks.OnPhoto, OnState: cfg.Hooks.OnState, OnProblem: cfg.Hooks.OnProblem,
		Timeout: time.Duration(cfg.Hooks.Timeout), Reap: os.Getpid() == 1, Log: log})
	b.phones.handler = phone.Handler(b.engine.Links(), b.screen, b.lang, log)
	if b.outputs, err = newOutputs(cfg, b.screen, b.slides, b.engine.Alive, st.Photos.Open, b.copies.Open, log, e); err != nil {
		b.close()
		return nil, err
	}
	b.mux = http.NewServeMux()
	var others web.Displays
	if b.outputs.web != nil {
		others = b.others
	}
	b.mux.Handle("/", guarded(cfg, key, generated, others, b.outputs, b.outputs.mux(metrics.Config{Device: b.engine, Status: b.screen.Statuses().Get, Calls: calls, Log: log})))
	b.mux.Handle(phone.Prefix, b.phones.handler) // the link or the remote's key authorizes the phone
	b.mux.Handle(phone.RemotePrefix, b.phones.handler)
	return b, nil
}

// displayKeys returns the display key and the one generated for this box, which are
// the same unless one is configured. They are "" if only this machine reaches the
// page.
func (b *box) displayKeys(h configs.HTTP) (key, generated string) {
	if !isOpen(b.display) {
		return h.Key, ""
	}
	generated, err := b.store.Secrets.DisplayKey(newKey)
	if err != nil {
		b.log.Error("display key not saved: it changes with the next start", "err", err)
	}
	if h.HasWeakKey() {
		b.log.Warn("http.key is short and could be guessed", "remedy", "remove it to have one generated, or set one of at least 20 characters")
	}
	return cmp.Or(h.Key, generated), generated
}

// newParts makes the engine, the slideshow and the screen, and connects them.
func (b *box) newParts(cfg *configs.Config, now live, methods []engine.Method, oauth oauthdevice.Client, token []byte, key string, carried *device.Carryover) {
	visit := ""
	if carried != nil {
		visit = carried.Visit
	}
	accounts, forgetAfter, keepFor := cfg.AccountsMax, time.Duration(0), time.Duration(cfg.Store.ForgetAfter)
	if cfg.IsGuest() {
		accounts, forgetAfter = 1, time.Duration(cfg.Guest.ForgetAfter)
		keepFor = 0 // their photos go with them
	}
	b.engine = engine.New(engine.Config{
		Options:       now.engine,
		Store:         b.store,
		OAuth:         oauth,
		Methods:       methods,
		Phones:        b.phones.user("pairing"),
		Picker:        picker.Client{HTTP: oauth.HTTP, BaseURL: cfg.Google.PickerURL},
		Log:           b.log,
		Built:         built(),
		Provisioned:   token,
		Carried:       carried,
		KeepPhotos:    cfg.Unpair.Photos == "keep",
		Guests:        cfg.IsGuest(),
		MaxAccounts:   accounts,
		MaxItems:      cfg.Pick.MaxItems,
		MaxBytes:      int64(cfg.Store.MaxBytes),
		KeepFor:       keepFor,
		ScreenSize:    b.fetchSize,
		PhotosChanged: func() { b.slides.Reload() },
		CheckQR:       func(link string) error { _, err := qr.New(link); return err },
	})
	b.others = displays.New(displays.Config{Store: b.store.Displays, Base: func() string { return b.base(cfg.HTTP) }, Draw: drawQR, Now: b.engine.Now, Log: b.log})
	b.slides = slideshow.New(slideshow.Config{
		Options:    now.slides,
		Stills:     !cfg.Display.HasOutput("http") && !cfg.Display.HasOutput("framebuffer"),
		Photos:     func() ([]store.Photo, error) { return b.store.Photos.OnWall(b.slides.Collection()) },
		Generation: b.engine.Generation,
		ScreenSize: func() (int, int) { return b.outputs.size() },
		Log:        b.log,
	})
	sc := screen.Config{
		Options:      now.screen,
		Version:      version(),
		DisplayKey:   key,
		ForgetAfter:  forgetAfter,
		Visit:        visit,
		Snapshots:    b.engine.Snapshots(),
		Frames:       b.slides.Frames(),
		Engine:       b.engine,
		Slides:       b.slides,
		LastActivity: b.engine.LastActivity,
		Now:          b.engine.Now,
		Address:      b.address,
		Erase:        b.reset.order,
		EraseUntil:   b.reset.until,
		Log:          b.log,
	}
	if isOpen(b.display) && cfg.Display.HasOutput("http") {
		sc.Displays = b.others
	}
	b.copies = media.New(media.Config{Photos: b.store.Photos, Socket: outside.Socket, Size: b.fetchSize, MaxBytes: int64(cfg.Store.MaxBytes), Now: time.Now, Log: b.log})
	b.library = library.New(b.store, b.copies.Open)
	sc.Collections, sc.CheckCollection = b.library.Collections, b.library.CheckCollection
	sc.Thumbnail, sc.Settings, sc.WiFi = b.thumbnail, settingsOf(b.keeper), b.radio.forScreen()
	if cfg.Remote.PIN != "" {
		sc.PIN = pin.New(cfg.Remote.PIN, b.store.PINs)
	}
	if cfg.Remote.Phone {
		sc.Phones = b.phones.user("remote")
	}
	b.screen = screen.New(sc)
}

// thumbnail returns a small copy of an item for a phone remote.
func (b *box) thumbnail(ctx context.Context, item string, w, h int) ([]byte, error) {
	jpeg, _, err := b.library.CopyItem(ctx, item, w, h)
	return jpeg, err
}

// close releases the resources of a box that never ran.
func (b *box) close() {
	b.store.Close()
	b.display.Close()
	b.control.Close()
}

// address returns what the menu shows.
func (b *box) address() string {
	return pageAddress(b.display.Addr().(*net.TCPAddr), b.phones.scheme())
}

// pageAddress returns the address of a page that listens at an address, or that of the
// box on the network, "" without one.
func pageAddress(at *net.TCPAddr, scheme string) string {
	if !at.IP.IsLoopback() && !at.IP.IsUnspecified() {
		return scheme + at.String() + "/"
	}
	ip, err := inet.LANAddress()
	switch {
	case err != nil || ip == nil:
		return ""
	case at.IP.IsUnspecified() && serves(at.IP, ip):
		return scheme + (&net.TCPAddr{IP: ip, Port: at.Port}).String() + "/"
	}
	return ip.String()
}

// base returns the address of the page for other machines, without a path, "" if they
// don't reach it. A certificate covers a name rather than an address.
func (b *box) base(h configs.HTTP) string {
	at := b.display.Addr().(*net.TCPAddr)
	if isOpen(b.display) && h.CertFile != "" && len(h.Names) > 0 {
		return b.phones.scheme() + net.JoinHostPort(h.Names[0], strconv.Itoa(at.Port))
	}
	if address := b.address(); isOpen(b.display) && strings.Contains(address, "://") {
		return strings.TrimSuffix(address, "/")
	}
	return ""
}

// drawQR draws a QR code.
func drawQR(text string) (svg string, err error) {
	code, err := qr.New(text)
	if err != nil {
		return "", err
	}
	return code.SVG(), nil
}

// openStore opens the state directory, with systemd's credential state.key as the key
// if it is set.
func openStore(cfg *configs.Config, opt store.Options, log *slog.Logger, getenv func(string) string) (*store.Store, error) {
	key, err := stateKey(getenv)
	if err != nil {
		return nil, err
	}
	opt.Key, opt.Warning, opt.BeforeOp = key, engine.Damaged, crashDisk
	dir := cfg.Store.Dir
	st, err := store.Open(dir, opt)
	if err == nil && cfg.IsGuest() && !isSuccessor(getenv) {
		if err = engine.ForgetGuest(st, log); err != nil {
			st.Close()
		}
	}
	switch {
	case err == nil:
		if m := st.Recovery(); m != nil {
			log.Error("DATABASE UNREADABLE: new one created, accounts must be linked again",
				"why", m.Cause, "moved_aside_to", cmp.Or(m.MovedTo, "(missing)"), "photos_kept", m.Photos)
		}
		if st.KeyLost() {
			log.Error("state key missing or changed: accounts must be linked again unless it is restored",
				"damaged_key_moved_to", cmp.Or(st.DamagedKeyPath(), "(none)"))
		}
		if n := st.LostPhotos(); n > 0 {
			log.Warn("missing or damaged photos dropped", "photos", n)
		}
		for _, r := range st.Repairs() {
			log.Warn("state directory repaired", "path", r.Path, "problem", r.Problem, "action", r.Action)
		}
		return st, nil
	case errors.Is(err, store.ErrInUse):
		return nil, command.Hint(fmt.Errorf("%s: %w", dir, err), "stop the other pickerd, or set another store.dir", exitFailed)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist), errors.Is(err, fs.ErrNotExist):
		return nil, badStore(err)
	}
	return nil, err
}

// stateKey returns the credential state.key, nil without one.
func stateKey(getenv func(string) string) ([]byte, error) {
	const name = "state.key"
	key, err := systemd.Credential(getenv, name)
	switch {
	case err != nil:
		return nil, &keyError{name, command.Hint(err, "check LoadCredential=state.key in the unit", exitConfig)}
	case key != nil && len(key) < store.MinKeySize:
		return nil, &keyError{name, command.Hint(fmt.Errorf("the credential state.key: %w", store.ErrShortKey), "create one with head -c 32 /dev/urandom", exitConfig)}
	}
	return key, nil
}

// badStore returns the error of a state directory that can't be used where it is.
func badStore(err error) error {
	return &keyError{"store.dir", command.Hint(fmt.Errorf("store.dir: %w", err), "it must be a directory where the user that runs pickerd can write", exitConfig)}
}

// run serves until ctx ends.
func (b *box) run(ctx context.Context, handler http.Handler) error {
	defer b.store.Close()
	defer b.phones.end()
	if b.keeper != nil {
		defer b.keeper.Follow(func(cfg *configs.Config) {
			if err := b.configure(cfg); err != nil {
				b.log.Error("settings not taken", "err", err)
			}
		})()
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.engine.Run(ctx) })
	g.Go(func() error { return b.slides.Run(ctx) })
	g.Go(func() error { return b.screen.Run(ctx) })
	g.Go(func() error { return b.others.Run(ctx) })
	g.Go(func() error { return b.copies.Run(ctx) })
	serve(ctx, g, b.display, handler)
	b.outputs.run(ctx, g)
	g.Go(func() error { return b.hooks.Run(ctx) })
	b.env.startBridge(ctx, g, b.cfg, bridged{screen: b.screen, api: b.controlHandler(), keeper: b.keeper, orders: b.store.Orders,
		picture: b.outputs.picture, methods: b.methods, now: b.engine.Now}, b.log)
	g.Go(func() error { return b.awaitDeparture(ctx) })
	g.Go(func() error { return b.awaitReset(ctx) })
	g.Go(func() error { return b.awaitConfiguration(ctx) })
	if b.renewable {
		g.Go(func() error { return rest(ctx) })
	}
	tellProblems(ctx, g, b.keeper, b.screen)
	serve(ctx, g, b.control, b.controlHandler())
	manage(ctx, g, b.notify, b.screen.Statuses(), b.outputs, b.log)
	b.log.Info("ready", "display", "http://"+b.display.Addr().String()+"/", "outputs", strings.Join(b.names, ","), "control", b.control.Addr().String())
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		b.log.Info("stopped", "why", context.Cause(ctx))
		return nil
	}
	return err
}

// awaitDeparture returns errGuestLeft when a guest has left whom the process is to
// forget.
func (b *box) awaitDeparture(ctx context.Context) error {
	var d departure
	for b.guestLeft != nil {
		if err := d.watch(ctx, b.engine.Snapshots(), b.hooks.Idle); err != nil {
			return err
		}
		if b.guestLeft() != nil {
			d = departure{} // until the next guest
			continue
		}
		c, err := engine.Conclude(ctx, b.engine)
		if err != nil {
			d.free = time.Time{} // the next guest is here already
			continue
		}
		c.Visit = b.screen.Pages().Get().Visit
		b.renewal.carried = c
		b.renewal.screen.Keep()
		return errGuestLeft
	}
	return nil
}

// controlHandler serves other programs on the box.
func (b *box) controlHandler() http.Handler {
	return control.Handler(control.Config{Actor: b.screen, Box: struct {
		*library.Library
		*engine.Engine
	}{b.library, b.engine}, Settings: settingsOf(b.keeper), Statuses: b.screen.Statuses(), Displays: b.others, Reset: b.reset.order, Log: b.log})
}

// How long connections may take to end when the program ends, and when it is
// re-executed for new settings, while somebody watches the screen. After a guest has
// left, browsers load their page again, and one that is cut off would show an error.
const (
	stopGrace    = 2 * time.Second
	renewalGrace = 50 * time.Millisecond
)

// serve adds an HTTP server to g that ends with ctx, event streams included.
func serve(ctx context.Context, g *errgroup.Group, l net.Listener, h http.Handler) {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	httpserve.Watch(srv)
	g.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		limit := stopGrace
		if errors.Is(context.Cause(ctx), errConfigChanged) {
			limit = renewalGrace // the next process answers whom this one cuts off
		}
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
		return nil
	})
}

// listenControl opens the control socket, or takes that of the process before.
func (e env) listenControl(path string) (net.Listener, error) {
	l, err := e.sockets.Listen(controlSocket)
	switch {
	case err != nil:
	case l != nil:
		l, err = control.Inherit(l, path)
	default:
		l, err = control.Listen(path)
	}
	if err != nil {
		return nil, command.Hint(err, "set another path: control.socket in the configuration, or PICKERD_CONTROL_SOCKET", exitFailed)
	}
	e.renewal.keep(controlSocket, l)
	return l, nil
}
