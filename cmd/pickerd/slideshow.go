package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"pickerd/cmd/command"
)

// slideshowActions are the arguments of pickerd slideshow.
var slideshowActions = []string{"next", "previous", "pause", "resume", "mute", "unmute"}

// slideshowCommand goes to another slide, pauses or mutes the slideshow.
func slideshowCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	client := e.socketFlag(fs)
	err := parse(fs, args, 1)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil || !slices.Contains(slideshowActions, fs.Arg(0)):
		return &command.UsageError{Msg: "say one of " + strings.Join(slideshowActions, ", ")}
	}
	s, err := client().Slideshow(ctx, fs.Arg(0))
	if err != nil {
		return err
	}
	now := s.Showing
	if now == nil {
		fmt.Fprintln(e.stdout, "No photo or video is on the screen.")
		return nil
	}
	says := now.Item
	if now.Paused {
		says += ", paused"
	}
	if now.Muted {
		says += ", muted"
	}
	fmt.Fprintln(e.stdout, says)
	return nil
}
