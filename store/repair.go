package store

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"pickerd/store/regular"
)

// repair gives records of earlier versions their checksums. It corrects a flipped bit
// and replaces records with more damage: photos by what their files tell, others by
// what can be read of them.
func (s *Store) repair() error {
	found, err := view(s.db, (*txn).inspect)
	if err != nil || found.isClean() {
		return err
	}
	s.Photos.naming.Lock() // Add names files before it records them
	defer s.Photos.naming.Unlock()
	var photos []Photo // found without records
	if len(found.photos) > 0 {
		if photos, err = s.disk.findPhotos(); err != nil {
			return fmt.Errorf("read the media directory: %w", err)
		}
	}
	var r repairer
	err = s.db.update(func(tx *txn) error {
		r = repairer{tx: tx, disk: s.disk}
		return r.run(photos)
	})
	s.Photos.forgetTotals()
	if err != nil {
		return fmt.Errorf("repair records: %w", err)
	}
	s.Photos.distrust(r.rebuilt)
	for _, done := range r.done {
		s.disk.repaired(done.Path, done.Problem, done.Action)
	}
	s.db.damaged.Store(false)
	return nil
}

// An inspection is what is wrong with the records.
type inspection struct {
	old     int // records without a checksum
	photos  []recordKey
	picks   []recordKey
	meta    []recordKey
	orphans bool // no grant is the current one although one is in force
}

func (i inspection) isClean() bool {
	return i.old == 0 && len(i.photos) == 0 && len(i.picks) == 0 && len(i.meta) == 0 && !i.orphans
}

// summed returns the keys of the records with checksums in the meta bucket, but for IDs of
// orders, which are not read.
func (tx *txn) summed() [][]byte {
	keys := [][]byte{keyCollection, keyRefusals, keyPairedOver, keyMark, keyTries, keyTopics}
	for _, prefix := range [][]byte{prefixDisplay, prefixDisplayLink, prefixCollection, prefixOrderNumber, prefixSerial} {
		keys = append(keys, tx.keysUnder(prefix)...)
	}
	return keys
}

// inspect looks at all records that are not sealed.
func (tx *txn) inspect() (i inspection, err error) {
	look := func(bucket, key, record []byte, check func(bucket, key, record []byte) error, bad *[]recordKey) {
		switch {
		case check(bucket, key, record) != nil:
			*bad = append(*bad, recordKey{bucket, bytes.Clone(key)})
		case isOld(record):
			i.old++
		}
	}
	for _, b := range []struct {
		name  []byte
		check func(bucket, key, record []byte) error
		bad   *[]recordKey
	}{{bucketPhotos, checkPhoto, &i.photos}, {bucketPicks, checkPick, &i.picks}} {
		err = errors.Join(err, tx.Bucket(b.name).ForEach(func(k, v []byte) error {
			look(b.name, k, v, b.check, b.bad)
			return nil
		}))
	}
	for _, key := range tx.summed() {
		if record := tx.meta().Get(key); record != nil {
			look(bucketMeta, key, record, checkAny, &i.meta)
		}
	}
	id := tx.meta().Get(keyGrant)
	i.orphans = id != nil && tx.Bucket(bucketGrants).Get(id) == nil
	return i, err
}

func checkAny(bucket, key, record []byte) error {
	_, err := decodeRecord[any](bucket, key, record)
	return err
}

func checkPhoto(bucket, key, record []byte) error {
	p, err := decodeRecord[Photo](bucket, key, record)
	if err == nil && (p.ID != string(key) || !isFileName(p.File)) {
		err = &recordError{bucket, key}
	}
	return err
}

func checkPick(bucket, key, record []byte) error {
	p, err := decodeRecord[Pick](bucket, key, record)
	if err == nil && p.RequestID != string(key) {
		err = &recordError{bucket, key}
	}
	return err
}

// A repairer repairs the records in one transaction.
type repairer struct {
	tx      *txn
	disk    *disk
	rebuilt []Photo
	done    []Repair // Path is relative
}

func (r *repairer) note(name, problem, action string) {
	r.done = append(r.done, Repair{name, problem, action})
}

