package mqtt

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"pickerd/device"
)

// groupTopic returns the topic with the settings of a group, which are retained and
// signed.
func groupTopic(group string) string { return "pickerd/groups/" + group + "/settings" }

// groupOf returns the group of a topic.
func groupOf(topic string) (group string, ok bool) {
	rest, ok := strings.CutPrefix(topic, "pickerd/groups/")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, "/settings")
}

// groupRetry is the pause before settings of a group are tried again, such as when the disk
// is full.
const groupRetry = 10 * time.Minute

// obeyGroups sets what the operator wants of groups, and reports whether some of it is to
// be tried again.
func (b *Bridge) obeyGroups(ctx context.Context) (again bool) {
	b.mu.Lock()
	groups := b.groups
	b.groups = map[string][]byte{}
	b.mu.Unlock()
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		if b.obeyGroup(ctx, group, groups[group]) {
			continue
		}
		again = true
		b.mu.Lock()
		if b.groups[group] == nil { // else there is a newer one
			b.groups[group] = groups[group]
		}
		b.mu.Unlock()
	}
	return again
}

// obeyGroup sets what the operator wants of a group, and reports whether that is settled.
// The broker repeats it with each connection. The serial is stored after the settings, so
// after a power cut between them they are set again. There is no reply: the topic settings
// shows what became of it.
func (b *Bridge) obeyGroup(ctx context.Context, group string, payload []byte) bool {
	if len(payload) == 0 || b.cfg.Orders == nil || b.cfg.SetGroup == nil {
		return true
	}
	o, err := open(payload, b.cfg.Operator)
	var highest uint64
	if err == nil {
		highest, err = b.cfg.Orders.Highest(group)
	}
	switch {
	case err != nil:
	case o.Target == group && o.Serial == highest:
		return true // it was set
	case o.Command != "":
		err = &OrderError{Code: badEnvelope, Message: "The order for a group has no settings."}
	case o.Target == group && o.Serial < highest:
		err = older(o.Serial, highest)
	default:
		err = check(o, group, b.cfg.Now())
	}
	if err == nil {
		err = b.cfg.SetGroup(ctx, group, o.Settings)
	}
	if err == nil {
		_, err = b.cfg.Orders.Advance(group, o.Serial)
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return true
	}
	_, order := errors.AsType[*OrderError](err)
	_, setting := errors.AsType[*device.SettingError](err)
	b.cfg.Log.Warn("settings of a group not set", "group", group, "serial", o.Serial, "err", err, "for_good", order || setting)
	return order || setting
}
