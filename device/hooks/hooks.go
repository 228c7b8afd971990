// Package hooks tells programs of the box's owner what happens: it runs them with
// the status on their standard input, and lets none of them hold anything up.
package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// Config is what a Runner needs. A command is a program and its arguments; an
// empty one is none.
type Config struct {
	Statuses *display.Board[device.Status]
	OnPhotos []string // when other photos are here than before
	OnState  []string // when the state is another one
	Timeout  time.Duration
	Log      *slog.Logger
}

// A Runner runs hooks.
type Runner struct {
	cfg   Config
	first device.Status
}

// New returns a Runner, to which what is so now is no news.
func New(cfg Config) *Runner { return &Runner{cfg, cfg.Statuses.Get()} }

// Run runs hooks until ctx ends, whose error it returns, and leaves none running.
// A hook that is slow misses what comes and goes meanwhile, never how it is in the
// end.
func (r *Runner) Run(ctx context.Context) error {
	hooks := []*hook{
		{name: "on_photos", command: r.cfg.OnPhotos, of: photos},
		{name: "on_state", command: r.cfg.OnState, of: func(s device.Status) (string, bool) { return string(s.State), true }},
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, h := range hooks {
		if len(h.command) > 0 {
			wg.Go(func() { r.follow(ctx, h) })
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// A hook is run when what it is about is not what it was.
type hook struct {
	name    string
	command []string
	of      func(device.Status) (what string, known bool)
}

// photos tells one set of photos from another, once all of them are here.
func photos(s device.Status) (string, bool) {
	return fmt.Sprint(s.Library), s.State != device.Starting && s.State != device.Fetching
}

func (r *Runner) follow(ctx context.Context, h *hook) {
	was, begun := h.of(r.first)
	for s := range r.cfg.Statuses.Watch(ctx) {
		what, known := h.of(s)
		if !known || begun && what == was {
			continue
		}
		if begun {
			if err := r.run(ctx, h, s); err != nil && ctx.Err() == nil {
				r.cfg.Log.Error("hook", "hook", h.name, "program", h.command[0], "err", err)
			}
		}
		was, begun = what, true
	}
}

// mostSaid is how much of what a failing program said is told.
const mostSaid = 500

// run runs a hook once. Whatever it has started ends with it.
func (r *Runner) run(ctx context.Context, h *hook, s device.Status) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.cfg.Timeout, fmt.Errorf("it took longer than %v", r.cfg.Timeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, h.command[0], h.command[1:]...)
	cmd.Stdin = bytes.NewReader(append(data, '\n'))
	said := &tail{}
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 100 * time.Millisecond // children of it that go on have no say
	began := time.Now()
	err = cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left behind
	}
	switch exit, _ := errors.AsType[*exec.ExitError](err); {
	case exit != nil && exit.Exited():
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay) && !errors.Is(err, syscall.EPIPE): // it need not read the status
		return err
	}
	r.cfg.Log.Debug("hook", "hook", h.name, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// A tail keeps the end of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if n := len(t.b) - mostSaid; n > 0 {
		t.b = append(t.b[:0], t.b[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.b) }
