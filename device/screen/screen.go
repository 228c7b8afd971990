package screen

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// An Actor grants wishes. When Do returns, the Snapshot or, of a slide, the Frame
// that shows the outcome has been published.
type Actor interface {
	Do(ctx context.Context, w display.Wish) error
}

// An Engine is the Actor that pairs, picks and forgets.
type Engine interface {
	Actor
	// ForgetIf forgets everybody everywhere if still returns true at that time.
	ForgetIf(ctx context.Context, still func() bool) error
}

// A PIN checks an entered PIN. Its errors are device.ErrPINWrong,
// *device.PINWaitError and those of the disk.
type PIN interface {
	Enter(pin string) error
}

// Config is what a Screen needs. All pointers, interfaces and funcs must be set
// unless they say otherwise.
type Config struct {
	Options           // at first
	Version    string // of the program
	DisplayKey string // for browsers on other machines; may be ""
	// ForgetAfter is how long a guest may be inactive; 0 means that there are no
	// guests.
	ForgetAfter time.Duration
	// Visit is Page.Visit of the process before; "" means that browsers must drop
	// what they kept.
	Visit string

	Snapshots *display.Board[device.Snapshot]
	Frames    *display.Board[device.Frame]
	Engine    Engine
	Slides    Actor
	// Displays is nil where no other machine reaches the page.
	Displays Displays
	// Phones is nil where phones get no remote.
	Phones device.PhoneListener
	// Settings are what menu and remote may change; nil means nothing.
	Settings device.Settings
	// PIN is asked for before settings, displays, deleting and the about page. Without
	// one it is nil, and guests don't get these.
	PIN PIN
	// Withheld says that nobody gets these, for want of a PIN that is configured.
	Withheld bool
	// Thumbnail returns a JPEG of an item of at most w by h pixels; nil means none.
	Thumbnail func(ctx context.Context, item string, w, h int) ([]byte, error)
	// Collections returns the collections with what they have; nil where photos are not
	// chosen for collections.
	Collections func() ([]device.Collection, error)
	// CheckCollection returns why photos can't be picked for a collection by its ID or
	// name, which may be new; nil where Collections is.
	CheckCollection func(name string) error
	// WiFi is nil where the box can't join Wi-Fi networks.
	WiFi WiFi
	// LastActivity returns when a guest's download last progressed.
	LastActivity func() time.Time
	// Now returns the time for the clock and the night. The box's own clock may be
	// wrong.
	Now func() time.Time
	// Address returns how the page is reached, "" if it can't be; nil means "".
	Address func() string
	// Erase orders that the box be erased; nil where keys can't do that. They can until
	// EraseUntil.
	Erase      func() error
	EraseUntil time.Time
	Log        *slog.Logger
}

// A Screen composes pages and statuses. Its methods may be called from any
// goroutine, also before Run.
type Screen struct {
	cfg      Config
	pages    display.Board[display.Page]
	statuses display.Board[device.Status]

	rearm  chan struct{} // level trigger: due has changed
	forget chan struct{} // level trigger: the guest's time is over
	erase  chan struct{} // level trigger: OK was held down to erase the box
	thumb  chan struct{} // held by the call that makes a thumbnail
	keys   chan keyWish  // what keys ask of the engine or write to the disk

	mu      sync.Mutex
	view    view
	due     time.Time // when the view changes by itself
	updates int       // of the view
	opening int       // calls that open the phone listener
}

// maxKeyWishes bounds the keys that wait for the engine. More of them are dropped.
const maxKeyWishes = 4

// New returns a Screen. Its page and status are there at once.
func New(cfg Config) *Screen {
	s := &Screen{
		cfg:    cfg,
		rearm:  make(chan struct{}, 1),
		forget: make(chan struct{}, 1),
		thumb:  make(chan struct{}, 1),
		erase:  make(chan struct{}, 1),
		keys:   make(chan keyWish, maxKeyWishes),
	}
	s.view = view{cfg: &s.cfg, light: light{touched: time.Now()}}
	if s.view.hasGuests() { // what browsers kept from before belongs to nobody
		s.view.visit = cmp.Or(cfg.Visit, rand.Text())
	}
	s.update(func(*view) {})
	return s
}

// Pages carries what the screen shows.
func (s *Screen) Pages() *display.Board[display.Page] { return &s.pages }

// Statuses carries what other programs may know.
func (s *Screen) Statuses() *display.Board[device.Status] { return &s.statuses }

