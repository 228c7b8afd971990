package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"pickerd/cmd/command"
)

// screenCommand switches the screen on or off.
func screenCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	client := e.socketFlag(fs)
	err := parse(fs, args, 1)
	on := fs.Arg(0) == "on"
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil || !on && fs.Arg(0) != "off":
		return &command.UsageError{Msg: "say on or off"}
	}
	if err := client().SwitchScreen(ctx, on); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "The screen is %s.\n", fs.Arg(0))
	return nil
}

// activityCommand tells the daemon that somebody is near.
func activityCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	client := e.socketFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	return client().Activity(ctx)
}
