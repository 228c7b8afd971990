// Package library is what other programs on the box read of the store: the
// picking sessions on record, and the items, as they are or as copies that fit a
// screen. It changes nothing.
package library

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"pickerd/device"
	"pickerd/display/photo"
	"pickerd/store"
)

// A Library reads a store. Its methods may be called from any goroutine.
type Library struct {
	store   *store.Store
	copies  func(ctx context.Context, file string) (*os.File, error) // nil without an outside decoder
	copying chan struct{}                                            // held by whoever makes a copy
}

// New returns a Library of a store. copies opens JPEGs of files that package photo can't
// decode, and is nil if there are none.
func New(st *store.Store, copies func(ctx context.Context, file string) (*os.File, error)) *Library {
	return &Library{store: st, copies: copies, copying: make(chan struct{}, 1)}
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

// Items returns all items in the order picked.
func (l *Library) Items() ([]device.Item, error) { return l.ItemsIn("") }

// ItemsIn returns the items of a collection by its ID or name, or with "" all, in the
// order picked. The error is device.ErrNoCollection.
func (l *Library) ItemsIn(collection string) ([]device.Item, error) {
	photos, err := l.store.Photos.In(collection)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, device.ErrNoCollection
	case err != nil:
		return nil, err
	}
	list := make([]device.Item, 0, len(photos))
	for _, p := range photos {
		list = append(list, device.Item{ID: p.ID, Type: p.Type, MimeType: p.MimeType, Filename: p.Filename, Width: p.Width, Height: p.Height,
			Bytes: p.Bytes, CreateTime: p.CreateTime.UTC(), AddedAt: p.AddedAt.UTC(), Hidden: p.Hidden, Account: p.Grant, Collections: collectionsOf(&p)})
	}
	return list, nil
}

// collectionsOf returns the IDs of the collections that have a photo.
func collectionsOf(p *store.Photo) []string {
	ids := p.Collections()
	for i := range ids {
		ids[i] = cmp.Or(ids[i], device.DefaultCollection)
	}
	return ids
}

// Collections returns the collections with what they have, the default one first.
func (l *Library) Collections() ([]device.Collection, error) {
	sizes, err := l.store.Collections.Sizes()
	list := make([]device.Collection, 0, len(sizes))
	for _, s := range sizes {
		list = append(list, device.Collection{ID: cmp.Or(s.ID, device.DefaultCollection), Name: s.Name, Items: s.Photos, Bytes: s.Bytes})
	}
	return list, err
}

// CheckCollection returns why photos can't be picked for a collection by its ID or name,
// which may be new: device.ErrCollectionName, device.ErrManyCollections or an error of the
// disk.
func (l *Library) CheckCollection(name string) error {
	err := l.store.Collections.Check(name)
	switch {
	case errors.Is(err, store.ErrCollectionName):
		return device.ErrCollectionName
	case errors.Is(err, store.ErrFull):
		return device.ErrManyCollections
	}
	return err
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
	data, err := scaled(ctx, f, w, h)
	if err != nil && ctx.Err() == nil && l.copies != nil {
		if c, cerr := l.copies(ctx, filepath.Base(f.Name())); cerr == nil {
			defer c.Close()
			data, err = scaled(ctx, c, w, h)
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", device.ErrNoCopy, err)
	}
	return data, item, nil
}

// scaled returns a JPEG of a photo, or of the still that is in a video's file.
func scaled(ctx context.Context, f *os.File, w, h int) ([]byte, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return photo.ScaledJPEG(ctx, f, st.Size(), w, h)
}