// Run follows the engine and the slideshow until ctx ends, whose error it returns.
func (s *Screen) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	snapshots, snapshotsDone := s.cfg.Snapshots.Feed(ctx)
	defer snapshotsDone()
	frames, framesDone := s.cfg.Frames.Feed(ctx)
	defer framesDone()
	changed, changedDone := s.feedDisplays(ctx)
	defer changedDone()
	defer cancel()
	wg.Go(func() { s.runKeys(ctx) })
	wg.Go(func() { s.runGuestTimer(ctx) })
	wg.Go(func() { s.runPhones(ctx) })
	wg.Go(func() { s.runErase(ctx) })
	wg.Go(func() { s.runWiFi(ctx) })
	for {
		s.refresh()
		t := time.NewTimer(time.Until(s.nextDue()))
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-snapshots:
		case <-frames:
		case <-changed:
			s.update(func(*view) {})
		case <-s.rearm:
		case <-t.C:
		}
		t.Stop()
	}
}

func (s *Screen) nextDue() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.due
}

// refresh updates the view if something has changed without it.
func (s *Screen) refresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refreshLocked()
}

func (s *Screen) refreshLocked() {
	if s.cfg.Snapshots.Get().Seq != s.view.snap.Seq || s.cfg.Frames.Get().Seq != s.view.frame.Seq || !time.Now().Before(s.due) {
		s.updateLocked(func(*view) {})
	}
}

// update changes the view and publishes what has become of the page and the
// status.
func (s *Screen) update(change func(*view)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updateLocked(change)
}

func (s *Screen) updateLocked(change func(*view)) {
	s.updates++
	v, now := &s.view, time.Now()
	v.take(s.cfg.Snapshots.Get(), s.cfg.Frames.Get())
	if s.cfg.WiFi != nil {
		v.wifi = s.cfg.WiFi.WiFi().Get()
	}
	change(v)
	due := v.advance(now)
	if !due.Equal(s.due) {
		s.due = due
		wake(s.rearm)
	}
	if v.forgetNow {
		v.forgetNow = false
		wake(s.forget)
	}
	if v.erasing.now {
		v.erasing.now = false
		wake(s.erase)
	}
	s.closePhonesLocked()
	page := v.page()
	if !reflect.DeepEqual(page, s.pages.Get()) {
		s.pages.Set(page)
	}
	if status := v.status(page.Slide != nil); !reflect.DeepEqual(status, s.statuses.Get()) {
		s.statuses.Set(status)
	}
}

// Found reports the screen of the framebuffer output, or why there is none.
func (s *Screen) Found(width, height int, err error) {
	st := &device.ScreenStatus{Width: width, Height: height}
	if err != nil {
		st.Error = err.Error()
	}
	s.update(func(v *view) { v.screen = st })
}

// Bridged reports the connection to an MQTT broker, or why there is none.
func (s *Screen) Bridged(b device.BrokerStatus) {
	s.update(func(v *view) { v.broker = &b })
}

// Misconfigured reports what is wrong with the configuration, nil if nothing is. It is
// told while there is nothing else.
func (s *Screen) Misconfigured(p *device.Problem) {
	s.update(func(v *view) { v.misconfigured = p })
}

// Do grants a wish and returns when the page and the status show its outcome.
// Its errors are those of the engine, the slideshow and Config.CheckCollection.
func (s *Screen) Do(ctx context.Context, w display.Wish) error {
	if isActivity(w.Verb) && !(w.Verb == display.Stay && s.isJustOff()) {
		s.touch()
	}
	switch w.Verb {
	case display.Stay, display.ScreenOn:
		return nil
	case display.Activity:
		s.noteActivity()
		return nil
	case display.ScreenOff:
		s.update(func(v *view) { v.offSince, v.menu = time.Now(), menu{} })
		return nil
	case display.AskForget:
		if s.cfg.ForgetAfter == 0 {
			s.update(func(v *view) { v.menu = v.forgetMenu() })
			return nil
		}
		w = display.Wish{Verb: display.Forget, Everywhere: true}
	case display.CloseRemote:
		s.update(func(v *view) { v.remote = remoteKey{} })
		return nil
	case display.VolumeUp, display.VolumeDown:
		return s.changeVolume(ctx, w.Verb == display.VolumeUp)
	case display.Pick:
		if asked, err := s.askWho(&w); asked || err != nil {
			return err
		}
	}
	err := s.pass(ctx, w)
	if w.Verb == display.Cancel && errors.Is(err, device.ErrNoPick) && s.closeWho() {
		return nil
	}
	return err
}

