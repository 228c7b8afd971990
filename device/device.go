package device

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"pickerd/display"
	"pickerd/display/words"
	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

// Config is what a Device needs. All but the funcs and numbers must be set.
type Config struct {
	Name  string // shown on the phone and on the screen
	Store *store.Store
	// OAuth has the endpoints, the scopes and the HTTP client; each way to sign
	// in brings its own client ID.
	OAuth  oauthdevice.Client
	Ways   []Way         // in the order that they are tried; at least one
	Door   Door          // may be nil without ByRelay and ByPaste; phones have no remote then
	Picker picker.Client // its Tokens are set for each grant
	Log    *slog.Logger
	// Provisioned is a token file that the box was delivered with, nil without.
	Provisioned []byte
	KeepPhotos  bool // when the account is forgotten
	NoRemote    bool // for phones
	MaxAccounts int  // that are paired at a time; 0 means one
	// ForgetAfter makes the box a guest's: who has not been active for that long
	// is forgotten. 0 means that it stays paired.
	ForgetAfter time.Duration
	MaxItems    int          // of one pick; 0 means the API's own limit
	Append      bool         // new picks join the photos already here instead of replacing them
	MaxBytes    int64        // of photos on disk; 0 means no limit
	Words       *words.Words // the language of the screen; nil means English
	Slideshow   Slideshow
	Version     string        // of the program, to be shown
	DisplayKey  string        // of the page, to be told to operators; may be ""
	Address     func() string // how the screen is reached, to be shown; may be nil
	// ScreenSize returns the size in pixels that photos are fetched at; nil
	// means 1920 by 1080.
	ScreenSize func() (width, height int)
}

// A Device is one box. Its methods may be called from anywhere once Run runs.
type Device struct {
	cfg    Config
	log    *slog.Logger
	wishes chan wish
	screen *screen

	sweepNow chan struct{} // level trigger, capacity one
	slideNow chan struct{} // level trigger, capacity one
	turns    chan turn     // what somebody wants of the slideshow
	untilNow chan struct{} // level trigger, capacity one
	hostNow  chan struct{} // level trigger, capacity one
	copying  chan struct{} // who makes a copy of an item, capacity one
	born     time.Time     // New's
	lastBeat atomic.Int64  // nanoseconds since then: the box's clock may jump
	// lastActive is when something came that a guest waits for, likewise.
	lastActive atomic.Int64
	clock      *clock
	tally      *tally

	bygones     bygones
	revocations revocations
	sweepBreak  time.Duration     // that a server asked the sweeper for
	said        map[string]string // the sweeper's last words, by what they are about
	life        context.Context   // Run's
	hearsay     []store.Refusal   // that browsers brought

	sourcesMu sync.Mutex
	sources   map[string]*oauthdevice.Source // by grant id
	made      madeSessions
	later     struct{ provision, announce bool } // what upkeep does again

	// What follows belongs to Run's goroutine and the step it runs.
	facts    facts
	loaded   bool // facts are more than nothing
	spans    spans
	granted  *granted
	wanted   bool
	newcomer bool // who wants is none of those who are paired
	reached  bool // a server answered since the start
	retry    retry
	poll     pollClock
	fetched  *fetchLedger
	spent    int    // codes in a row that ended without an answer from a person
	renewNow string // requestId of the pairing that somebody wants to be replaced
}

// New returns a Device that Run brings to life.
func New(cfg Config) *Device {
	if cfg.Slideshow.Interval <= 0 {
		cfg.Slideshow.Interval = defaultSlide
	}
	if cfg.ScreenSize == nil {
		cfg.ScreenSize = func() (int, int) { return 1920, 1080 }
	}
	d := &Device{
		cfg:      cfg,
		log:      cfg.Log,
		wishes:   make(chan wish),
		sweepNow: make(chan struct{}, 1),
		slideNow: make(chan struct{}, 1),
		turns:    make(chan turn),
		untilNow: make(chan struct{}, 1),
		hostNow:  make(chan struct{}, 1),
		copying:  make(chan struct{}, 1),
		sources:  map[string]*oauthdevice.Source{},
		born:     time.Now(),
		clock:    &clock{},
		tally:    newTally(),
		spans:    spans{},
		// Whose records are lost is to be linked again, photos or not.
		wanted: cfg.Store.Recovery() != nil,
	}
	d.cfg.OAuth.HTTP = d.clock.listen(cfg.OAuth.HTTP, cfg.OAuth.TokenURL)
	d.cfg.Picker.HTTP = d.clock.listen(cfg.Picker.HTTP, cmp.Or(cfg.Picker.Base, picker.DefaultBase))
	d.screen = newScreen(cfg.Name, cfg.Words, about{version: cfg.Version, address: cfg.Address})
	d.screen.update(func(v *view) {
		v.displayKey, v.guests = cfg.DisplayKey, cfg.ForgetAfter > 0
		if v.guests { // what browsers kept from before is nobody's any more
			v.visit = rand.Text()
		}
	})
	// Scripts ask for it as soon as the control socket is there.
	if err := d.announce(); err != nil {
		d.log.Error("token file", "err", err)
		d.later.announce = true
	}
	return d
}

