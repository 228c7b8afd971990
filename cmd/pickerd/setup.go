package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/device/inet"
	"pickerd/device/setup"
	"pickerd/store"
)

// setUpInterval is how often a box that is not set up looks whether it is by now.
// Files that are being copied may look complete in the middle, so a configuration must
// be the same twice.
var setUpInterval = time.Second // shorter in tests

// maxLastPage is how long a phone that is setting the box up may take for its last page
// when the configuration can be used.
const maxLastPage = 5 * time.Second

// defaultListen is where the page is if http.listen can't be used.
const defaultListen = "127.0.0.1:8420"

// usable reads the configuration and the clients, and reports whether a box could run
// with them. Its error is *command.HintedError with exitConfig if an operator must
// change something, or if a file could not be read.
func (e env) usable(file string) (*configs.Layers, []engine.Method, error) {
	layers, methods, err := e.readAll(file)
	if err == nil {
		err = e.tryOut(layers.Config)
	}
	return layers, methods, err
}

// readAll reads the configuration and the clients.
func (e env) readAll(file string) (*configs.Layers, []engine.Method, error) {
	layers, err := e.readConfig(file)
	if err != nil {
		return nil, nil, err
	}
	methods, err := loadMethods(layers.Config)
	return layers, methods, err
}

// tryOut checks what newBox would only find out when nothing is shown any more.
func (e env) tryOut(cfg *configs.Config) error {
	if _, err := stateKey(e.getenv); err != nil {
		return err
	}
	if err := checkStateDir(cfg.Store.Dir); err != nil {
		return badStore(err)
	}
	err := checkPage(cfg.HTTP, e.sockets[displaySocket] == nil)
	if errors.Is(err, syscall.EADDRINUSE) { // by this program, or by one that may end
		return nil
	}
	return err
}

// checkStateDir reports whether the state directory can be used, or created. Errors of
// the disk are not among its own: awaitStore shows them.
func checkStateDir(dir string) error {
	for {
		err := unix.Access(dir, unix.W_OK|unix.X_OK)
		switch st, serr := os.Stat(dir); {
		case serr == nil && !st.IsDir():
			return &os.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
		case errors.Is(err, syscall.ENOENT) && dir != filepath.Dir(dir):
			dir = filepath.Dir(dir)
			continue
		case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.ENOTDIR):
			return &os.PathError{Op: "open", Path: dir, Err: err}
		}
		return nil
	}
}

// A keyError is an error that the value of a key causes.
type keyError struct {
	key string
	error
}

func (e *keyError) Unwrap() error { return e.error }

// isConfigError reports whether an operator must change something, after which the
// program can run.
func isConfigError(err error) bool {
	h, ok := errors.AsType[*command.HintedError](err)
	return ok && h.Code == exitConfig
}

// setUpProblem returns what the screen says of the error of usable, and what an
// operator can do. file is the configuration.
func setUpProblem(err error, file string) (*device.Problem, device.SetUpInfo) {
	info := device.SetUpInfo{
		Client: configs.InstalledCredential("desktop_client_secret.json"), ClientType: device.ClientType(device.ByPaste),
		Config: file, Document: command.Document(program, "README.md"),
	}
	if info.Config == "" {
		info.Config = defaultConfig
	}
	m, isClient := errors.AsType[*clientMistake](err)
	switch k, isKey := errors.AsType[*keyError](err); {
	case isClient && m.none:
		info.Client, info.ClientType = m.file, m.kind
		p := &device.Problem{Code: device.NotSetUp, Operator: true,
			Args: []any{"type", info.ClientType, "client", info.Client, "config", info.Config, "document", info.Document}}
		return p, info
	case isClient:
		what := strings.TrimPrefix(strings.TrimPrefix(m.Error(), m.key+": "), m.file+": ")
		return device.ConfigurationProblem(device.Place{File: m.file, Key: m.key}, what), info
	case isKey:
		return device.ConfigurationProblem(device.Place{File: info.Config, Key: k.key}, err.Error()), info
	}
	if e, ok := errors.AsType[*configs.Error](err); ok {
		what := e.Msg
		if e.Hint != "" {
			what += " (" + e.Hint + ")"
		}
		return device.ConfigurationProblem(device.Place{File: e.File, Line: e.Line, Key: e.Key}, what), info
	}
	return device.ConfigurationProblem(device.Place{File: info.Config}, err.Error()), info
}

// resumeSetUp finishes what a reset or a phone's set-up has begun before a power cut.
// Until that is done the box is not usable, or is already. Its error is errStopped if
// ctx ended.
func (e env) resumeSetUp(ctx context.Context, file string) error {
	layers, err := e.readConfig(file)
	if err != nil {
		return nil // usable reports it
	}
	cfg, log := layers.Config, e.logger(layers.Config)
	if checkStateDir(cfg.Store.Dir) != nil {
		return nil // likewise
	}
	if err := finishReset(cfg, log); err != nil {
		e = e.sharing(cfg)
		log = e.logger(cfg)
		makeParents(cfg)
		if err := command.DropPrivileges(log); err != nil {
			return err
		}
		defer e.tellStopping(ctx, log)()
		if err := e.awaitErased(ctx, cfg, log); err != nil {
			return err
		}
	}
	if err := setup.Resume(ctx, setUpRecord(cfg), changeSettable(e.newKeeper(e.sources(file), layers, log))); err != nil {
		log.Error("set-up not finished", "err", err)
	}
	return nil
}

