package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
)

const partPrefix = ".part-"

// extensions are for people who look into the directory; nothing reads them.
var extensions = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp",
	"video/mp4": ".mp4", "video/webm": ".webm",
}

// fileName depends on the item's id alone: a name that came over the network
// never becomes a path.
func fileName(id, mimeType string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16]) + extensions[mimeType]
}

// withoutOwn leaves the picks in the collection that have photos of other people
// than the one of a grant.
func (s *Store) withoutOwn(tx *bbolt.Tx, shown []string, grant string) ([]string, error) {
	others, err := s.photosOfOthers(tx, grant)
	if err != nil {
		return nil, err
	}
	photos, err := all[Photo](tx, bucketPhotos)
	kept := map[string]bool{}
	for _, p := range photos {
		kept[p.Pick] = kept[p.Pick] || others(p)
	}
	return slices.DeleteFunc(shown, func(pick string) bool { return !kept[pick] }), err
}

// changePhotos writes the photos back that change says it has changed.
func changePhotos(tx *bbolt.Tx, change func(*Photo) bool) error {
	photos, err := all[Photo](tx, bucketPhotos)
	if err != nil {
		return err
	}
	for _, p := range photos {
		if !change(&p) {
			continue
		}
		if err := put(tx, bucketPhotos, []byte(p.ID), p); err != nil {
			return err
		}
	}
	return nil
}

func collection(tx *bbolt.Tx) ([]string, error) {
	list, err := get[[]string](tx, bucketMeta, keyCollection)
	if err != nil || list == nil {
		return nil, err
	}
	return *list, nil
}

// Photos returns the collection in the order picked.
func (s *Store) Photos() ([]Photo, error) {
	photos, _, err := s.photos()
	return photos, err
}

// photos returns the photos in the collection and those outside it.
func (s *Store) photos() (shown, others []Photo, err error) {
	_, err = view(s, func(tx *bbolt.Tx) (struct{}, error) {
		var none struct{}
		picks, err := collection(tx)
		if err != nil {
			return none, err
		}
		place := make(map[string]int, len(picks))
		for i, p := range picks {
			place[p] = i
		}
		list, err := all[Photo](tx, bucketPhotos)
		for _, p := range list {
			if _, ok := place[p.Pick]; ok {
				shown = append(shown, p)
			} else {
				others = append(others, p)
			}
		}
		slices.SortFunc(shown, func(a, b Photo) int {
			return cmp.Or(cmp.Compare(place[a.Pick], place[b.Pick]), cmp.Compare(a.Index, b.Index), cmp.Compare(a.ID, b.ID))
		})
		return none, err
	})
	return shown, others, err
}

// Photo returns one photo by its item's id, nil if there is none. It may be
// one that is no longer in the collection.
func (s *Store) Photo(id string) (*Photo, error) {
	return view(s, func(tx *bbolt.Tx) (*Photo, error) { return get[Photo](tx, bucketPhotos, []byte(id)) })
}

// OpenMedia opens a photo's file by Photo.File.
func (s *Store) OpenMedia(file string) (*os.File, error) {
	if strings.HasPrefix(file, ".") {
		return nil, fs.ErrNotExist
	}
	return s.media.Open(file)
}

// Verify reports whether a photo's file is as it came. One from before sums were
// kept, or found without its record, is taken as it is while its length is right.
func (s *Store) Verify(ctx context.Context, p Photo) (bool, error) {
	f, err := s.OpenMedia(p.File)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	sum := crc32.New(castagnoli)
	n, err := io.Copy(sum, contextReader{ctx, f})
	switch {
	case errors.Is(err, syscall.EIO):
		return false, nil // what can't be read any more can't be shown either
	case err != nil:
		return false, err
	}
	return n == p.Bytes && (p.CRC32C == "" || p.CRC32C == hex.EncodeToString(sum.Sum(nil))), nil
}

// A contextReader ends with its context: a film takes minutes to be read.
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

// DropPhotos removes the photos with these ids, the records first: a record
// never stands for a file that isn't there. What the file's free pages hold of them
// goes with the next Upkeep.
func (s *Store) DropPhotos(photos []Photo) error {
	defer s.recount()
	err := s.update(func(tx *bbolt.Tx) error {
		for _, p := range photos {
			if err := tx.Bucket(bucketPhotos).Delete([]byte(p.ID)); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keyScrub, []byte{1}) // they have names
	})
	if err != nil {
		return err
	}
	for _, p := range photos {
		if err := s.disk.remove(filepath.Join(mediaName, p.File)); err != nil {
			s.untidy.Store(true)
			return fmt.Errorf("remove a media file: %w", err)
		}
	}
	return nil
}

