package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"slices"
	"time"

	"pickerd/cmd/command"
	"pickerd/device/mqtt"
)

// orderFor is how long a signed order for a box holds. The box's clock may be some minutes
// off.
const orderFor = 10 * time.Minute

// maxAhead bounds how far the clock was ahead that a box has a serial from. Without it,
// whoever forges a reply could use up all serials.
const maxAhead = 10 * 365 * 24 * time.Hour

// An order is what boxes are to do.
type order struct {
	command  string
	args     any // nil for none
	settings map[string]any
	signed   bool
}

// An orders are the flags of verbs that have boxes do something.
type orders struct {
	*access
	all  bool
	wait time.Duration
	sign string
}

func (e env) orders(fs *flag.FlagSet, signed bool) *orders {
	o := &orders{access: e.access(fs)}
	fs.BoolVar(&o.all, "all", false, "command all boxes that match, and without a filter all boxes")
	fs.DurationVar(&o.wait, "wait", 30*time.Second, "how `long` to wait for answers")
	if signed {
		e.text(fs, &o.sign, "sign", "", "`file` with the operator's key, or "+envPrefix+"SIGN")
	}
	return o
}

// simple returns the function of a verb without arguments but boxes.
func simple(what order) func(context.Context, env, *flag.FlagSet, []string) error {
	return func(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
		o := e.orders(fs, what.signed)
		if err := command.ParseAny(program, fs, args); err != nil {
			return err
		}
		_, err := e.give(ctx, o, fs.Args(), what)
		return err
	}
}

// onOff are the args of commands that switch.
func onOff(on bool) any { return map[string]bool{"on": on} }

func pick(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	o := e.orders(fs, false)
	collection := fs.String("collection", "", "`ID` or new name of the collection that the photos are for")
	if err := command.ParseAny(program, fs, args); err != nil {
		return err
	}
	what := order{command: "pick"}
	if *collection != "" {
		what.args = map[string]string{"collection": *collection}
	}
	_, err := e.give(ctx, o, fs.Args(), what)
	return err
}

func screen(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	o := e.orders(fs, false)
	if err := command.ParseAny(program, fs, args); err != nil {
		return err
	}
	last := fs.NArg() - 1
	if last < 0 || fs.Arg(last) != "on" && fs.Arg(last) != "off" {
		return &command.UsageError{Msg: "say on or off at the end"}
	}
	_, err := e.give(ctx, o, fs.Args()[:last], order{command: "screen", args: onOff(fs.Arg(last) == "on")})
	return err
}

func unpair(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	o := e.orders(fs, true)
	everywhere := fs.Bool("everywhere", false, "also revoke the permission at Google, for every box of the same Google project")
	if err := command.ParseAny(program, fs, args); err != nil {
		return err
	}
	_, err := e.give(ctx, o, fs.Args(), order{command: "unpair", args: map[string]bool{"everywhere": *everywhere}, signed: true})
	return err
}

// maxLines bounds the lines of logs.
const maxLines = 1000

func logs(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	o := e.orders(fs, true)
	lines := fs.Int("lines", 100, fmt.Sprintf("how `many` lines, at most %d; a box sends the newest that fit in 64 kB", maxLines))
	if err := command.Parse(program, fs, args, 1); err != nil {
		return err
	}
	if *lines < 1 || *lines > maxLines {
		return &command.UsageError{Msg: fmt.Sprintf("--lines is not between 1 and %d", maxLines)}
	}
	if o.all {
		return &command.UsageError{Msg: "logs are of one box"}
	}
	r, err := e.give(ctx, o, fs.Args(), order{command: "logs", args: map[string]int{"lines": *lines}, signed: true})
	if err != nil {
		return err
	}
	var data struct{ Lines []string }
	if err := json.Unmarshal(r[0].data, &data); err != nil {
		return fmt.Errorf("reply of box %s: %w", r[0].box.ID, err)
	}
	for _, line := range data.Lines {
		fmt.Fprintln(e.stdout, printable(line))
	}
	return nil
}

