package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"
)

// A Part is a media file under way. It counts for nothing until it is added.
type Part struct {
	store  *Store
	disk   *disk
	f      *os.File
	name   string // in the state directory
	sum    hash.Hash
	size   int64
	synced int64
}

// castagnoli is the polynomial that processors compute by themselves: a stronger
// sum would cost a third of the time that photos take to come.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// NewPart starts a media file.
func (s *Store) NewPart() (*Part, error) {
	f, name, err := s.disk.createTemp(filepath.Join(mediaName, partPrefix))
	if err != nil {
		return nil, fmt.Errorf("start a media file: %w", err)
	}
	p := &Part{store: s, disk: s.disk, f: f, name: name, sum: crc32.New(castagnoli)}
	s.parts.Store(filepath.Base(name), true)
	return p, nil
}

// Write appends to the file.
func (p *Part) Write(b []byte) (int, error) {
	if err := p.disk.touch(OpWrite, p.name, ""); err != nil {
		return 0, err
	}
	n, err := p.f.Write(b)
	p.sum.Write(b[:n])
	p.size += int64(n)
	if p.size-p.synced >= syncEvery && err == nil {
		// One sync at the end of a film could not be interrupted for long.
		p.synced, err = p.size, p.disk.sync(p.f, p.name)
	}
	return n, err
}

const syncEvery = 16 << 20

// ReadAt reads what has been written.
func (p *Part) ReadAt(b []byte, off int64) (int, error) { return p.f.ReadAt(b, off) }

// Size is the number of bytes written.
func (p *Part) Size() int64 { return p.size }

// Discard removes a part that will not be added. What can't be removed now is
// removed at the next start.
func (p *Part) Discard() {
	p.f.Close()
	p.store.parts.Delete(filepath.Base(p.name))
	if p.disk.remove(p.name) != nil {
		p.store.untidy.Store(true)
	}
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
			g.Go(func() error { return errors.Join(a.Part.disk.sync(a.Part.f, a.Part.name), a.Part.f.Close()) })
		}
	}
	return g.Wait()
}

// AddPhotos makes written parts appear, all in one step. The pick's photos
// join the collection, or with replace take the place of the same person's others
// at the first of them. The photos' File, Bytes and CRC32C are filled in. With an error
// nothing has appeared; parts are still to be discarded.
func (s *Store) AddPhotos(adds []Addition, replace bool) error {
	if err := finish(adds); err != nil {
		return fmt.Errorf("bring media files to the disk: %w", err)
	}
	s.naming.RLock() // a file with a name and no record yet is no leftover
	defer s.naming.RUnlock()
	var found []string
	err := s.nameParts(adds)
	if err == nil {
		defer s.recount()
		err = s.write(func(tx *bbolt.Tx) error {
			found = nil
			for _, a := range adds {
				if tx.Bucket(bucketPhotos).Get([]byte(foundID(a.Photo.stem()))) != nil {
					found = append(found, a.Photo.stem())
				}
				if err := s.addPhoto(tx, a.Photo, replace); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		s.takeBack(adds)
		return err
	}
	for _, file := range found {
		s.removeMedia(file)
	}
	return nil
}

// stem is the name that a photo's file has unless another has it.
func (p Photo) stem() string { return fileName(p.ID, p.MimeType) }

// removeMedia removes a file that no record stands for. What can't be removed now
// is removed by tidy.
func (s *Store) removeMedia(file string) {
	if s.disk.remove(filepath.Join(mediaName, file)) != nil {
		s.untidy.Store(true)
	}
}

func (s *Store) nameParts(adds []Addition) error {
	for i := range adds {
		a := &adds[i]
		if a.Part == nil {
			continue
		}
		file, err := s.freeName(a.Photo.stem())
		if err != nil {
			return err
		}
		a.Photo.File, a.Photo.Bytes = file, a.Part.size
		a.Photo.CRC32C = hex.EncodeToString(a.Part.sum.Sum(nil))
		if err := s.disk.rename(a.Part.name, filepath.Join(mediaName, a.Photo.File)); err != nil {
			return fmt.Errorf("bring a media file to its name: %w", err)
		}
		s.parts.Delete(filepath.Base(a.Part.name))
	}
	if err := s.disk.syncDir(mediaName); err != nil {
		return fmt.Errorf("bring media files to their names: %w", err)
	}
	return nil
}

// freeName returns a name for a media file that no other has: one with the same
// name may be there from a time whose records are lost, and stays until the
// record of the new one stands.
func (s *Store) freeName(stem string) (string, error) {
	name := stem
	for n := 1; ; n++ {
		is, err := s.disk.exists(filepath.Join(mediaName, name))
		if err != nil {
			return "", fmt.Errorf("name a media file: %w", err)
		}
		if !is {
			return name, nil
		}
		ext := filepath.Ext(stem)
		name = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(stem, ext), n, ext)
	}
}

func (s *Store) addPhoto(tx *bbolt.Tx, p Photo, replace bool) error {
	// It may have been found without its record; now that is known.
	if err := tx.Bucket(bucketPhotos).Delete([]byte(foundID(p.stem()))); err != nil {
		return err
	}
	if err := put(tx, bucketPhotos, []byte(p.ID), p); err != nil {
		return err
	}
	shown, err := collection(tx)
	if err != nil || slices.Contains(shown, p.Pick) {
		return err
	}
	if replace {
		if shown, err = s.withoutOwn(tx, shown, p.Grant); err != nil {
			return err
		}
	}
	return put(tx, bucketMeta, keyCollection, append(shown, p.Pick))
}

// takeBack removes files that have their name and no record: nothing would use
// or count them.
func (s *Store) takeBack(adds []Addition) {
	photos, err := s.allPhotos()
	if err != nil {
		return // the next start tidies up
	}
	for _, a := range adds {
		// A commit that failed at its very end may stand all the same.
		known := slices.ContainsFunc(photos, func(p Photo) bool { return p.File == a.Photo.File })
		if a.Part != nil && a.Photo.File != "" && !known {
			s.removeMedia(a.Photo.File)
		}
	}
}
