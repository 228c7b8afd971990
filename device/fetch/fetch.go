package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/device"
	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

const (
	maxDownloads = 4  // at a time, as Google advises
	maxBatch     = 64 // photos in one commit
	// maxPicked is how many items a person can pick, by the API's own limit. As many
	// are listed before they are downloaded, so that people see early how many there
	// are.
	maxPicked = 2000
	// maxUnnamedLogged bounds the log lines about unreadable items of one list.
	maxUnnamedLogged = 10
)

// Config is what a Fetcher needs. All funcs must be set.
type Config struct {
	Store      *store.Store
	ScreenSize func() (width, height int) // in pixels, that photos are fetched at
	MaxBytes   int64                      // of all photos on the disk; 0 means no limit
	MaxItems   int                        // of one pick; 0 means the API's own limit
	Log        *slog.Logger

	// Progress reports each change, Arrived that items are on the disk, Alive that
	// bytes of one came, and Listed that the list continues.
	Progress func(device.Fetch)
	Arrived  func()
	Alive    func()
	Listed   func()
	// Received counts the bytes of downloads, and Item the downloads.
	Received func(bytes int64)
	Item     func(fetched bool)
	// Now returns the servers' time.
	Now func() time.Time
	// Wait waits for d. Its error is ctx's. Backoff is how long to wait after n
	// failures in a row.
	Wait    func(ctx context.Context, d time.Duration) error
	Backoff func(n int) time.Duration
	// Throttled reports until when the hosts of the media want no requests, and the
	// zero time when downloads continue.
	Throttled func(until time.Time)
}

// A Session is the picking session whose items are fetched.
type Session struct {
	RequestID string
	SessionID string
	GrantID   string
	API       *picker.Client // acts for the grant
	Append    bool           // its items join the photos on the box instead of replacing them
	// Collection is the ID of the one that the items go to, "" for the default one.
	Collection string
	// OriginalVideos has videos fetched in the size of the original, not of screens.
	// That of the first Run for a pick is in force.
	OriginalVideos bool
}

// A Result is what has been fetched.
type Result struct {
	Photos, Videos int
	Failed         int   // items that could not be fetched
	Unshowable     int   // items that were fetched and can't be shown
	Bytes          int64 // that this process received
	NoRoom         bool  // items were left out because of Config.MaxBytes
	Final          bool  // nothing more will come of the session
	Took           time.Duration
}

// A Fetcher downloads one pick at a time.
type Fetcher struct {
	cfg      Config
	ledger   *ledger
	throttle *throttle
	suffixes *suffixes
}

// New returns a Fetcher.
func New(cfg Config) *Fetcher { return &Fetcher{cfg: cfg} }

// Run fetches what was picked. A second Run for the same pick continues the
// first. The Result is Final if nothing more will come of the session: then the
// error is nil, a *ListError or ErrDiskFull. Other errors are worth another Run.
func (f *Fetcher) Run(ctx context.Context, s Session) (Result, error) {
	if f.ledger == nil || f.ledger.pick != s.RequestID {
		f.ledger, f.throttle, f.suffixes = newLedger(s.RequestID), newThrottle(f.cfg), newSuffixes(s.OriginalVideos)
	}
	l := f.ledger
	for attempt := 1; ; attempt++ {
		before := l.lastMove()
		missing, err := f.pass(ctx, s)
		came := l.lastMove().After(before)
		l.noteFull(device.IsFull(err) || errors.Is(err, ErrDiskFull), came)
		switch {
		case err == nil && missing == 0:
			return f.final(nil)
		case ctx.Err() != nil:
			return l.result(), ctx.Err()
		case isGrantError(err):
			return l.result(), err
		case err != nil && l.fullFor() > maxWait:
			// The session is not kept for an operator who may never come.
			return f.final(ErrDiskFull)
		case isListLost(err):
			f.cfg.Log.Warn("media list unavailable", "err", err, "request_id", s.RequestID, "session_id", s.SessionID)
			return f.final(&ListError{err})
		case err != nil:
			return l.result(), err
		}
		if came {
			attempt = 1
		}
		// The next list is read after the pause that the hosts need: its addresses age.
		if err := f.cfg.Wait(ctx, max(f.cfg.Backoff(attempt), f.throttle.left())); err != nil {
			return l.result(), err
		}
	}
}

