package device

import (
	"context"
	"errors"
	"os"
	"time"

	"pickerd/display"
)

// ErrUnready means that the state directory can't be used, and nothing can be
// done before it can.
var ErrUnready = errors.New("the state directory can't be used")

// An Unready stands in for a Device while a disk does not let the state
// directory be opened. It only tells what is wrong; all wishes end in ErrUnready.
type Unready struct {
	name     string
	pages    display.Board[display.Page]
	statuses display.Board[Status]
}

// NewUnready returns an Unready for the box of that name.
func NewUnready(name string) *Unready { return &Unready{name: name} }

// Tell shows why the state directory can't be used, with store.Open's error, and
// when it is tried again.
func (u *Unready) Tell(err error, retryAt time.Time) {
	p := noticeFor(&storeError{err}).problem()
	p.operator, p.RetryAt = true, retryAt
	v := &view{name: u.name, state: Blocked, since: time.Now(), problem: p}
	u.pages.Set(v.page())
	u.statuses.Set(v.status())
}

// Pages carries what the screen shows.
func (u *Unready) Pages() *display.Board[display.Page] { return &u.pages }

// Statuses carries what other programs may know.
func (u *Unready) Statuses() *display.Board[Status] { return &u.statuses }

// Pick, Cancel, Renew, Unpair, Import, Sessions, Items and OpenItem are a
// Device's.
func (u *Unready) Pick(context.Context) error { return ErrUnready }

// Cancel: see Pick.
func (u *Unready) Cancel(context.Context) error { return ErrUnready }

// Renew: see Pick.
func (u *Unready) Renew(context.Context) error { return ErrUnready }

// Unpair: see Pick.
func (u *Unready) Unpair(context.Context, bool) error { return ErrUnready }

// Import: see Pick.
func (u *Unready) Import(context.Context, []byte) (bool, error) { return false, ErrUnready }

// Sessions: see Pick.
func (u *Unready) Sessions() ([]Session, error) { return nil, ErrUnready }

// Items: see Pick.
func (u *Unready) Items() ([]Item, error) { return nil, ErrUnready }

// OpenItem: see Pick.
func (u *Unready) OpenItem(string) (*os.File, *Item, error) { return nil, nil, ErrUnready }
