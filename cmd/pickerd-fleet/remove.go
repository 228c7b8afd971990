package main

import (
	"context"
	"flag"
	"fmt"

	"pickerd/cmd/command"
)

func remove(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	a := e.access(fs)
	many := fs.Bool("all", false, "remove all boxes that match")
	force := fs.Bool("force", false, "also remove a box that is online; it comes back when it connects anew")
	discovery := fs.String("discovery", "homeassistant", "`prefix` of the topic that Home Assistant knows a box by; empty for none")
	if err := command.ParseAny(program, fs, args); err != nil {
		return err
	}
	filters, err := filtersOf(fs.Args())
	if err != nil {
		return err
	}
	if len(filters) == 0 {
		return &command.UsageError{Msg: "name a box"}
	}
	l, err := e.dial(ctx, *a)
	if err != nil {
		return err
	}
	defer l.close()
	boxes, err := choose(ctx, l, a.base, filters, *many)
	if err != nil {
		return err
	}
	for _, b := range boxes {
		if b.Online && !*force {
			return command.Hint(fmt.Errorf("box %s is online; no box was removed", b.title()), "--force removes it", command.Failed)
		}
	}
	for _, b := range boxes {
		list := topics(a.base, b.ID, "command", settings, health)
		if *discovery != "" {
			list = append(list, *discovery+"/device/"+b.ID+"/config")
		}
		// What names and lists the box goes last, so that an interrupted removal can be repeated.
		list = append(list, topics(a.base, b.ID, status, availability)...)
		for _, topic := range list {
			if err := l.publish(ctx, message{topic: topic, retain: true}); err != nil {
				return fmt.Errorf("remove box %s: %w", b.title(), err)
			}
		}
	}
	if len(boxes) > 1 {
		fmt.Fprintf(e.stdout, "%d boxes removed\n", len(boxes))
	}
	return nil
}
