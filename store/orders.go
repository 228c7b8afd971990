package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// MaxOrderIDs is how many IDs of orders are kept.
const MaxOrderIDs = 1000

var (
	prefixOrderID     = []byte("order-id/")     // + half a SHA-256 of the ID: its number
	prefixOrderNumber = []byte("order-number/") // + the number: the key above
	keyTopics         = []byte("mqtt-topics")
	prefixSerial      = []byte("serial/") // + target: the highest serial
)

// Orders remembers what was asked of the box from elsewhere, so that it is not carried
// out twice, and where a broker keeps something of the box.
type Orders struct{ s *Store }

// Seen stores an ID, and reports whether it was stored before. The last MaxOrderIDs are
// kept.
func (o *Orders) Seen(id string) (seen bool, err error) {
	sum := sha256.Sum256([]byte(id))
	key := append(bytes.Clone(prefixOrderID), hex.EncodeToString(sum[:16])...)
	err = o.s.db.update(func(tx *txn) error {
		if seen = tx.meta().Get(key) != nil; seen {
			return errUnchanged
		}
		n, err := tx.meta().NextSequence()
		if err != nil {
			return err
		}
		if n > MaxOrderIDs {
			if err := tx.forgetOrder(n - MaxOrderIDs); err != nil {
				return err
			}
		}
		if err := tx.put(bucketMeta, key, n); err != nil {
			return err
		}
		return tx.put(bucketMeta, orderNumber(n), string(key))
	})
	return seen, err
}

// forgetOrder deletes the ID with a number.
func (tx *txn) forgetOrder(n uint64) error {
	key, err := get[string](tx, bucketMeta, orderNumber(n))
	if err != nil {
		return err
	}
	if key != nil {
		if err := tx.meta().Delete([]byte(*key)); err != nil {
			return err
		}
	}
	return tx.meta().Delete(orderNumber(n))
}

func orderNumber(n uint64) []byte {
	return binary.BigEndian.AppendUint64(bytes.Clone(prefixOrderNumber), n)
}

// Topics returns what SetTopics has stored.
func (o *Orders) Topics() ([]string, error) {
	return view(o.s.db, func(tx *txn) ([]string, error) {
		list, err := get[[]string](tx, bucketMeta, keyTopics)
		if list == nil {
			return nil, err
		}
		return *list, err
	})
}

// SetTopics stores the topics under which a broker keeps something of the box.
func (o *Orders) SetTopics(topics []string) error {
	return o.s.db.update(func(tx *txn) error { return tx.put(bucketMeta, keyTopics, topics) })
}

func serialKey(target string) []byte { return append(bytes.Clone(prefixSerial), target...) }

// Highest returns the serial of a target, 0 without one.
func (o *Orders) Highest(target string) (uint64, error) {
	return view(o.s.db, func(tx *txn) (uint64, error) {
		highest, err := get[uint64](tx, bucketMeta, serialKey(target))
		if highest == nil {
			return 0, err
		}
		return *highest, err
	})
}

// Advance stores the serial of a target unless it has one that is as high or higher, and
// reports whether it did.
func (o *Orders) Advance(target string, serial uint64) (advanced bool, err error) {
	key := serialKey(target)
	err = o.s.db.update(func(tx *txn) error {
		highest, err := get[uint64](tx, bucketMeta, key)
		if err != nil {
			return err
		}
		if advanced = highest == nil || serial > *highest; !advanced {
			return errUnchanged
		}
		return tx.put(bucketMeta, key, serial)
	})
	return advanced, err
}