// Pages carries what the screen shows.
func (d *Device) Pages() *display.Board[display.Page] { return &d.screen.pages }

// Statuses carries what other programs may know.
func (d *Device) Statuses() *display.Board[Status] { return &d.screen.statuses }

// Run works until ctx ends and leaves nothing running behind. A session that a
// person is choosing in stays open, to be gone on with by the next Run.
func (d *Device) Run(ctx context.Context) error {
	d.beat()
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.life = ctx
	if err := d.provision(); err != nil {
		d.log.Error("token file", "err", err)
		d.later.provision = store.IsDiskError(err)
	}
	d.mergeAccounts() // where the power was cut before that
	wg.Go(func() { d.sweeper(ctx) })
	wg.Go(func() { d.slideshow(ctx) })
	wg.Go(func() { d.upkeep(ctx) })
	wg.Go(func() { d.verifier(ctx) })
	wg.Go(func() { d.host(ctx) })
	defer func() { _ = errors.Join(d.keepGranted(), d.flush()) }() // the last chance

	for ctx.Err() == nil {
		d.beat()
		if err := d.load(); err != nil {
			d.trouble(ctx, d.stateSoFar(), err)
			continue
		}
		state := next(d.facts)
		if d.cfg.Door != nil && !(state == Pairing && d.expectsPhones()) {
			d.mindDoor()
		}
		full := d.cfg.Store.Full()
		d.enter(state, func(v *view) { v.full = full })
		err := d.health()
		if err == nil {
			err = d.do(ctx, d.step(state))
		}
		switch {
		case ctx.Err() != nil:
		case err == nil:
			d.calm()
		case !errors.Is(err, errWish):
			d.trouble(ctx, state, err)
		}
	}
	return ctx.Err()
}

// mindDoor keeps the door open for a phone that is a remote, and else shut.
func (d *Device) mindDoor() {
	if !d.screen.remoteLives() {
		d.cfg.Door.Close()
		return
	}
	if _, err := d.cfg.Door.Open(); err != nil {
		d.log.Debug("no remote for phones", "err", err)
	}
}

// stateSoFar is the state as far as it was known last.
func (d *Device) stateSoFar() State {
	if !d.loaded {
		return Starting
	}
	return next(d.facts)
}

// health keeps the box from asking for what it could not keep: a token is given
// only once.
func (d *Device) health() error {
	if err := d.cfg.Store.Health(); err != nil {
		return &storeError{err}
	}
	return nil
}

// restFor is how long nothing is looked at while nothing is to be done.
const restFor = time.Minute

// step returns the one thing to do in a state. Each step does a bounded piece
// of work and returns, so that an error has one place to be judged.
func (d *Device) step(s State) func(context.Context) error {
	switch s {
	case Pairing:
		return d.pair
	case Opening:
		return d.open
	case Picking:
		return d.pick
	case Fetching:
		return d.fetch
	}
	return d.rest // showing and idle: until somebody wishes something
}

func (d *Device) rest(ctx context.Context) error {
	d.calm()
	d.enter(next(d.facts), func(*view) {}) // without a trouble it may be another state
	if d.screen.troubled() {
		return d.sleep(ctx, stayFor) // then calm takes the notice away
	}
	return d.sleep(ctx, restFor)
}

// load reads the facts from disk.
func (d *Device) load() error {
	stored, err := d.cfg.Store.Facts()
	if err != nil {
		return &storeError{err}
	}
	grant, pairing, library := stored.Grant, stored.Pairing, stored.Library
	f := facts{grant: grant, pairing: pairing, library: library, photos: library.Photos - library.Hidden, wanted: d.wanted,
		refusals: d.standing(stored.Refusals), warning: stored.Warning, granted: d.granted != nil}
	d.spans.put(pairing, d.clock)
	d.spans.keep(pairing)
	if f.warning == "" && d.cfg.Store.KeyLost() {
		f.warning = "key_lost"
	}
	o := outstanding(stored.Grants, stored.Picks)
	f.revoking = o != nil && o.Revocation
	f.accounts = inForce(stored.Grants)
	// After a restart the code on the screen tells that somebody else wants in.
	f.newcomer = grant != nil && (d.newcomer || pairing != nil)
	for i, p := range stored.Picks {
		if p.EndReason == "" && f.pick == nil && grant != nil && p.GrantID == grant.ID {
			f.pick = &stored.Picks[i]
		}
	}
	d.facts, d.loaded = f, true
	if f.pairing == nil {
		return nil
	}
	w := d.way()
	other := w != nil && (f.pairing.Method != w.Method || f.pairing.ClientID != w.ClientID) // begun under another configuration
	if other || f.revoking && !f.pairing.Answered() {
		d.facts.pairing, d.facts.newcomer = nil, grant != nil && d.newcomer
		return d.dropPairing()
	}
	return nil
}

