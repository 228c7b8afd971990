package engine

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"pickerd/device"
	"pickerd/device/fetch"
	"pickerd/display"
	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

// Config is what an Engine needs. Pointers and funcs must be set unless they say
// otherwise.
type Config struct {
	Options // at first
	Store   *store.Store
	// OAuth has the endpoints, the scopes and the HTTP client. Each method brings
	// its own client ID, and one with an issuer its own endpoints.
	OAuth   oauthdevice.Client
	Methods []Method             // of pairing, in the order in which they are tried; at least one
	Phones  device.PhoneListener // may be nil without ByRelay and ByPaste
	Picker  picker.Client        // its Tokens are set for each grant
	Log     *slog.Logger
	// Built is when the program was built. Servers whose time is ten years and more
	// off are not believed. Zero means that all are.
	Built time.Time
	// Provisioned is a token file that the box was delivered with, nil without.
	Provisioned []byte
	// Carried is what the process before has left that re-executed itself; nil
	// without.
	Carried     *device.Carryover
	KeepPhotos  bool  // when an account is forgotten
	Guests      bool  // everybody is a guest, and is forgotten everywhere
	MaxAccounts int   // that are paired at a time; 0 means one
	MaxItems    int   // of one pick; 0 means the API's own limit
	MaxBytes    int64 // of photos on disk; 0 means no limit
	// KeepFor is how long photos stay after they were fetched; 0 means for ever.
	KeepFor time.Duration
	// ScreenSize returns the size in pixels that photos are fetched at; nil means
	// 1920 by 1080.
	ScreenSize func() (width, height int)
	// PhotosChanged is called when the collection may be another one; may be nil.
	PhotosChanged func()
	// CheckQR returns an error if a link can't be put on a screen; nil means that
	// all can.
	CheckQR func(link string) error
}

// An Engine runs one box. Its methods may be called from any goroutine once Run
// runs.
type Engine struct {
	cfg      settings
	log      *slog.Logger
	requests chan request
	pub      *publisher
	pulse    *pulse
	clock    *clock
	tally    *tally
	methods  *methods
	accounts *accounts
	records  *records
	sessions *sessions
	fetcher  *fetch.Fetcher
	duties
	runCtx context.Context // Run's

	// The rest belongs to the loop and its step.
	facts        facts
	spans        spans
	poll         pollTimer
	retry        retry
	renewal      renewal
	unsavedGrant *unsavedGrant
	wish
	unansweredCodes int    // in a row, that ended without an answer from a person
	answer          func() // tells the last request its outcome
	concluded       bool   // Run ends
}

// A renewal says when the code on the screen is to be replaced by another one.
type renewal struct {
	requested string    // requestId of a pairing whose code somebody wants to be replaced
	after     time.Time // none is requested before that
}

// A wish is that somebody wants to choose photos. The zero wish is none.
type wish struct {
	pickRequested bool
	newAccount    bool   // and that is none of the paired accounts
	collection    string // that the photos are for, by ID; "" for the default one
}

// duties are done beside the loop, from what is on disk.
type duties struct {
	sweeper  *sweeper
	handover *handover
	replaced *replacedSessions
	upkeep   *upkeep
	expiry   *expiry
}

// run does the duties until ctx ends.
func (d *duties) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { d.sweeper.run(ctx) })
	wg.Go(func() { d.handover.run(ctx) })
	wg.Go(func() { d.replaced.run(ctx) })
	wg.Go(func() { d.upkeep.run(ctx) })
	wg.Go(func() { d.upkeep.runVerifier(ctx) })
	wg.Go(func() { d.expiry.run(ctx) })
	wg.Wait()
}