// give has the chosen boxes carry out an order, and reports what became of it.
func (e env) give(ctx context.Context, o *orders, args []string, what order) ([]*request, error) {
	filters, err := filtersOf(args)
	if err != nil {
		return nil, err
	}
	if len(filters) == 0 && !o.all {
		return nil, &command.UsageError{Msg: "name a box, or use --all"}
	}
	switch {
	case o.wait < time.Second:
		return nil, &command.UsageError{Msg: "--wait is shorter than a second"}
	case what.signed && o.wait > orderFor:
		return nil, &command.UsageError{Msg: fmt.Sprintf("--wait is longer than a signed order holds, which is %v", orderFor)}
	}
	var key ed25519.PrivateKey
	if what.signed {
		if key, err = readKey(o.sign); err != nil {
			return nil, err
		}
	}
	l, err := e.dial(ctx, *o.access)
	if err != nil {
		return nil, err
	}
	defer l.close()
	boxes, err := choose(ctx, l, o.base, filters, o.all)
	if err != nil {
		return nil, err
	}
	var list []*request
	for _, b := range boxes {
		list = append(list, &request{box: b})
	}
	if err = e.askAll(ctx, l, o, list, what, key); err == nil {
		return list, e.report(list)
	}
	if len(list) > 1 {
		_ = e.report(list) // err says more
	}
	return nil, err
}

// askAll sends an order in requests. Boxes that have had a higher serial, from a computer
// whose clock was ahead, get a signed one once more, with a serial above that.
func (e env) askAll(ctx context.Context, l link, o *orders, list []*request, what order, key ed25519.PrivateKey) error {
	for range 2 {
		for _, r := range list {
			r.id = rand.Text()
			payload, err := what.encode(r.box.ID, r.id, key, e.now(), r.last)
			if err != nil {
				return err
			}
			if len(payload) > maxPayload {
				return fmt.Errorf("the order is longer than %d bytes", maxPayload)
			}
			r.payload, r.err = payload, nil
		}
		if err := ask(ctx, l, o.base, list, o.wait); err != nil {
			return err
		}
		var again []*request
		for _, r := range list {
			if what.signed && r.err != nil && r.last > 0 && r.last <= uint64(e.now().Add(maxAhead).UnixMilli()) {
				again = append(again, r)
			}
		}
		if list = again; len(list) == 0 {
			return nil
		}
	}
	return nil
}

// encode returns the message for a box: a command, or an order in its envelope that is
// signed with a serial above the last one.
func (o order) encode(box, id string, key ed25519.PrivateKey, now time.Time, last uint64) ([]byte, error) {
	var args json.RawMessage
	if o.args != nil {
		data, err := json.Marshal(o.args)
		if err != nil {
			return nil, err
		}
		args = data
	}
	if !o.signed {
		return json.Marshal(struct {
			Command string          `json:"command"`
			ID      string          `json:"id"`
			Args    json.RawMessage `json:"args,omitempty"`
		}{o.command, id, args})
	}
	// Serials grow, also from one computer of the operator to another whose clock is right.
	return mqtt.Order{Target: box, Serial: max(uint64(now.UnixMilli()), last+1), NotAfter: now.Add(orderFor), ID: id,
		Settings: o.settings, Command: o.command, Args: args}.Sign(key)
}

// choose returns the boxes that filters match: one for each name, or with many at least one.
func choose(ctx context.Context, l link, base string, filters []filter, many bool) ([]*box, error) {
	of := "+"
	if len(filters) == 1 && filters[0].isID() {
		of = string(filters[0])
	}
	f, err := read(ctx, l, base, topics(base, of, availability, status, health)...)
	if err != nil {
		return nil, err
	}
	list := f.chosen(filters)
	named := slices.DeleteFunc(slices.Clone(filters), func(f filter) bool { return !f.isName() })
	if len(named) == 0 {
		return list, isChoice("", len(list), many)
	}
	for _, name := range named {
		n := 0
		for _, b := range list {
			if name.matches(b) {
				n++
			}
		}
		if err := isChoice(fmt.Sprintf(" %q", name), n, many); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// isChoice returns an error unless one box matches a name, or with many at least one.
func isChoice(name string, n int, many bool) error {
	switch {
	case n == 0:
		return command.Hint(errors.New("no box matches"+name), program+" ls lists the boxes", command.Failed)
	case n > 1 && !many:
		return command.Hint(fmt.Errorf("%d boxes match%s", n, name), "name one by its ID, or command all of them with --all", command.Failed)
	}
	return nil
}

// report prints what became of requests. The error says that one failed.
func (e env) report(list []*request) error {
	if len(list) == 1 {
		if err := list[0].err; err != nil {
			return fmt.Errorf("box %s: %w", list[0].box.title(), err)
		}
		return nil
	}
	done, answered := 0, 0
	for _, r := range list {
		if r.err != errOffline && r.err != errSilent && r.err != errNoReply {
			answered++
		}
		if r.err == nil {
			done++
			continue
		}
		fmt.Fprintf(e.stderr, "%s: box %s: %v\n", program, r.box.title(), r.err)
	}
	fmt.Fprintf(e.stdout, "%d of %d boxes answered, %d of them done\n", answered, len(list), done)
	if done < len(list) {
		return command.ErrReported
	}
	return nil
}
