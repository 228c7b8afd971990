package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"pickerd/cmd/command"
	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/gateway/boltstore"
	"pickerd/oauthdevice/gateway/redisstore"
)

// openStore opens the configured store. Redis need not be reachable yet.
func openStore(address string, log *slog.Logger) (gateway.Store, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("store.url: it is not an address") // the text may have a password
	}
	if u.Scheme != "bbolt" {
		s, err := redisstore.Open(address)
		if err != nil {
			return nil, command.Hint(fmt.Errorf("store.url: %w", err), "write redis://HOST:PORT/0 or rediss://USER:PASSWORD@HOST:PORT/0", command.Config)
		}
		return s, nil
	}
	_ = os.MkdirAll(filepath.Dir(u.Path), 0o700) // Open reports an error
	s, err := boltstore.Open(u.Path, boltstore.Options{Log: log})
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, boltstore.ErrInUse):
		return nil, command.Hint(err, "stop the other gateway, or share Redis between both: store.url", command.Unreachable)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOTDIR):
		return nil, command.Hint(fmt.Errorf("store.url: %w", err), "it must be in a directory where the user that runs the gateway can write", command.Config)
	}
	return nil, command.Hint(fmt.Errorf("store.url: %w", err), "check the disk", command.Unreachable)
}

// A measuredStore records how long a store takes.
type measuredStore struct {
	gateway.Store
	counters *counters
}

// done records an operation that began at a time.
func (s measuredStore) done(op string, began time.Time, err *error) {
	result := "ok"
	switch {
	case *err == nil:
	case errors.Is(*err, gateway.ErrNotFound), errors.Is(*err, gateway.ErrExists), errors.Is(*err, gateway.ErrChanged), errors.Is(*err, context.Canceled):
		result = "refused"
	default:
		result = "error"
	}
	s.counters.storeOp(op, result, time.Since(began))
}

// Create implements gateway.Store.
func (s measuredStore) Create(ctx context.Context, entries map[string][]byte, ttl time.Duration) (err error) {
	defer s.done("create", time.Now(), &err)
	return s.Store.Create(ctx, entries, ttl)
}

// Get implements gateway.Store.
func (s measuredStore) Get(ctx context.Context, key string) (value []byte, err error) {
	defer s.done("get", time.Now(), &err)
	return s.Store.Get(ctx, key)
}

// Swap implements gateway.Store.
func (s measuredStore) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (err error) {
	defer s.done("swap", time.Now(), &err)
	return s.Store.Swap(ctx, key, old, value, ttl)
}

// Take implements gateway.Store.
func (s measuredStore) Take(ctx context.Context, key string) (value []byte, err error) {
	defer s.done("take", time.Now(), &err)
	return s.Store.Take(ctx, key)
}

// Delete implements gateway.Store.
func (s measuredStore) Delete(ctx context.Context, keys ...string) (err error) {
	defer s.done("delete", time.Now(), &err)
	return s.Store.Delete(ctx, keys...)
}

// Join implements gateway.Store.
func (s measuredStore) Join(ctx context.Context, set, member string, limit int, ttl time.Duration) (in bool, err error) {
	defer s.done("join", time.Now(), &err)
	return s.Store.Join(ctx, set, member, limit, ttl)
}

// Leave implements gateway.Store.
func (s measuredStore) Leave(ctx context.Context, set, member string) (err error) {
	defer s.done("leave", time.Now(), &err)
	return s.Store.Leave(ctx, set, member)
}

// Members implements gateway.Store.
func (s measuredStore) Members(ctx context.Context, set string) (n int, err error) {
	defer s.done("members", time.Now(), &err)
	return s.Store.Members(ctx, set)
}

// Ping implements gateway.Store.
func (s measuredStore) Ping(ctx context.Context) (err error) {
	defer s.done("ping", time.Now(), &err)
	return s.Store.Ping(ctx)
}
