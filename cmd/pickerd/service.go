package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"syscall"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"pickerd/device"
	"pickerd/display"
	"pickerd/systemd"
)

// manage tells the service manager in g how the service is, until ctx ends: that
// it is ready once the first screen is up, what it is doing, and that its loops
// move.
func manage(ctx context.Context, g *errgroup.Group, notify systemd.Notifier, statuses *display.Board[device.Status], s *screens, log *slog.Logger) {
	tell := func(err error) {
		if err != nil {
			log.Warn("service manager", "err", err)
		}
	}
	g.Go(func() error {
		if s.await(ctx) {
			tell(notify.Ready())
		}
		return nil
	})
	g.Go(func() error {
		said := ""
		for st := range statuses.Watch(ctx) {
			if line := statusLine(&st); line != said {
				said = line
				tell(notify.Status(line))
			}
		}
		return nil
	})
	g.Go(func() error {
		notify.KeepAlive(ctx, s.alive, func() {
			log.Error("the loop has stopped: the service manager is going to start this service anew")
		}, tell)
		return nil
	})
}

// statusLine is what systemctl status shows: no code and no link, which stand on
// the screen alone.
func statusLine(s *device.Status) string {
	line := does[s.State]
	switch {
	case s.Fetch != nil:
		line += fmt.Sprintf(", %d of %d", s.Fetch.Done, s.Fetch.Total)
	case s.State == device.Showing:
		line += fmt.Sprintf(", %d of them", s.Library.Items)
	}
	if s.Sessions.PendingDeletion > 0 {
		line += fmt.Sprintf("; sessions to be deleted: %d", s.Sessions.PendingDeletion)
	}
	if s.Screen != nil && s.Screen.Error != "" {
		line += "; no screen: " + s.Screen.Error
	}
	if s.Problem != nil {
		line += "; " + s.Problem.Message
	}
	return line
}

// harden gives away what the daemon never needs, as its unit does where there is
// one: what it writes is nobody else's, and nothing that it starts can become
// more than it is.
func harden(log *slog.Logger) error {
	unix.Umask(0o077)
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0)
	if errors.Is(errno, unix.ENOTSUP) {
		log.Warn("new privileges are not given up: this program was built with cgo", "hint", "CGO_ENABLED=0 go build")
	} else if errno != 0 {
		return fmt.Errorf("give up new privileges: %w", errno)
	}
	return nil
}
