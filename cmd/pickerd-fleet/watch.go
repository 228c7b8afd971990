package main

import (
	"cmp"
	"context"
	"flag"
	"slices"
	"sync"
	"time"

	"pickerd/cmd/command"
	"pickerd/device"
)

// A condition is what watch reports.
type condition string

// Conditions.
const (
	offline    condition = "offline"
	blocked    condition = "blocked"
	sessionOld condition = "session_old"
)

// A notice says that a condition of a box has lasted for too long, or has ended.
type notice struct {
	Event condition `json:"event"`
	Ended bool      `json:"ended"`
	// Removed says that an operator has removed the box, which ends all conditions.
	Removed bool      `json:"removed,omitempty"`
	At      time.Time `json:"at"`
	Since   time.Time `json:"since"`
	For     string    `json:"for"`
	Box     struct {
		ID     string            `json:"id"`
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels,omitempty"`
	} `json:"box"`
	Problem string `json:"problem,omitempty"` // its code, of a box that is blocked
}

func watch(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	a := e.access(fs)
	limits := map[condition]*time.Duration{
		offline:    duration(fs, string(offline), 10*time.Minute, "how `long` a box must be offline; 0 reports none"),
		blocked:    duration(fs, string(blocked), 30*time.Minute, "how `long` a box must be blocked; 0 reports none"),
		sessionOld: duration(fs, "session", 24*time.Hour, "how `old` a picking session must be; 0 reports none"),
	}
	hook := fs.String("webhook", "", "`address` to post to as JSON, or "+envPrefix+"WEBHOOK; without it notices are printed")
	asJSON := fs.Bool("json", false, "print notices as JSON")
	if err := command.ParseAny(program, fs, args); err != nil {
		return err
	}
	filters, err := filtersOf(fs.Args())
	if err != nil {
		return err
	}
	w := &watcher{now: e.now, filters: filters, limits: map[condition]time.Duration{}, boxes: map[string]*watched{}}
	every := 10 * time.Second
	for c, limit := range limits {
		if *limit < 0 {
			return &command.UsageError{Msg: "a limit is negative"}
		}
		if *limit > 0 {
			w.limits[c] = *limit
			every = min(every, max(*limit/10, 100*time.Millisecond))
		}
	}
	if len(w.limits) == 0 {
		return &command.UsageError{Msg: "all conditions are turned off"}
	}
	w.report = func(n notice) { n.print(e.stdout, *asJSON) }
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// It is no default of the flag: the help would print the secret that it may be.
	if address := cmp.Or(*hook, e.getenv(envPrefix+"WEBHOOK")); address != "" {
		h, err := newWebhook(address, e.stderr)
		if err != nil {
			return err
		}
		w.report = h.post
		wg.Go(func() { h.run(ctx) })
	}
	return e.observe(ctx, *a, every, w, availability, status, health)
}

// A watcher finds conditions that last for too long. It reports the beginning and the end
// of each once.
type watcher struct {
	now     func() time.Time
	filters []filter
	limits  map[condition]time.Duration
	report  func(notice)
	boxes   map[string]*watched // also those that the broker has lost
	away    bool                // not connected: nothing is known
}

// A watched is a box with its conditions.
type watched struct {
	box      *box
	missing  bool // from the fleet since a connection
	seen     bool // online
	removed  bool
	heard    time.Time // when it told something last
	name     string    // as the box told it last
	labels   map[string]string
	since    map[condition]time.Time
	told     map[condition]time.Time // when it began, by the box's own clock
	reported map[condition]bool
}

// snapshot takes the fleet after a connection. A broker that was restarted may have lost
// what it kept. Its boxes announce themselves again, so one that is missing counts as
// offline. One that stopped has told that all boxes are offline before it went: the time
// begins anew.
func (w *watcher) snapshot(f fleet) {
	if w.away {
		for _, k := range w.boxes {
			if !k.reported[offline] {
				delete(k.since, offline)
			}
		}
	}
	w.away = false
	for id, k := range w.boxes {
		k.missing = f[id] == nil
	}
	for _, b := range f {
		if k := w.keep(b); k != nil { // tick checks it
			k.heard = w.now()
		}
	}
	w.tick()
}

func (w *watcher) changed(f fleet, b *box) {
	if f[b.ID] == nil { // removed by an operator
		if k := w.boxes[b.ID]; k != nil {
			k.removed = true
			for c := range k.since {
				w.end(k, c)
			}
			delete(w.boxes, b.ID)
		}
		return
	}
	if k := w.keep(b); k != nil {
		k.heard = w.now()
		w.check(k)
	}
}