// run repairs all records. found are the photos of all media files.
func (r *repairer) run(found []Photo) error {
	i, err := r.tx.inspect()
	if err != nil {
		return err
	}
	if err := r.correctBits(slices.Concat(i.photos, i.picks, i.meta)); err != nil {
		return err
	}
	if i, err = r.tx.inspect(); err != nil {
		return err
	}
	for _, repair := range []func() error{
		r.addSums,
		func() error { return r.repairPicks(i.picks) },
		func() error { return r.repairMeta(i.meta) },
		func() error { return r.repairPhotos(i.photos, found) },
		func() error { return r.repairCollection(i.meta) },
	} {
		if err := repair(); err != nil {
			return err
		}
	}
	if i.orphans {
		if err := r.tx.promoteNext(); err != nil {
			return err
		}
		if r.tx.meta().Get(keyGrant) != nil {
			r.note(databaseName, "ID of the current grant damaged", "grant paired last chosen")
		}
	}
	return putSchema(r.tx.Tx)
}

// correctBits corrects records with one flipped bit.
func (r *repairer) correctBits(bad []recordKey) error {
	for _, k := range bad {
		b := r.tx.Bucket(k.bucket)
		fixed := corrected(k.bucket, k.key, b.Get(k.key))
		if fixed == nil {
			continue
		}
		r.note(databaseName, "record of "+string(k.bucket)+" with a flipped bit", "corrected")
		if err := b.Put(k.key, fixed); err != nil {
			return err
		}
	}
	return nil
}