// A setUp is a box in the state SetUp.
type setUp struct {
	*standIn
	env    env
	file   string
	page   net.Listener // nil if no address could be used
	phones *phoneSetUp  // nil where no phone may set up the box

	again   error // of usable, for which the box begins anew
	logged  changeFilter
	closed  changeFilter // why phones may not set up the box, if that can't be found out
	resumed changeFilter // errors of resume
	problem string       // what is shown, to see whether it has changed
	address string
}

// awaitSetUp serves the state SetUp until the configuration can be used. why is the
// error of usable. Its own error is errStopped if ctx ended.
func (e env) awaitSetUp(ctx context.Context, file string, why error) error {
	shown := configs.Rescue(cmp.Or(file, command.Existing(defaultConfig)), e.getenv, checkNames)
	layers, err := e.readConfig(file)
	valid := err == nil
	if valid {
		shown = layers.Config
	}
	e = e.sharing(shown)
	log := e.logger(shown)
	makeParents(shown)
	if err := command.DropPrivileges(log); err != nil {
		return err
	}
	defer e.tellStopping(ctx, log)()
	if err := e.radio.start(ctx, e, shown, !valid && wasSetUp(shown), log); err != nil {
		log.Warn("no Wi-Fi", "err", err)
	}
	s, ctl, err := e.newSetUp(file, shown, why, log)
	if err != nil {
		return err
	}
	if valid && s.isOpenFor(shown) {
		s.phones = newPhoneSetUp(phoneSetUpConfig{Config: shown, Sources: e.sources(file), Keeper: e.newKeeper(e.sources(file), layers, log),
			Display: s.page, Radio: e.radio, Words: s.screen.Pages().Get().Style.Words, Dialer: e.renewal.dialer, Log: log})
		s.mount = s.phones.mount
	}
	if err := s.start(ctx, s.page, ctl, e); err != nil {
		return err
	}
	next := s.run(why, log)
	if (s.again != nil || next != nil && next.Display.HasOutput("framebuffer")) && shown.Display.HasOutput("framebuffer") {
		e.renewal.screen.Keep() // the picture stays until the box draws
	}
	err = s.stop()
	switch {
	case ctx.Err() != nil:
		log.Info("stopped", "why", context.Cause(ctx))
		return errStopped
	case s.again != nil:
		return e.awaitSetUp(ctx, file, s.again)
	case errors.Is(err, errReset):
		return e.beginAnew(ctx, file, shown, log)
	case next == nil:
		return err
	}
	log.Info("configuration can be used now")
	return nil
}

// wasSetUp reports whether a box was ever set up, also if that can't be found out. One
// with mistakes in its configuration may have had a PIN that can't be read now.
func wasSetUp(cfg *configs.Config) bool {
	done, _ := setUpRecord(cfg).Done() // true with an error
	return done
}

// setUpResetter returns what erases a box that is not set up, or no longer.
func (e env) setUpResetter(cfg *configs.Config, log *slog.Logger) *resetter {
	r := newResetter(cfg, log, e.getenv)
	r.forgetWiFi = e.radio.forget()
	return r
}

// beginAnew erases the box and serves the state SetUp again, unless the operator's
// files have all that it needs.
func (e env) beginAnew(ctx context.Context, file string, cfg *configs.Config, log *slog.Logger) error {
	if err := e.awaitErased(ctx, cfg, log); err != nil {
		return err
	}
	if _, _, err := e.usable(file); err != nil {
		return e.awaitSetUp(ctx, file, err)
	}
	return nil
}

// newSetUp opens the addresses and returns what shows the error of usable there.
func (e env) newSetUp(file string, shown *configs.Config, why error, log *slog.Logger) (*setUp, net.Listener, error) {
	ctl, err := e.listenControl(shown.Control.Socket)
	if err != nil {
		return nil, nil, err
	}
	s := &setUp{env: e, file: file}
	safe := *shown
	if s.page, err = e.listen(safe.HTTP); err != nil {
		// Without the rest of http.*, only this machine may see the page.
		log.Warn("page not at its address", "err", err, "instead", defaultListen)
		safe.HTTP = configs.HTTP{Listen: defaultListen}
		if s.page, err = net.Listen("tcp", defaultListen); err != nil {
			log.Warn("no page", "err", err)
			s.page = nil
		}
	}
	first := device.Snapshot{State: device.SetUp}
	s.tell(why, log)(&first)
	if s.standIn, err = newStandIn(&safe, first, device.ErrNotSetUp, s.displayKey(&safe, log), s.pageAddress, e.radio.forScreen(), e.setUpResetter(&safe, log), log); err != nil {
		ctl.Close()
		if s.page != nil {
			s.page.Close()
		}
		return nil, nil, err
	}
	return s, ctl, nil
}

