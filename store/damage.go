package store

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

// A CorruptError means that the database can't be read.
type CorruptError struct {
	Path string
	Why  string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("the database %s is damaged: %s", e.Path, e.Why)
}

// A SchemaError means that a newer pickerd wrote the database.
type SchemaError struct {
	Path      string
	Have, Max int
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("the database %s has schema version %d; this pickerd knows versions up to %d", e.Path, e.Have, e.Max)
}

func isDamage(err error) bool {
	_, corrupt := errors.AsType[*CorruptError](err)
	_, schema := errors.AsType[*SchemaError](err)
	return corrupt || schema
}

// Moved tells of a database that could not be read and was moved aside.
type Moved struct {
	To     string // where it is now; empty where it was gone
	Why    error  // *CorruptError or *SchemaError
	Photos int    // how many were found without it
}

// Moved tells what Open has moved aside, nil for nothing.
func (s *Store) Moved() *Moved { return s.moved }

// asidePrefix and the time make the name of a database that was moved aside.
const asidePrefix = databaseName + ".damaged-"

// moveAside gives a damaged database another name and puts a new one in its
// place, with the photos that are here. Until the new one is whole the damaged
// one keeps its own name too: the next start goes on where this one stopped.
func (s *Store) moveAside(why error, warning string) (*Moved, error) {
	to, err := s.aside()
	if err != nil {
		return nil, fmt.Errorf("%w; move it aside: %w", why, err)
	}
	photos, err := s.found()
	if err == nil {
		err = s.beginWith(photos, warning)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; begin a new one: %w", why, err)
	}
	return &Moved{To: s.disk.path(to), Why: why, Photos: len(photos)}, nil
}

// begin makes the database where there is none. Photos without one mean that it
// was lost.
func (s *Store) begin(warning string) error {
	photos, err := s.found()
	if err != nil || len(photos) == 0 {
		return cmp.Or(err, s.beginWith(nil, ""))
	}
	if err := s.beginWith(photos, warning); err != nil {
		return err
	}
	s.moved = &Moved{Why: &CorruptError{s.disk.path(databaseName), "it is gone"}, Photos: len(photos)}
	return nil
}

// beginWith puts a new database in its place, with photos that were found.
func (s *Store) beginWith(photos []Photo, warning string) error {
	return s.insist(func() error {
		return s.create(func(tx *bbolt.Tx) error {
			if warning != "" {
				if err := tx.Bucket(bucketMeta).Put(keyWarning, []byte(warning)); err != nil {
					return err
				}
			}
			for _, p := range photos {
				if err := put(tx, bucketPhotos, []byte(p.ID), p); err != nil {
					return err
				}
			}
			if len(photos) == 0 {
				return nil
			}
			return put(tx, bucketMeta, keyCollection, []string{foundPick})
		})
	})
}

// aside links the damaged database to a dated name, unless a start that a power
// cut has ended did so before.
func (s *Store) aside() (name string, err error) {
	path := s.disk.path(databaseName)
	damaged, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	earlier, err := filepath.Glob(s.disk.path(asidePrefix + "*"))
	if err != nil {
		return "", err
	}
	for _, e := range earlier {
		if st, err := os.Stat(e); err == nil && os.SameFile(st, damaged) {
			return filepath.Base(e), nil
		}
	}
	if name, err = s.dated(asidePrefix); err != nil {
		return "", err
	}
	err = s.disk.link(databaseName, name)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EOPNOTSUPP) {
		// Not every file system has links. Then it is gone for a moment, which
		// begin knows how to deal with.
		err = s.disk.rename(databaseName, name)
	}
	if err != nil {
		return "", err
	}
	return name, s.disk.syncDir("")
}

// dated returns a name that tells the time and that no file has.
func (s *Store) dated(prefix string) (name string, err error) {
	stem := prefix + time.Now().UTC().Format("20060102T150405Z")
	name = stem
	for n := 2; ; n++ { // a box without a clock lives through the same second again
		if is, err := s.disk.exists(name); !is {
			return name, err
		}
		name = fmt.Sprintf("%s-%d", stem, n)
	}
}

// foundPick is the pick of photos that were found without a record of one.
const foundPick = "found"

// foundID is a photo's id as long as nothing but its file is known.
func foundID(file string) string { return "found:" + file }

// found returns what can be said of the media files alone, oldest first. A file
// has its name only when it is whole.
func (s *Store) found() ([]Photo, error) {
	kinds := make(map[string]string, len(extensions))
	for kind, ext := range extensions {
		kinds[ext] = kind
	}
	entries, err := os.ReadDir(s.disk.path(mediaName))
	if err != nil {
		return nil, err
	}
	var photos []Photo
	for _, e := range entries {
		kind := kinds[filepath.Ext(e.Name())]
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || kind == "" || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		p := Photo{ID: foundID(e.Name()), File: e.Name(), Type: "PHOTO", MimeType: kind, Bytes: info.Size(),
			Pick: foundPick, AddedAt: info.ModTime()}
		if strings.HasPrefix(kind, "video/") {
			p.Type = "VIDEO"
		}
		photos = append(photos, p)
	}
	slices.SortFunc(photos, func(a, b Photo) int {
		return cmp.Or(a.AddedAt.Compare(b.AddedAt), cmp.Compare(a.File, b.File))
	})
	for i := range photos {
		photos[i].Index = i
	}
	return photos, nil
}

// DropDamaged removes databases that were moved aside: where nothing of a person
// may stay, it is not kept for an operator either.
func (s *Store) DropDamaged() error {
	entries, err := os.ReadDir(s.disk.dir)
	if err != nil {
		return fmt.Errorf("read the state directory: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), asidePrefix) {
			continue
		}
		if err := s.disk.remove(e.Name()); err != nil {
			return fmt.Errorf("remove a damaged database: %w", err)
		}
	}
	return nil
}
