package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Photos holds the records of photos and videos, their files, and the collection:
// the picks whose photos are shown.
type Photos struct {
	s    *Store
	root *os.Root // the media directory
	lost int      // photos dropped because of a missing or truncated file

	parts   sync.Map     // names of parts in progress
	checked sync.Map     // names of parts that can be continued and have the bytes of their record
	copies  sync.Map     // sizes of copies by the file of their photo
	found   sync.Map     // photos by file, found without records and not verified yet
	naming  sync.RWMutex // held for writing while files without records are removed
	untidy  atomic.Bool  // tidy may have work

	totalsMu sync.Mutex
	totals   *Library // nil if they have to be counted
}

// extensions help people who look into the media directory. Only findPhotos reads
// them.
var extensions = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp",
	"image/heic": ".heic", "image/avif": ".avif", "image/jxl": ".jxl",
	"video/mp4": ".mp4", "video/webm": ".webm",
}

// Collection returns the photos in the collection, in the order picked.
func (p *Photos) Collection() ([]Photo, error) {
	return view(p.s.db, func(tx *txn) ([]Photo, error) {
		shown, _, err := tx.photos()
		return shown, err
	})
}

// collection returns the request IDs of the picks in the collection.
func (tx *txn) collection() ([]string, error) {
	list, err := get[[]string](tx, bucketMeta, keyCollection)
	if err != nil || list == nil {
		return nil, err
	}
	return *list, nil
}

// photos returns the photos in the collection, with the memberships that count, and the
// others.
func (tx *txn) photos() (shown, others []Photo, err error) {
	w, err := tx.wall()
	if err != nil {
		return nil, nil, err
	}
	list, err := all[Photo](tx, bucketPhotos)
	for _, photo := range list {
		if w.settle(&photo) {
			shown = append(shown, photo)
		} else {
			others = append(others, photo)
		}
	}
	w.sort(shown)
	return shown, others, err
}

// sort sorts photos in the order picked.
func (w *wall) sort(photos []Photo) {
	sort.Slice(photos, func(i, j int) bool {
		a, b := &photos[i], &photos[j]
		return cmp.Or(cmp.Compare(w.picks[a.Pick], w.picks[b.Pick]), cmp.Compare(a.Index, b.Index), cmp.Compare(a.ID, b.ID)) < 0
	})
}

func (tx *txn) putPhoto(p Photo) error { return tx.put(bucketPhotos, []byte(p.ID), p) }

// changePhotos stores the photos that change reports to have changed.
func (tx *txn) changePhotos(change func(*Photo) bool) error {
	photos, err := all[Photo](tx, bucketPhotos)
	if err != nil {
		return err
	}
	for _, p := range photos {
		if !change(&p) {
			continue
		}
		if err := tx.putPhoto(p); err != nil {
			return err
		}
	}
	return nil
}

// Get returns the photo with an ID, nil if there is none. It may be outside the
// collection.
func (p *Photos) Get(id string) (*Photo, error) {
	return view(p.s.db, func(tx *txn) (*Photo, error) { return get[Photo](tx, bucketPhotos, []byte(id)) })
}

// Open opens a photo's file, named by Photo.File. Anything but a regular file counts
// as missing, and so does a photo that was found without its record and is damaged.
func (p *Photos) Open(file string) (*os.File, error) {
	if strings.HasPrefix(file, ".") {
		return nil, fs.ErrNotExist
	}
	st, err := p.root.Lstat(file)
	if err == nil && !st.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, err
	}
	if found, ok := p.found.Load(file); ok {
		if ok, err := p.Verify(context.Background(), found.(Photo)); !ok {
			return nil, &fs.PathError{Op: "open", Path: file, Err: errors.Join(fs.ErrNotExist, err)}
		}
		p.found.Delete(file)
	}
	return p.openFile(file)
}

