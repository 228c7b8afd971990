package store

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// bucketPartials has the parts that can be continued, by the ID of the item.
// Databases of older versions don't have it.
var bucketPartials = []byte("partials")

// MinPartial is the size below which a download that was cut off is not kept.
const MinPartial = 1 << 20

// errPickOver means that the pick of a part has ended.
var errPickOver = errors.New("the pick has ended")

// A Source is what a part is a download of, so that it can be continued.
type Source struct {
	ID        string `json:"id"`        // of the media item
	Pick      string `json:"pick"`      // request ID
	Variant   string `json:"variant"`   // of the item: the suffix of its address
	Length    int64  `json:"length"`    // of the whole file; -1 if unknown
	Validator string `json:"validator"` // identifies the bytes at the server
}

// A partial is the record of a part. It never says more than what is on disk.
type partial struct {
	Source
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	CRC32C uint32 `json:"crc32c"` // of these bytes
}

// SetSource says what a part is a download of. From then on a power cut costs at most
// the last syncEvery bytes of it.
func (p *Part) SetSource(s Source) { p.source = &s }

// Source returns what SetSource was given, nil if it was not called.
func (p *Part) Source() *Source { return p.source }

// Keep closes a part whose download was cut off. It reports whether the part is kept
// for ContinuePart until its pick ends; otherwise it is discarded.
func (p *Part) Keep() bool {
	if p.source == nil || p.size < MinPartial {
		p.Discard()
		return false
	}
	p.photos.naming.RLock() // tidy would remove a file that has no record yet
	defer p.photos.naming.RUnlock()
	var err error
	if p.size > p.continued {
		if err = p.disk.sync(p.f, p.name); err == nil {
			err = p.record()
		}
	}
	if err != nil {
		p.Discard()
		return false
	}
	p.f.Close()
	file := filepath.Base(p.name)
	p.photos.checked.Store(file, true)
	p.photos.parts.Delete(file)
	return true
}

// record stores how much of a part is on disk, unless its pick has ended.
func (p *Part) record() error {
	if !p.recorded {
		if err := p.disk.syncDir(mediaName); err != nil {
			return err
		}
	}
	err := p.photos.s.db.write(func(tx *txn) error {
		pick, err := get[Pick](tx, bucketPicks, []byte(p.source.Pick))
		if err != nil {
			return err
		}
		if pick == nil || pick.EndReason != "" {
			return errPickOver
		}
		if _, err := tx.CreateBucketIfNotExists(bucketPartials); err != nil {
			return err
		}
		return tx.put(bucketPartials, []byte(p.source.ID), partial{*p.source, filepath.Base(p.name), p.size, p.sum})
	})
	p.recorded = p.recorded || err == nil
	return err
}