// keep returns what is watched of a box, nil if there are too many.
func (w *watcher) keep(b *box) *watched {
	k := w.boxes[b.ID]
	if k == nil {
		if len(w.boxes) >= maxBoxes {
			return nil
		}
		k = &watched{since: map[condition]time.Time{}, told: map[condition]time.Time{}, reported: map[condition]bool{}}
		w.boxes[b.ID] = k
	}
	k.box, k.missing = b, false
	if b.Status != nil {
		k.name, k.labels = b.name(), b.labels()
	}
	return k
}

func (w *watcher) lost() { w.away = true }

func (w *watcher) tick() {
	list := make([]*watched, 0, len(w.boxes))
	for _, k := range w.boxes {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b *watched) int { return compareBoxes(a.box, b.box) })
	for _, k := range list {
		w.check(k)
	}
}

// check reports the conditions of a box that have begun or ended.
func (w *watcher) check(k *watched) {
	if w.away {
		return
	}
	for _, c := range []condition{offline, blocked, sessionOld} {
		limit, on := w.limits[c]
		if !on {
			continue
		}
		switch since, is, known := k.begin(c, w.now()); {
		case !known:
		case !is || !matchAll(w.filters, k.box) && !k.reported[c]:
			w.end(k, c)
		default:
			w.lasts(k, c, since, limit)
		}
	}
}

// lasts notes that a box is in a condition, since a time by the box's own clock or, if that
// is zero or in the future, since it was noticed.
func (w *watcher) lasts(k *watched, c condition, since time.Time, limit time.Duration) {
	now := w.now()
	if _, noted := k.since[c]; noted && c != offline {
		if told := k.told[c]; since.After(told) || !since.Equal(told) && told.After(now) { // the box was out of it, and is in it again
			w.end(k, c)
		}
	}
	k.told[c] = since
	if since.After(now) {
		since = time.Time{}
	}
	old, noted := k.since[c]
	switch {
	case !noted && since.IsZero():
		k.since[c] = now
	case !noted, !since.IsZero() && since.Before(old):
		k.since[c] = since
	}
	if !k.reported[c] && now.Sub(k.since[c]) >= limit {
		k.reported[c] = true
		w.report(k.notice(c, now))
	}
}

// begin returns whether a box is in a condition, and when that began by the box's own
// clock, zero if that is not known. What a box that is offline was in before is not known.
func (k *watched) begin(c condition, now time.Time) (since time.Time, is, known bool) {
	b := k.box
	silent := b.Health != nil && now.Sub(k.heard) > silentAfter
	online := b.Online && !k.missing && !silent
	switch {
	case c == offline:
		if b.Online && !k.missing && silent {
			return k.heard, true, true
		}
		if online {
			k.seen = true
			return time.Time{}, false, true
		}
		if k.seen {
			return time.Time{}, true, true // since it was noticed: health is older
		}
		return b.LastSeen, true, b.available
	case !online || b.Status == nil:
		return time.Time{}, false, false
	case c == blocked:
		return b.Status.Since, b.Status.State == device.Blocked, true
	}
	oldest := b.Status.Sessions.Oldest
	return oldest, !oldest.IsZero(), true
}

// end reports the end of a condition if its beginning was reported.
func (w *watcher) end(k *watched, c condition) {
	if k.reported[c] {
		n := k.notice(c, w.now())
		n.Ended = true
		w.report(n)
	}
	delete(k.since, c)
	delete(k.told, c)
	delete(k.reported, c)
}

func (k *watched) notice(c condition, now time.Time) notice {
	n := notice{Event: c, At: now.UTC(), Since: k.since[c].UTC(), For: age(now.Sub(k.since[c]))}
	n.Box.ID, n.Box.Name, n.Box.Labels, n.Removed = k.box.ID, k.name, k.labels, k.removed
	if c == blocked && k.box.Status != nil && k.box.Status.Problem != nil {
		n.Problem = k.box.Status.Problem.Code
	}
	return n
}

// text returns a notice as a line.
func (n notice) text() string {
	problem := ""
	if n.Problem != "" {
		problem = " (" + short(n.Problem) + ")"
	}
	begun := map[condition]string{offline: "has been offline for " + n.For, blocked: "has been blocked" + problem + " for " + n.For, sessionOld: "has a picking session that is " + n.For + " old"}
	ended := map[condition]string{offline: "is online again after " + n.For, blocked: "is no longer blocked after " + n.For, sessionOld: "has deleted its picking session after " + n.For}
	what := begun[n.Event]
	switch {
	case n.Removed:
		what = "was removed"
	case n.Ended:
		what = ended[n.Event]
	}
	return n.At.Format(time.RFC3339) + "  box " + n.title() + " " + what
}

func (n notice) title() string {
	if n.Box.Name == "" {
		return n.Box.ID
	}
	return short(n.Box.Name) + " (" + n.Box.ID + ")"
}
