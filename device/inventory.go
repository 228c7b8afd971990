package device

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"pickerd/display/photo"
	"pickerd/store"
)

// A Session is a picking session on record, for other programs to see.
type Session struct {
	RequestID  string    `json:"request_id"`
	SessionID  string    `json:"session_id,omitempty"`
	State      string    `json:"state"` // intent, open, done or pending_deletion
	Reason     string    `json:"reason,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	ExpireTime time.Time `json:"expire_time,omitzero"`
}

// Sessions returns the picking sessions that are not known to be deleted.
func (d *Device) Sessions() ([]Session, error) {
	picks, err := d.cfg.Store.Picks()
	if err != nil {
		return nil, err
	}
	list := make([]Session, 0, len(picks))
	for _, p := range picks {
		s := Session{RequestID: p.RequestID, SessionID: p.SessionID, Reason: p.Over, CreatedAt: p.CreatedAt.UTC(), ExpireTime: p.ExpireTime.UTC()}
		switch {
		case p.Over != "":
			s.State = "pending_deletion"
		case p.SessionID == "":
			s.State = "intent"
		case p.Done:
			s.State = "done"
		default:
			s.State = "open"
		}
		list = append(list, s)
	}
	return list, nil
}

// SessionAge returns how long ago the oldest session was made that is not known to
// be deleted, by the servers' clock; 0 without any.
func (d *Device) SessionAge() (time.Duration, error) {
	picks, err := d.cfg.Store.Picks()
	if err != nil {
		return 0, err
	}
	var age time.Duration
	now, _ := d.clock.now()
	for _, p := range picks {
		age = max(age, now.Sub(p.CreatedAt))
	}
	return age, nil
}

// An Item is one photo or video that is here.
type Item struct {
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	MimeType   string    `json:"mime_type"`
	Filename   string    `json:"filename,omitempty"`
	Width      int       `json:"width,omitempty"`
	Height     int       `json:"height,omitempty"`
	Bytes      int64     `json:"bytes"`
	CreateTime time.Time `json:"create_time,omitzero"`
	AddedAt    time.Time `json:"added_at"`
	Hidden     bool      `json:"hidden,omitempty"`
	Account    string    `json:"account,omitempty"` // whose it is, by AccountStatus.ID
}

// Items returns the collection in the order picked.
func (d *Device) Items() ([]Item, error) {
	photos, err := d.cfg.Store.Photos()
	if err != nil {
		return nil, err
	}
	list := make([]Item, 0, len(photos))
	for _, p := range photos {
		list = append(list, Item{ID: p.ID, Type: p.Type, MimeType: p.MimeType, Filename: p.Filename,
			Width: p.Width, Height: p.Height, Bytes: p.Bytes, CreateTime: p.CreateTime.UTC(), AddedAt: p.AddedAt.UTC(), Hidden: p.Hidden, Account: p.Grant})
	}
	return list, nil
}

// OpenItem opens one item's file. Its error is fs.ErrNotExist when there is no
// such item.
func (d *Device) OpenItem(id string) (*os.File, *Item, error) {
	p, err := d.cfg.Store.Photo(id)
	if err != nil {
		return nil, nil, err
	}
	if p == nil {
		return nil, nil, fs.ErrNotExist
	}
	f, err := d.cfg.Store.OpenMedia(p.File)
	if err != nil {
		return nil, nil, errors.Join(fs.ErrNotExist, err)
	}
	return f, &Item{ID: p.ID, Type: p.Type, MimeType: p.MimeType, Bytes: p.Bytes, AddedAt: p.AddedAt}, nil
}

// RemoveItem removes one item from this box for good. Its error is fs.ErrNotExist,
// ErrPickRunning while the items of its pick are still coming, or ErrStopping.
func (d *Device) RemoveItem(ctx context.Context, id string) error {
	return d.ask(ctx, func() error {
		p, err := d.cfg.Store.Photo(id)
		switch {
		case err != nil:
			return &storeError{err}
		case p == nil:
			return fs.ErrNotExist
		case d.facts.pick != nil && d.facts.pick.Done: // it would be fetched again
			return ErrPickRunning
		}
		if err := d.cfg.Store.DropPhotos([]store.Photo{*p}); err != nil {
			return &storeError{err}
		}
		if err := d.cfg.Store.Upkeep(); err != nil {
			d.log.Warn("state directory", "err", err) // done again by and by
		}
		d.log.Info("item removed", "item", id)
		wake(d.slideNow)
		return nil
	})
}

// HideItem leaves an item out of the slideshow, or takes it in again. Its error is
// fs.ErrNotExist or ErrStopping.
func (d *Device) HideItem(ctx context.Context, id string, hidden bool) error {
	return d.ask(ctx, func() error {
		found, err := d.cfg.Store.Hide(id, hidden)
		switch {
		case err != nil:
			return &storeError{err}
		case !found:
			return fs.ErrNotExist
		}
		wake(d.slideNow)
		return nil
	})
}

// ErrNoCopy means that an item can't be decoded.
var ErrNoCopy = errors.New("no copy of this item can be made")

// CopyItem returns a JPEG of an item, or of a video's still, no larger than w by h
// pixels. One is made at a time: decoding takes memory. Its errors are
// fs.ErrNotExist, ErrNoCopy and ctx's.
func (d *Device) CopyItem(ctx context.Context, id string, w, h int) ([]byte, *Item, error) {
	f, item, err := d.OpenItem(id)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	select {
	case d.copying <- struct{}{}:
		defer func() { <-d.copying }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	st, err := f.Stat() // with a video's still in it
	if err != nil {
		return nil, nil, err
	}
	data, err := photo.ScaledJPEG(f, st.Size(), w, h)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNoCopy, err)
	}
	return data, item, nil
}
