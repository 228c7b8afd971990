package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

const weakKey = "sesame-open"

// weakGuard returns a Guard of a key that could be guessed.
func weakGuard(t *testing.T, salt string) *Guard {
	t.Helper()
	cfg := testGuard(t, weakKey).cfg
	cfg.Weak, cfg.Salt = true, salt
	return NewGuard(cfg)
}

// typed and sent try a key, as a person and as a program.
func (g *Guard) typed(from, key string) int {
	return g.answer(visit{method: "POST", path: "/signin", from: from, host: lanBox, form: url.Values{"key": {key}}}).Code
}

func (g *Guard) sent(from, key string) int {
	return g.answer(visit{method: "GET", path: "/metrics", from: from, host: lanBox, header: [2]string{"Authorization", "Bearer " + key}}).Code
}

// guessers are addresses whose wrong keys use up the attempts of somebody else.
var guessers = map[string]struct {
	address func(i int) string
	victim  string
}{
	"the same address": {func(int) string { return lanPhone }, lanPhone},
	"the same network": {func(i int) string { return fmt.Sprintf("[2001:db8:1:2::%x]:1", i+1) }, "[2001:db8:1:2::ffff]:1"},
	"many addresses":   {func(i int) string { return net.JoinHostPort(net.IPv4(10, 0, 0, byte(i)).String(), "1") }, "10.0.1.1:1"},
	"many networks":    {func(i int) string { return fmt.Sprintf("[2001:db8:1:%x::1]:1", i) }, "10.0.1.1:1"},
}

// Guesses never keep out somebody who knows a strong key. They are refused, and soon
// limited.
func TestGuessing(t *testing.T) {
	for name, tt := range guessers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := testGuard(t, testKey)
				answers := map[int]int{}
				for i := range 60 {
					answers[g.typed(tt.address(i), "wrong")]++
					answers[g.sent(tt.address(i), "wrong")]++
				}
				if answers[401] == 0 || answers[401] > allFailedBurst || answers[401]+answers[429] != 120 {
					t.Errorf("answers to wrong keys: %v", answers)
				}
				if code := g.typed(tt.victim, testKey); code != http.StatusSeeOther {
					t.Errorf("the right key: %d", code)
				}
				if code := g.sent(tt.victim, testKey); code != http.StatusOK {
					t.Errorf("the right key of a program: %d", code)
				}
			})
		})
	}
}

// A weak key is not compared while attempts are used up. A cookie is.
func TestGuessingWeakKey(t *testing.T) {
	for name, tt := range guessers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := weakGuard(t, "salt")
				if code := g.typed(lanPhone, weakKey); code != http.StatusSeeOther {
					t.Fatalf("the right key: %d", code)
				}
				compared := 0
				for i := range 60 {
					if g.typed(tt.address(i), "wrong") == http.StatusUnauthorized {
						compared++
					}
				}
				if compared == 0 || compared > allFailedBurst {
					t.Errorf("%d wrong keys were compared", compared)
				}
				w := g.answer(visit{method: "GET", path: "/metrics", from: tt.victim, host: lanBox, header: [2]string{"Authorization", "Bearer " + weakKey}})
				if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
					t.Errorf("the right key of a program: %d, %v", w.Code, w.Header())
				}
				if code := g.typed(tt.victim, weakKey); code != http.StatusTooManyRequests {
					t.Errorf("the right key: %d", code)
				}
				if code := g.answer(visit{method: "GET", path: "/", from: tt.victim, host: lanBox, cookie: g.cookie}).Code; code != http.StatusOK {
					t.Errorf("the cookie: %d", code)
				}
				if code := g.answer(visit{method: "GET", path: "/", from: boxItself, host: "127.0.0.1:8420"}).Code; code != http.StatusOK {
					t.Errorf("the box's own browser: %d", code)
				}
				time.Sleep(time.Minute)
				if code := g.typed(tt.victim, weakKey); code != http.StatusSeeOther {
					t.Errorf("the right key a minute later: %d", code)
				}
			})
		})
	}
}

// The cookie of a weak key can't be computed from guesses of the key.
func TestWeakCookie(t *testing.T) {
	a, b := weakGuard(t, "salt"), weakGuard(t, "other")
	if a.cookie == b.cookie || a.cookie == testGuard(t, weakKey).cookie {
		t.Error("the cookie depends on the key alone")
	}
	if a.cookie != weakGuard(t, "salt").cookie {
		t.Error("the cookie changes with a restart")
	}
}

// Addresses that fail are remembered in bounded memory.
func TestGuessers(t *testing.T) {
	f := newFailedKeys()
	for i := range 2 * maxHosts {
		f.count(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}))
	}
	if n := f.hosts.Len(); n > maxHosts {
		t.Errorf("%d addresses are remembered", n)
	}
}