// run lets phones set up the box where they may, and returns as await does. A phone
// that has finished gets its last page first.
func (s *setUp) run(why error, log *slog.Logger) *configs.Config {
	addresses, ended := make(chan string), make(chan error, 1)
	phones := s.phones != nil
	if phones {
		s.group.Go(func() error {
			defer s.env.radio.lead("")
			err := s.phones.run(s.serving, func(address string) {
				s.env.radio.lead(address)
				select {
				case addresses <- address:
				case <-s.serving.Done():
				}
			})
			ended <- err
			if errors.Is(err, errSetUp) {
				return nil
			}
			return err
		})
	}
	return s.await(why, log, addresses, ended)
}

// await returns the configuration when it can be used, nil if serving ended first.
func (s *setUp) await(why error, log *slog.Logger, addresses <-chan string, ended <-chan error) *configs.Config {
	var before *configs.Config
	var since time.Time // when the configuration could first be used
	serving := s.phones != nil
	tick := time.NewTicker(setUpInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.serving.Done():
			return nil
		case address := <-addresses:
			s.show(func(snap *device.Snapshot) {
				info := *snap.SetUp
				info.Phone = address
				snap.SetUp = &info
			})
			continue
		case <-ended:
			serving = false
		case <-tick.C:
		}
		s.resume()
		layers, _, err := s.env.usable(s.file)
		if err == nil {
			cfg := layers.Config
			if before == nil {
				since = time.Now()
			}
			busy := serving && s.phones.isBusy() && time.Since(since) < maxLastPage
			if before != nil && reflect.DeepEqual(before, cfg) && !busy {
				return cfg
			}
			before = cfg
			continue
		}
		before = nil
		if isConfigError(err) { // others may pass
			why = err
		}
		if s.phonesChange() {
			s.again = why
			return nil
		}
		if change := s.tell(why, log); change != nil {
			s.show(change)
		}
	}
}

// phonesChange reports whether phones may set up the box now and could not when this
// began, or the other way round. A phone that has begun goes on.
func (s *setUp) phonesChange() bool {
	if s.phones != nil && s.phones.isBusy() {
		return false
	}
	layers, err := s.env.readConfig(s.file)
	return (err == nil && s.isOpenFor(layers.Config)) != (s.phones != nil)
}

// isOpenFor reports whether phones may set up the box with a configuration. It logs a
// new reason for which that can't be found out.
func (s *setUp) isOpenFor(cfg *configs.Config) bool {
	if s.page == nil {
		return false
	}
	may, err := maySetUp(cfg, s.env.getenv)
	why := ""
	if err != nil {
		why = err.Error()
	}
	if s.closed.isNew(why) && err != nil {
		s.log.Error("not open for phones", "err", err)
	}
	return may
}

// tell returns a change that shows an error of usable and the box's address, nil if
// both are shown already. It logs a new error.
func (s *setUp) tell(why error, log *slog.Logger) func(*device.Snapshot) {
	if s.logged.isNew(why.Error()) {
		log.Error("box not set up, or its configuration can't be used", "err", why)
	}
	p, info := setUpProblem(why, s.file)
	info.Address = s.pageAddress()
	if why.Error() == s.problem && info.Address == s.address {
		return nil
	}
	s.problem, s.address = why.Error(), info.Address
	p.Since = time.Now()
	return func(snap *device.Snapshot) {
		if snap.SetUp != nil {
			info.Phone = snap.SetUp.Phone
		}
		snap.Standing, snap.SetUp = p, &info
	}
}

// pageAddress returns the address of the page or of the box on the network, "" without
// one.
func (s *setUp) pageAddress() string {
	if s.page == nil {
		ip, _ := inet.LANAddress()
		if ip == nil {
			return ""
		}
		return ip.String()
	}
	scheme := "http://"
	if _, secure := s.page.(tlsListener); secure {
		scheme = "https://"
	}
	return pageAddress(s.page.Addr().(*net.TCPAddr), scheme)
}

// displayKey returns the key of displays on other machines. A box that has run before
// has generated one; a new one has none, and no such displays.
func (s *setUp) displayKey(cfg *configs.Config, log *slog.Logger) string {
	if cfg.HTTP.Key != "" || s.page == nil || !isOpen(s.page) {
		return cfg.HTTP.Key
	}
	if before, err := store.NewSetUp(cfg.Store.Dir, nil).Done(); !before || err != nil { // opening it would count as having run
		return ""
	}
	st, err := openStore(cfg, store.Options{}, log, s.env.getenv)
	if err != nil {
		return ""
	}
	defer st.Close()
	key, err := st.Secrets.DisplayKey(newKey)
	if err != nil {
		return ""
	}
	return key
}
