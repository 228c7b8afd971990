package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"
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

// A Part is a media file under way. It counts for nothing until it is added.
type Part struct {
	f      *os.File
	size   int64
	synced int64
}

// NewPart starts a media file.
func (s *Store) NewPart() (*Part, error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, mediaName), partPrefix)
	if err != nil {
		return nil, fmt.Errorf("start a media file: %w", err)
	}
	return &Part{f: f}, nil
}

// Write appends to the file.
func (p *Part) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	p.size += int64(n)
	if p.size-p.synced >= syncEvery && err == nil {
		// One sync at the end of a film could not be interrupted for long.
		p.synced, err = p.size, p.f.Sync()
	}
	return n, err
}

const syncEvery = 16 << 20

// ReadAt reads what has been written.
func (p *Part) ReadAt(b []byte, off int64) (int, error) { return p.f.ReadAt(b, off) }

// Size is the number of bytes written.
func (p *Part) Size() int64 { return p.size }

// Discard removes a part that will not be added.
func (p *Part) Discard() {
	p.f.Close()
	os.Remove(p.f.Name())
}

// An Addition is a photo to be added: with a Part, or without one when the file
// is there already from an earlier pick.
type Addition struct {
	Photo Photo
	Part  *Part
}

// syncs is how many files are brought to the disk at a time.
const syncs = 8

// finish brings the bytes of all parts to the disk.
func finish(adds []Addition) error {
	var g errgroup.Group
	g.SetLimit(syncs)
	for _, a := range adds {
		if a.Part != nil {
			g.Go(func() error { return errors.Join(a.Part.f.Sync(), a.Part.f.Close()) })
		}
	}
	return g.Wait()
}

// AddPhotos makes written parts appear, all in one step. The pick's photos
// join the collection, or with replace take the place of all others at the
// first of them. The photos' File and Bytes are filled in.
func (s *Store) AddPhotos(adds []Addition, replace bool) error {
	if err := finish(adds); err != nil {
		return fmt.Errorf("bring media files to the disk: %w", err)
	}
	for i := range adds {
		a := &adds[i]
		if a.Part == nil {
			continue
		}
		a.Photo.File, a.Photo.Bytes = fileName(a.Photo.ID, a.Photo.MimeType), a.Part.size
		if err := s.media.Rename(filepath.Base(a.Part.f.Name()), a.Photo.File); err != nil {
			return fmt.Errorf("bring a media file to its name: %w", err)
		}
	}
	if err := syncDir(filepath.Join(s.dir, mediaName)); err != nil {
		return fmt.Errorf("bring media files to their names: %w", err)
	}
	defer s.recount()
	return s.update(func(tx *bbolt.Tx) error {
		for _, a := range adds {
			if err := put(tx, bucketPhotos, []byte(a.Photo.ID), a.Photo); err != nil {
				return err
			}
			if err := show(tx, a.Photo.Pick, replace); err != nil {
				return err
			}
		}
		return nil
	})
}

// show makes a pick's photos part of the collection.
func show(tx *bbolt.Tx, pick string, replace bool) error {
	shown, err := collection(tx)
	if err != nil || slices.Contains(shown, pick) {
		return err
	}
	if replace {
		shown = nil
	}
	return put(tx, bucketMeta, keyCollection, append(shown, pick))
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
	err = s.view(func(tx *bbolt.Tx) error {
		picks, err := collection(tx)
		if err != nil {
			return err
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
		return err
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

// DropPhotos removes the photos with these ids, the records first: a record
// never stands for a file that isn't there.
func (s *Store) DropPhotos(photos []Photo) error {
	defer s.recount()
	err := s.update(func(tx *bbolt.Tx) error {
		for _, p := range photos {
			if err := tx.Bucket(bucketPhotos).Delete([]byte(p.ID)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range photos {
		if err := s.media.Remove(p.File); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a media file: %w", err)
		}
	}
	return nil
}

// Prune removes the photos that a newer pick has replaced.
func (s *Store) Prune() error {
	_, others, err := s.photos()
	if err != nil || len(others) == 0 {
		return err
	}
	return s.DropPhotos(others)
}

// A library is what the collection comes to.
type library struct {
	photos int
	bytes  int64
}

// Library returns how many photos the collection has, and their size. It is
// cheap: it is counted once after each change.
func (s *Store) Library() (photos int, bytes int64, err error) {
	s.libraryMu.Lock()
	defer s.libraryMu.Unlock()
	if s.library == nil {
		list, err := s.Photos()
		if err != nil {
			return 0, 0, err
		}
		l := &library{photos: len(list)}
		for _, p := range list {
			l.bytes += p.Bytes
		}
		s.library = l
	}
	return s.library.photos, s.library.bytes, nil
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
	photos, err := s.allPhotos()
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(photos))
	var lost []Photo
	for _, p := range photos {
		if st, err := s.media.Stat(p.File); err != nil || st.Size() != p.Bytes {
			lost = append(lost, p)
		}
	}
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
	entries, err := os.ReadDir(filepath.Join(s.dir, mediaName))
	if err != nil {
		return fmt.Errorf("read the media directory: %w", err)
	}
	for _, e := range entries {
		if known[e.Name()] || e.IsDir() {
			continue
		}
		if err := s.media.Remove(e.Name()); err != nil {
			return fmt.Errorf("tidy the media directory: %w", err)
		}
	}
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
	return s.Prune()
}
