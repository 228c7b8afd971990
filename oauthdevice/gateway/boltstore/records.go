package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"pickerd/oauthdevice/gateway"
)

// Buckets. A time is 8 bytes, big endian, so that the order of keys is the order in
// time. A set before a member is its length in 2 bytes and its name.
var (
	bucketMeta    = []byte("meta")
	bucketEntries = []byte("entries") // key → expiry, value
	bucketMembers = []byte("members") // set, member → expiry
	bucketOrder   = []byte("order")   // set, expiry, member
	bucketSets    = []byte("sets")    // set → number of its members in the bucket above, expired or not
	bucketExpiry  = []byte("expiry")  // expiry, kind, key of an entry or set and member

	buckets = [][]byte{bucketMeta, bucketEntries, bucketMembers, bucketOrder, bucketSets, bucketExpiry}

	keySchema = []byte("gateway schema") // unlike that of other programs
	keyTouch  = []byte("touch")
)

const (
	schema = 1

	timeSize = 8
	setSize  = 2 // of the length of a set's name

	kindEntry  = 0
	kindMember = 1
)

// A txn is a transaction at a time. Later parts of it see what earlier parts wrote.
type txn struct {
	*bbolt.Tx
	now     time.Time
	changed bool
}

// An instant is a time as it is stored.
type instant []byte

func (tx *txn) after(ttl time.Duration) instant { return encodeTime(tx.now.Add(ttl)) }

func encodeTime(t time.Time) instant {
	return binary.BigEndian.AppendUint64(nil, uint64(max(t.UnixNano(), 0)))
}

// passed reports whether the time at the beginning of data has come. It has, if
// there is none.
func (tx *txn) passed(data []byte) bool {
	return len(data) < timeSize || bytes.Compare(data[:timeSize], encodeTime(tx.now)) <= 0
}

func (tx *txn) put(bucket, key, value []byte) error {
	tx.changed = true
	return tx.Bucket(bucket).Put(key, value)
}

func (tx *txn) delete(bucket, key []byte) error {
	tx.changed = true
	return tx.Bucket(bucket).Delete(key)
}

// touch writes without changing anything.
func (tx *txn) touch() error { return tx.put(bucketMeta, keyTouch, encodeTime(tx.now)) }

// get returns an entry that has not expired. The value is valid in this
// transaction.
func (tx *txn) get(key []byte) (value []byte, expiry instant, ok bool) {
	stored := tx.Bucket(bucketEntries).Get(key)
	if tx.passed(stored) {
		return nil, nil, false
	}
	return stored[timeSize:], instant(stored[:timeSize]), true
}

func (tx *txn) create(entries map[string][]byte, expiry instant) error {
	for key := range entries {
		if _, _, ok := tx.get([]byte(key)); ok {
			return gateway.ErrExists
		}
	}
	for key, value := range entries {
		if err := tx.set([]byte(key), value, expiry); err != nil {
			return err
		}
	}
	return nil
}

func (tx *txn) swap(key, old, value []byte, ttl time.Duration) error {
	stored, expiry, ok := tx.get(key)
	switch {
	case !ok:
		return gateway.ErrNotFound
	case !bytes.Equal(stored, old):
		return gateway.ErrChanged
	}
	if ttl != 0 {
		expiry = tx.after(ttl)
	}
	return tx.set(key, value, bytes.Clone(expiry))
}

// set writes an entry.
func (tx *txn) set(key, value []byte, expiry instant) error {
	if err := tx.remove(key); err != nil {
		return err
	}
	return errors.Join(
		tx.put(bucketEntries, key, concat(expiry, value)),
		tx.put(bucketExpiry, concat(expiry, []byte{kindEntry}, key), nil))
}

// remove removes an entry, expired or not.
func (tx *txn) remove(key []byte) error {
	stored := tx.Bucket(bucketEntries).Get(key)
	if len(stored) < timeSize {
		return nil
	}
	index := concat(stored[:timeSize], []byte{kindEntry}, key)
	return errors.Join(tx.delete(bucketEntries, key), tx.delete(bucketExpiry, index))
}