// Prune removes the photos that a newer pick has replaced, and returns how many
// those were.
func (s *Store) Prune() (int, error) {
	_, others, err := s.photos()
	if err != nil || len(others) == 0 {
		return 0, err
	}
	return len(others), s.DropPhotos(others)
}

// A Usage is how many bytes photos on the disk have, shown or not.
type Usage struct {
	All, Mine, Others int64 // of a pick, and of other people than the one of a grant
}

// Usage counts for a pick that is made with a grant.
func (s *Store) Usage(pick, grant string) (Usage, error) {
	return view(s, func(tx *bbolt.Tx) (u Usage, err error) {
		others, err := s.photosOfOthers(tx, grant)
		if err != nil {
			return u, err
		}
		photos, err := all[Photo](tx, bucketPhotos)
		for _, p := range photos {
			u.All += p.Bytes
			switch {
			case p.Pick == pick:
				u.Mine += p.Bytes
			case others(p):
				u.Others += p.Bytes
			}
		}
		return u, err
	})
}

// A Library is what the collection comes to.
type Library struct {
	Photos int // also hidden ones
	Hidden int
	Bytes  int64
}

// Sum counts photos.
func Sum(photos []Photo) Library {
	l := Library{Photos: len(photos)}
	for _, p := range photos {
		l.Bytes += p.Bytes
		if p.Hidden {
			l.Hidden++
		}
	}
	return l
}

// Library returns what the collection comes to. It is cheap: it is counted once
// after each change.
func (s *Store) Library() (Library, error) {
	s.libraryMu.Lock()
	defer s.libraryMu.Unlock()
	if s.library == nil {
		list, err := s.Photos()
		if err != nil {
			return Library{}, err
		}
		s.library = new(Sum(list))
	}
	return *s.library, nil
}

// Hide hides a photo, or shows it again. It reports whether there is one.
func (s *Store) Hide(id string, hidden bool) (found bool, err error) {
	defer s.recount()
	err = s.update(func(tx *bbolt.Tx) error {
		p, err := get[Photo](tx, bucketPhotos, []byte(id))
		found = p != nil
		switch {
		case err != nil:
			return err
		case !found || p.Hidden == hidden:
			return errUnchanged
		}
		p.Hidden = hidden
		return put(tx, bucketPhotos, []byte(id), p)
	})
	return found, err
}

// recount is called after each change of the collection.
func (s *Store) recount() {
	s.libraryMu.Lock()
	defer s.libraryMu.Unlock()
	s.library = nil
}

// tidy removes what an earlier run left half done: parts, files without a
// record, records without a file.
func (s *Store) tidy() error {
	s.naming.Lock()
	defer s.naming.Unlock()
	s.untidy.Store(true) // until it has gone through
	photos, err := s.allPhotos()
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(photos))
	var lost []Photo
	for _, p := range photos {
		switch st, err := s.media.Stat(p.File); {
		case errors.Is(err, fs.ErrNotExist), err == nil && st.Size() != p.Bytes:
			lost = append(lost, p)
		case err != nil:
			return fmt.Errorf("look at a media file: %w", err)
		}
	}
	s.lost += len(lost)
	if len(lost) > 0 {
		if err := s.DropPhotos(lost); err != nil {
			return err
		}
	}
	if err := s.pruneUnlessFetching(); err != nil {
		return err
	}
	if photos, err = s.allPhotos(); err != nil {
		return err
	}
	for _, p := range photos {
		known[p.File] = true
	}
	entries, err := os.ReadDir(s.disk.path(mediaName))
	if err != nil {
		return fmt.Errorf("read the media directory: %w", err)
	}
	for _, e := range entries {
		if _, open := s.parts.Load(e.Name()); open || known[e.Name()] || e.IsDir() {
			continue
		}
		if err := s.disk.remove(filepath.Join(mediaName, e.Name())); err != nil {
			return fmt.Errorf("tidy the media directory: %w", err)
		}
	}
	s.untidy.Store(false)
	return nil
}

func (s *Store) allPhotos() ([]Photo, error) {
	return view(s, func(tx *bbolt.Tx) ([]Photo, error) { return all[Photo](tx, bucketPhotos) })
}

// pruneUnlessFetching removes what is outside the collection, except while a
// pick is being fetched, which may want some of it again.
func (s *Store) pruneUnlessFetching() error {
	picks, err := s.Picks()
	if err != nil {
		return err
	}
	for _, p := range picks {
		if p.Done && p.Over == "" {
			return nil
		}
	}
	_, err = s.Prune()
	return err
}
