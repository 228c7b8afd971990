package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"pickerd/oauthdevice/gateway"
)

var errAway = errors.New("store is away")

// memory is a Store in memory. Its clock is that of a synctest bubble.
type memory struct {
	mu      sync.Mutex
	entries map[string]entry
	sets    map[string]map[string]time.Time
	away    bool
	// failing is the number of calls of Swap that fail after they have changed
	// the entry, as when the answer of a server is lost.
	failing int
	writes  int
}

type entry struct {
	value   []byte
	expires time.Time
}

func newMemory() *memory {
	return &memory{entries: map[string]entry{}, sets: map[string]map[string]time.Time{}}
}

func (m *memory) lock(ctx context.Context) error {
	m.mu.Lock()
	if m.away {
		return errAway
	}
	return ctx.Err()
}

func (m *memory) find(key string) (entry, bool) {
	e, ok := m.entries[key]
	if !ok || !time.Now().Before(e.expires) {
		delete(m.entries, key)
		return entry{}, false
	}
	return e, true
}

func (m *memory) Create(ctx context.Context, entries map[string][]byte, ttl time.Duration) error {
	err := m.lock(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	for key := range entries {
		if _, ok := m.find(key); ok {
			return gateway.ErrExists
		}
	}
	m.writes++
	for key, value := range entries {
		m.entries[key] = entry{bytes.Clone(value), time.Now().Add(ttl)}
	}
	return nil
}

func (m *memory) Get(ctx context.Context, key string) ([]byte, error) {
	err := m.lock(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	e, ok := m.find(key)
	if !ok {
		return nil, gateway.ErrNotFound
	}
	return bytes.Clone(e.value), nil
}

func (m *memory) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error {
	err := m.lock(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	e, ok := m.find(key)
	switch {
	case !ok:
		return gateway.ErrNotFound
	case !bytes.Equal(e.value, old):
		return gateway.ErrChanged
	}
	m.writes++
	m.entries[key] = entry{bytes.Clone(value), time.Now().Add(ttl)}
	if m.failing > 0 {
		m.failing--
		return errAway
	}
	return nil
}

func (m *memory) Take(ctx context.Context, key string) ([]byte, error) {
	err := m.lock(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	e, ok := m.find(key)
	if !ok {
		return nil, gateway.ErrNotFound
	}
	m.writes++
	delete(m.entries, key)
	return e.value, nil
}

func (m *memory) Delete(ctx context.Context, keys ...string) error {
	err := m.lock(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	m.writes++
	for _, key := range keys {
		delete(m.entries, key)
	}
	return nil
}

// members returns the members of a set that have not expired.
func (m *memory) members(set string) map[string]time.Time {
	if m.sets[set] == nil {
		m.sets[set] = map[string]time.Time{}
	}
	maps.DeleteFunc(m.sets[set], func(_ string, expires time.Time) bool { return !time.Now().Before(expires) })
	return m.sets[set]
}

func (m *memory) Join(ctx context.Context, set, member string, limit int, ttl time.Duration) (bool, error) {
	err := m.lock(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return false, err
	}
	members := m.members(set)
	if _, in := members[member]; !in && len(members) >= limit {
		return false, nil
	}
	m.writes++
	members[member] = time.Now().Add(ttl)
	return true, nil
}

func (m *memory) Leave(ctx context.Context, set, member string) error {
	err := m.lock(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	m.writes++
	delete(m.members(set), member)
	return nil
}

func (m *memory) Members(ctx context.Context, set string) (int, error) {
	err := m.lock(ctx)
	defer m.mu.Unlock()
	return len(m.members(set)), err
}

func (m *memory) Ping(ctx context.Context) error {
	err := m.lock(ctx)
	defer m.mu.Unlock()
	return err
}

func (m *memory) Close() error { return nil }

// change calls f while no method runs.
func (m *memory) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

// dump returns everything that the store has.
func (m *memory) dump() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	for key, e := range m.entries {
		fmt.Fprintf(&b, "%s %s\n", key, e.value)
	}
	fmt.Fprintln(&b, m.sets)
	return b.String()
}
