package mqtt

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"
)

// received takes a message from the broker. It does not wait. A session may bring messages
// of what an earlier configuration has subscribed to.
func (b *Bridge) received(m message) {
	if group, ok := groupOf(m.topic); ok && slices.Contains(b.cfg.Groups, group) {
		b.mu.Lock()
		b.groups[group] = m.payload
		b.mu.Unlock()
		stir(b.ordered)
		return
	}
	if m.topic != b.topic("command") {
		b.cfg.Log.Debug("message dropped", "topic", m.topic)
		return
	}
	if m.retain {
		b.cfg.Log.Warn("retained command dropped", "topic", m.topic)
		return
	}
	select {
	case b.commands <- m:
	default:
		b.answer(refuse(idOf(m.payload), http.StatusTooManyRequests, "busy", "Too many commands at once. Try again in a few seconds."))
	}
}

// obey carries out commands, one after another, and what an operator wants of groups.
func (b *Bridge) obey(ctx context.Context) {
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
			again = nil
			stir(b.ordered)
		case <-b.ordered:
			if b.obeyGroups(ctx) {
				again = time.After(groupRetry)
			}
		case m := <-b.commands:
			if b.limit.Wait(ctx) != nil {
				return
			}
			b.answer(b.execute(ctx, m.payload))
		}
	}
}

// answer queues a reply.
func (b *Bridge) answer(r reply) {
	b.mu.Lock()
	if len(b.replies) < maxEvents {
		b.replies = append(b.replies, r)
	}
	b.mu.Unlock()
	stir(b.wake)
}

// execute carries out what a message asks for.
func (b *Bridge) execute(ctx context.Context, payload []byte) reply {
	if isEnvelope(payload) {
		return b.executeOrder(ctx, payload)
	}
	c, err := parse(payload)
	if err != nil {
		return refuse(c.ID, http.StatusBadRequest, "bad_command", "The command is "+err.Error()+".")
	}
	if o, ok := operations[c.Command]; ok && !b.mustBeSigned(o) {
		if b.cfg.Orders == nil {
			return unready(c.ID)
		}
		switch seen, err := b.cfg.Orders.Seen(c.ID); {
		case err != nil:
			b.cfg.Log.Warn("command refused: its id can't be stored", "command", c.Command, "err", err)
			return refuse(c.ID, http.StatusServiceUnavailable, "disk", "The box can't write to its storage.")
		case seen:
			return refuse(c.ID, http.StatusConflict, "repeated", "A command with this id was there before.")
		}
	}
	return b.run(ctx, c, false)
}

// unready is the reply of a box without a storage, which takes no commands.
func unready(id string) reply {
	return refuse(id, http.StatusServiceUnavailable, "unready", "The box takes no commands now. Its status says why.")
}

// executeOrder carries out a signed order for this box. The log changes nothing, and is
// wanted most where serials can't be kept: it is told until the order expires.
func (b *Bridge) executeOrder(ctx context.Context, payload []byte) reply {
	o, err := open(payload, b.cfg.Operator)
	if len(o.ID) > maxID {
		o.ID = ""
	}
	switch {
	case err != nil:
	case b.cfg.Orders != nil:
		err = accept(o, b.cfg.ID, b.cfg.Now(), b.cfg.Orders)
	case o.Command != "logs":
		return unready(o.ID)
	default:
		err = check(o, b.cfg.ID, b.cfg.Now())
	}
	if err == nil && o.Settings != nil {
		o.Command = "settings"
		o.Args, err = json.Marshal(o.Settings)
	}
	if e, ok := errors.AsType[*OrderError](err); ok {
		r := refuse(o.ID, http.StatusForbidden, e.Code, e.Message)
		r.Serial = e.Highest
		return r
	}
	if err != nil && o.Command != "logs" {
		b.cfg.Log.Warn("order refused", "err", err)
		return refuse(o.ID, http.StatusServiceUnavailable, "disk", "The box can't write to its storage.")
	}
	return b.run(ctx, command{Command: o.Command, ID: o.ID, Args: o.Args}, true)
}

// idOf returns the ID of a command as far as it can be read.
func idOf(payload []byte) string {
	c, _ := parse(payload)
	return c.ID
}