// ContinuePart reopens what is left of an item's download, so that the rest can be
// written. It returns nil if there is nothing. After a restart the bytes are read and
// compared with their checksum, and alive is called again and again. The error is
// ctx's.
func (p *Photos) ContinuePart(ctx context.Context, id string, alive func()) (*Part, error) {
	rec, err := view(p.s.db, func(tx *txn) (*partial, error) { return tx.partial(id), nil })
	if err != nil || rec == nil {
		return nil, nil // tidy removes a record that can't be read
	}
	part, err := p.reopen(ctx, rec, alive)
	switch {
	case err == nil:
		return part, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	p.forgetPartial(id, rec.File)
	p.removeFile(rec.File)
	return nil, nil
}

// reopen opens the file of a partial and cuts off what is not surely on disk.
func (p *Photos) reopen(ctx context.Context, rec *partial, alive func()) (*Part, error) {
	if !strings.HasPrefix(rec.File, partPrefix) || rec.Bytes < 0 {
		return nil, fmt.Errorf("the record names no part")
	}
	f, err := p.root.OpenFile(rec.File, os.O_RDWR|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	part := &Part{photos: p, disk: p.s.disk, f: f, name: filepath.Join(mediaName, rec.File), sum: rec.CRC32C,
		size: rec.Bytes, synced: rec.Bytes, continued: rec.Bytes, source: &rec.Source, recorded: true}
	if err := part.check(ctx, alive); err != nil {
		f.Close()
		return nil, err
	}
	p.parts.Store(rec.File, true)
	return part, nil
}

// check makes a part that was reopened end where its record says, and compares its
// bytes with their checksum if an earlier process wrote them.
func (p *Part) check(ctx context.Context, alive func()) error {
	st, err := p.f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() || st.Size() < p.size {
		return errors.New("the file is shorter than its record says")
	}
	file := filepath.Base(p.name)
	if _, is := p.photos.checked.Load(file); !is {
		sum := crc32.New(castagnoli)
		if _, err := io.Copy(sum, aliveReader{contextReader{ctx, io.NewSectionReader(p.f, 0, p.size)}, alive}); err != nil {
			return err
		}
		if sum.Sum32() != p.sum {
			return errors.New("the bytes don't have their checksum")
		}
		p.photos.checked.Store(file, true)
	}
	if err := p.disk.announce(OpWrite, p.name, ""); err != nil {
		return err
	}
	if err := p.f.Truncate(p.size); err != nil {
		return err
	}
	_, err = p.f.Seek(p.size, io.SeekStart)
	return err
}

// An aliveReader calls alive with each read.
type aliveReader struct {
	r     io.Reader
	alive func()
}

func (a aliveReader) Read(b []byte) (int, error) {
	a.alive()
	return a.r.Read(b)
}

// forgetPartial deletes the record of a part, so that its file can be removed. If the
// disk refuses, tidy does it later.
func (p *Photos) forgetPartial(id, file string) {
	p.checked.Delete(file)
	err := p.s.db.write(func(tx *txn) error {
		if rec := tx.partial(id); rec == nil || rec.File != file {
			return errUnchanged
		}
		return tx.deletePartial(id)
	})
	if err != nil {
		p.untidy.Store(true)
	}
}

// partial returns the record of an item's part, nil if there is none that can be read.
func (tx *txn) partial(id string) *partial {
	b := tx.Bucket(bucketPartials)
	if b == nil {
		return nil
	}
	rec, _ := decodeRecord[partial](bucketPartials, []byte(id), b.Get([]byte(id))) // no record is no record either
	return rec
}

// deletePartial deletes the record of an item's part.
func (tx *txn) deletePartial(id string) error {
	b := tx.Bucket(bucketPartials)
	if b == nil {
		return nil
	}
	return b.Delete([]byte(id))
}

// deletePartials deletes the records that match, and those that can't be read with
// unreadable set. It returns the files that they named.
func (tx *txn) deletePartials(match func(partial) bool, unreadable bool) (files []string, err error) {
	var keys []string
	err = tx.eachPartial(func(id string, rec *partial) {
		switch {
		case rec == nil && unreadable:
			keys = append(keys, id)
		case rec != nil && match(*rec):
			keys, files = append(keys, id), append(files, rec.File)
		}
	})
	for _, id := range keys {
		err = errors.Join(err, tx.deletePartial(id))
	}
	return files, err
}

// eachPartial calls f with each record, nil for one that can't be read.
func (tx *txn) eachPartial(f func(id string, rec *partial)) error {
	b := tx.Bucket(bucketPartials)
	if b == nil {
		return nil
	}
	return b.ForEach(func(k, data []byte) error {
		rec, _ := decodeRecord[partial](bucketPartials, k, data)
		f(string(k), rec)
		return nil
	})
}

// dropPartials deletes the records of a pick's parts, and their files once that is on
// disk.
func (tx *txn) dropPartials(pick string) error {
	files, err := tx.deletePartials(func(rec partial) bool { return rec.Pick == pick }, false)
	if tx.partDropped != nil {
		tx.OnCommit(func() {
			for _, file := range files {
				tx.partDropped(file)
			}
		})
	}
	return err
}

// partDropped removes a part without a record. One that is being written is removed by
// its download.
func (p *Photos) partDropped(file string) {
	p.checked.Delete(file)
	if _, open := p.parts.Load(file); open {
		p.untidy.Store(true)
		return
	}
	p.removeFile(file)
}

// usablePartials deletes the records of parts that can't be continued, and returns the
// files of the others.
func (p *Photos) usablePartials() (files map[string]bool, err error) {
	files = map[string]bool{}
	unreadable := false
	_, err = view(p.s.db, func(tx *txn) (struct{}, error) {
		return struct{}{}, tx.eachPartial(func(_ string, rec *partial) {
			if rec == nil {
				unreadable = true
				return
			}
			files[rec.File] = p.isUsable(tx, rec)
		})
	})
	usable := maps.Clone(files)
	maps.DeleteFunc(usable, func(_ string, is bool) bool { return !is })
	if err != nil || len(usable) == len(files) && !unreadable {
		return usable, err
	}
	return usable, p.s.db.write(func(tx *txn) error {
		_, err := tx.deletePartials(func(rec partial) bool { return !usable[rec.File] }, true)
		return err
	})
}

// isUsable reports whether a part's pick is in progress and its file is there.
func (p *Photos) isUsable(tx *txn, rec *partial) bool {
	pick, err := get[Pick](tx, bucketPicks, []byte(rec.Pick))
	if err != nil || pick == nil || pick.EndReason != "" {
		return false
	}
	st, err := p.root.Lstat(rec.File)
	return err == nil && st.Mode().IsRegular() && st.Size() >= rec.Bytes
}

// partialBytes returns the size of all parts that can be continued.
func (tx *txn) partialBytes() (n int64, err error) {
	err = tx.eachPartial(func(_ string, rec *partial) {
		if rec != nil {
			n += rec.Bytes
		}
	})
	return n, err
}
