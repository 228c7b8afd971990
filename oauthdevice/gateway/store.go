package gateway

import (
	"context"
	"errors"
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
// or the store's own.
type Store interface {
	// Create writes entries under keys that are all new, or none of them. The
	// error is ErrExists if a key is taken.
	Create(ctx context.Context, entries map[string][]byte, ttl time.Duration) error
	// Get returns an entry, or ErrNotFound.
	Get(ctx context.Context, key string) ([]byte, error)
	// Swap replaces an entry that is equal to old, and gives it a new expiry. The
	// error is ErrChanged if it is another one, ErrNotFound if there is none.
	Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error
	// Take removes an entry and returns it, or ErrNotFound. Of several callers
	// one gets it.
	Take(ctx context.Context, key string) ([]byte, error)
	// Delete removes entries. It is no error if there are none.
	Delete(ctx context.Context, keys ...string) error

	// Join adds a member to a set, for ttl, unless the set has limit members
	// already that have not expired. It reports whether the member is in the set.
	Join(ctx context.Context, set, member string, limit int, ttl time.Duration) (bool, error)
	// Leave removes a member from a set. It is no error if it is not in it.
	Leave(ctx context.Context, set, member string) error
	// Members returns how many members of a set have not expired.
	Members(ctx context.Context, set string) (int, error)

	// Ping returns an error while the store cannot be used.
	Ping(ctx context.Context) error
	Close() error
}
