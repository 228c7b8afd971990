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
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/control"
	"pickerd/device/hooks"
	"pickerd/device/metrics"
	"pickerd/device/phone"
	"pickerd/display/words"
	"pickerd/picker"
	"pickerd/store"
	"pickerd/systemd"
)

// A box is a whole daemon, ready to run.
type box struct {
	log     *slog.Logger
	store   *store.Store
	device  *device.Device
	door    *door
	screen  *http.ServeMux // with what phones see while they pair
	screens *screens
	outputs []string
	hooks   *hooks.Runner
	display net.Listener
	control net.Listener
	notify  systemd.Notifier
}

// httpClient is for all that the box asks of Google: it waits long enough for a
// slow network and not for ever.
func httpClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	t.TLSHandshakeTimeout = 10 * time.Second
	t.ResponseHeaderTimeout = 45 * time.Second // a transcoded video takes up to nine seconds
	t.MaxIdleConnsPerHost = 8                  // four downloads and the API, without dialling anew
	t.IdleConnTimeout = 30 * time.Second
	// A connection that a restarted router has forgotten would otherwise be
	// tried for a quarter of an hour.
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second}
	return &http.Client{Transport: crashNetwork(t)}
}

// newBox composes a box. It takes st and display over, also when it fails.
func newBox(cfg *configs.Config, ways []device.Way, st *store.Store, display net.Listener, log *slog.Logger, e env) (*box, error) {
	ctl, err := listenControl(cfg.Control.Socket)
	if err != nil {
		st.Close()
		display.Close()
		return nil, err
	}
	token, err := systemd.Credential(e.getenv, "token")
	if err != nil {
		log.Error("token file", "err", err)
	}
	oauth := endpoints(cfg.Google)
	calls := newCalls(cfg.Google)
	oauth.HTTP.Transport = calls.Transport(oauth.HTTP.Transport)
	b := &box{log: log, outputs: cfg.Display.Outputs, store: st, display: display, control: ctl, notify: systemd.NewNotifier(e.getenv)}
	b.door = &door{secure: cfg.HTTP.CertFile != "", display: display.Addr().(*net.TCPAddr), lan: lanAddress, log: log, ended: make(chan struct{})}
	if cfg.Pairing.Address != "auto" {
		b.door.address = cfg.Pairing.Address
	}
	lang, err := words.For(cfg.Display.Language)
	if err != nil {
		b.close()
		return nil, err
	}
	key := cfg.HTTP.Key
	if key == "" && isOpen(display) {
		if key, err = st.DisplayKey(newKey); err != nil {
			log.Error("the display's key can't be kept: another one is needed after a restart", "err", err)
		}
	}
	accounts, forgetAfter := cfg.AccountsMax, time.Duration(0)
	if cfg.IsGuest() {
		accounts, forgetAfter = 1, time.Duration(cfg.Guest.ForgetAfter)
	}
	b.device = device.New(device.Config{
		DisplayKey:  key,
		Name:        cfg.Name,
		Store:       st,
		OAuth:       oauth,
		Ways:        ways,
		Door:        b.door,
		Picker:      picker.Client{HTTP: oauth.HTTP, Base: cfg.Google.PickerURL},
		Log:         log,
		Provisioned: token,
		KeepPhotos:  cfg.Unpair.Photos == "keep",
		NoRemote:    !cfg.Remote.Phone,
		MaxAccounts: accounts,
		ForgetAfter: forgetAfter,
		MaxItems:    cfg.Pick.MaxItems,
		Append:      cfg.Pick.Collection == "append",
		MaxBytes:    int64(cfg.Store.MaxBytes),
		Words:       lang,
		Slideshow:   slideshow(cfg),
		Version:     version(),
		Address:     b.address,
		ScreenSize:  func() (int, int) { return b.screens.size() },
	})
	b.hooks = hooks.New(hooks.Config{Statuses: b.device.Statuses(), OnPhotos: cfg.Hooks.OnPhotos, OnState: cfg.Hooks.OnState, Timeout: time.Duration(cfg.Hooks.Timeout), Log: log})
	b.door.handler = phone.Handler(b.device, lang, log)
	if b.screens, err = newScreens(cfg, b.device, st.OpenMedia, log, e); err != nil {
		b.close()
		return nil, err
	}
	b.screen = http.NewServeMux()
	b.screen.Handle("/", guarded(cfg, key, b.screens, b.screens.mux(metrics.Config{Device: b.device, Status: b.device.Statuses().Get, Calls: calls, Log: log})))
	b.screen.Handle(phone.Prefix, b.door.handler) // who has a link needs no key
	b.screen.Handle(phone.RemotePrefix, b.door.handler)
	return b, nil
}