// enter makes the state and its facts visible, with whatever else change sets,
// and logs a change of state.
func (d *Device) enter(s State, change func(*view)) {
	f := d.facts
	var from, to State
	d.screen.update(func(v *view) {
		from = v.state
		change(v)
		v.show(visible(s, f, v.problem, d.reached), f)
		v.method, v.mayJoin = "", !d.isFull()
		if w := d.way(); w != nil {
			v.method = w.Method
		}
		d.countInto(v)
		v.setUntil(d.poll.pairUntil(f), d.poll.pickUntil(f, d.clock))
		to = v.state
	})
	wake(d.untilNow)
	wake(d.hostNow)
	if from != to {
		d.logState(from, to)
	}
}

func (d *Device) logState(from, to State) {
	args := []any{"from", string(from), "to", string(to)}
	if p := d.facts.pick; p != nil {
		args = append(args, "request_id", p.RequestID, "session_id", p.SessionID)
	}
	d.log.Info("state", args...)
}

// newRequestID returns a UUIDv4 for a new pick. Google wants one per pick,
// without anything in it about the person.
func newRequestID() string { return uuid.NewString() }

// source returns the token source of a grant.
func (d *Device) source(g *store.Grant) *oauthdevice.Source {
	d.sourcesMu.Lock()
	defer d.sourcesMu.Unlock()
	s := d.sources[g.ID]
	if s == nil {
		id := g.ID
		s = oauthdevice.NewSource(d.clientOf(g), oauthdevice.Token{
			Access:    oauthdevice.Secret(g.AccessToken),
			Refresh:   oauthdevice.Secret(g.RefreshToken),
			ExpiresAt: g.ExpiresAt,
			Scopes:    g.Scopes,
		}, func() error { return d.canKeep(id) }, func(t *oauthdevice.Token) error {
			err := d.cfg.Store.Grants.Update(id, func(g *store.Grant) {
				g.AccessToken, g.RefreshToken, g.ExpiresAt = string(t.Access), string(t.Refresh), t.ExpiresAt
				if !g.Retired {
					g.Account = cmp.Or(t.Account, g.Account)
				}
				if t.Scopes != nil {
					g.Scopes = t.Scopes
				}
			})
			if err != nil {
				return &storeError{err}
			}
			return nil
		})
		d.sources[g.ID] = s
	}
	return s
}

// canKeep tries whether a grant can be written: that a disk looks well is no proof.
func (d *Device) canKeep(grantID string) error {
	if err := d.health(); err != nil {
		return err
	}
	if err := d.cfg.Store.Grants.Update(grantID, func(*store.Grant) {}); err != nil {
		return &storeError{err}
	}
	return nil
}

// flush brings to the disk what it did not take when that came: tokens, and the
// ids of sessions.
func (d *Device) flush() error {
	var errs []error
	d.sourcesMu.Lock()
	sources := slices.Collect(maps.Values(d.sources))
	d.sourcesMu.Unlock()
	for _, s := range sources {
		errs = append(errs, s.Flush())
	}
	for requestID, s := range d.made.all() {
		errs = append(errs, d.keepSession(requestID, s))
	}
	return errors.Join(errs...)
}

func (d *Device) dropSource(grantID string) {
	d.sourcesMu.Lock()
	defer d.sourcesMu.Unlock()
	delete(d.sources, grantID)
}

// api returns the Picker client that acts for a grant.
func (d *Device) api(g *store.Grant) *picker.Client {
	c := d.cfg.Picker
	c.Tokens, c.Timeout = d.source(g), callTimeout
	return &c
}

// callTimeout bounds one request that isn't a download.
const callTimeout = 20 * time.Second

func callContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}

// beatEvery is the longest that a healthy loop stays silent while it waits;
// aliveWithin adds the longest single request.
const (
	beatEvery   = 10 * time.Second
	aliveWithin = 2 * time.Minute
)

func (d *Device) beat() { d.lastBeat.Store(int64(time.Since(d.born))) }

// Alive reports whether the loop has moved lately.
func (d *Device) Alive() bool {
	return time.Since(d.born)-time.Duration(d.lastBeat.Load()) < aliveWithin
}

// sleep waits, showing that the loop is alive. Its error is ctx's.
func (d *Device) sleep(ctx context.Context, dur time.Duration) error {
	until := time.Now().Add(dur)
	for {
		d.beat()
		left := time.Until(until)
		if left <= 0 {
			return ctx.Err()
		}
		t := time.NewTimer(min(left, beatEvery))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

// wake sets a level trigger.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
