package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
)

// tidy removes what an earlier run left unfinished: records without a complete
// file, photos outside the collection, parts, and files without a record.
func (p *Photos) tidy() error {
	p.naming.Lock()
	defer p.naming.Unlock()
	lost, err := p.incomplete()
	if err != nil {
		return err
	}
	p.lost += len(lost)
	if len(lost) > 0 {
		if err := p.Delete(lost); err != nil {
			return err
		}
	}
	if err := p.pruneUnlessFetching(); err != nil {
		return err
	}
	return p.removeStrays()
}

// incomplete returns the photos whose files are missing or have the wrong length.
func (p *Photos) incomplete() ([]Photo, error) {
	photos, err := p.All()
	if err != nil {
		return nil, err
	}
	var list []Photo
	for _, photo := range photos {
		if !isFileName(photo.File) {
			continue // see Store.repair
		}
		st, err := p.root.Lstat(photo.File)
		if err == nil && st.Mode()&readable != readable {
			p.s.disk.allowReading(filepath.Join(mediaName, photo.File))
		}
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENAMETOOLONG), err == nil && (st.Size() != photo.Bytes || !st.Mode().IsRegular()):
			list = append(list, photo)
		case err != nil:
			return nil, fmt.Errorf("check a media file: %w", err)
		}
	}
	return list, nil
}

// pruneUnlessFetching prunes, except during a fetch: the new pick may have some of
// the same photos.
func (p *Photos) pruneUnlessFetching() error {
	picks, err := p.s.Picks.All()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(picks, func(pick Pick) bool { return pick.Done && pick.EndReason == "" }) {
		return nil
	}
	_, err = p.Prune()
	return err
}

// removeStrays removes media files without a record, except parts in progress
// and copies.
func (p *Photos) removeStrays() error {
	photos, err := p.All()
	if err != nil {
		return err
	}
	recorded, err := p.usablePartials()
	if err != nil {
		return err
	}
	for _, photo := range photos {
		recorded[photo.File] = true
	}
	more, err := p.s.disk.removeStrays(mediaName, maxStrays, func(e fs.DirEntry) bool {
		_, open := p.parts.Load(e.Name())
		return !open && !recorded[e.Name()] && !p.isCopy(e, recorded) && !e.IsDir()
	})
	if err != nil {
		return fmt.Errorf("clean the media directory: %w", err)
	}
	if more {
		p.untidy.Store(true)
	}
	return nil
}

// All returns the photos in the collection and the others, in no particular order.
func (p *Photos) All() ([]Photo, error) {
	return view(p.s.db, func(tx *txn) ([]Photo, error) { return all[Photo](tx, bucketPhotos) })
}