// openFile opens a media file.
func (p *Photos) openFile(file string) (*os.File, error) {
	return p.root.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// distrust has photos verified when they are opened for the first time. Reading
// videos takes too long for that; the length in their names is right.
func (p *Photos) distrust(photos []Photo) {
	for _, photo := range photos {
		if photo.Type != "VIDEO" {
			p.found.Store(photo.File, photo)
		}
	}
}

// Verify reports whether a photo's file is intact. Without a checksum only its
// length is compared.
func (p *Photos) Verify(ctx context.Context, photo Photo) (bool, error) {
	if st, err := p.root.Lstat(photo.File); err == nil && !st.Mode().IsRegular() {
		return false, nil
	}
	f, err := p.openFile(photo.File)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	n, sum, err := sumFile(contextReader{ctx, f})
	switch {
	case errors.Is(err, syscall.EIO):
		return false, nil // an unreadable file can't be shown either
	case err != nil:
		return false, err
	}
	return n == photo.Bytes && (photo.CRC32C == "" || photo.CRC32C == sum), nil
}

// A contextReader fails once its context is done. Reading a long video takes
// minutes.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// Delete deletes photos, the records first, so that every record has a file. The
// next Upkeep erases the records from the database's free pages.
func (p *Photos) Delete(photos []Photo) error {
	defer p.forgetTotals()
	err := p.s.db.update(func(tx *txn) error {
		for _, photo := range photos {
			if err := tx.Bucket(bucketPhotos).Delete([]byte(photo.ID)); err != nil {
				return err
			}
		}
		return tx.markScrub() // records have file names that persons chose
	})
	if err != nil {
		return err
	}
	for _, photo := range photos {
		if !isFileName(photo.File) {
			continue
		}
		if err := errors.Join(p.s.disk.removeStray(filepath.Join(mediaName, photo.File)), p.deleteCopy(photo.File)); err != nil {
			p.untidy.Store(true)
			return fmt.Errorf("remove a media file: %w", err)
		}
	}
	return nil
}

// Redate sets when photos were added.
func (p *Photos) Redate(photos []Photo, at time.Time) error {
	return p.s.db.update(func(tx *txn) error {
		for _, photo := range photos {
			photo.AddedAt = at
			if err := tx.putPhoto(photo); err != nil {
				return err
			}
		}
		return nil
	})
}

// Prune deletes the photos outside the collection and returns their number.
func (p *Photos) Prune() (int, error) {
	others, err := view(p.s.db, func(tx *txn) ([]Photo, error) {
		_, others, err := tx.photos()
		return others, err
	})
	if err != nil || len(others) == 0 {
		return 0, err
	}
	return len(others), p.Delete(others)
}

// Hide hides a photo or shows it again. It reports whether the photo exists.
func (p *Photos) Hide(id string, hidden bool) (found bool, err error) {
	defer p.forgetTotals()
	err = p.s.db.update(func(tx *txn) error {
		photo, err := get[Photo](tx, bucketPhotos, []byte(id))
		found = photo != nil
		switch {
		case err != nil:
			return err
		case !found || photo.Hidden == hidden:
			return errUnchanged
		}
		photo.Hidden = hidden
		return tx.putPhoto(*photo)
	})
	return found, err
}

// UnhideAll shows all hidden photos again.
func (p *Photos) UnhideAll() error {
	defer p.forgetTotals()
	return p.s.db.update(func(tx *txn) error {
		changed := false
		err := tx.changePhotos(func(photo *Photo) bool {
			was := photo.Hidden
			photo.Hidden, changed = false, changed || was
			return was
		})
		if err == nil && !changed {
			err = errUnchanged
		}
		return err
	})
}

// A Usage is the size in bytes of the photos on disk with their copies, shown or not.
type Usage struct {
	All    int64
	Mine   int64 // of one pick
	Others int64 // of other accounts or collections, not counting Mine
	Parts  int64 // of downloads that were cut off and can be continued, not counted in All
}

// Usage returns the sizes as seen by a pick for a collection that is made with a grant.
func (p *Photos) Usage(pick, grant, collection string) (Usage, error) {
	return view(p.s.db, func(tx *txn) (u Usage, err error) {
		others, err := tx.ownedByOthers(grant)
		if err != nil {
			return u, err
		}
		if u.Parts, err = tx.partialBytes(); err != nil {
			return u, err
		}
		w, err := tx.wall()
		if err != nil {
			return u, err
		}
		photos, err := all[Photo](tx, bucketPhotos)
		for _, photo := range photos {
			n := p.bytes(photo)
			stays := w.settle(&photo) && slices.ContainsFunc(photo.Collections(), func(id string) bool { return id != collection })
			u.All += n
			switch {
			case photo.Pick == pick:
				u.Mine += n
			case others(photo), stays:
				u.Others += n
			}
		}
		return u, err
	})
}
