package store

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// partPrefix begins the names of media files that are still being written.
const partPrefix = ".part-"

const (
	syncEvery = 16 << 20 // bytes of a part
	maxSyncs  = 8        // parts synced at a time
)

// castagnoli is the polynomial that processors compute in hardware. A
// cryptographic hash would take a third of the download time.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Part is a media file that is still being written. It becomes a photo with
// Photos.Add.
type Part struct {
	photos *Photos
	disk   *disk
	f      *os.File
	name   string // relative to the state directory
	sum    uint32 // CRC-32C of what was written
	size   int64
	synced int64

	source    *Source // nil if the download can't be continued
	recorded  bool    // there is a record of it
	continued int64   // its size when ContinuePart opened it
}

// NewPart creates a media file.
func (p *Photos) NewPart() (*Part, error) {
	d := p.s.disk
	f, name, err := d.createTemp(filepath.Join(mediaName, partPrefix))
	if err != nil {
		return nil, fmt.Errorf("create a media file: %w", err)
	}
	p.parts.Store(filepath.Base(name), true)
	return &Part{photos: p, disk: d, f: f, name: name}, nil
}

// Write appends to the file.
func (p *Part) Write(b []byte) (int, error) {
	if err := p.disk.announce(OpWrite, p.name, ""); err != nil {
		return 0, err
	}
	n, err := p.f.Write(b)
	p.sum = crc32.Update(p.sum, castagnoli, b[:n])
	p.size += int64(n)
	if p.size-p.synced >= syncEvery && err == nil {
		// A single sync at the end of a long video would take too long.
		p.synced, err = p.size, p.disk.sync(p.f, p.name)
		if s := p.source; err == nil && s != nil && (s.Length < 0 || p.size <= s.Length) { // not what is appended to it
			_ = p.record() // without it the download is continued from an earlier point
		}
	}
	return n, err
}

// ReadAt reads what was written.
func (p *Part) ReadAt(b []byte, off int64) (int, error) { return p.f.ReadAt(b, off) }

// Size returns the number of bytes written.
func (p *Part) Size() int64 { return p.size }

// Discard removes a part that will not be added. If the disk refuses, the part is
// removed later.
func (p *Part) Discard() {
	p.f.Close()
	if p.recorded {
		p.photos.forgetPartial(p.source.ID, filepath.Base(p.name))
	}
	p.photos.parts.Delete(filepath.Base(p.name))
	if p.disk.remove(p.name) != nil {
		p.photos.untidy.Store(true)
	}
}

// An Addition is a photo to add. Part is nil if an earlier pick already brought
// the file.
type Addition struct {
	Photo Photo
	Part  *Part
}

// Add adds photos in one transaction and fills in their File, Bytes and CRC32C.
// Their pick joins the collection. With replace, it takes the place of the same
// account's other picks for the same named collection. If Add fails, no photo was added, and the parts are still
// to be discarded.
func (p *Photos) Add(adds []Addition, replace bool) error {
	if err := syncParts(adds); err != nil {
		return fmt.Errorf("sync media files: %w", err)
	}
	p.naming.RLock() // tidy would remove files that have no record yet
	defer p.naming.RUnlock()
	var found []string
	err := p.nameParts(adds)
	if err == nil {
		before, more := p.knownTotals(), &Library{}
		err = p.s.db.write(func(tx *txn) error {
			found, more = nil, &Library{}
			for _, a := range adds {
				found = append(found, tx.foundFiles(a.Photo.ID)...)
				isNew, err := tx.addPhoto(a.Photo, replace)
				if err != nil {
					return err
				}
				if more = more.with(a.Photo); !isNew {
					more = nil
				}
			}
			return nil
		})
		if err != nil || len(found) > 0 {
			more = nil
		}
		p.growTotals(before, more)
	}
	if err != nil {
		p.removeUnrecorded(adds)
		return err
	}
	for _, file := range found {
		p.removeFile(file)
	}
	return nil
}

// syncParts syncs and closes all parts.
func syncParts(adds []Addition) error {
	var g errgroup.Group
	g.SetLimit(maxSyncs)
	for _, a := range adds {
		if a.Part != nil {
			g.Go(func() error { return errors.Join(a.Part.disk.sync(a.Part.f, a.Part.name), a.Part.f.Close()) })
		}
	}
	return g.Wait()
}

