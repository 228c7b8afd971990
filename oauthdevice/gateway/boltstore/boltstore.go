// Package boltstore keeps the pending sign-ins of one gateway in a bbolt file.
//
// Changes that arrive together share one transaction, and so one fsync. Expired
// entries are removed in portions, with other changes and every second.
//
// bbolt leaves the bytes of removed entries in free pages until it uses them again.
// They are as sealed as the entries were. Open writes the file anew if most of it
// is free.
package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"pickerd/oauthdevice/gateway"
)

var (
	// ErrInUse means that another process has the database open.
	ErrInUse = errors.New("the gateway's database is in use by another process")

	errClosed = errors.New("the gateway's database is closed")
)

// Options are the options of Open. The zero value is ready for use.
type Options struct {
	Now func() time.Time // time.Now if nil
	Log *slog.Logger     // slog.Default() if nil
}

// A Store implements gateway.Store.
type Store struct {
	bolt *bbolt.DB
	lock *os.File
	now  func() time.Time
	log  *slog.Logger

	changes chan *change
	close   sync.Once
	closing chan struct{}
	stopped chan struct{} // closed when the writer has ended

	failing atomic.Bool           // the last transaction could not be committed
	broken  atomic.Pointer[error] // bbolt panicked: the database is no longer used

	// Of the writer.
	failure error     // of the last transaction
	retryAt time.Time // until when failure is the answer to every change
}

var _ gateway.Store = (*Store)(nil)

// Open opens the database, and creates it if there is none. A damaged one is moved
// aside, to the same name with ".damaged" after it, and an empty one takes its
// place: what is lost are sign-ins of the last half an hour.
func Open(path string, opt Options) (*Store, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	locked, err := lock(path)
	if err != nil {
		return nil, fmt.Errorf("lock the gateway's database %s: %w", path, err)
	}
	bolt, err := openFile(path, opt.Log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the gateway's database %s: %w", path, err), locked.Close())
	}
	s := &Store{bolt: bolt, lock: locked, now: opt.Now, log: opt.Log,
		changes: make(chan *change), closing: make(chan struct{}), stopped: make(chan struct{})}
	go s.run()
	return s, nil
}

// Close waits for the transaction in progress and closes the database.
func (s *Store) Close() (err error) {
	s.close.Do(func() {
		close(s.closing)
		<-s.stopped
		if s.broken.Load() == nil { // else bbolt may wait for itself
			err = s.bolt.Close()
		}
		err = errors.Join(err, s.lock.Close())
	})
	return err
}

// Create writes entries under new keys.
func (s *Store) Create(ctx context.Context, entries map[string][]byte, ttl time.Duration) error {
	if err := gateway.CheckTTL(ttl); err != nil {
		return err
	}
	entries = maps.Clone(entries)
	for key, value := range entries {
		if err := errors.Join(gateway.CheckKeys(key), gateway.CheckValue(value)); err != nil {
			return err
		}
		entries[key] = bytes.Clone(value)
	}
	return s.change(ctx, func(tx *txn) error { return tx.create(entries, tx.after(ttl)) })
}

// Get returns an entry.
func (s *Store) Get(ctx context.Context, key string) (value []byte, err error) {
	if err := gateway.CheckKeys(key); err != nil {
		return nil, err
	}
	err = s.view(ctx, func(tx *txn) error {
		stored, _, ok := tx.get([]byte(key))
		if !ok {
			return gateway.ErrNotFound
		}
		value = bytes.Clone(stored)
		return nil
	})
	return value, err
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
	old, value = bytes.Clone(old), bytes.Clone(value)
	return s.change(ctx, func(tx *txn) error { return tx.swap([]byte(key), old, value, ttl) })
}

// Take removes an entry and returns it.
func (s *Store) Take(ctx context.Context, key string) ([]byte, error) {
	if err := gateway.CheckKeys(key); err != nil {
		return nil, err
	}
	taken := make(chan []byte, 1) // not a variable: the caller may leave before the writer has written it
	err := s.change(ctx, func(tx *txn) error {
		value, _, ok := tx.get([]byte(key))
		if !ok {
			return gateway.ErrNotFound
		}
		taken <- bytes.Clone(value)
		return tx.remove([]byte(key))
	})
	if err != nil {
		return nil, err
	}
	return <-taken, nil
}

// Delete removes entries.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	if err := gateway.CheckKeys(keys...); err != nil {
		return err
	}
	return s.change(ctx, func(tx *txn) error {
		for _, key := range keys {
			if err := tx.remove([]byte(key)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Join adds a member to a set.
func (s *Store) Join(ctx context.Context, set, member string, limit int, ttl time.Duration) (bool, error) {
	if err := errors.Join(gateway.CheckKeys(set, member), gateway.CheckTTL(ttl)); err != nil {
		return false, err
	}
	joined := make(chan bool, 1)
	err := s.change(ctx, func(tx *txn) error {
		ok, err := tx.join([]byte(set), []byte(member), limit, tx.after(ttl))
		joined <- ok
		return err
	})
	if err != nil {
		return false, err
	}
	return <-joined, nil
}

// Leave removes a member from a set.
func (s *Store) Leave(ctx context.Context, set, member string) error {
	if err := gateway.CheckKeys(set, member); err != nil {
		return err
	}
	return s.change(ctx, func(tx *txn) error { return tx.leave([]byte(set), []byte(member)) })
}

// Members returns how many members of a set have not expired.
func (s *Store) Members(ctx context.Context, set string) (n int, err error) {
	if err := gateway.CheckKeys(set); err != nil {
		return 0, err
	}
	err = s.view(ctx, func(tx *txn) error {
		n = tx.members([]byte(set))
		return nil
	})
	return n, err
}

// Ping reads, and writes if the last change could not be written.
func (s *Store) Ping(ctx context.Context) error {
	if s.failing.Load() {
		return s.change(ctx, (*txn).touch)
	}
	return s.view(ctx, func(*txn) error { return nil })
}

// view runs f in a read transaction.
func (s *Store) view(ctx context.Context, f func(*txn) error) (err error) {
	if err := s.usable(ctx); err != nil {
		return err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer s.catch(&err)
	return s.bolt.View(func(tx *bbolt.Tx) error { return f(&txn{Tx: tx, now: s.now()}) })
}

// usable returns why the database cannot be used.
func (s *Store) usable(ctx context.Context) error {
	select {
	case <-s.closing:
		return errClosed
	default:
	}
	if err := s.broken.Load(); err != nil {
		return *err
	}
	return ctx.Err()
}

// catch turns a panic of bbolt into an error. bbolt panics, or faults, if the file
// is damaged or truncated while it is open. The next Open replaces it.
func (s *Store) catch(err *error) {
	r := recover()
	if r == nil {
		return
	}
	*err = fmt.Errorf("the gateway's database is damaged, restart the gateway: %v", r)
	if s.broken.CompareAndSwap(nil, err) {
		s.log.Error("gateway database damaged", "error", *err)
	}
}
