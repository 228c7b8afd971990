package redisstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/gateway/redisstore"
	"pickerd/oauthdevice/gateway/redisstore/redistest"
	"pickerd/oauthdevice/gateway/storetest"
)

const life = time.Minute

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, url string) *redisstore.Store {
	t.Helper()
	s, err := redisstore.Open(url)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// raw returns a client for what the store does not do.
func raw(t testing.TB, server *redistest.Server) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { c.Close() })
	return c
}

func TestStore(t *testing.T) {
	server := redistest.New(t)
	c := raw(t, server)
	storetest.Run(t, func(t *testing.T) (gateway.Store, func(time.Duration)) {
		must(t, c.FlushAll(t.Context()).Err())
		return open(t, server.URL()), func(d time.Duration) { advance(t, c, d) }
	})
}

// advance brings every expiry nearer, because the clock of Redis cannot be set.
func advance(t *testing.T, c *redis.Client, d time.Duration) {
	t.Helper()
	ctx := t.Context()
	keys, err := c.Keys(ctx, "*").Result()
	must(t, err)
	for _, key := range keys {
		if c.Type(ctx, key).Val() == "zset" {
			for _, member := range c.ZRange(ctx, key, 0, -1).Val() {
				must(t, c.ZIncrBy(ctx, key, -float64(d.Milliseconds()), member).Err())
			}
		}
		left := c.PTTL(ctx, key).Val()
		if left <= 0 {
			t.Errorf("%q has no expiry", key)
		}
		must(t, c.PExpire(ctx, key, left-d).Err())
	}
}

// Every key has the prefix and an expiry, so that Redis may be used by others too,
// and nothing is left in it.
func TestKeys(t *testing.T) {
	server := redistest.New(t)
	c := raw(t, server)
	ctx := t.Context()
	s := open(t, server.URL()+"/3")
	must(t, s.Ping(ctx))
	must(t, s.Create(ctx, map[string][]byte{"a": []byte("1")}, life))
	must(t, s.Create(ctx, map[string][]byte{"b": []byte("1")}, life))
	must(t, s.Swap(ctx, "b", []byte("1"), []byte("2"), 2*life))
	_, err := s.Join(ctx, "s", "long", 2, 3*life)
	must(t, err)
	_, err = s.Join(ctx, "s", "short", 2, life)
	must(t, err)
	_, err = s.Join(ctx, "s", "third", 2, 5*life)
	must(t, err)
	if n := c.DBSize(ctx).Val(); n != 0 {
		t.Errorf("%d keys in database 0", n)
	}
	must(t, c.Process(ctx, redis.NewCmd(ctx, "swapdb", 0, 3)))
	for key, want := range map[string]time.Duration{"entry:a": life, "entry:b": 2 * life, "set:s": 3 * life, "ping": time.Minute} {
		if ttl := c.PTTL(ctx, "pickerd-gateway:"+key).Val(); ttl > want || ttl < want-30*time.Second {
			t.Errorf("%s expires in %v, want %v", key, ttl, want)
		}
	}
	if keys := c.Keys(ctx, "*").Val(); len(keys) != 4 {
		t.Errorf("keys %q", keys)
	}
}

// While Redis is away every method returns an error soon, and everything works
// again when it is back.
func TestAway(t *testing.T) {
	server := redistest.New(t)
	s := open(t, server.URL())
	must(t, s.Ping(t.Context()))
	server.Stop()
	for name, err := range calls(t.Context(), s) {
		if !isTrouble(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	server.Start()
	until(t, func() error { return s.Ping(t.Context()) })
	must(t, s.Create(t.Context(), map[string][]byte{"a": nil}, life))
}

// A server that is silent costs a bounded time, ctx's if that is shorter. What was
// sent is not sent again.
func TestSilence(t *testing.T) {
	server := redistest.New(t)
	s := open(t, server.URL())
	c := raw(t, server)
	ctx := t.Context()
	must(t, s.Create(ctx, map[string][]byte{"a": []byte("1")}, life))
	must(t, s.Swap(ctx, "a", []byte("1"), []byte("1"), 0)) // Redis knows the script
	_, err := s.Join(ctx, "set", "first", 1, life)
	must(t, err)
	before := commands(t, c)
	server.Pause()
	defer server.Resume()
	begin := time.Now()
	if _, err := s.Take(ctx, "a"); !isTrouble(err) {
		t.Errorf("Take: %v", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Take took %v", took)
	}
	begin = time.Now()
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if _, err := s.Get(short, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get: %v", err)
	}
	if took := time.Since(begin); took > 1500*time.Millisecond {
		t.Errorf("Get took %v", took)
	}
	server.Resume()
	until(t, func() error { return s.Ping(ctx) })
	until(t, func() error {
		if n := commands(t, c)["getdel"] - before["getdel"]; n != 1 {
			return fmt.Errorf("%d times GETDEL, want 1", n)
		}
		return nil
	})
}

// A command whose answer is lost is not sent again.
func TestAnswerLost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var sent atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			lines := bufio.NewScanner(c)
			for lines.Scan() {
				switch strings.ToLower(lines.Text()) {
				case "hello":
					fmt.Fprint(c, "-ERR unknown command\r\n")
				case "getdel":
					sent.Add(1)
					c.Close()
				}
			}
			c.Close()
		}
	}()
	s := open(t, "redis://"+l.Addr().String())
	if _, err := s.Take(t.Context(), "a"); !isTrouble(err) {
		t.Errorf("Take: %v", err)
	}
	must(t, s.Close())
	must(t, l.Close())
	<-done
	if n := sent.Load(); n != 1 {
		t.Errorf("%d times GETDEL, want 1", n)
	}
}

