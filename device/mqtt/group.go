package mqtt

import (
	"context"
	"errors"
	"strings"
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

// obeyGroup sets what the operator wants of a group. The broker repeats it with each
// connection. The serial is stored after the settings, so after a power cut between them
// they are set again. There is no reply: the topic settings shows what became of it.
func (b *Bridge) obeyGroup(ctx context.Context, group string, payload []byte) {
	if len(payload) == 0 || b.cfg.Orders == nil || b.cfg.SetGroup == nil {
		return
	}
	o, err := open(payload, b.cfg.Operator)
	var highest uint64
	if err == nil {
		highest, err = b.cfg.Orders.Highest(group)
	}
	switch {
	case err != nil:
	case o.Target == group && o.Serial == highest:
		return // it was set
	case o.Command != "":
		err = &OrderError{badEnvelope, "The order for a group has no settings."}
	case o.Target == group && o.Serial < highest:
		err = older(o.Serial)
	default:
		err = check(o, group, b.cfg.Now())
	}
	if err == nil {
		err = b.cfg.SetGroup(ctx, group, o.Settings)
	}
	if err == nil {
		_, err = b.cfg.Orders.Advance(group, o.Serial)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		b.cfg.Log.Warn("settings of a group refused", "group", group, "serial", o.Serial, "err", err)
	}
}
