// Package pagecheck checks the pages of a bbolt database before bbolt trusts them.
package pagecheck

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The page format of bbolt, version 2: https://pkg.go.dev/go.etcd.io/bbolt,
// page.go and meta.go.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeader = 16 // id, flags, count, overflow
	metaSize   = 64
	elemSize   = 16 // of branch and leaf pages alike
	bucketSize = 16 // root, sequence; the page of an inline bucket follows

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10
	bucketEntry  = 0x01 // flag of an element in a leaf

	noFreelist = ^uint64(0)
	maxDepth   = 64 // of a tree; those of this program are far below
)

// Check checks every page of a database file and returns what is wrong, or the
// error of the file system. bbolt trusts its pages: one that refers to itself ends
// the process, and one that is both in use and listed as free is overwritten later.
func Check(f io.ReaderAt, size int64) error {
	c := &checker{f: f, size: size, used: map[uint64]bool{}}
	if err := c.meta(); err != nil {
		return err
	}
	if err := c.tree(c.root, 0, span{}); err != nil {
		return err
	}
	return c.free()
}

type checker struct {
	f        io.ReaderAt
	size     int64
	pageSize int64
	root     uint64
	freelist uint64
	pages    uint64 // number of pages
	used     map[uint64]bool
}

var le = binary.LittleEndian

// meta reads the newer of the two meta pages.
func (c *checker) meta() error {
	newest, found := uint64(0), false
	take := func(at int64) (pageSize int64) {
		b := make([]byte, pageHeader+metaSize)
		if _, err := c.f.ReadAt(b, at); err != nil {
			return 0
		}
		m := b[pageHeader:]
		sum := fnv.New64a()
		sum.Write(m[:metaSize-8])
		if le.Uint32(m) != boltMagic || le.Uint32(m[4:]) != boltVersion || le.Uint64(m[56:]) != sum.Sum64() {
			return 0
		}
		pageSize = int64(le.Uint32(m[8:]))
		if txid := le.Uint64(m[48:]); !found || txid > newest {
			found, newest = true, txid
			c.pageSize, c.root, c.freelist, c.pages = pageSize, le.Uint64(m[16:]), le.Uint64(m[32:]), le.Uint64(m[40:])
		}
		return pageSize
	}
	if second := take(0); second > 0 {
		take(second)
	} else {
		for at := int64(1 << 10); at <= 1<<16 && !found; at <<= 1 {
			take(at)
		}
	}
	switch {
	case !found:
		return errors.New("no valid meta page")
	case c.pageSize < 1<<10 || c.pageSize > 1<<16:
		return fmt.Errorf("invalid page size %d", c.pageSize)
	case c.pages < 3 || c.pages > uint64(c.size/c.pageSize):
		return errors.New("file truncated")
	}
	return nil
}

// page reads a page with its overflow pages, and marks them as used.
func (c *checker) page(id uint64) (data []byte, flags uint16, count int, err error) {
	if id < 2 || id >= c.pages {
		return nil, 0, 0, fmt.Errorf("page %d out of range", id)
	}
	head := make([]byte, pageHeader)
	if _, err := c.f.ReadAt(head, int64(id)*c.pageSize); err != nil {
		return nil, 0, 0, fmt.Errorf("page %d: %w", id, err)
	}
	overflow := uint64(le.Uint32(head[12:]))
	switch {
	case le.Uint64(head) != id:
		return nil, 0, 0, fmt.Errorf("page %d has another page's number", id)
	case overflow >= c.pages-id:
		return nil, 0, 0, fmt.Errorf("page %d overflows the file", id)
	}
	for i := id; i <= id+overflow; i++ {
		if c.used[i] {
			return nil, 0, 0, fmt.Errorf("page %d used twice", i)
		}
		c.used[i] = true
	}
	data = make([]byte, int64(overflow+1)*c.pageSize)
	if _, err := c.f.ReadAt(data, int64(id)*c.pageSize); err != nil {
		return nil, 0, 0, fmt.Errorf("page %d: %w", id, err)
	}
	return data, le.Uint16(head[8:]), int(le.Uint16(head[10:])), nil
}

// A span is the range of keys that a page may have: from min, if that is not nil,
// to below max, if that is not nil.
type span struct{ min, max []byte }