// nameParts gives the files of parts their names.
func (p *Photos) nameParts(adds []Addition) error {
	d := p.s.disk
	for i := range adds {
		a := &adds[i]
		if a.Part == nil {
			continue
		}
		a.Photo.Bytes, a.Photo.CRC32C = a.Part.size, fmt.Sprintf("%08x", a.Part.sum)
		file, err := d.unusedMediaName(a.Photo.fileName())
		if err != nil {
			return err
		}
		a.Photo.File = file
		if err := d.rename(a.Part.name, filepath.Join(mediaName, a.Photo.File)); err != nil {
			return fmt.Errorf("rename a media file: %w", err)
		}
		p.parts.Delete(filepath.Base(a.Part.name))
		p.checked.Delete(filepath.Base(a.Part.name))
	}
	if err := d.syncDir(mediaName); err != nil {
		return fmt.Errorf("rename media files: %w", err)
	}
	return nil
}

// unusedMediaName returns name, made unique by a number. A photo that was found
// without its record may have the name; its file stays until the new record is
// stored.
func (d *disk) unusedMediaName(name string) (string, error) {
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	for n := 1; ; n++ {
		is, err := d.exists(filepath.Join(mediaName, name))
		if err != nil {
			return "", fmt.Errorf("name a media file: %w", err)
		}
		if !is {
			return name, nil
		}
		name = fmt.Sprintf("%s-%d%s", stem, n, ext)
	}
}

// foundFiles returns the files of a photo that were found without its record.
func (tx *txn) foundFiles(id string) (files []string) {
	prefix := []byte(foundID(stem(id)))
	c := tx.Bucket(bucketPhotos).Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		files = append(files, string(k[len(foundPrefix):]))
	}
	return files
}

// addPhoto stores a photo. It reports whether the collection has one more photo and is
// otherwise the same.
func (tx *txn) addPhoto(p Photo, replace bool) (isNew bool, err error) {
	if err := tx.deletePartial(p.ID); err != nil {
		return false, err
	}
	// The photo may have been found without its record.
	for _, file := range tx.foundFiles(p.ID) {
		if err := tx.Bucket(bucketPhotos).Delete([]byte(foundID(file))); err != nil {
			return false, err
		}
	}
	isNew = tx.Bucket(bucketPhotos).Get([]byte(p.ID)) == nil
	shown, err := tx.collection()
	if err != nil {
		return false, err
	}
	tx.keepElsewhere(&p, shown)
	if err := tx.putPhoto(p); err != nil || slices.Contains(shown, p.Pick) {
		return isNew, err
	}
	if replace {
		if shown, err = tx.picksOfOthers(shown, p.Grant, p.Collection); err != nil {
			return false, err
		}
	}
	return false, tx.put(bucketMeta, keyCollection, append(shown, p.Pick))
}

// keepElsewhere leaves a photo that is added in the other collections that have it.
func (tx *txn) keepElsewhere(p *Photo, shown []string) {
	if p.Collection != "" && tx.meta().Get(collectionKey(p.Collection)) == nil {
		p.Collection = "" // it has been deleted
	}
	p.Also = nil
	old, err := get[Photo](tx, bucketPhotos, []byte(p.ID))
	if err != nil || old == nil {
		return // a damaged record is replaced
	}
	for _, m := range old.memberships() {
		if m.Collection != p.Collection && m.Pick != p.Pick && slices.Contains(shown, m.Pick) {
			p.Also = append(p.Also, m)
		}
	}
}

// picksOfOthers returns those picks in the collection that have photos of other
// accounts than that of a grant, or are for other named collections than one.
func (tx *txn) picksOfOthers(shown []string, grant, collection string) ([]string, error) {
	others, err := tx.ownedByOthers(grant)
	if err != nil {
		return nil, err
	}
	w, err := tx.wall()
	if err != nil {
		return nil, err
	}
	photos, err := all[Photo](tx, bucketPhotos)
	keep := map[string]bool{}
	for _, p := range photos {
		w.settle(&p)
		for _, m := range p.memberships() {
			keep[m.Pick] = keep[m.Pick] || others(p) || m.Collection != collection
		}
	}
	return slices.DeleteFunc(shown, func(pick string) bool { return !keep[pick] }), err
}

// removeUnrecorded removes the files of photos that could not be recorded.
func (p *Photos) removeUnrecorded(adds []Addition) {
	photos, err := p.All()
	if err != nil {
		return // the next start removes them
	}
	for _, a := range adds {
		// A commit that failed in its last step may be on disk all the same.
		recorded := slices.ContainsFunc(photos, func(photo Photo) bool { return photo.File == a.Photo.File })
		if a.Part != nil && a.Photo.File != "" && !recorded {
			p.removeFile(a.Photo.File)
		}
	}
}

// removeFile removes a file without a record. If the disk refuses, tidy removes it
// later.
func (p *Photos) removeFile(file string) {
	if p.s.disk.remove(filepath.Join(mediaName, file)) != nil {
		p.untidy.Store(true)
	}
}
