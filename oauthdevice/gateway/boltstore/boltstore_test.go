package boltstore_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/gateway/boltstore"
	"pickerd/oauthdevice/gateway/storetest"
)

const life = time.Minute

// A clock stands still until it is advanced.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, path string, opt boltstore.Options) *boltstore.Store {
	t.Helper()
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s, err := boltstore.Open(path, opt)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "gateway.db") }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (gateway.Store, func(time.Duration)) {
		c := newClock()
		s := open(t, newPath(t), boltstore.Options{Now: c.now})
		t.Cleanup(func() {
			if _, err := s.Members(t.Context(), "x"); err != nil {
				return // closed by the test
			}
			must(t, s.Verify())
		})
		return s, c.advance
	})
}

// What a method has written is there after a crash: the database is copied while it
// is open.
func TestRestart(t *testing.T) {
	c := newClock()
	path := newPath(t)
	s := open(t, path, boltstore.Options{Now: c.now})
	ctx := t.Context()
	must(t, s.Create(ctx, map[string][]byte{"a": []byte("1"), "b": []byte("2"), "c": []byte("3")}, life))
	must(t, s.Swap(ctx, "b", []byte("2"), []byte("4"), 3*life))
	_, err := s.Take(ctx, "c")
	must(t, err)
	_, err = s.Join(ctx, "set", "m", 1, 2*life)
	must(t, err)

	data, err := os.ReadFile(path)
	must(t, err)
	copied := newPath(t)
	must(t, os.WriteFile(copied, data, 0o644))
	s = open(t, copied, boltstore.Options{Now: c.now})
	for key, want := range map[string]string{"a": "1", "b": "4", "c": ""} {
		if got, err := s.Get(ctx, key); string(got) != want || (want == "") != errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("%s: %q, %v", key, got, err)
		}
	}
	if in, err := s.Join(ctx, "set", "other", 1, life); in || err != nil {
		t.Errorf("Join: %t, %v", in, err)
	}
	c.advance(2 * life)
	if n, err := s.Members(ctx, "set"); n != 0 || err != nil {
		t.Errorf("Members: %d, %v", n, err)
	}
	for _, p := range []string{path, copied} {
		st, err := os.Stat(p)
		must(t, err)
		if st.Mode() != 0o600 {
			t.Errorf("%s has mode %v", p, st.Mode())
		}
	}
}

// Everything is removed from the file after its expiry, in portions, also when
// nobody calls.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, newPath(t), boltstore.Options{})
		const n = 4*boltstore.MaxSwept + 1
		entries := map[string][]byte{}
		for i := range n {
			entries[fmt.Sprint(i)] = []byte("value")
		}
		must(t, s.Create(t.Context(), entries, life))
		must(t, s.Create(t.Context(), map[string][]byte{"later": nil}, 2*life))
		for range 3 {
			_, err := s.Join(t.Context(), "set", fmt.Sprint(time.Now()), 3, life)
			must(t, err)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(life - time.Second)
		if got := s.Stored(); got != 2*(n+1)+3*3+1 {
			t.Errorf("%d keys before the expiry", got)
		}
		_, _, before := s.Stats()
		time.Sleep(boltstore.SweepInterval + time.Second)
		synctest.Wait()
		_, _, after := s.Stats()
		if got := s.Stored(); got != 2 {
			t.Errorf("%d keys after the expiry, want those of the other entry", got)
		}
		if after-before < n/boltstore.MaxSwept {
			t.Errorf("%d transactions", after-before)
		}
		time.Sleep(10 * boltstore.SweepInterval)
		synctest.Wait()
		if _, _, idle := s.Stats(); idle != after {
			t.Errorf("%d transactions without anything to remove", idle-after)
		}
		time.Sleep(life)
		synctest.Wait()
		if got := s.Stored(); got != 0 {
			t.Errorf("%d keys at the end", got)
		}
		must(t, s.Verify())
	})
}