// commands returns how often each command was called.
func commands(t *testing.T, c *redis.Client) map[string]int {
	t.Helper()
	info, err := c.Info(t.Context(), "commandstats").Result()
	must(t, err)
	n := map[string]int{}
	for line := range strings.Lines(info) {
		if name, stats, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls="); ok {
			var calls int
			fmt.Sscanf(stats, "%d,", &calls)
			n[name] = calls
		}
	}
	return n
}

// until waits until f succeeds.
func until(t *testing.T, f func() error) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Since(begin) > time.Minute {
			t.Fatal(err)
		}
	}
}

// A Redis that has lost the scripts gets them again.
func TestScriptsLost(t *testing.T) {
	server := redistest.New(t)
	s := open(t, server.URL())
	ctx := t.Context()
	must(t, s.Create(ctx, map[string][]byte{"a": []byte("1")}, life))
	must(t, raw(t, server).ScriptFlush(ctx).Err())
	if err := s.Create(ctx, map[string][]byte{"a": nil}, life); !errors.Is(err, gateway.ErrExists) {
		t.Errorf("Create: %v", err)
	}
}

// A Redis that can only be read is of no use, and Ping says so.
func TestReadOnly(t *testing.T) {
	server := redistest.New(t)
	c := raw(t, server)
	s := open(t, server.URL())
	ctx := t.Context()
	for name, set := range map[string]func() error{
		"full":      func() error { return c.ConfigSet(ctx, "maxmemory", "1").Err() },
		"a replica": func() error { return c.ReplicaOf(ctx, "127.0.0.1", "1").Err() },
	} {
		must(t, s.Ping(ctx))
		must(t, set())
		if err := s.Ping(ctx); !isTrouble(err) {
			t.Errorf("%s: %v", name, err)
		}
		must(t, c.ConfigSet(ctx, "maxmemory", "0").Err())
		must(t, c.ReplicaOf(ctx, "NO", "ONE").Err())
	}
}

// A value that another program has put there is an error, no panic.
func TestWrongTypes(t *testing.T) {
	server := redistest.New(t)
	c := raw(t, server)
	s := open(t, server.URL())
	ctx := t.Context()
	must(t, c.LPush(ctx, "pickerd-gateway:entry:a", "1").Err())
	must(t, c.LPush(ctx, "pickerd-gateway:set:set", "1").Err())
	for name, err := range calls(ctx, s) {
		if name != "Create" && name != "Delete" && name != "Ping" && !isTrouble(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestURL(t *testing.T) {
	for _, url := range []string{
		"", "redis", "http://h", "unix:///run/redis.sock", "redis://h/x", "redis://h/1/2", "redis://h:port",
		"redis://u:hidden@h:1:2", "redis://u:hid/den@h", "rediss://h?skip_verify=true", "redis://h?max_retries=3",
		"redis://u:hidden%zz@h", "redis://u:hidden@h/-1", "redis:///0", "redis://h#x",
	} {
		s, err := redisstore.Open(url)
		if !errors.Is(err, redisstore.ErrURL) {
			t.Errorf("%q: %v", url, err)
			if s != nil {
				s.Close()
			}
			continue
		}
		if strings.Contains(err.Error(), "hid") || strings.Contains(err.Error(), "den@") {
			t.Errorf("the password is in: %v", err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add("redis://u:p@h:1/2")
	f.Add("rediss://[::1]")
	f.Add("redis://u:%00@h?x=y")
	f.Fuzz(func(t *testing.T, url string) {
		s, err := redisstore.Open(url)
		switch {
		case err == nil:
			must(t, s.Close())
		case !errors.Is(err, redisstore.ErrURL):
			t.Error(err)
		}
	})
}

// The password reaches Redis, and no error.
func TestPassword(t *testing.T) {
	server := redistest.New(t, "--requirepass", "correct-horse")
	for password, works := range map[string]bool{"correct-horse": true, "wrong-mule": false, "": false} {
		s := open(t, "redis://:"+password+"@"+server.Addr)
		err := s.Ping(t.Context())
		if (err == nil) != works || err != nil && password != "" && strings.Contains(err.Error(), password) {
			t.Errorf("password %q: %v", password, err)
		}
	}
}

func isTrouble(err error) bool {
	return err != nil && !errors.Is(err, gateway.ErrNotFound) && !errors.Is(err, gateway.ErrExists) && !errors.Is(err, gateway.ErrChanged)
}

// calls calls every method and returns the errors.
func calls(ctx context.Context, s gateway.Store) map[string]error {
	_, get := s.Get(ctx, "a")
	_, take := s.Take(ctx, "a")
	_, join := s.Join(ctx, "set", "m", 1, life)
	_, members := s.Members(ctx, "set")
	return map[string]error{
		"Get": get, "Take": take, "Join": join, "Members": members,
		"Swap":   s.Swap(ctx, "a", []byte("1"), []byte("2"), life),
		"Leave":  s.Leave(ctx, "set", "m"),
		"Delete": s.Delete(ctx, "a"),
		"Create": s.Create(ctx, map[string][]byte{"new": nil}, life),
		"Ping":   s.Ping(ctx),
	}
}