// final ends the pick. Photos that it replaced make room.
func (f *Fetcher) final(err error) (Result, error) {
	r := f.ledger.result()
	if r.Photos+r.Videos > 0 {
		if _, perr := f.cfg.Store.Photos.Prune(); perr != nil {
			return r, &device.StoreError{Err: perr}
		}
	}
	r.Final = true
	return r, err
}

// isGrantError reports whether an error is the authorization server's.
func isGrantError(err error) bool {
	_, ok := errors.AsType[*oauthdevice.Error](err)
	return ok
}

// isListLost reports whether a list has failed for good.
func isListLost(err error) bool {
	e, ok := errors.AsType[*picker.Error](err)
	return ok && e.Op == "mediaItems.list" && (e.Code == picker.NotFound || errors.Is(err, picker.ErrEndlessList))
}

// A job is one item to fetch.
type job struct {
	item   *picker.MediaItem
	index  int
	listed time.Time
}

// An outcome is what became of a job.
type outcome struct {
	id  string
	err error
}

// pass lists the session and fetches what is missing. It returns how many items
// are worth another pass. Its errors are those of the list and of the store;
// what fails for one item is counted, not returned. No download of a pass starts any
// more when the addresses of the list are of no use.
func (f *Fetcher) pass(ctx context.Context, s Session) (missing int, err error) {
	jobs := make(chan job, maxPicked)
	commits := make(chan store.Addition, maxBatch) // so that downloads continue during a commit
	var outcomes []outcome
	var mu sync.Mutex

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	if f.ledger.budget, err = newBudget(f.cfg.Store, s, f.cfg.MaxBytes); err != nil {
		return 0, err
	}
	var listErr error // kept apart: what was listed before it is still fetched
	g.Go(func() error {
		defer close(jobs)
		err := f.listMissing(ctx, s, jobs, commits)
		if isListLost(err) {
			listErr, err = err, nil
		}
		return err
	})
	workers, workCtx := errgroup.WithContext(ctx)
	open, end := context.WithCancelCause(workCtx)
	defer end(nil)
	for range maxDownloads {
		workers.Go(func() error {
			for j := range jobs {
				add, err := f.paced(workCtx, open, s, j)
				if errors.Is(err, errPassOver) && workCtx.Err() == nil {
					end(errPassOver)
					continue
				}
				if err == nil {
					if err := send(workCtx, commits, add); err != nil {
						add.Part.Discard()
						return err
					}
				}
				if affectsAll(err) || workCtx.Err() != nil {
					return err
				}
				f.cfg.Item(err == nil)
				mu.Lock()
				outcomes = append(outcomes, outcome{j.item.ID, err})
				mu.Unlock()
			}
			return nil
		})
	}
	g.Go(workers.Wait)
	committed := make(chan error, 1)
	go func() { committed <- f.commit(s, commits, cancel) }()
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
	freed, err := f.makeRoom(outcomes)
	if err != nil {
		return 0, err
	}
	return f.tally(s, outcomes, passage{over: context.Cause(open) == errPassOver, stormy: f.throttle.stormy(), freed: freed})
}

// makeRoom reports whether there is more room than when items failed for lack of
// it. It removes the photos that this pick has replaced; as long as none of the
// pick is on the box, the old ones stay. The whole list has been read, so what
// the pick shares with them belongs to the pick.
func (f *Fetcher) makeRoom(outcomes []outcome) (freed bool, err error) {
	if !slices.ContainsFunc(outcomes, func(o outcome) bool { return lacksRoom(o.err) }) {
		return false, nil
	}
	freed = f.ledger.budget.hasReturned()
	n, err := f.cfg.Store.Photos.Prune()
	if err != nil {
		return false, &device.StoreError{Err: err}
	}
	return freed || n > 0, nil
}