// A change removes a bounded portion of what has expired.
func TestSweepPortions(t *testing.T) {
	c := newClock()
	s := open(t, newPath(t), boltstore.Options{Now: c.now})
	entries := map[string][]byte{}
	for i := range boltstore.MaxSwept * 3 / 2 {
		entries[fmt.Sprint(i)] = nil
	}
	must(t, s.Create(t.Context(), entries, life))
	_, _, before := s.Stats()
	must(t, s.Create(t.Context(), map[string][]byte{"x": nil}, 2*life))
	_, _, after := s.Stats()
	if after != before+1 || s.Stored() != 2*len(entries)+2 {
		t.Errorf("%d transactions, %d keys", after-before, s.Stored())
	}
}

// Changes that wait while a transaction is written share the next one.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, testGroupCommit)
}

func testGroupCommit(t *testing.T) {
	var slow atomic.Bool
	written := make(chan struct{})
	now := func() time.Time {
		if slow.Load() {
			<-written
		}
		return time.Now()
	}
	s := open(t, newPath(t), boltstore.Options{Now: now})
	slow.Store(true)
	const callers = 64
	_, _, before := s.Stats()
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			must(t, s.Create(t.Context(), map[string][]byte{fmt.Sprint(i): nil}, life))
		})
	}
	synctest.Wait()
	slow.Store(false)
	close(written)
	all.Wait()
	_, _, after := s.Stats()
	if n := after - before; n > 2 {
		t.Errorf("%d transactions for %d changes", n, callers)
	}
	// What changes nothing does not write.
	_, err := s.Take(t.Context(), "none")
	if _, _, n := s.Stats(); n != after || !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("%d transactions for nothing, %v", n-after, err)
	}
}

// A process that stops within the wait makes room; one that does not is named.
func TestLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := newPath(t)
		first := open(t, path, boltstore.Options{})
		begin := time.Now()
		_, err := boltstore.Open(path, boltstore.Options{})
		if took := time.Since(begin); !errors.Is(err, boltstore.ErrInUse) || took < time.Second || took > 3*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		must(t, first.Create(t.Context(), map[string][]byte{"a": nil}, life))
		time.AfterFunc(time.Second, func() { first.Close() })
		second := open(t, path, boltstore.Options{})
		_, err = second.Get(t.Context(), "a")
		must(t, err)
	})
}

// Errors of the file system come back as they are.
func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]error{
		filepath.Join(dir, "none", "gateway.db"): os.ErrNotExist,
		dir + "/.":                               syscall.EISDIR,
	} {
		if _, err := boltstore.Open(path, boltstore.Options{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}

// While the disk takes nothing, every change fails, Ping says so, reading works, and
// everything works again by itself afterwards.
func TestDiskFull(t *testing.T) {
	// A limit of files holds for the whole process, and this one writes a log for the
	// go command.
	const alone = "BOLTSTORE_DISK_FULL"
	if os.Getenv(alone) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDiskFull$", "-test.v")
		cmd.Env = append(os.Environ(), alone+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestDiskFull") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	path := newPath(t)
	s := open(t, path, boltstore.Options{})
	must(t, s.Create(t.Context(), map[string][]byte{"a": []byte("1")}, life))

	var old syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
	small := old
	small.Cur = 16 << 10
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small))
	restore := func() { syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old) }
	defer restore()
	for range 2 {
		if err := s.Create(t.Context(), map[string][]byte{"b": make([]byte, 100_000)}, life); !isTooLarge(err) {
			t.Errorf("Create: %v", err)
		}
	}
	if err := s.Ping(t.Context()); !isTooLarge(err) {
		t.Errorf("Ping: %v", err)
	}
	if v, err := s.Get(t.Context(), "a"); string(v) != "1" || err != nil {
		t.Errorf("Get: %q, %v", v, err)
	}
	restore()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := s.Ping(t.Context())
		if err == nil {
			break
		}
		if time.Since(begin) > 10*boltstore.RetryDelay {
			t.Fatal(err)
		}
	}
	must(t, s.Create(t.Context(), map[string][]byte{"b": make([]byte, 100_000)}, life))
	must(t, s.Verify())
}

// bbolt does not wrap the error.
func isTooLarge(err error) bool {
	return err != nil && strings.Contains(err.Error(), syscall.EFBIG.Error())
}
