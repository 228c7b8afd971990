package device

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

const (
	parallel = 4  // downloads at a time, as Google advises
	batch    = 64 // photos that one commit takes at the most
	// strikes is how often one item's bytes may be bad before it is left out;
	// a server that refuses gets twice as many tries.
	strikes = 3
	// patience is how long a video is waited for that Google still transcodes.
	patience = 10 * time.Minute
)

// A fetchLedger is what the fetching of one pick has come to. It lives in
// memory: after a restart the store says what is here, and failures are tried
// afresh.
type fetchLedger struct {
	pick  string
	began time.Time

	mu      sync.Mutex
	total   int             // items listed so far
	before  int             // items that an earlier process brought
	moved   time.Time       // when the last item came
	mine    map[string]bool // items that this process brought
	bytes   int64
	fails   map[string]int // by item id
	given   map[string]bool
	noNames int       // items without an id, which can't be tried again
	noRoom  bool      // some were left out because store.max_bytes is reached
	full    time.Time // since when the disk has been full, and nothing came
	budget  *budget   // of the pass under way
}

func newLedger(pick string) *fetchLedger {
	return &fetchLedger{pick: pick, began: time.Now(), moved: time.Now(),
		mine: map[string]bool{}, fails: map[string]int{}, given: map[string]bool{}}
}

// noteFull notes whether the disk was full in a pass, and whether anything came
// all the same.
func (l *fetchLedger) noteFull(full, came bool) {
	switch {
	case !full || came:
		l.full = time.Time{}
	case l.full.IsZero():
		l.full = time.Now()
	}
}

func (l *fetchLedger) status() *Fetch {
	l.mu.Lock()
	defer l.mu.Unlock()
	done, failed := l.before+len(l.mine), len(l.given)+l.noNames
	return &Fetch{Done: done, Total: max(l.total, done+failed), Failed: failed, Bytes: l.bytes}
}

// fetch brings everything that was picked to the box, in passes: each lists
// the session anew, so that addresses are fresh, and tries what is missing.
func (d *Device) fetch(ctx context.Context) error {
	f := d.facts
	if d.fetched == nil || d.fetched.pick != f.pick.RequestID {
		d.fetched = newLedger(f.pick.RequestID)
	}
	for attempt := 1; ; attempt++ {
		before := d.fetched.status().Done
		missing, err := d.fetchPass(ctx, f)
		d.fetched.noteFull(isFull(err) || errors.Is(err, errDiskFull), d.fetched.status().Done > before)
		if err != nil {
			return d.fetchFailed(ctx, f, err)
		}
		if missing == 0 {
			return d.fetchedAll(f)
		}
		if d.fetched.status().Done > before {
			attempt = 1
		}
		if err := d.sleep(ctx, backoff(attempt)); err != nil {
			return err
		}
	}
}

func (d *Device) fetchFailed(ctx context.Context, f facts, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if done, err := d.useless(f, err); done {
		return err
	}
	if !d.fetched.full.IsZero() && time.Since(d.fetched.full) > patience {
		// The session is not kept for an operator who may never come.
		if err := d.fetchedAll(f); err != nil {
			return err
		}
		return errDiskFull
	}
	if isEndOfList(err) {
		// Nothing more will come of this session; what came stays.
		d.log.Warn("the list of photos is lost", "err", err, "request_id", f.pick.RequestID, "session_id", f.pick.SessionID)
		if err := d.fetchedAll(f); err != nil {
			return err
		}
		return &listError{err}
	}
	return err
}

// isEndOfList reports whether a list has failed for good.
func isEndOfList(err error) bool {
	e, ok := errors.AsType[*picker.Error](err)
	return ok && e.Op == "mediaItems.list" && (e.Code == picker.NotFound || errors.Is(err, picker.ErrPages))
}

// fetchedAll ends the pick: its session is no longer needed.
func (d *Device) fetchedAll(f facts) error {
	l := d.fetched.status()
	d.log.Info("fetched", "photos", l.Done, "failed", l.Failed, "bytes", l.Bytes, "took", time.Since(d.fetched.began).Round(time.Millisecond),
		"request_id", f.pick.RequestID, "session_id", f.pick.SessionID)
	noRoom := d.fetched.noRoom
	videos, err := d.videosOf(f.pick.RequestID)
	if err != nil {
		return err
	}
	d.screen.update(func(v *view) {
		v.fetch = nil
		v.receipt = &receipt{pick: f.pick.RequestID, photos: max(l.Done-videos, 0), videos: videos, failed: l.Failed, since: time.Now()}
	})
	if l.Done > 0 {
		if _, err := d.cfg.Store.Prune(); err != nil {
			return &storeError{err}
		}
	}
	defer wake(d.slideNow)
	defer wake(d.sweepNow)
	if err := d.endPick(f.pick, "done"); err != nil {
		return err
	}
	d.fetched = nil
	if noRoom {
		return errNoRoom
	}
	return nil
}

