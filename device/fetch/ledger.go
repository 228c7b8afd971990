package fetch

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"pickerd/device"
	"pickerd/picker"
	"pickerd/store"
)

const (
	// maxFailures is how often one item's bytes may be bad before it is skipped.
	// A server that refuses gets twice as many tries.
	maxFailures = 3
	// maxWait is how long a video is waited for that Google still transcodes, and
	// a disk that is full.
	maxWait = 10 * time.Minute
	// maxRefusal is how long a host may answer everything with 403 after it has
	// served something.
	maxRefusal = 24 * time.Hour
)

// A ledger records what the fetching of one pick has come to. It is in memory:
// after a restart the store says what is on the box, and failures are tried
// afresh.
type ledger struct {
	pick  string
	began time.Time

	mu        sync.Mutex
	listed    listed
	ids       map[string]bool   // that were listed, at most as many as may be picked
	moved     time.Time         // when the last item, or a good part of one, came
	fetched   map[string]string // types of the items that this process brought, by ID
	bytes     int64
	failures  map[string]int   // by item ID
	refused   map[string]bool  // with 403 at least once
	abandoned map[string]error // why, by item ID
	noRoom    bool             // items were left out because of Config.MaxBytes
	full      time.Time        // since when the disk has been full and nothing came
	budget    *budget          // of the pass under way
}

// listed is what a list has said so far.
type listed struct {
	items          int
	photos, videos int // of those, what an earlier process brought
	unnamed        int // items without an ID, which can't be tried again
}

// add counts an item that is on the box.
func (n *listed) add(typ string) {
	if typ == picker.Video {
		n.videos++
	} else {
		n.photos++
	}
}

func newLedger(pick string) *ledger {
	return &ledger{pick: pick, began: time.Now(), moved: time.Now(), ids: map[string]bool{},
		fetched: map[string]string{}, failures: map[string]int{}, refused: map[string]bool{}, abandoned: map[string]error{}}
}

// admit reports whether an item is one of the first max that the lists of this pick
// have named.
func (l *ledger) admit(id string, max int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ids[id] && len(l.ids) >= max {
		return false
	}
	l.ids[id] = true
	return true
}

// note takes over what a list has said so far. A later list may be shorter.
func (l *ledger) note(n listed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listed = listed{max(l.listed.items, n.items), max(l.listed.photos, n.photos), max(l.listed.videos, n.videos), max(l.listed.unnamed, n.unnamed)}
}

// noteFull notes whether the disk was full in a pass, and whether anything came
// nevertheless.
func (l *ledger) noteFull(full, came bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !full || came:
		l.full = time.Time{}
	case l.full.IsZero():
		l.full = time.Now()
	}
}

// fullFor returns how long the disk has been full.
func (l *ledger) fullFor() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full.IsZero() {
		return 0
	}
	return time.Since(l.full)
}

func (l *ledger) status() device.Fetch {
	r := l.result()
	done := r.Photos + r.Videos
	l.mu.Lock()
	defer l.mu.Unlock()
	failed := r.Failed + r.Unshowable
	return device.Fetch{Done: done, Total: max(l.listed.items+l.listed.unnamed, done+failed), Failed: failed, Bytes: r.Bytes}
}

func (l *ledger) result() Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := listed{photos: l.listed.photos, videos: l.listed.videos}
	for _, typ := range l.fetched {
		n.add(typ)
	}
	unshowable := 0
	for _, err := range l.abandoned {
		if isUnshowable(err) {
			unshowable++
		}
	}
	return Result{Photos: n.photos, Videos: n.videos, Failed: len(l.abandoned) - unshowable + l.listed.unnamed, Unshowable: unshowable,
		Bytes: l.bytes, NoRoom: l.noRoom, Took: time.Since(l.began)}
}

func (l *ledger) lastMove() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.moved
}

func (l *ledger) isFetched(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.fetched[id]
	return ok
}

func (l *ledger) isAbandoned(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.abandoned[id] != nil
}

func (l *ledger) isRefused(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused[id]
}

func (l *ledger) arrived(adds []store.Addition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range adds {
		l.fetched[a.Photo.ID] = a.Photo.Type
		l.moved = time.Now()
		if a.Part != nil {
			l.bytes += a.Photo.Bytes
		}
	}
}

// A passage is how a pass went, as far as it matters for what failed in it.
type passage struct {
	over   bool // it ended early, because addresses were old or the host refused several items in a row
	came   bool // some items came through
	silent bool // many did not, and none came through
	stormy bool // the host has refused several items in a row in some pass
	freed  bool // there is more room now than when they failed
}

// tally counts failures and returns how many items are worth another pass.
//
// A failure that may be the network's, or all of Google's, counts against an
// item only if others came through in the same pass or so few are left that the
// two can't be told apart: an outage must not cost anybody a photo. If nothing
// came through, the outage itself is returned as the error.
func (f *Fetcher) tally(s Session, outcomes []outcome, p passage) (missing int, outage error) {
	l := f.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	p.came = slices.ContainsFunc(outcomes, func(o outcome) bool { return o.err == nil })
	p.silent = !p.came && len(outcomes) >= maxDownloads
	if p.over {
		missing++ // those left to the next pass
	}
	for _, o := range outcomes {
		if o.err == nil {
			continue
		}
		if p.freed && lacksRoom(o.err) {
			missing++
			continue
		}
		if l.countFailureLocked(o, p) {
			f.cfg.Log.Warn("item skipped", "item", o.id, "err", o.err, "request_id", s.RequestID, "session_id", s.SessionID)
			continue
		}
		missing++
		if p.silent && isTemporary(o.err) && !hasGrown(o.err) || errors.Is(o.err, ErrDiskFull) {
			outage = o.err
		}
	}
	return missing, outage
}

// countFailureLocked counts a failure against an item and reports whether it is
// abandoned.
func (l *ledger) countFailureLocked(o outcome, p passage) (abandoned bool) {
	status := 0
	if e, ok := errors.AsType[*picker.Error](o.err); ok {
		status = e.HTTPStatus
	}
	switch {
	case hasGrown(o.err):
		l.moved = time.Now()
	case errors.Is(o.err, errNotReady):
		if time.Since(l.began) > maxWait {
			l.abandoned[o.id] = o.err
		}
	case errors.Is(o.err, ErrNoRoom):
		l.abandoned[o.id], l.noRoom = o.err, true
	case errors.Is(o.err, ErrDiskFull):
		// Run gives up when that has lasted.
	case isTemporary(o.err):
		if !p.silent {
			l.failures[o.id]++
		}
	case status == http.StatusForbidden:
		l.refused[o.id] = true
		if !p.came && time.Since(l.moved) > p.grace() {
			l.failures[o.id]++
		}
	case status != 0, errors.Is(o.err, errEmpty):
		if !p.silent || time.Since(l.moved) > maxWait {
			l.failures[o.id]++
		}
	default:
		l.failures[o.id] += 2 // the bytes themselves are bad
	}
	if l.failures[o.id] >= 2*maxFailures {
		l.abandoned[o.id] = o.err
	}
	return l.abandoned[o.id] != nil
}

// grace is how long after the last item a 403 does not count against others: it may
// be a limit of the host, or an address that has expired.
func (p passage) grace() time.Duration {
	switch {
	case p.over:
		return maxRefusal
	case p.stormy, p.silent:
		return maxWait
	}
	return 0
}
