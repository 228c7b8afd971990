// Package settings keeps the configuration that is in force. It reads the files again
// when they change, and writes what people set to the state directory.
package settings

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/display"
)

// Config is what a Keeper needs.
type Config struct {
	Sources configs.Sources
	// Usable, if not nil, says why a box could not run with a configuration, and with
	// the one before could.
	Usable func(before, c *configs.Config) error
	// BeforeOp, if not nil, is called before each operation on the disk, with its kind
	// and the path. Its error is that of the operation.
	BeforeOp func(kind, path string) error
	Log      *slog.Logger
}

// A Keeper owns the configuration in force. Its methods may be called from any
// goroutine. It implements device.Settings.
type Keeper struct {
	cfg     Config
	layers  atomic.Pointer[configs.Layers]
	problem display.Board[*device.Problem]
	renew   chan struct{} // level trigger: see Renew

	mu        sync.Mutex // held while files are read or written
	followers map[*follower]struct{}
	logged    string // the problems that were logged last

	seen string // fingerprint of the files when New was called
}

// New returns a Keeper for a configuration that was read from the sources. It must
// have no Err.
func New(cfg Config, layers *configs.Layers) *Keeper {
	k := &Keeper{cfg: cfg, renew: make(chan struct{}, 1), followers: map[*follower]struct{}{}}
	k.layers.Store(layers)
	k.report(layers)
	k.seen = k.fingerprint()
	return k
}

// Config returns the configuration in force. It does not change.
func (k *Keeper) Config() *configs.Config { return k.layers.Load().Config }

// A follower takes over configurations.
type follower struct{ take func(*configs.Config) }

// Follow calls take with the configuration in force and, until stop is called, with
// each one after it. Change returns after that. take must not call Change.
func (k *Keeper) Follow(take func(*configs.Config)) (stop func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f := &follower{take}
	k.followers[f] = struct{}{}
	take(k.Config())
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.followers, f)
	}
}

// Problem carries what is wrong with the files, nil if nothing is.
func (k *Keeper) Problem() *display.Board[*device.Problem] { return &k.problem }

// Renew receives when a setting has changed that only a new process takes. That
// process reads the files itself.
func (k *Keeper) Renew() <-chan struct{} { return k.renew }

// watchInterval is how often it is looked whether files have changed.
const watchInterval = 2 * time.Second

// Run reads the files again when they have changed, until ctx ends, whose error it
// returns. A change is read when nothing more has changed for watchInterval: an editor
// or a copy may be half done.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	read := k.seen
	before := read
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		now := k.fingerprint()
		if now != read && now == before {
			_ = k.Reload() // it has logged the error and reported it
			read = now
		}
		before = now
	}
}

func (k *Keeper) fingerprint() string { return k.cfg.Sources.Fingerprint(k.Config()) }

// Reload reads the files again. With an error the configuration stays what it was.
func (k *Keeper) Reload() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.reload()
}

func (k *Keeper) reload() error {
	next := k.cfg.Sources.Read()
	if next.Err == nil && !next.Torn {
		next.Err = k.checkUsable(next)
	}
	k.report(next)
	if next.Err != nil {
		return next.Err
	}
	if next.Torn {
		return errors.Join(problems(next)...)
	}
	k.put(next)
	return nil
}

// checkUsable refuses a configuration that a box could not run with, if it can with
// the one in force.
func (k *Keeper) checkUsable(next *configs.Layers) error {
	before, c := k.Config(), next.Config
	if k.cfg.Usable == nil || reflect.DeepEqual(before, c) {
		return nil
	}
	err := k.cfg.Usable(before, c)
	if err == nil || k.cfg.Usable(before, before) != nil {
		return nil
	}
	if e, ok := errors.AsType[*configs.Error](err); ok && e.File == "" {
		return next.Bad(e.Key, e.Msg)
	}
	return err
}

// put puts a configuration in force.
func (k *Keeper) put(next *configs.Layers) {
	before := k.Config()
	k.layers.Store(next)
	if reflect.DeepEqual(before, next.Config) {
		return
	}
	for f := range k.followers {
		f.take(next.Config)
	}
	var changed []string
	renew := false
	for _, s := range configs.Settings() {
		if !reflect.DeepEqual(before.Value(s.Key), next.Config.Value(s.Key)) {
			changed = append(changed, s.Key)
			renew = renew || !s.Live
		}
	}
	k.cfg.Log.Info("configuration changed", "keys", changed)
	if renew {
		select {
		case k.renew <- struct{}{}:
		default:
		}
	}
}

func problems(l *configs.Layers) (list []error) {
	for _, e := range l.Problems {
		list = append(list, e)
	}
	return list
}

