package device

import (
	"context"
	"errors"
	"os"
	"time"

	"pickerd/display"
	"pickerd/display/words"
)

// ErrUnready means that the state directory can't be used, and nothing can be
// done before it can.
var ErrUnready = errors.New("the state directory can't be used")

// An Unready stands in for a Device while a disk does not let the state
// directory be opened. It only tells what is wrong; all wishes end in ErrUnready.
type Unready struct {
	name     string
	words    *words.Words
	pages    display.Board[display.Page]
	statuses display.Board[Status]
}

// NewUnready returns an Unready for the box of that name, whose screen speaks in
// w.
func NewUnready(name string, w *words.Words) *Unready { return &Unready{name: name, words: w} }

// Tell shows why the state directory can't be used, with store.Open's error, and
// when it is tried again.
func (u *Unready) Tell(err error, retryAt time.Time) {
	p := noticeFor(&storeError{err}).problem()
	p.operator, p.RetryAt = true, retryAt
	v := &view{name: u.name, words: u.words, state: Blocked, since: time.Now(), problem: p}
	u.pages.Set(v.page())
	u.statuses.Set(v.status())
}

// Pages carries what the screen shows.
func (u *Unready) Pages() *display.Board[display.Page] { return &u.pages }

// Statuses carries what other programs may know.
func (u *Unready) Statuses() *display.Board[Status] { return &u.statuses }

// Pick and what follows are a Device's.
func (u *Unready) Pick(context.Context) error { return ErrUnready }

// Cancel: see Pick.
func (u *Unready) Cancel(context.Context) error { return ErrUnready }

// Press: see Pick.
func (u *Unready) Press(context.Context, Key) error { return ErrUnready }

// Touch: see Pick.
func (u *Unready) Touch() {}

// Next: see Pick.
func (u *Unready) Next(context.Context) error { return ErrUnready }

// Previous: see Pick.
func (u *Unready) Previous(context.Context) error { return ErrUnready }

// Pause: see Pick.
func (u *Unready) Pause(context.Context) error { return ErrUnready }

// Screen: see Pick.
func (u *Unready) Screen(int, int, error) {}

// Unshowable: see Pick.
func (u *Unready) Unshowable(context.Context, string, error) {}

// Alive is always true: there is no loop that could stop.
func (u *Unready) Alive() bool { return true }

// Renew: see Pick.
func (u *Unready) Renew(context.Context) error { return ErrUnready }

// Unpair: see Pick.
func (u *Unready) Unpair(context.Context, bool) error { return ErrUnready }

// PickAs: see Pick.
func (u *Unready) PickAs(context.Context, string) error { return ErrUnready }

// UnpairOne: see Pick.
func (u *Unready) UnpairOne(context.Context, string, bool) error { return ErrUnready }

// Forget: see Pick.
func (u *Unready) Forget(context.Context) error { return ErrUnready }

// ChooseItem: see Pick.
func (u *Unready) ChooseItem(context.Context, string) error { return ErrUnready }

// HideItem: see Pick.
func (u *Unready) HideItem(context.Context, string, bool) error { return ErrUnready }

// Import: see Pick.
func (u *Unready) Import(context.Context, []byte) (bool, error) { return false, ErrUnready }

// Sessions: see Pick.
func (u *Unready) Sessions() ([]Session, error) { return nil, ErrUnready }

// Items: see Pick.
func (u *Unready) Items() ([]Item, error) { return nil, ErrUnready }

// RemoveItem: see Pick.
func (u *Unready) RemoveItem(context.Context, string) error { return ErrUnready }

// CopyItem: see Pick.
func (u *Unready) CopyItem(context.Context, string, int, int) ([]byte, *Item, error) {
	return nil, nil, ErrUnready
}

// OpenItem: see Pick.
func (u *Unready) OpenItem(string) (*os.File, *Item, error) { return nil, nil, ErrUnready }
