package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/redis/go-redis/v9"

	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/gateway/redisstore"
	"pickerd/oauthdevice/gateway/redisstore/redistest"
	"pickerd/oauthdevice/oauthtest"
)

// Two gateways on one store: each sees what the other did, and of two requests for
// one thing, one succeeds.
func TestTwoGateways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		racePeople(t, w, w.instance())
		raceCallbacks(t, w, w.instance())
	})
}

// openRedis opens a store that is closed with the test.
func openRedis(t *testing.T, server *redistest.Server) gateway.Store {
	t.Helper()
	s, err := redisstore.Open(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestTwoGatewaysOnRedis(t *testing.T) {
	server := redistest.New(t)
	w := newWorld(t, func(c *gateway.Config) { c.Store = openRedis(t, server) })
	w.cfg.Store = openRedis(t, server)
	second := w.instance()
	racePeople(t, w, second)
	raceCallbacks(t, w, second)
	searchAll(t, w, func() string { return dumpRedis(t, server) })

	// Redis restarts and has lost everything: the box and the person are told.
	b, p := w.newBox(), w.newPhone()
	callback := w.consent(p.scan(b.link()))
	server.Stop()
	if a := b.poll(); a.status != 503 || a.code() != "temporarily_unavailable" {
		t.Errorf("while Redis is away: %d %v", a.status, a.body)
	}
	wantPage(t, "while Redis is away", p.get(callback), 503, "gateway.store_away.title")
	server.Start()
	a := w.send(second, "/token", "client_id", "pickerd", "grant_type", deviceGrant, "device_code", b.device)
	wantCode(t, "afterwards", a, "expired_token")
	wantPage(t, "afterwards", p.get(callback), 409, "phone.link_used.title")
}

// dumpRedis returns every key and value.
func dumpRedis(t *testing.T, server *redistest.Server) string {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	c := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer c.Close()
	keys, err := c.Keys(ctx, "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, key := range keys {
		value := c.Get(ctx, key).Val()
		members := c.ZRange(ctx, key, 0, -1).Val()
		b.WriteString(key + " " + value + " " + strings.Join(members, " ") + "\n")
	}
	return b.String()
}

// racePeople has two people sign in with one code, each at another gateway.
func racePeople(t *testing.T, w *world, second http.Handler) {
	t.Helper()
	for range 20 {
		b := w.newBox()
		phones := []*phone{w.newPhone().at(1), w.newPhone().at(2)}
		phones[1].gw = second
		var wg sync.WaitGroup
		codes := make([]int, len(phones))
		callbacks := make([]string, len(phones))
		for i, p := range phones {
			callbacks[i] = w.consent(p.scan(b.link()))
		}
		for i, p := range phones {
			wg.Go(func() { codes[i] = p.get(callbacks[i]).Code })
		}
		wg.Wait()
		if (codes[0] == 303) == (codes[1] == 303) {
			t.Fatalf("two people: %v", codes)
		}
		if a := w.send(second, "/token", "client_id", "pickerd", "grant_type", deviceGrant, "device_code", b.device); a.status != 200 {
			t.Errorf("the other gateway: %v", a.body)
		}
	}
}

// raceCallbacks sends one authorization response to two gateways.
func raceCallbacks(t *testing.T, w *world, second http.Handler) {
	t.Helper()
	for range 20 {
		b := w.newBox()
		p := w.newPhone().at(3)
		callback := w.consent(p.scan(b.link()))
		w.google.ForgetCalls()
		twin := *p
		twin.gw, twin.cookies = second, map[string]string{"__Host-pickerd": p.cookies["__Host-pickerd"]}
		var wg sync.WaitGroup
		wg.Go(func() { p.get(callback) })
		wg.Go(func() { twin.get(callback) })
		wg.Wait()
		if n := w.calls(oauthtest.OpExchange); n != 1 {
			t.Fatalf("%d exchanges", n)
		}
	}
}