// report publishes what is wrong with the files and logs it unless it was the same
// before.
func (k *Keeper) report(l *configs.Layers) {
	var p *device.Problem
	err := errors.Join(append([]error{l.Err}, problems(l)...)...)
	if err != nil {
		p = Problem(err)
		if old := k.problem.Get(); old != nil && old.Where != nil && *old.Where == *p.Where {
			p.Since = old.Since
		}
	}
	k.problem.Set(p)
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != k.logged && text != "" {
		k.cfg.Log.Error("configuration problem", "err", err, "last_good_in_force", l.Err != nil || l.Torn)
	}
	k.logged = text
}

// Problem returns what people and other programs are told of an error of a
// configuration: its first *configs.Error.
func Problem(err error) *device.Problem {
	var at device.Place
	what := err.Error()
	if e, ok := errors.AsType[*configs.Error](err); ok {
		at, what = device.Place{File: e.File, Line: e.Line, Key: e.Key}, e.Msg
	}
	p := device.ConfigurationProblem(at, what)
	p.Since = time.Now()
	return p
}

// Settings implements device.Settings.
func (k *Keeper) Settings() map[string]device.Setting {
	layers, all := k.layers.Load(), map[string]device.Setting{}
	for _, s := range configs.Settings() {
		if s.By == configs.Anyone {
			all[s.Key] = device.Setting{Value: layers.Config.Value(s.Key), Default: layers.Default(s.Key),
				Origin: device.Origin(layers.Origin(s.Key)), Locked: layers.Locked(s.Key)}
		}
	}
	return all
}

// Change implements device.Settings.
func (k *Keeper) Change(ctx context.Context, changes map[string]any) error {
	return k.change(ctx, configs.Anyone, changes)
}

// SetUp is Change for the page that sets a new box up. It may set more keys.
func (k *Keeper) SetUp(ctx context.Context, changes map[string]any) error {
	return k.change(ctx, configs.SetUp, changes)
}

// SetGroup replaces what an operator has set for a group that the box is in; nil is
// nothing. It is on disk and in force when SetGroup returns. Errors are those of Change.
func (k *Keeper) SetGroup(ctx context.Context, group string, all map[string]any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	_ = k.reload()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		// What is locked or in the environment stays in force above it, as above a file's value.
		if err := k.allow(configs.Anyone, key, nil); err != nil {
			return err
		}
	}
	path, data, err := k.layers.Load().Group(group, all)
	if err != nil {
		return settingError(err)
	}
	if err := k.save(path, data); err != nil {
		return &device.StoreError{Err: fmt.Errorf("save settings of a group: %w", err)}
	}
	return k.reload()
}

func (k *Keeper) change(ctx context.Context, by configs.Setter, changes map[string]any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	_ = k.reload() // somebody may have edited a file; if it can't be used, the last good ones count
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		if err := k.allow(by, key, changes[key]); err != nil {
			return err
		}
	}
	next, err := k.layers.Load().With(changes)
	if err != nil {
		return settingError(err)
	}
	if err := k.checkUsable(next); err != nil {
		return &device.SettingError{Code: device.InvalidSetting, Message: err.Error()}
	}
	if len(changes) == 0 {
		return nil
	}
	if err := k.save(next.Config.PhonePath(), next.PhoneData()); err != nil {
		return &device.StoreError{Err: fmt.Errorf("save settings: %w", err)}
	}
	k.put(next)
	return nil
}

// save writes a file. It may have been replaced before that failed.
func (k *Keeper) save(path string, data []byte) error {
	err := k.write(path, data)
	if err != nil {
		_ = k.reload()
	}
	return err
}

// settingError returns what people are told of an error about a key.
func settingError(err error) error {
	if e, ok := errors.AsType[*configs.Error](err); ok {
		return &device.SettingError{Code: device.InvalidSetting, Key: e.Key, Message: e.Msg}
	}
	return err
}

// allow reports whether a key may be set to a value, nil for back to the files.
func (k *Keeper) allow(by configs.Setter, key string, value any) error {
	s, known := configs.SettingOf(key)
	switch {
	case !known:
		return &device.SettingError{Code: device.UnknownSetting, Key: key, Nearest: configs.NearestKey(key), Message: "there is no such setting"}
	case s.By < by:
		return &device.SettingError{Code: device.NotSettable, Key: key, Message: "only the configuration files can set it"}
	case value == nil:
		return nil
	case k.layers.Load().Origin(key) == configs.FromEnvironment:
		return &device.SettingError{Code: device.SettingLocked, Key: key, Message: "the environment variable " + configs.EnvName(key) + " sets it"}
	case k.layers.Load().Locked(key):
		return &device.SettingError{Code: device.SettingLocked, Key: key, Message: "the configuration files have locked it"}
	}
	return nil
}
