// Package redisstore keeps the pending sign-ins of several gateways in one Redis.
//
// Expiry is Redis's own and follows its clock. Redis must not evict what has not
// expired: its maxmemory-policy has to be noeviction, the default. A cluster is not
// supported, because Create writes several keys at once.
package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"pickerd/oauthdevice/gateway"
)

const (
	dialTimeout = 2 * time.Second
	ioTimeout   = 2 * time.Second
	poolTimeout = 2 * time.Second // for a connection that others use
	maxConns    = 64

	prefix      = "pickerd-gateway:"
	entryPrefix = prefix + "entry:"
	setPrefix   = prefix + "set:"
	pingKey     = prefix + "ping"
)

// ErrURL means that a URL is not one of a Redis. The URL itself may have a password,
// and is in no error.
var ErrURL = errors.New("not a URL of the form redis://user:password@host:port/number, or rediss:// for TLS")

// A Store implements gateway.Store.
type Store struct{ client *redis.Client }

var _ gateway.Store = (*Store)(nil)

// go-redis logs the errors that it returns as well.
func init() { logging.Disable() }

// Open returns a store at an address with the scheme redis, or rediss for TLS. It
// does not connect: methods return errors while Redis is away.
func Open(address string) (*Store, error) {
	opt, err := parse(address)
	if err != nil {
		return nil, err
	}
	return &Store{redis.NewClient(opt)}, nil
}

func parse(address string) (*redis.Options, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil,
		u.Scheme != "redis" && u.Scheme != "rediss",
		u.Hostname() == "",
		strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(u.Host, "["):
		return nil, ErrURL
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("%w, without options", ErrURL) // such as one not to verify the server
	}
	opt, err := redis.ParseURL(address)
	if err != nil || opt.DB < 0 {
		return nil, ErrURL
	}
	opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout = dialTimeout, ioTimeout, ioTimeout
	opt.ContextTimeoutEnabled = true
	opt.PoolSize, opt.MaxActiveConns, opt.PoolTimeout = maxConns, maxConns, poolTimeout
	opt.PipelinePoolSize = -1
	// A command is sent once: Redis may have done it, also when there is no answer.
	opt.MaxRetries, opt.DialerRetries = -1, 1
	// Commands that Redis 7.0 does not know.
	opt.DisableIdentity = true
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return opt, nil
}

// Close closes the connections.
func (s *Store) Close() error {
	if err := s.client.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}

// Create writes entries under new keys.
func (s *Store) Create(ctx context.Context, entries map[string][]byte, ttl time.Duration) error {
	if err := gateway.CheckTTL(ttl); err != nil {
		return err
	}
	if len(entries) == 0 {
		return ctx.Err()
	}
	keys := make([]string, 0, len(entries))
	args := []any{milliseconds(ttl)}
	for key, value := range entries {
		if err := errors.Join(gateway.CheckKeys(key), gateway.CheckValue(value)); err != nil {
			return err
		}
		keys = append(keys, entryPrefix+key)
		args = append(args, value)
	}
	created, err := run(ctx, s, scriptCreate, keys, args...)
	if err == nil && created == 0 {
		return gateway.ErrExists
	}
	return err
}

// Get returns an entry.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	return s.entry(ctx, key, s.client.Get)
}

// Take removes an entry and returns it.
func (s *Store) Take(ctx context.Context, key string) ([]byte, error) {
	return s.entry(ctx, key, s.client.GetDel)
}

// entry sends a command that returns an entry.
func (s *Store) entry(ctx context.Context, key string, send func(context.Context, string) *redis.StringCmd) ([]byte, error) {
	if err := errors.Join(gateway.CheckKeys(key), ctx.Err()); err != nil {
		return nil, err
	}
	value, err := send(ctx, entryPrefix+key).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, gateway.ErrNotFound
	case err != nil:
		return nil, trouble(ctx, err)
	}
	return value, nil
}

// Swap replaces an entry that is equal to old.
func (s *Store) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error {
	err := errors.Join(gateway.CheckKeys(key), gateway.CheckValue(value))
	if ttl != 0 {
		err = errors.Join(err, gateway.CheckTTL(ttl))
	}
	if err != nil {
		return err
	}
	code, err := run(ctx, s, scriptSwap, []string{entryPrefix + key}, notNil(old), notNil(value), milliseconds(ttl))
	switch {
	case err != nil:
		return err
	case code == swapMissing:
		return gateway.ErrNotFound
	case code == swapChanged:
		return gateway.ErrChanged
	}
	return nil
}

// Delete removes entries.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	if err := errors.Join(gateway.CheckKeys(keys...), ctx.Err()); err != nil || len(keys) == 0 {
		return err
	}
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = entryPrefix + key
	}
	return trouble(ctx, s.client.Unlink(ctx, names...).Err())
}

// Join adds a member to a set.
func (s *Store) Join(ctx context.Context, set, member string, limit int, ttl time.Duration) (bool, error) {
	if err := errors.Join(gateway.CheckKeys(set, member), gateway.CheckTTL(ttl)); err != nil {
		return false, err
	}
	joined, err := run(ctx, s, scriptJoin, []string{setPrefix + set}, member, limit, milliseconds(ttl))
	return joined == 1, err
}

// Leave removes a member from a set.
func (s *Store) Leave(ctx context.Context, set, member string) error {
	if err := errors.Join(gateway.CheckKeys(set, member), ctx.Err()); err != nil {
		return err
	}
	return trouble(ctx, s.client.ZRem(ctx, setPrefix+set, member).Err())
}

// Members returns how many members of a set have not expired.
func (s *Store) Members(ctx context.Context, set string) (int, error) {
	if err := gateway.CheckKeys(set); err != nil {
		return 0, err
	}
	return run(ctx, s, scriptMembers, []string{setPrefix + set})
}

// Ping writes, because a replica or a full Redis can only be read.
func (s *Store) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return trouble(ctx, s.client.Set(ctx, pingKey, 1, time.Minute).Err())
}

// run runs a script that returns a number.
func run(ctx context.Context, s *Store, script *redis.Script, keys []string, args ...any) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	n, err := script.Run(ctx, s.client, keys, args...).Int()
	return n, trouble(ctx, err)
}

// trouble returns an error of the connection or of Redis, or ctx's own.
func trouble(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("redis: %w", err)
}

// milliseconds rounds up.
func milliseconds(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