// New returns an Engine that Run brings to life. Its first Snapshot is there at
// once.
func New(cfg Config) *Engine {
	if cfg.ScreenSize == nil {
		cfg.ScreenSize = func() (int, int) { return 1920, 1080 }
	}
	if cfg.PhotosChanged == nil {
		cfg.PhotosChanged = func() {}
	}
	if cfg.CheckQR == nil {
		cfg.CheckQR = func(string) error { return nil }
	}
	e := &Engine{
		cfg:      settings{Config: cfg},
		log:      cfg.Log,
		requests: make(chan request),
		pub:      newPublisher(cfg.Carried),
		pulse:    &pulse{born: time.Now()},
		clock:    newClock(cfg.Built, cfg.Store, cfg.Log),
		tally:    newTally(cfg.Carried),
		retry:    retry{logged: newRepeats(cfg.Log)},
		spans:    spans{},
		// If the records are lost, the box is to be paired again, photos or not.
		wish: wish{pickRequested: cfg.Store.Recovery() != nil},
	}
	Configure(e, cfg.Options)
	authorities := []string{cfg.OAuth.TokenURL}
	for _, m := range cfg.Methods {
		authorities = append(authorities, m.Issuer)
	}
	e.cfg.OAuth.HTTP = e.clock.observe(cfg.OAuth.HTTP, authorities...)
	e.cfg.Picker.HTTP = e.clock.observe(cfg.Picker.HTTP, cmp.Or(cfg.Picker.BaseURL, picker.DefaultBaseURL))
	e.methods = newMethods(e.cfg.Config)
	e.accounts = newAccounts(e)
	e.records = &records{store: cfg.Store, clock: e.clock, log: e.log, pickEnded: e.pickEnded, photosChanged: cfg.PhotosChanged}
	e.sessions = &sessions{records: e.records, accounts: e.accounts, maxItems: cfg.MaxItems, log: e.log}
	e.sweeper = newSweeper(e)
	e.handover = newHandover(e)
	e.replaced = newReplacedSessions(e)
	e.upkeep = &upkeep{store: cfg.Store, clock: e.clock, log: e.log, ask: e.ask, flush: e.flush, photosChanged: cfg.PhotosChanged}
	e.expiry = newExpiry(e)
	e.fetcher = fetch.New(e.fetchConfig())
	// Scripts ask for it as soon as the control socket is there.
	if err := (importer{e}).publishRecipient(); err != nil {
		e.log.Error("token file recipient unavailable", "err", err)
		e.upkeep.onceWritable(func(context.Context) error { return importer{e}.publishRecipient() })
	}
	return e
}

// Snapshots carries what the engine knows.
func (e *Engine) Snapshots() *display.Board[device.Snapshot] { return &e.pub.board }

// Generation returns that of the newest Snapshot.
func (e *Engine) Generation() int { return e.pub.board.Get().Generation }

// Links returns what phones reach that sign in.
func (e *Engine) Links() *Links { return &Links{engine: e, ended: &e.records.ended} }

// Run works until ctx ends and leaves nothing running. A session that a person
// is choosing in stays open, for the next Run to continue.
func (e *Engine) Run(ctx context.Context) error {
	e.pulse.beat()
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e.runCtx = ctx
	e.upkeep.adoptAddresses(&e.cfg.OAuth)
	if err := (importer{e}).provision(); err != nil {
		e.log.Error("token file not imported", "err", err)
		if store.IsDiskError(err) {
			e.upkeep.onceWritable(func(ctx context.Context) error { return e.ask(ctx, importer{e}.provision) })
		}
	}
	e.accounts.merge() // in case the power was cut before that
	wg.Go(func() { e.duties.run(ctx) })
	wg.Go(func() { newKeepalive(e).run(ctx) })
	defer func() {
		_ = errors.Join(e.keepGrant(), e.flush()) // the last chance
		e.reply()
	}()
	for ctx.Err() == nil && !e.concluded {
		e.pulse.beat()
		e.round(ctx)
	}
	return ctx.Err()
}

// round derives the state and runs its step once.
func (e *Engine) round(ctx context.Context) {
	if err := e.load(); err != nil {
		e.trouble(ctx, e.facts.lastState(), err)
		return
	}
	state := next(e.facts)
	e.updatePhoneListener(state)
	e.enter(state, nil)
	e.reply()
	err := checkStore(e.cfg.Store)
	if err == nil {
		err = e.do(ctx, e.accounts.throughGateway(e.facts.grant, e.step(state)))
	}
	switch {
	case ctx.Err() != nil:
	case err == nil:
		e.calm()
	case !errors.Is(err, errRequest):
		e.trouble(ctx, state, err)
	}
}

// updatePhoneListener closes the listener while no link is on the screen.
func (e *Engine) updatePhoneListener(s device.State) {
	if e.cfg.Phones != nil && !(s == device.Pairing && e.facts.expectsPhones(e.methods.next(e.facts.refusals))) {
		e.cfg.Phones.Close()
	}
}

// checkStore reports whether the store can be written. A token is issued only
// once, so it must not be requested unless it can be saved.
func checkStore(st *store.Store) error {
	if err := st.Health(); err != nil {
		return storeError(err)
	}
	return nil
}

// step returns the one thing to do in a state. Each step does a bounded piece of
// work and returns, so that errors are judged in one place.
func (e *Engine) step(s device.State) func(context.Context) error {
	switch s {
	case device.Pairing:
		return e.pair
	case device.Opening:
		return picking{e}.open
	case device.Picking:
		return picking{e}.poll
	case device.Fetching:
		return e.fetch
	}
	return e.rest // showing and idle: until somebody asks for something
}

