package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Errors of a Store. Any other error means that the store cannot be reached or
// cannot be relied on at the moment.
var (
	// ErrNotFound means that there is no entry under a key, or that it has expired.
	ErrNotFound = errors.New("no such entry")
	// ErrExists means that there is already an entry under a key.
	ErrExists = errors.New("entry exists")
	// ErrChanged means that an entry is no longer the one that the caller read.
	ErrChanged = errors.New("entry changed meanwhile")
)

// A Store keeps the pending sign-ins of one gateway, or of several that share it.
//
// It does not know what it keeps: keys are hashes, and what a value tells about
// a person is sealed. Each entry has an expiry. From then on no method finds it,
// and its bytes are removed soon after. Expiry follows the store's own clock.
//
// Every method is atomic, also among several gateways: of two callers of Take,
// Swap or Create for the same key, one succeeds. When a method returns nil, what
// it wrote survives a crash of the gateway.
//
// Methods may be called concurrently. They return the errors above, ctx's error,
// or the store's own. After any error but those above, a change may have been made
// or not: a caller that repeats it must be ready for both.
//
// Keys, sets and members are any bytes, from 1 to MaxKey of them. Values may be
// empty.
type Store interface {
	// Create writes entries under keys that are all new, or none of them. The
	// error is ErrExists if a key is taken.
	Create(ctx context.Context, entries map[string][]byte, ttl time.Duration) error
	// Get returns an entry, or ErrNotFound.
	Get(ctx context.Context, key string) ([]byte, error)
	// Swap replaces an entry that is equal to old, and gives it a new expiry. The
	// error is ErrChanged if it is another one, ErrNotFound if there is none. With
	// a ttl of 0 the entry keeps its expiry.
	Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error
	// Take removes an entry and returns it, or ErrNotFound. Of several callers
	// one gets it.
	Take(ctx context.Context, key string) ([]byte, error)
	// Delete removes entries. It is no error if there are none.
	Delete(ctx context.Context, keys ...string) error

	// Join adds a member to a set, for ttl, unless the set has limit members
	// already that have not expired. A member that is in the set gets a new expiry,
	// also in a full set. Join reports whether the member is in the set.
	Join(ctx context.Context, set, member string, limit int, ttl time.Duration) (bool, error)
	// Leave removes a member from a set. It is no error if it is not in it.
	Leave(ctx context.Context, set, member string) error
	// Members returns how many members of a set have not expired.
	Members(ctx context.Context, set string) (int, error)

	// Ping returns an error while the store cannot be read or written.
	Ping(ctx context.Context) error
	// Close ends the use of the store. From then on every method returns an error.
	Close() error
}

// Bounds of what a Store takes. A call beyond them is the caller's mistake.
const (
	MaxKey   = 256     // bytes of a key, a set or a member
	MaxValue = 1 << 20 // bytes
	minTTL   = time.Millisecond
	maxTTL   = 24 * time.Hour
)

// CheckKeys returns an error if a key, a set or a member has no allowed length.
func CheckKeys(keys ...string) error {
	for _, k := range keys {
		if len(k) == 0 || len(k) > MaxKey {
			return fmt.Errorf("key of %d bytes, not of 1 to %d", len(k), MaxKey)
		}
	}
	return nil
}

// CheckValue returns an error if a value is too long.
func CheckValue(value []byte) error {
	if len(value) > MaxValue {
		return fmt.Errorf("value of %d bytes, more than %d", len(value), MaxValue)
	}
	return nil
}

// CheckTTL returns an error if a ttl is not between a millisecond and a day.
func CheckTTL(ttl time.Duration) error {
	if ttl < minTTL || ttl > maxTTL {
		return fmt.Errorf("ttl %s is not between %s and %s", ttl, minTTL, maxTTL)
	}
	return nil
}