// tree checks a page and all pages below it.
func (c *checker) tree(id uint64, depth int, keys span) error {
	if depth > maxDepth {
		return errors.New("tree too deep")
	}
	data, flags, count, err := c.page(id)
	if err != nil {
		return err
	}
	switch {
	case flags == flagBranch && count > 0:
		err = c.branch(data, count, depth, keys)
	case flags == flagLeaf:
		err = c.leaf(data, count, depth, keys)
	default:
		err = fmt.Errorf("invalid page type %#x", flags)
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

// branch checks the pages below a branch page. The key of an element is the least
// that its page may have.
func (c *checker) branch(data []byte, count, depth int, keys span) error {
	var least [][]byte
	err := elements(data, count, keys, func(at int) (pos, key, value uint32) {
		return le.Uint32(data[at:]), le.Uint32(data[at+4:]), 0
	}, func(_ int, name, _ []byte) error {
		least = append(least, name)
		return nil
	})
	if err != nil {
		return err
	}
	for i, name := range least {
		below := span{name, keys.max}
		if i+1 < count {
			below.max = least[i+1]
		}
		if err := c.tree(le.Uint64(data[pageHeader+i*elemSize+8:]), depth+1, below); err != nil {
			return err
		}
	}
	return nil
}

// leaf checks the records of a leaf page, and the buckets among them.
func (c *checker) leaf(data []byte, count, depth int, keys span) error {
	return elements(data, count, keys, func(at int) (pos, key, value uint32) {
		return le.Uint32(data[at+4:]), le.Uint32(data[at+8:]), le.Uint32(data[at+12:])
	}, func(at int, _, value []byte) error {
		switch {
		case le.Uint32(data[at:])&bucketEntry == 0:
			return nil
		case len(value) < bucketSize:
			return errors.New("bucket too short")
		}
		if root := le.Uint64(value); root != 0 {
			return c.tree(root, depth+1, span{})
		}
		inline := value[bucketSize:]
		if len(inline) < pageHeader || le.Uint16(inline[8:]) != flagLeaf || depth > maxDepth {
			return errors.New("invalid inline bucket")
		}
		return c.leaf(inline, int(le.Uint16(inline[10:])), depth+1, span{})
	})
}

// elements calls each with the offset, the key and the value of every element. read
// returns the position of an element's key, relative to the element, and the
// lengths of its key and value.
func elements(data []byte, count int, keys span, read func(at int) (pos, key, value uint32), each func(at int, name, value []byte) error) error {
	if pageHeader+count*elemSize > len(data) {
		return errors.New("too many elements")
	}
	var last []byte
	for i := range count {
		at := pageHeader + i*elemSize
		pos, key, value := read(at)
		begin, end := uint64(at)+uint64(pos), uint64(at)+uint64(pos)+uint64(key)+uint64(value)
		if end > uint64(len(data)) || key == 0 {
			return fmt.Errorf("element %d out of range", i)
		}
		name := data[begin : begin+uint64(key)]
		switch {
		case i > 0 && bytes.Compare(last, name) >= 0,
			keys.min != nil && bytes.Compare(name, keys.min) < 0,
			keys.max != nil && bytes.Compare(name, keys.max) >= 0:
			return fmt.Errorf("element %d out of order", i)
		}
		last = name
		if err := each(at, name, data[begin+uint64(key):end]); err != nil {
			return err
		}
	}
	return nil
}

// free checks that no page in the free list is in use.
func (c *checker) free() error {
	if c.freelist == noFreelist {
		return nil
	}
	data, flags, count, err := c.page(c.freelist)
	if err != nil {
		return fmt.Errorf("free list: %w", err)
	}
	if flags != flagFreelist {
		return errors.New("invalid free list")
	}
	ids := data[pageHeader:]
	total := uint64(count)
	if count == 0xFFFF { // then the first entry is the count
		total, ids = le.Uint64(ids), ids[8:]
	}
	if total > uint64(len(ids)/8) {
		return errors.New("free list too long")
	}
	seen := map[uint64]bool{}
	for i := range total {
		id := le.Uint64(ids[i*8:])
		if id < 2 || id >= c.pages || c.used[id] || seen[id] {
			return fmt.Errorf("page %d wrongly listed as free", id)
		}
		seen[id] = true
	}
	return nil
}