// addSums gives records of earlier versions their checksums.
func (r *repairer) addSums() error {
	var old []recordKey
	for _, name := range [][]byte{bucketPhotos, bucketPicks} {
		err := r.tx.Bucket(name).ForEach(func(k, v []byte) error {
			if isOld(v) {
				old = append(old, recordKey{name, bytes.Clone(k)})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, key := range r.tx.summed() {
		if isOld(r.tx.meta().Get(key)) {
			old = append(old, recordKey{bucketMeta, key})
		}
	}
	for _, o := range old {
		b := r.tx.Bucket(o.bucket)
		data := bytes.Clone(b.Get(o.key))
		if checkAny(o.bucket, o.key, data) != nil {
			continue // damaged
		}
		if err := b.Put(o.key, withSum(o.bucket, o.key, data)); err != nil {
			return err
		}
	}
	return nil
}

// repairPicks keeps what can be read of damaged picks, so that their sessions are
// deleted.
func (r *repairer) repairPicks(bad []recordKey) error {
	for _, k := range bad {
		p := salvage[Pick](k.bucket, k.key, r.tx.Bucket(k.bucket).Get(k.key))
		if err := r.tx.Bucket(k.bucket).Delete(k.key); err != nil {
			return err
		}
		if p == nil || p.RequestID == "" {
			r.note(databaseName, "record of a pick damaged", "dropped: its session expires at Google")
			continue
		}
		r.note(databaseName, "record of a pick damaged", "what could be read is kept")
		if err := r.tx.putPick(p); err != nil {
			return err
		}
	}
	return nil
}

// repairMeta deletes damaged records that only save requests, displays, which then have
// to be let in again, collections, whose photos are in the default one from then on, and
// serials: their operator could command the box no more, while orders that were recorded
// expire. repairCollection follows it.
func (r *repairer) repairMeta(bad []recordKey) error {
	for _, k := range bad {
		if bytes.Equal(k.key, keyCollection) {
			continue
		}
		r.note(databaseName, fmt.Sprintf("record %s damaged", k.key), "dropped")
		if err := r.tx.Bucket(k.bucket).Delete(k.key); err != nil {
			return err
		}
	}
	return nil
}

// repairCollection makes a damaged list of the picks shown from the photos.
func (r *repairer) repairCollection(bad []recordKey) error {
	i := slices.IndexFunc(bad, func(k recordKey) bool { return bytes.Equal(k.key, keyCollection) })
	if i < 0 {
		return nil
	}
	photos, err := all[Photo](r.tx, bucketPhotos)
	if err != nil {
		return err
	}
	sort.SliceStable(photos, func(i, j int) bool { return photos[i].AddedAt.Before(photos[j].AddedAt) })
	var shown []string
	for _, p := range photos {
		for _, m := range slices.Backward(p.memberships()) {
			if !slices.Contains(shown, m.Pick) {
				shown = append(shown, m.Pick)
			}
		}
	}
	r.note(databaseName, "list of picks damaged", "made again from the photos")
	return r.tx.put(bucketMeta, keyCollection, shown)
}

// repairPhotos rebuilds damaged records from the files. If the file of one is not
// known, all files without a record become photos.
func (r *repairer) repairPhotos(bad []recordKey, found []Photo) error {
	photos, err := all[Photo](r.tx, bucketPhotos)
	if err != nil {
		return err
	}
	recorded := map[string]bool{}
	for _, p := range photos {
		recorded[p.File] = true
	}
	files := map[string]Photo{}
	for _, p := range found {
		if !recorded[p.File] {
			files[p.File] = p
		}
	}
	adopt := false
	for _, k := range bad {
		old := salvage[Photo](k.bucket, k.key, r.tx.Bucket(k.bucket).Get(k.key))
		if err := r.tx.Bucket(k.bucket).Delete(k.key); err != nil {
			return err
		}
		p, ok := r.match(string(k.key), old, files)
		if !ok {
			adopt = true
			continue
		}
		delete(files, p.File)
		if err := r.putRebuilt(p, old); err != nil {
			return err
		}
	}
	if !adopt {
		return nil
	}
	if len(files) == 0 {
		r.note(databaseName, "record of a photo damaged", "dropped: there is no file")
	}
	for _, p := range files {
		if err := r.putRebuilt(p, nil); err != nil {
			return err
		}
	}
	return nil
}

// match finds the file of a damaged record by its key or by what can be read of it.
func (r *repairer) match(key string, old *Photo, files map[string]Photo) (Photo, bool) {
	ids := []string{key}
	if old != nil {
		ids = append(ids, old.ID)
	}
	for _, id := range ids {
		for file, p := range files {
			if foundID(file) == id || strings.HasPrefix(file, stem(id)) {
				p.ID = id
				return p, true
			}
		}
	}
	if old != nil {
		p, ok := files[old.File]
		return p, ok
	}
	return Photo{}, false
}

// putRebuilt stores a photo that was rebuilt from its file, with what the damaged
// record says that the file does not. A file whose content is damaged is left out.
func (r *repairer) putRebuilt(p Photo, old *Photo) error {
	name := filepath.Join(mediaName, p.File)
	if !r.isWhole(&p) {
		r.note(name, "record and file of a photo damaged", "dropped")
		return nil
	}
	if old != nil {
		p.Filename, p.CreateTime, p.Duration, p.Hidden = old.Filename, old.CreateTime, max(old.Duration, 0), old.Hidden
		p.Width, p.Height, p.Index = max(old.Width, 0), max(old.Height, 0), max(old.Index, 0)
		p.Pick, p.Collection, p.Also = old.Pick, old.Collection, old.Also
		if r.tx.Bucket(bucketGrants).Get([]byte(old.Grant)) != nil {
			p.Grant = old.Grant
		}
	}
	shown, err := r.tx.collection()
	if _, damaged := errors.AsType[*recordError](err); damaged {
		shown, err = nil, nil // repairCollection follows
	} else if err == nil && !slices.Contains(shown, p.Pick) {
		p.Collection, p.Also = "", nil
		if p.Pick = foundPick; len(shown) > 0 {
			p.Pick = shown[len(shown)-1]
		}
		if !slices.Contains(shown, p.Pick) {
			err = r.tx.put(bucketMeta, keyCollection, append(shown, p.Pick))
		}
	}
	if err != nil {
		return err
	}
	r.note(name, "record of a photo damaged", "rebuilt from the file")
	r.rebuilt = append(r.rebuilt, p)
	return r.tx.putPhoto(p)
}

// isWhole reads a photo's file, compares its checksum with that in its name, if any,
// and sets it. Videos are verified later: reading one takes too long.
func (r *repairer) isWhole(p *Photo) bool {
	if p.Type == "VIDEO" {
		return true
	}
	f, err := regular.Open(r.disk.path(filepath.Join(mediaName, p.File)))
	if err != nil {
		return errors.Is(err, fs.ErrPermission)
	}
	defer f.Close()
	n, sum, err := sumFile(f)
	known := cmp.Or(p.CRC32C, sum)
	p.CRC32C = sum
	return err == nil && n == p.Bytes && sum == known
}
