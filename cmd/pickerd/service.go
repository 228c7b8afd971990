package main

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"pickerd/device"
	"pickerd/display"
	"pickerd/systemd"
)

// manage informs the service manager, in goroutines of g, until ctx ends: that the
// service is ready once the first page is shown, what it is doing, and that its loops
// run.
func manage(ctx context.Context, g *errgroup.Group, notify systemd.Notifier, statuses *display.Board[device.Status], s *outputs, log *slog.Logger) {
	report := func(err error) {
		if err != nil {
			log.Warn("service manager not notified", "err", err)
		}
	}
	g.Go(func() error {
		if s.await(ctx) {
			report(notify.Ready())
		}
		return nil
	})
	g.Go(func() error {
		var changes changeFilter
		for st := range statuses.Watch(ctx) {
			if line := statusLine(&st); changes.isNew(line) {
				report(notify.Status(line))
			}
		}
		return nil
	})
	g.Go(func() error {
		notify.KeepAlive(ctx, s.alive, func() {
			log.Error("loop stalled: service manager will restart the service")
		}, report)
		return nil
	})
}

// statusLine returns the text for systemctl status. It has no codes or links, because
// only the screen may show those.
func statusLine(s *device.Status) string {
	line := stateText[s.State]
	switch {
	case s.Fetch != nil:
		line += fmt.Sprintf(", %d of %d", s.Fetch.Done, s.Fetch.Total)
	case s.State == device.Showing:
		line += fmt.Sprintf(", %d items", s.Library.Items)
	}
	if s.Sessions.PendingDeletion > 0 {
		line += fmt.Sprintf("; %d sessions to delete", s.Sessions.PendingDeletion)
	}
	if s.Screen != nil && s.Screen.Error != "" {
		line += "; no screen: " + s.Screen.Error
	}
	if s.Problem != nil {
		line += "; " + s.Problem.Message
	}
	return line
}
