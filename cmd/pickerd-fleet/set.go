package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device/mqtt"
)

// groupTopic is the topic with the settings of a group, which is the same whatever topics
// boxes have.
func groupTopic(group string) string { return "pickerd/groups/" + group + "/settings" }

// isGroup reports whether the target of settings is a group rather than a box.
func isGroup(target string) bool { return strings.Contains(target, "=") }

func set(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	o := e.orders(fs, true)
	until := duration(fs, "for", 365*24*time.Hour, "how `long` the settings of a group are handed to boxes that connect")
	clear := fs.Bool("clear", false, "leave a group without settings")
	force := fs.Bool("force", false, "send settings that this version does not know, and replace those of a group that are signed with another key")
	if err := command.ParseAny(program, fs, args); err != nil {
		return err
	}
	if fs.NArg() < 1 {
		return &command.UsageError{Msg: "name a box or a group, and settings"}
	}
	target := fs.Arg(0)
	all, err := assignments(fs.Args()[1:])
	switch {
	case err != nil:
		return err
	case *clear && (!isGroup(target) || len(all) > 0):
		return &command.UsageError{Msg: "--clear takes a group and no settings"}
	case !*clear && len(all) == 0:
		return &command.UsageError{Msg: "no settings are given"}
	}
	if err := checkSettings(target, all, *force); err != nil {
		return err
	}
	if !isGroup(target) {
		_, err = e.give(ctx, o, fs.Args()[:1], order{settings: all, signed: true})
		return err
	}
	switch {
	case o.all:
		return &command.UsageError{Msg: "--all does not go with a group, which replaces what all of its boxes had from it"}
	case *until <= 0:
		return &command.UsageError{Msg: "--for is not longer than 0"}
	}
	for key, v := range all {
		if v == nil {
			return &command.UsageError{Msg: fmt.Sprintf("%s has no value: a group has just the settings of the last order", key)}
		}
	}
	return e.setGroup(ctx, o, target, all, *until, *force)
}

// setGroup leaves a signed order for a group with the broker, and says how many boxes have
// the label now.
func (e env) setGroup(ctx context.Context, o *orders, group string, all map[string]any, until time.Duration, force bool) error {
	key, err := readKey(o.sign)
	if err != nil {
		return err
	}
	l, err := e.dial(ctx, *o.access)
	if err != nil {
		return err
	}
	defer l.close()
	boxes, err := read(ctx, l, o.base, topics(o.base, "+", status)...)
	if err != nil {
		return err
	}
	kept, err := keptSerial(ctx, l, o.base, group, key, force)
	if err != nil {
		return err
	}
	data, err := groupOrder(group, all, key, max(uint64(e.now().UnixMilli()), kept+1), e.now().Add(until))
	if err != nil {
		return err
	}
	if err := l.publish(ctx, message{topic: groupTopic(group), payload: data, retain: true}); err != nil {
		return err
	}
	n, label := 0, filter(group)
	for _, b := range boxes {
		if label.matches(b) {
			n++
		}
	}
	if n == 0 {
		fmt.Fprintf(e.stderr, "%s: no box has the label %s yet\n", program, group)
	} else {
		fmt.Fprintf(e.stdout, "left for the boxes with the label %s, %d now\n", group, n)
	}
	return nil
}

// keptSerial returns the serial of what the broker keeps of a group, 0 for nothing. A
// computer whose clock was ahead may have given it. What another operator has signed is
// replaced by force alone, and its serial does not count.
func keptSerial(ctx context.Context, l link, base, name string, key ed25519.PrivateKey, force bool) (uint64, error) {
	payload, err := groupPayload(ctx, l, base, name)
	if err != nil {
		return 0, err
	}
	g, err := parseGroup(name, payload)
	switch {
	case err != nil: // boxes can't take it either
		return 0, nil
	case g.isOf(key.Public().(ed25519.PublicKey)):
		return g.Serial, nil
	case !force:
		return 0, command.Hint(fmt.Errorf("the settings of %s are signed with another key (%s)", name, short(g.Key)),
			"sign with the key whose public half the boxes have as mqtt.operator_key, or replace them with --force", command.Failed)
	}
	return 0, nil
}

// groupOrder returns the signed order for a group.
func groupOrder(group string, all map[string]any, key ed25519.PrivateKey, serial uint64, until time.Time) ([]byte, error) {
	data, err := mqtt.Order{Target: group, Serial: serial, NotAfter: until, Settings: all}.Sign(key)
	if err == nil && len(data) > maxPayload {
		err = fmt.Errorf("the order is longer than %d bytes", maxPayload)
	}
	return data, err
}

// assignments returns settings from KEY=VALUE. A box reads the value as a configuration
// has it. None returns the setting to the box's files.
func assignments(args []string) (map[string]any, error) {
	all := map[string]any{}
	for _, arg := range args {
		key, text, ok := strings.Cut(arg, "=")
		if !ok || key == "" {
			return nil, &command.UsageError{Msg: fmt.Sprintf("%q is not KEY=VALUE", arg)}
		}
		if _, twice := all[key]; twice {
			return nil, &command.UsageError{Msg: key + " is set twice"}
		}
		all[key] = text
		if text == "" {
			all[key] = nil
		}
	}
	return all, nil
}

// checkSettings finds what boxes would refuse. For a group it checks the values too, since
// boxes do not answer orders for groups. With force, settings that this version does not
// know are left to newer boxes.
func checkSettings(target string, all map[string]any, force bool) error {
	known := map[string]any{}
	for key, v := range all {
		s, ok := configs.SettingOf(key)
		switch {
		case !ok && force:
			continue
		case !ok:
			hint := "--force sends it to newer boxes"
			if near := configs.NearestKey(key); near != "" {
				hint = "did you mean " + near + "?"
			}
			return &command.UsageError{Msg: fmt.Sprintf("there is no setting %q", key), Hint: hint}
		case s.By != configs.Anyone:
			return &command.UsageError{Msg: key + " can be set only in the files of a box"}
		}
		known[key] = v
	}
	if !isGroup(target) {
		return nil
	}
	box, err := memberOf(target)
	if err != nil {
		return err
	}
	_, _, err = box.Group(target, known)
	if bad, ok := errors.AsType[*configs.Error](err); ok {
		return &command.UsageError{Msg: bad.Key + ": " + bad.Msg}
	}
	return err
}

// memberOf returns the configuration of a box in a group.
func memberOf(group string) (*configs.Layers, error) {
	label, value, _ := strings.Cut(group, "=")
	if _, setting := configs.SettingOf(label); setting || slices.Contains(configs.FilterNames, label) {
		return nil, &command.UsageError{Msg: fmt.Sprintf("%q is not a label", label), Hint: "name a box or a group before the settings"}
	}
	l := configs.Sources{Getenv: func(name string) string {
		if name == configs.EnvName("mqtt.labels") {
			return fmt.Sprintf("{%q = %q}", label, value)
		}
		return ""
	}}.Read()
	if l.Err != nil {
		return nil, &command.UsageError{Msg: fmt.Sprintf("%q is not a group such as site=lobby", group)}
	}
	return l, nil
}