// affectsAll reports whether an error is not about one item but the disk's or
// the token's.
func affectsAll(err error) bool {
	_, disk := errors.AsType[*device.StoreError](err)
	return disk || isGrantError(err)
}

// send sends v unless ctx ends before there is room for it.
func send[T any](ctx context.Context, c chan<- T, v T) error {
	select {
	case c <- v:
		return nil
	default: // else chance would decide once ctx has ended
	}
	select {
	case c <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listMissing hands out the items that are not on the box yet. Items that an
// earlier pick brought are reassigned to this one. A list that has more items than a
// person may pick, or no end, ends there.
func (f *Fetcher) listMissing(ctx context.Context, s Session, jobs chan<- job, commits chan<- store.Addition) error {
	l := f.ledger
	most := cmp.Or(f.cfg.MaxItems, maxPicked)
	seen := map[string]bool{}
	var late []job // refused before: they must not keep the others waiting
	var n listed
	for item, err := range s.API.MediaItems(ctx, s.SessionID) {
		f.cfg.Listed()
		if item != nil && seen[item.ID] {
			continue
		}
		endless := errors.Is(err, picker.ErrEndlessList) && n.items > 0
		if endless || n.items+n.unnamed >= most || item != nil && !l.admit(item.ID, most) {
			f.cfg.Log.Warn("media list too long", "items", n.items, "max", most, "request_id", s.RequestID)
			break
		}
		if ie, ok := errors.AsType[*picker.ItemError](err); ok {
			if n.unnamed++; n.unnamed <= maxUnnamedLogged {
				f.cfg.Log.Warn("item unreadable", "err", ie, "request_id", s.RequestID)
			}
			continue
		}
		if err != nil {
			return err
		}
		seen[item.ID] = true
		n.items++
		old, err := f.cfg.Store.Photos.Get(item.ID)
		if err != nil {
			return &device.StoreError{Err: err}
		}
		switch {
		case old != nil && old.Pick == s.RequestID:
			if !l.isFetched(item.ID) {
				n.add(old.Type)
			}
		case old != nil:
			l.budget.reassign(old.Bytes)
			if err := send(ctx, commits, store.Addition{Photo: f.moved(*old, s, n.items)}); err != nil {
				return err
			}
		case !l.isAbandoned(item.ID):
			l.note(n)
			j := job{item, n.items, time.Now()}
			if l.isRefused(item.ID) {
				late = append(late, j)
			} else if err := send(ctx, jobs, j); err != nil {
				return err
			}
		}
	}
	for _, j := range late {
		if err := send(ctx, jobs, j); err != nil {
			return err
		}
	}
	l.note(n)
	f.cfg.Progress(l.status())
	return nil
}

// moved returns an item of an earlier pick as one of a session.
func (f *Fetcher) moved(p store.Photo, s Session, index int) store.Photo {
	p.Pick, p.Index, p.Grant, p.Hidden, p.AddedAt = s.RequestID, index, s.GrantID, false, f.cfg.Now()
	p.Collection = s.Collection
	return p
}

// commit makes finished files appear. What has come while one transaction was on
// its way to the disk goes into the next together: the first photo is shown at
// once, and many small ones don't wait for a sync each.
func (f *Fetcher) commit(s Session, in <-chan store.Addition, stop func()) error {
	var failed error
	for a := range in {
		adds := []store.Addition{a}
		for len(in) > 0 && len(adds) < maxBatch { // this goroutine alone receives
			adds = append(adds, <-in)
		}
		if failed != nil {
			discard(adds)
			continue
		}
		if err := f.cfg.Store.Photos.Add(adds, !s.Append); err != nil {
			failed = &device.StoreError{Err: fmt.Errorf("store %d photos: %w", len(adds), err)}
			discard(adds)
			stop()
			continue
		}
		f.ledger.arrived(adds)
		f.cfg.Arrived()
		f.cfg.Progress(f.ledger.status())
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
