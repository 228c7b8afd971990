package main

import (
	"context"
	"log/slog"

	"pickerd/configs"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/display/cec"
	"pickerd/display/remote"
)

// speakCEC returns what speaks with a television for a screen. The keys of its remote
// control are those of r.
func speakCEC(cfg configs.CEC, s *screen.Screen, r *remote.Remote, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		return cec.Run(ctx, cec.Config{Dir: "/dev", Device: cfg.Device, Standby: cfg.Standby, Pages: s.Pages(), Key: r.Key, Log: log,
			Switch: func(ctx context.Context, on bool) {
				verb := display.ScreenOff
				if on {
					verb = display.ScreenOn
				}
				if err := s.Do(ctx, display.Wish{Verb: verb}); err != nil {
					log.Info("screen not switched with the television", "on", on, "err", err)
				}
			}})
	}
}