func (tx *txn) join(set, member []byte, limit int, expiry instant) (bool, error) {
	if tx.passed(tx.Bucket(bucketMembers).Get(memberKey(set, member))) && tx.members(set) >= limit {
		return false, nil
	}
	if err := tx.leave(set, member); err != nil {
		return false, err
	}
	return true, errors.Join(
		tx.put(bucketMembers, memberKey(set, member), expiry),
		tx.put(bucketOrder, concat(memberKey(set, nil), expiry, member), nil),
		tx.put(bucketExpiry, concat(expiry, []byte{kindMember}, memberKey(set, member)), nil),
		tx.count(set, 1))
}

// leave removes a member, expired or not.
func (tx *txn) leave(set, member []byte) error {
	key := memberKey(set, member)
	expiry := bytes.Clone(tx.Bucket(bucketMembers).Get(key))
	if len(expiry) != timeSize {
		return nil
	}
	return errors.Join(
		tx.delete(bucketMembers, key),
		tx.delete(bucketOrder, concat(memberKey(set, nil), expiry, member)),
		tx.delete(bucketExpiry, concat(expiry, []byte{kindMember}, key)),
		tx.count(set, -1))
}

// members counts the members of a set that have not expired. It takes longer the
// more of them have expired and are not removed yet.
func (tx *txn) members(set []byte) int {
	n, prefix := tx.stored(set), memberKey(set, nil)
	c := tx.Bucket(bucketOrder).Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix) && tx.passed(k[len(prefix):]); k, _ = c.Next() {
		n--
	}
	return n
}

// stored returns how many members of a set are stored, expired or not.
func (tx *txn) stored(set []byte) int {
	n := tx.Bucket(bucketSets).Get(set)
	if len(n) != timeSize {
		return 0
	}
	return int(binary.BigEndian.Uint64(n))
}

// count adds to the number of stored members.
func (tx *txn) count(set []byte, delta int) error {
	n := tx.stored(set) + delta
	if n <= 0 {
		return tx.delete(bucketSets, set)
	}
	return tx.put(bucketSets, set, binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func (tx *txn) hasExpired() bool {
	k, _ := tx.Bucket(bucketExpiry).Cursor().First()
	return k != nil && tx.passed(k)
}

// sweep removes entries and members that have expired, those that expired first
// first, and reports whether there are more.
func (tx *txn) sweep(limit int) (more bool, err error) {
	var expired [][]byte
	c := tx.Bucket(bucketExpiry).Cursor()
	for k, _ := c.First(); k != nil && tx.passed(k); k, _ = c.Next() {
		if len(expired) == limit {
			more = true
			break
		}
		expired = append(expired, bytes.Clone(k)) // the cursor must not see the changes
	}
	for _, index := range expired {
		if err := tx.expire(index); err != nil {
			return false, err
		}
	}
	return more, nil
}

// expire removes what a key of the bucket of expiries names.
func (tx *txn) expire(index []byte) error {
	if len(index) > timeSize {
		kind, key := index[timeSize], index[timeSize+1:]
		set, member, isMember := splitMember(key)
		switch {
		case kind == kindEntry && len(key) > 0:
			if err := tx.remove(key); err != nil {
				return err
			}
		case kind == kindMember && isMember:
			if err := tx.leave(set, member); err != nil {
				return err
			}
		}
	}
	return tx.delete(bucketExpiry, index) // in case it named nothing
}

func memberKey(set, member []byte) []byte {
	return concat(binary.BigEndian.AppendUint16(nil, uint16(len(set))), set, member)
}

func splitMember(key []byte) (set, member []byte, ok bool) {
	if len(key) < setSize {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(key))
	key = key[setSize:]
	if n == 0 || n > len(key) {
		return nil, nil, false
	}
	return key[:n], key[n:], true
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
