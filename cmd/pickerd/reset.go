package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/display"
	"pickerd/store"
)

// resetCommand erases the box, so that it can be set up again.
func resetCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	yes := fs.Bool("yes", false, "do not ask")
	client := e.socketFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	c := client()
	if !*yes {
		s, err := c.Status(ctx)
		if err != nil {
			return err
		}
		if err := e.confirmReset(ctx, s); err != nil {
			return err
		}
	}
	if _, err := c.Reset(ctx); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "The box is being erased. Its screen shows when it is done.")
	return nil
}

// confirmReset asks at a terminal. Its error says that nothing was erased.
func (e env) confirmReset(ctx context.Context, s *device.Status) error {
	if !command.IsTerminal(e.stdin) {
		return command.Hint(errors.New("nothing was erased"), "without a terminal that asks, confirm with pickerd reset --yes", exitUsage)
	}
	fmt.Fprintf(e.stderr, `Erase %s?

This forgets %s and removes %d photos and videos, its Wi-Fi networks, and its
settings. Files in /etc/pickerd stay.

`, s.Name, describeAccounts(s.Accounts), s.Library.Items)
	text, err := e.readLine(ctx, "Type yes to erase it: ")
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !strings.EqualFold(strings.TrimSpace(text), "yes") {
		return errors.New("nothing was erased")
	}
	return nil
}

// errReset ends a box that is to be erased.
var errReset = errors.New("the box is to be erased")

// maxLeaving is how long Google is waited for before a box is erased, and after that
// as long NetworkManager, which may be starting.
const maxLeaving = 20 * time.Second

// forgetRetry is the time between attempts to remove the Wi-Fi networks.
const forgetRetry = time.Second

// A resetter takes the order to erase the box. The order is on disk before it is
// carried out, so that a power cut does not stop it.
type resetter struct {
	record *store.SetUp
	orders chan struct{} // holds one
	until  time.Time     // until then holding OK down is an order; zero if that is over
	log    *slog.Logger
	// forgetWiFi removes the networks that the box has joined; nil if it can't join
	// any.
	forgetWiFi func(ctx context.Context) error
}

// powerOn is how long after the start of the service holding OK down erases the box.
const powerOn = time.Minute

// newResetter returns a resetter. A process that follows another one of the same
// service did not begin at power-on.
func newResetter(cfg *configs.Config, log *slog.Logger, getenv func(string) string) *resetter {
	r := &resetter{record: setUpRecord(cfg), orders: make(chan struct{}, 1), log: log}
	if readRenewal(getenv).PID == 0 {
		r.until = started.Add(powerOn)
	}
	return r
}

// setUpRecord returns the record of how far a box is set up.
func setUpRecord(cfg *configs.Config) *store.SetUp { return store.NewSetUp(cfg.Store.Dir, crashDisk) }

// order stores the order.
func (r *resetter) order() error {
	if err := r.record.Order(store.Leaving); err != nil {
		return err
	}
	r.log.Warn("reset ordered: the box will be erased")
	select {
	case r.orders <- struct{}{}:
	default: // it is on its way
	}
	return nil
}

// run waits for the order, which may be that of an earlier process. Then it has leave
// forget the accounts, and returns errReset. Its error is ctx's otherwise.
func (r *resetter) run(ctx context.Context, leave func(ctx context.Context)) error {
	ordered, err := r.record.Reset()
	if err != nil {
		r.log.Error("order to reset unreadable", "err", err)
	}
	if ordered == store.NoReset {
		select {
		case <-r.orders:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	leaving, cancel := context.WithTimeout(ctx, maxLeaving)
	defer cancel()
	leave(leaving)
	r.leaveWiFi(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for {
		err := r.record.Order(store.Erasing)
		if err == nil {
			return errReset
		}
		r.log.Error("order to erase not stored", "err", err, "retry_in", diskRetryInterval)
		if !pause(ctx, diskRetryInterval) {
			return ctx.Err()
		}
	}
}

// leaveWiFi removes the networks that the box has joined. It tries that again for
// maxLeaving, or until ctx ends.
func (r *resetter) leaveWiFi(ctx context.Context) {
	if r.forgetWiFi == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, maxLeaving)
	defer cancel()
	err := r.forgetWiFi(ctx)
	for err != nil && pause(ctx, forgetRetry) {
		err = r.forgetWiFi(ctx)
	}
	if err != nil {
		r.log.Error("Wi-Fi networks not removed", "err", err)
	}
}

// awaitReset returns errReset when the box is to be erased. Its sockets and its screen
// stay for the next process.
func (b *box) awaitReset(ctx context.Context) error {
	err := b.reset.run(ctx, b.leave)
	if errors.Is(err, errReset) {
		if herr := b.renewal.hold(); herr != nil {
			b.log.Warn("sockets not kept", "err", herr)
		}
		b.renewal.screen.Keep()
	}
	return err
}

// leave forgets all accounts, and waits until Google knows or ctx ends.
func (b *box) leave(ctx context.Context) {
	err := b.engine.Do(ctx, display.Wish{Verb: display.Forget, Everywhere: true})
	if err != nil && !errors.Is(err, device.ErrNotPaired) {
		b.log.Warn("accounts not forgotten before the box is erased", "err", err)
		return
	}
	for s := range b.engine.Snapshots().Watch(ctx) {
		if len(s.Accounts) == 0 && s.Outstanding == nil && s.Sessions == (device.Sessions{}) {
			return
		}
	}
	b.log.Warn("Google not told of everything before the box is erased", "waited", maxLeaving)
}

// finishReset erases a state directory whose erasing was ordered. An order that can't
// be read does not keep a box from running.
func finishReset(cfg *configs.Config, log *slog.Logger) error {
	record := setUpRecord(cfg)
	ordered, err := record.Reset()
	if err != nil {
		log.Error("order to reset unreadable", "err", err)
	}
	if ordered != store.Erasing {
		return nil
	}
	if err := record.Erase(); err != nil {
		return fmt.Errorf("erase the box: %w", err)
	}
	log.Warn("the box is erased")
	return nil
}
