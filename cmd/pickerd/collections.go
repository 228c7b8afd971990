package main

import (
	"context"
	"flag"
	"fmt"

	"pickerd/cmd/command"
)

// collectionsCommand lists the collections, or changes one.
func collectionsCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	rename, to := fs.String("rename", "", "give the collection `ID` the name of --to"), fs.String("to", "", "new `name` of a collection")
	remove := fs.String("remove", "", "delete the collection `ID`, and the photos that are in no other")
	wantJSON, client := fs.Bool("json", false, "print the JSON of the control API"), e.socketFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	switch c := client(); {
	case *rename != "" && *remove != "":
		return &command.UsageError{Msg: "--rename and --remove are mutually exclusive"}
	case (*rename != "") != (*to != ""):
		return &command.UsageError{Msg: "--rename and --to belong together"}
	case *rename != "":
		return e.said("Renamed.", c.RenameCollection(ctx, *rename, *to))
	case *remove != "":
		return e.said("Removed.", c.RemoveCollection(ctx, *remove))
	default:
		list, err := c.Collections(ctx)
		if err != nil {
			return err
		}
		if *wantJSON {
			return printJSON(e.stdout, map[string]any{"collections": list})
		}
		return printCollections(e.stdout, list)
	}
}

// said prints what was done, unless it failed.
func (e env) said(done string, err error) error {
	if err == nil {
		fmt.Fprintln(e.stdout, done)
	}
	return err
}