// videosOf returns how many videos a pick has brought.
func (d *Device) videosOf(requestID string) (n int, err error) {
	list, err := d.cfg.Store.Photos()
	if err != nil {
		return 0, &storeError{err}
	}
	for _, p := range list {
		if p.Pick == requestID && p.Type == picker.Video {
			n++
		}
	}
	return n, nil
}

// A job is one item to fetch.
type job struct {
	item  *picker.MediaItem
	index int
}

// An outcome is what became of a job.
type outcome struct {
	id  string
	err error
}

// fetchPass lists the session and fetches what is missing, four at a time. It
// returns how many items are worth another pass. Its errors are those of the
// list and of the store; what fails for one item is counted, not returned.
func (d *Device) fetchPass(ctx context.Context, f facts) (missing int, err error) {
	api := d.api(f.grant)
	jobs := make(chan job)
	commits := make(chan store.Addition, batch) // so that downloads go on during a commit
	var outcomes []outcome
	var mu sync.Mutex

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	if d.fetched.budget, err = newBudget(d.cfg.Store, f.pick, d.cfg.MaxBytes, !d.cfg.Append); err != nil {
		return 0, err
	}
	var listErr error // kept apart: what was listed before it still comes
	g.Go(func() error {
		defer close(jobs)
		err := d.listMissing(ctx, api, f, jobs, commits)
		if isEndOfList(err) {
			listErr, err = err, nil
		}
		return err
	})
	workers, workCtx := errgroup.WithContext(ctx)
	for range parallel {
		workers.Go(func() error {
			for j := range jobs {
				add, err := d.download(workCtx, api, f, j)
				if err == nil {
					if err := send(workCtx, commits, add); err != nil {
						add.Part.Discard()
						return err
					}
				}
				if isEveryones(err) || ctx.Err() != nil {
					return err
				}
				d.tally.item(err == nil)
				mu.Lock()
				outcomes = append(outcomes, outcome{j.item.ID, err})
				mu.Unlock()
			}
			return nil
		})
	}
	g.Go(workers.Wait)
	committed := make(chan error, 1)
	go func() { committed <- d.commit(commits, cancel) }()
	err = g.Wait()
	close(commits)
	if cerr := <-committed; cerr != nil {
		err = cerr
	}
	if err == nil {
		err = listErr
	}
	if err != nil {
		return 0, err
	}
	d.reach()
	freed, err := d.makeRoom(outcomes)
	if err != nil {
		return 0, err
	}
	return d.judge(f, outcomes, freed)
}

// makeRoom reports whether there is more room than when items failed for lack of
// it: it removes the photos that this pick has replaced where others lack the
// room; as long as none of it is here, the old ones stay. The whole list has been
// read: what it shares with them has changed hands.
func (d *Device) makeRoom(outcomes []outcome) (freed bool, err error) {
	if !slices.ContainsFunc(outcomes, func(o outcome) bool { return lacksRoom(o.err) }) {
		return false, nil
	}
	freed = d.fetched.budget.givenBack()
	n, err := d.cfg.Store.Prune()
	if err != nil {
		return false, &storeError{err}
	}
	return freed || n > 0, nil
}

// isEveryones reports whether an error is not about one item: the disk's, or
// the token's.
func isEveryones(err error) bool {
	_, disk := errors.AsType[*storeError](err)
	_, token := errors.AsType[*oauthdevice.Error](err)
	return disk || token
}