// pass hands a wish on and shows its outcome.
func (s *Screen) pass(ctx context.Context, w display.Wish) error {
	var actor Actor = s.cfg.Engine
	switch {
	case w.Verb.IsOfSlides():
		actor = s.cfg.Slides
	case w.Verb == display.AllowDisplay, w.Verb == display.RemoveDisplay:
		if s.cfg.Displays == nil {
			return device.ErrPageLocal
		}
		actor = s.cfg.Displays
	}
	err := actor.Do(ctx, w)
	if w.Verb.IsOfSound() {
		s.showVolume()
	}
	s.refresh()
	return err
}

// isActivity reports whether a wish comes from somebody at the screen. Only programs say
// whether they pause or resume, mute or unmute: people switch.
func isActivity(v display.Verb) bool {
	switch v {
	case display.Pick, display.Cancel, display.AskForget, display.Stay, display.ScreenOn,
		display.Next, display.Previous, display.Pause, display.Mute, display.VolumeUp, display.VolumeDown:
		return true
	}
	return false
}

// touch notes that somebody is at the screen.
func (s *Screen) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.touchLocked() {
		s.updateLocked(func(*view) {})
	}
}

// noteActivity notes that somebody is near. It is cheap while the screen is on: a sensor
// may report as often as it likes.
func (s *Screen) noteActivity() {
	s.mu.Lock()
	defer s.mu.Unlock()
	off := s.view.offSince
	seen := s.touchLocked()
	if s.view.offSince = off; !off.IsZero() {
		s.view.asleep = true
	}
	if seen {
		s.updateLocked(func(*view) {})
	}
}

// touchLocked is touch without showing it. It reports whether that can be seen.
func (s *Screen) touchLocked() bool {
	v := &s.view
	seen := v.asleep || !v.leavesAt.IsZero()
	v.touched, v.asleep, v.leavesAt, v.offSince = time.Now(), false, time.Time{}, time.Time{}
	return seen
}

// askWho opens the menu at the question who is choosing, where several people
// are paired and w does not say. It completes w where somebody is being paired. Nobody is
// asked about a collection that can't be: its error is that of Config.CheckCollection.
func (s *Screen) askWho(w *display.Wish) (asked bool, err error) {
	if w.Account != "" {
		return false, nil
	}
	snap := s.cfg.Snapshots.Get()
	switch {
	case snap.NewAccount:
		w.Account = device.NewAccount // who is being paired tries again
	case len(snap.Accounts) > 1 && snap.Pick == nil:
		if w.Collection != "" && s.cfg.CheckCollection != nil {
			if err := s.cfg.CheckCollection(w.Collection); err != nil {
				return false, err
			}
		}
		s.update(func(v *view) {
			v.menu = openAt(menuWho)
			v.menu.where = w.Collection
		})
		return true, nil
	}
	return false, nil
}

// closeWho closes the menu if it asks who is choosing, and reports whether it did.
func (s *Screen) closeWho() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view.menu.page != menuWho {
		return false
	}
	s.updateLocked(func(v *view) { v.menu = menu{} })
	return true
}

// runKeys grants what keys ask of the engine, one wish at a time, until ctx ends.
// Keys don't wait for it: the engine may wait for the disk.
func (s *Screen) runKeys(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-s.keys:
			if w.offered && !s.offers(w.Verb) {
				continue // the page is another one by now
			}
			if err := s.grant(ctx, w); err != nil && ctx.Err() == nil {
				s.cfg.Log.Info("key had no effect", "verb", string(w.Verb), "err", err)
			}
		}
	}
}

// grant does what a key or a line of the menu asks for.
func (s *Screen) grant(ctx context.Context, w keyWish) error {
	switch {
	case w.setting != "":
		return s.stepSetting(ctx, w.setting, w.step)
	case w.pin != "":
		return s.enterMenuPIN(w.pin, w.visit)
	}
	err := s.Do(ctx, w.Wish)
	if w.Verb == display.Pick && errors.Is(err, device.ErrManyCollections) {
		s.update(func(v *view) {
			v.menu = openAt(menuWhere)
			v.menu.note = v.cfg.lang().Say("phone.collection_many")
		})
	}
	return err
}

// offers reports whether the page offers a verb.
func (s *Screen) offers(v display.Verb) bool {
	p := s.pages.Get()
	_, ok := p.Offer(v)
	return ok
}

// wake sets a level trigger.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
