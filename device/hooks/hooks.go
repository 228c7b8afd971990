// Package hooks runs the owner's programs when something changes, with the status as
// JSON on their standard input. A slow program delays nothing else.
package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// Config is what a Runner needs. A command is a program and its arguments. An
// empty command runs nothing.
type Config struct {
	Statuses  *display.Board[device.Status]
	OnPhotos  []string // when the set of photos has changed
	OnPhoto   []string // when another photo or video is on the screen
	OnState   []string // when the state has changed
	OnProblem []string // when a problem has begun or ended
	Timeout   time.Duration
	// Reap collects orphans that this process has adopted. PID 1 must.
	Reap bool
	Log  *slog.Logger
}

// A Runner runs hooks.
type Runner struct {
	cfg    Config
	first  device.Status
	reaper *reaper

	running atomic.Int32 // hooks
}

// New returns a Runner. It runs hooks for changes from the current status.
func New(cfg Config) *Runner {
	return &Runner{cfg: cfg, first: cfg.Statuses.Get(), reaper: newReaper(cfg.Reap)}
}

// Idle reports whether no hook runs.
func (r *Runner) Idle() bool { return r.running.Load() == 0 }

// Run runs hooks until ctx ends, waits for them, and returns ctx's error. A slow hook
// skips intermediate statuses but always gets the latest.
func (r *Runner) Run(ctx context.Context) error {
	hooks := []*hook{
		{"on_photos", r.cfg.OnPhotos, []string{device.PhotosChanged}},
		{"on_photo", r.cfg.OnPhoto, []string{device.PhotoShown}},
		{"on_state", r.cfg.OnState, []string{device.StateChanged}},
		{"on_problem", r.cfg.OnProblem, []string{device.ProblemBegun, device.ProblemEnded}},
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	if r.cfg.Reap {
		wg.Go(func() { r.reaper.run(ctx) })
	}
	for _, h := range hooks {
		if len(h.command) > 0 {
			wg.Go(func() { r.follow(ctx, h) })
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// A hook runs at some events.
type hook struct {
	name    string
	command []string
	events  []string
}

func (r *Runner) follow(ctx context.Context, h *hook) {
	events := device.NewEvents(r.first)
	for s := range r.cfg.Statuses.Watch(ctx) {
		if !slices.ContainsFunc(events.Next(s), func(e device.Event) bool { return slices.Contains(h.events, e.Name) }) {
			continue
		}
		if err := r.run(ctx, h, s); err != nil && ctx.Err() == nil {
			r.cfg.Log.Error("hook failed", "hook", h.name, "program", h.command[0], "err", err)
		}
	}
}

// maxOutput bounds the end of a failing program's output that is logged.
const maxOutput = 500

// run runs a hook once and then kills the processes that it left behind.
func (r *Runner) run(ctx context.Context, h *hook, s device.Status) error {
	r.running.Add(1)
	defer r.running.Add(-1)
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.cfg.Timeout, fmt.Errorf("it took longer than %v", r.cfg.Timeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, h.command[0], h.command[1:]...)
	cmd.Env = Environ(os.Environ())
	cmd.Stdin = bytes.NewReader(append(data, '\n'))
	output := &tail{}
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 100 * time.Millisecond // don't wait for children that keep the output open
	began := time.Now()
	if err = r.reaper.start(cmd); err == nil {
		err = r.reaper.wait(cmd)
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its children
	}
	switch exit, _ := errors.AsType[*exec.ExitError](err); {
	case exit != nil && exit.Exited():
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(output.String()))
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay) && !errors.Is(err, syscall.EPIPE): // it need not read the status
		return err
	}
	r.cfg.Log.Debug("hook done", "hook", h.name, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// A tail keeps the end of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if n := len(t.b) - maxOutput; n > 0 {
		t.b = append(t.b[:0], t.b[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.b) }