func send[T any](ctx context.Context, c chan<- T, v T) error {
	select {
	case c <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listMissing hands out the items that are not here yet. Items that an earlier
// pick brought only change hands.
func (d *Device) listMissing(ctx context.Context, api *picker.Client, f facts, jobs chan<- job, commits chan<- store.Addition) error {
	l := d.fetched
	seen := map[string]bool{}
	index, here, noNames := 0, 0, 0
	for item, err := range api.MediaItems(ctx, f.pick.SessionID) {
		d.beat()
		if ie, ok := errors.AsType[*picker.ItemError](err); ok {
			noNames++
			d.log.Warn("an item can't be read", "err", ie, "request_id", f.pick.RequestID)
			continue
		}
		if err != nil {
			return err
		}
		if seen[item.ID] {
			continue
		}
		seen[item.ID] = true
		index++
		old, err := d.cfg.Store.Photo(item.ID)
		if err != nil {
			return &storeError{err}
		}
		switch {
		case old != nil && old.Pick == f.pick.RequestID:
			if !l.isMine(item.ID) {
				here++
			}
		case old != nil:
			moved := *old
			moved.Pick, moved.Index, moved.Grant, moved.Hidden = f.pick.RequestID, index, f.grant.ID, false
			l.budget.handOver(old.Bytes)
			if err := send(ctx, commits, store.Addition{Photo: moved}); err != nil {
				return err
			}
		case !l.hasGiven(item.ID):
			l.count(len(seen)+noNames, here, noNames)
			if err := send(ctx, jobs, job{item, index}); err != nil {
				return err
			}
		}
	}
	l.count(len(seen)+noNames, here, noNames)
	d.showFetch()
	return nil
}

func (l *fetchLedger) hasGiven(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.given[id]
}

func (l *fetchLedger) isMine(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mine[id]
}

// count notes what a list has said so far.
func (l *fetchLedger) count(total, before, noNames int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total, l.before, l.noNames = max(l.total, total), max(l.before, before), max(l.noNames, noNames)
}

// commit makes finished files appear. What has come while one transaction was
// on its way to the disk goes into the next together: the first photo is shown
// at once, and many small ones don't wait for a sync each.
func (d *Device) commit(in <-chan store.Addition, stop func()) error {
	var failed error
	for a := range in {
		adds := []store.Addition{a}
		for len(in) > 0 && len(adds) < batch { // this goroutine alone receives
			adds = append(adds, <-in)
		}
		if failed != nil {
			discard(adds)
			continue
		}
		if err := d.cfg.Store.AddPhotos(adds, !d.cfg.Append); err != nil {
			failed = &storeError{fmt.Errorf("store %d photos: %w", len(adds), err)}
			discard(adds)
			stop()
			continue
		}
		d.arrived(adds)
	}
	return failed
}

func discard(adds []store.Addition) {
	for _, a := range adds {
		if a.Part != nil {
			a.Part.Discard()
		}
	}
}

func (d *Device) arrived(adds []store.Addition) {
	l := d.fetched
	l.mu.Lock()
	for _, a := range adds {
		l.mine[a.Photo.ID] = true
		l.moved = time.Now()
		if a.Part != nil {
			l.bytes += a.Photo.Bytes
		}
	}
	l.mu.Unlock()
	wake(d.slideNow)
	wake(d.hostNow) // the countdown may be over
	d.showFetch()
}

func (d *Device) showFetch() {
	st := d.fetched.status()
	d.screen.update(func(v *view) { v.fetch = st })
}

// judge counts failures and returns how many items are worth another pass.
//
// A failure that may be the network's, or all of Google's, is held against an
// item only when others came through in the same pass or so few are left that
// the two can't be told apart: an outage must not cost anybody a photo. When
// nothing at all came through, the outage itself is returned as the error.
// freed tells that there is more room now than when they failed.
func (d *Device) judge(f facts, outcomes []outcome, freed bool) (missing int, outage error) {
	l := d.fetched
	l.mu.Lock()
	defer l.mu.Unlock()
	came := slices.ContainsFunc(outcomes, func(o outcome) bool { return o.err == nil })
	silent := !came && len(outcomes) >= parallel
	for _, o := range outcomes {
		if o.err == nil {
			continue
		}
		if freed && lacksRoom(o.err) {
			missing++
			continue
		}
		if l.blame(o, came, silent) {
			d.log.Warn("an item is left out", "err", o.err, "request_id", f.pick.RequestID, "session_id", f.pick.SessionID)
			continue
		}
		missing++
		if silent && isTemporary(o.err) || errors.Is(o.err, errDiskFull) {
			outage = o.err
		}
	}
	return missing, outage
}

// blame holds a failure against an item and reports whether it is given up.
// came tells that others came through in the same pass, silent that none of
// many did.
func (l *fetchLedger) blame(o outcome, came, silent bool) bool {
	status := 0
	if e, ok := errors.AsType[*picker.Error](o.err); ok {
		status = e.HTTPStatus
	}
	switch {
	case errors.Is(o.err, errNotReady):
		if time.Since(l.began) > patience {
			l.given[o.id] = true
		}
	case errors.Is(o.err, errNoRoom):
		l.given[o.id], l.noRoom = true, true
	case errors.Is(o.err, errDiskFull):
		// fetch gives up when it has lasted
	case isTemporary(o.err):
		if !silent {
			l.fails[o.id]++
		}
	case status == http.StatusForbidden && came:
		// Its address has run out behind slow ones; the next list has a new one.
	case status != 0:
		if !silent || time.Since(l.moved) > patience {
			l.fails[o.id]++
		}
	default:
		l.fails[o.id] += 2 // the bytes themselves are bad
	}
	if l.fails[o.id] >= 2*strikes {
		l.given[o.id] = true
	}
	return l.given[o.id]
}