// close gives up a box that never ran.
func (b *box) close() {
	b.store.Close()
	b.display.Close()
	b.control.Close()
}

// slideshow is what the configuration says of it.
func slideshow(cfg *configs.Config) device.Slideshow {
	s := cfg.Slideshow
	return device.Slideshow{
		Interval: time.Duration(s.Interval),
		Shuffle:  s.Order == "shuffle",
		Newest:   s.Order == "newest",
		Pairs:    s.Pairs,
		Captions: s.Captions,
		Clock:    s.Clock,
		Stills:   !cfg.Display.HasOutput("http"),
		Night:    device.Night{From: s.Night[0], To: s.Night[1]},
	}
}

// address is how people reach the screen, for its menu: the page, or else the
// box's address on the network.
func (b *box) address() string {
	at := b.display.Addr().(*net.TCPAddr)
	if !at.IP.IsLoopback() && !at.IP.IsUnspecified() {
		return b.door.scheme() + at.String() + "/"
	}
	ip, err := lanAddress()
	switch {
	case err != nil || ip == nil:
		return ""
	case at.IP.IsUnspecified():
		return b.door.scheme() + (&net.TCPAddr{IP: ip, Port: at.Port}).String() + "/"
	}
	return ip.String()
}

// openStore opens the state directory, sealed with state.key of systemd's
// credentials where there is one.
func openStore(cfg *configs.Config, opt store.Options, log *slog.Logger, getenv func(string) string) (*store.Store, error) {
	key, err := systemd.Credential(getenv, "state.key")
	if err != nil {
		return nil, &hintedError{err, "the unit hands it over: LoadCredential=state.key", exitConfig}
	}
	opt.Key, opt.Warning, opt.Watch = key, device.Damaged, crashDisk
	dir := cfg.Store.Dir
	st, err := store.Open(dir, opt)
	if err == nil && cfg.IsGuest() {
		if err = device.ForgetGuest(st, log); err != nil {
			st.Close()
		}
	}
	switch {
	case err == nil:
		if m := st.Moved(); m != nil {
			log.Error("THE DATABASE COULD NOT BE READ: a new one is begun, and somebody has to pair again",
				"why", m.Why, "moved_aside_to", cmp.Or(m.To, "(it was gone)"), "photos_kept", m.Photos)
		}
		if st.KeyLost() {
			log.Error("tokens on the disk are sealed with a key that is lost, or another: somebody has to pair again unless it comes back",
				"damaged_key_moved_to", cmp.Or(st.KeyMoved(), "(none)"))
		}
		if n := st.Lost(); n > 0 {
			log.Warn("photos are missing or torn on the disk and are dropped", "photos", n)
		}
		return st, nil
	case errors.Is(err, store.ErrShortKey):
		return nil, &hintedError{fmt.Errorf("the credential state.key: %w", err), "make one: head -c 32 /dev/urandom", exitConfig}
	case errors.Is(err, store.ErrInUse):
		return nil, &hintedError{fmt.Errorf("%s: %w", dir, err), "stop the other one, or set another store.dir", exitFailed}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return nil, &hintedError{fmt.Errorf("store.dir: %w", err), "it has to be a directory, and the user that runs pickerd must be able to write there", exitConfig}
	}
	return nil, err
}

// run serves until ctx ends.
func (b *box) run(ctx context.Context, handler http.Handler) error {
	defer b.store.Close()
	defer b.door.end()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.device.Run(ctx) })
	serve(ctx, g, b.display, handler)
	b.screens.run(ctx, g)
	g.Go(func() error { return b.hooks.Run(ctx) })
	serve(ctx, g, b.control, control.Handler(b.device, b.device.Statuses(), b.log))
	manage(ctx, g, b.notify, b.device.Statuses(), b.screens, b.log)
	b.log.Info("ready", "display", "http://"+b.display.Addr().String()+"/", "outputs", strings.Join(b.outputs, ","), "control", b.control.Addr().String())
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		b.log.Info("stopped", "why", context.Cause(ctx))
		return nil
	}
	return err
}

// serve adds an HTTP server to g that ends with ctx, event streams included.
func serve(ctx context.Context, g *errgroup.Group, l net.Listener, h http.Handler) {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	g.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
		return nil
	})
}

// listenControl opens the control socket.
func listenControl(path string) (net.Listener, error) {
	l, err := control.Listen(path)
	if err != nil {
		return nil, &hintedError{err, "another place: control.socket in the configuration, or PICKERD_CONTROL_SOCKET", exitFailed}
	}
	return l, nil
}