func (e *Engine) rest(ctx context.Context) error {
	e.calm()
	if e.records.tidyCollections(e.collection) {
		return nil // the facts are others
	}
	e.enter(next(e.facts), nil) // without a problem it may be another state
	if e.pub.hasProblem() {
		return e.pulse.sleep(ctx, noticeFor) // then calm removes the notice
	}
	return e.pulse.sleep(ctx, restInterval)
}

// load reads the facts from disk.
func (e *Engine) load() error {
	known, err := e.cfg.Store.Facts()
	if err != nil {
		return storeError(err)
	}
	f := factsOf(known)
	f.refusals = e.methods.current(known.Refusals)
	f.pickRequested, f.tokenPending = e.pickRequested, e.unsavedGrant != nil
	e.spans.put(f.pairing, e.clock)
	e.spans.keep(f.pairing)
	if f.warning == "" && e.cfg.Store.KeyLost() {
		f.warning = "key_lost"
	}
	// After a restart the code on the screen says that another account is wanted.
	f.newAccount = f.grant != nil && (e.newAccount || f.pairing != nil)
	e.facts = f
	if f.pairing == nil {
		return nil
	}
	m := e.methods.next(f.refusals)
	other := m != nil && !e.methods.began(m, f.pairing) // begun under another configuration
	if other || f.revoking() && !f.pairing.Answered() {
		e.facts.pairing, e.facts.newAccount = nil, f.grant != nil && e.newAccount
		return e.records.dropPairing(f.pairing)
	}
	return nil
}

// enter makes the state and its facts visible, with what change sets.
func (e *Engine) enter(s device.State, change func(*device.Snapshot)) {
	f := e.facts
	full := e.cfg.Store.Full()
	m := e.methods.next(f.refusals)
	from, to := e.pub.enter(f, func(n *device.Snapshot) {
		if change != nil {
			change(n)
		}
		n.State = f.visible(s, n.Problem, e.retry.online)
		f.describe(n)
		n.CanAdd = !f.isFull(e.cfg.MaxAccounts)
		n.Method = ""
		if m != nil {
			n.Method = m.Name
		}
		if n.Code != nil {
			n.Code.ExpiresAt = e.poll.codeExpiry(f)
		}
		if n.Pick != nil {
			n.Pick.ExpiresAt = e.poll.pickExpiry(f, e.clock)
		}
		n.Standing = f.standing(n.State, full)
	})
	if from == to {
		return
	}
	args := []any{"from", string(from), "to", string(to)}
	if p := f.pick; p != nil {
		args = append(args, "request_id", p.RequestID, "session_id", p.SessionID)
	}
	e.log.Info("state", args...)
}

// pickEnded counts how a pick ended, and has it told.
func (e *Engine) pickEnded(requestID, outcome string) {
	e.tally.pick(outcome)
	e.pub.update(func(n *device.Snapshot) {
		n.LastPick = &device.PickEnd{RequestID: requestID, Outcome: outcome, At: e.clock.stamp()}
		if r := n.Receipt; r != nil && r.RequestID == requestID {
			n.LastPick.Photos, n.LastPick.Videos, n.LastPick.Failed = r.Photos, r.Videos, r.Failed
		}
	})
}

// newRequestID returns a UUIDv4 for a new pick, without anything about the person.
func newRequestID() string { return uuid.NewString() }

// flush writes what the disk did not take when it came: tokens, and the IDs of
// sessions.
func (e *Engine) flush() error {
	return errors.Join(e.accounts.flush(), e.sessions.flush())
}

// Alive reports whether the loop has moved lately.
func (e *Engine) Alive() bool { return e.pulse.alive() }

// LastActivity returns when somebody's photos last progressed.
func (e *Engine) LastActivity() time.Time { return e.pulse.lastActivity() }

// Tally returns what was done until now.
func (e *Engine) Tally() device.Tally {
	t := e.tally.copy()
	t.States = e.pub.timeInStates()
	return t
}

// Now returns the servers' time, or the box's own while no server has answered.
func (e *Engine) Now() time.Time { return e.clock.stamp() }

// SessionAge returns the age of the oldest session that is not known to be
// deleted, by the servers' clock; 0 without any.
func (e *Engine) SessionAge() (time.Duration, error) {
	picks, err := e.cfg.Store.Picks.All()
	if err != nil {
		return 0, err
	}
	var age time.Duration
	for _, p := range picks {
		age = max(age, e.clock.stamp().Sub(p.CreatedAt))
	}
	return age, nil
}

func storeError(err error) error { return &device.StoreError{Err: err} }

// wake sets a level trigger.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pause reports whether a time passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
