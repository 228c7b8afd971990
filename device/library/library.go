// Package library is what other programs on the box read of the store: the
// picking sessions on record, and the items, as they are or as copies that fit a
// screen. It changes nothing.
package library

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"pickerd/device"
	"pickerd/display/photo"
	"pickerd/store"
)

// A Library reads a store. Its methods may be called from any goroutine.
type Library struct {
	store   *store.Store
	copying chan struct{} // held by whoever makes a copy
}

// New returns a Library of a store.
func New(st *store.Store) *Library {
	return &Library{store: st, copying: make(chan struct{}, 1)}
}

// Sessions returns the picking sessions that are not known to be deleted.
func (l *Library) Sessions() ([]device.Session, error) {
	picks, err := l.store.Picks.All()
	if err != nil {
		return nil, err
	}
	list := make([]device.Session, 0, len(picks))
	for _, p := range picks {
		s := device.Session{RequestID: p.RequestID, SessionID: p.SessionID, Reason: p.EndReason, CreatedAt: p.CreatedAt.UTC(), ExpireTime: p.ExpireTime.UTC()}
		switch {
		case p.EndReason != "":
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

// Items returns the collection in the order picked.
func (l *Library) Items() ([]device.Item, error) {
	photos, err := l.store.Photos.Collection()
	if err != nil {
		return nil, err
	}
	list := make([]device.Item, 0, len(photos))
	for _, p := range photos {
		list = append(list, device.Item{ID: p.ID, Type: p.Type, MimeType: p.MimeType, Filename: p.Filename, Width: p.Width, Height: p.Height,
			Bytes: p.Bytes, CreateTime: p.CreateTime.UTC(), AddedAt: p.AddedAt.UTC(), Hidden: p.Hidden, Account: p.Grant})
	}
	return list, nil
}

// OpenItem opens an item's file. Its error is fs.ErrNotExist if there is no such
// item.
func (l *Library) OpenItem(id string) (*os.File, *device.Item, error) {
	p, err := l.store.Photos.Get(id)
	if err != nil {
		return nil, nil, err
	}
	if p == nil {
		return nil, nil, fs.ErrNotExist
	}
	f, err := l.store.Photos.Open(p.File)
	if err != nil {
		return nil, nil, errors.Join(fs.ErrNotExist, err)
	}
	return f, &device.Item{ID: p.ID, Type: p.Type, MimeType: p.MimeType, Bytes: p.Bytes, AddedAt: p.AddedAt}, nil
}

// CopyItem returns a JPEG of an item, or of a video's still, no larger than w by h
// pixels. Copies are made one at a time, since decoding takes memory; one whose ctx
// ends makes room for the next. Errors are fs.ErrNotExist, device.ErrNoCopy and ctx's.
func (l *Library) CopyItem(ctx context.Context, id string, w, h int) ([]byte, *device.Item, error) {
	select {
	case l.copying <- struct{}{}:
		defer func() { <-l.copying }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	f, item, err := l.OpenItem(id)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	st, err := f.Stat() // with a video's still in it
	if err != nil {
		return nil, nil, err
	}
	data, err := photo.ScaledJPEG(ctx, f, st.Size(), w, h)
	switch {
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", device.ErrNoCopy, err)
	}
	return data, item, nil
}
