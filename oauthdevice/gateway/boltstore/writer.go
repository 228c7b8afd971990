package boltstore

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"pickerd/oauthdevice/gateway"
)

const (
	maxChanges    = 256 // in one transaction
	maxSwept      = 256 // expired entries removed in one transaction
	sweepInterval = time.Second
	retryDelay    = time.Second // after a transaction that failed: bbolt reads the whole file then
)

// A change waits for the writer.
type change struct {
	ctx  context.Context
	do   func(*txn) error // its error is one of gateway's, or ends the transaction
	done chan error       // of size 1
}

// change runs do in a transaction with other changes, and returns when it is on the
// disk. do must not use what belongs to the caller, who may leave before.
func (s *Store) change(ctx context.Context, do func(*txn) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	c := &change{ctx, do, make(chan error, 1)}
	select {
	case s.changes <- c:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return errClosed
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is the writer. Close ends it.
func (s *Store) run() {
	defer close(s.stopped)
	debug.SetPanicOnFault(true)
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for more := false; ; {
		select {
		case <-s.closing:
			return
		default:
		}
		if more { // of what has expired
			more = s.commit(s.collect(nil))
			continue
		}
		select {
		case c := <-s.changes:
			more = s.commit(s.collect([]*change{c}))
		case <-tick.C:
			more = s.hasExpired() && s.commit(nil)
		case <-s.closing:
			return
		}
	}
}

// collect adds the changes that wait.
func (s *Store) collect(list []*change) []*change {
	for len(list) < maxChanges {
		select {
		case c := <-s.changes:
			list = append(list, c)
		default:
			return list
		}
	}
	return list
}

func (s *Store) hasExpired() (is bool) {
	err := s.view(context.Background(), func(tx *txn) error {
		is = tx.hasExpired()
		return nil
	})
	return is && err == nil
}

// commit makes changes, removes a portion of what has expired, and answers when
// that is on the disk. It reports whether there is more that has expired.
func (s *Store) commit(list []*change) (more bool) {
	answers := make([]error, len(list))
	err := s.failure
	if err == nil || !time.Now().Before(s.retryAt) {
		err = s.update(func(tx *txn) (err error) {
			for i, c := range list {
				if answers[i] = c.ctx.Err(); answers[i] != nil {
					continue // nobody waits for it
				}
				if answers[i] = c.do(tx); !isAnswer(answers[i]) {
					return answers[i]
				}
			}
			more, err = tx.sweep(maxSwept)
			return err
		})
		s.note(err)
	}
	for i, c := range list {
		if err != nil {
			answers[i] = err
		}
		c.done <- answers[i]
	}
	return more && err == nil
}

// isAnswer reports whether an error concerns one change only.
func isAnswer(err error) bool {
	return err == nil || errors.Is(err, gateway.ErrNotFound) || errors.Is(err, gateway.ErrExists) || errors.Is(err, gateway.ErrChanged)
}

// update runs f in a read-write transaction and commits it if it changed anything.
func (s *Store) update(f func(*txn) error) (err error) {
	if err := s.broken.Load(); err != nil {
		return *err
	}
	// After a panic there is no rollback, as bbolt's own Update would do it: it reads
	// the damaged file again, in a goroutine where nobody catches the next panic.
	defer s.catch(&err)
	btx, err := s.bolt.Begin(true)
	if err != nil {
		return fmt.Errorf("write the gateway's database: %w", err)
	}
	tx := &txn{Tx: btx, now: s.now()}
	if err = f(tx); err == nil && tx.changed {
		err = btx.Commit()
	} else {
		err = errors.Join(err, btx.Rollback())
	}
	if err != nil {
		return fmt.Errorf("write the gateway's database: %w", err)
	}
	return nil
}

// note keeps the outcome of a transaction, and logs when it differs from the last.
func (s *Store) note(err error) {
	switch {
	case err != nil && s.failure == nil && s.broken.Load() == nil:
		s.log.Error("gateway database not writable", "error", err)
	case err == nil && s.failure != nil:
		s.log.Info("gateway database writable again")
	}
	s.failure, s.retryAt = err, time.Now().Add(retryDelay)
	s.failing.Store(err != nil)
}
