package gateway_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display/httpserve/pipelisten"
	"pickerd/oauthdevice/gateway"
)

func guessCode(n int) string {
	const letters = "BCDFGHJKLMNPQRSTVWXZ"
	code := []byte("BBBBBBBBB")
	for i := range code {
		code[i] = letters[n%20]
		n /= 20
	}
	return string(code)
}

// An attacker with many addresses has the stated odds, and only typing suffers.
func TestGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		second := w.instance()
		attack := func(addresses int, d time.Duration) (tried int) {
			start := time.Now()
			for n := 0; time.Since(start) < d; n++ {
				for i := range addresses {
					p := w.newPhone().at(i)
					if n%2 == 1 {
						p.gw = second // the limits are those of both together
					}
					switch rec := p.get("/" + query("user_code", guessCode(n*addresses+i))); rec.Code {
					case 422:
						tried++
					case 429:
						if !strings.Contains(rec.Body.String(), "signin.wait") || rec.Header().Get("Retry-After") == "" {
							t.Fatalf("refused: %s", rec.Body)
						}
					default:
						t.Fatalf("%d %s", rec.Code, rec.Body)
					}
				}
				time.Sleep(5 * time.Second)
			}
			return tried
		}
		if n := attack(1, time.Minute-time.Second); n != 10 {
			t.Errorf("one address: %d tries in a minute, want 10", n)
		}
		time.Sleep(2 * time.Hour)
		tried := attack(20, time.Hour-10*time.Second)
		if tried != 500 {
			t.Errorf("20 addresses: %d tries in an hour, want 500", tried)
		}
		if odds := 10_000 * float64(tried) / math.Pow(20, 9); odds > 1e-5 {
			t.Errorf("odds of %v an hour with 10,000 codes", odds)
		}
		b, p := w.newBox(), w.newPhone()
		if rec := p.get("/" + query("user_code", b.userCode)); rec.Code != 429 {
			t.Errorf("typing: %d", rec.Code)
		}
		p.signIn(b) // scanning works
		if w.metrics.get("guess wrong") != 510 || w.metrics.get("guess limited") == 0 {
			t.Errorf("counted: %v", w.metrics.n)
		}
	})
}

// A right code is no guess, nor is one that can't be a code.
func TestRightCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		for range 30 {
			if rec := p.get("/" + query("user_code", b.userCode)); rec.Code != 200 {
				t.Fatalf("%d %s", rec.Code, rec.Body)
			}
			if rec := p.get("/?user_code=BCD-FGH"); rec.Code != 422 {
				t.Fatalf("too short: %d", rec.Code)
			}
		}
		// Confirming a wrong code is a guess like any.
		for range 10 {
			p.post("/confirm", url.Values{"user_code": {"BCDFGHJKL"}, "answer": {"yes"}})
		}
		if rec := p.get("/" + query("user_code", b.userCode)); rec.Code != 429 {
			t.Errorf("after ten guesses at /confirm: %d", rec.Code)
		}
	})
}

// A network of IPv6 is one client.
func TestGuessesIPv6(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		last := 0
		for i := range 11 {
			p := w.newPhone()
			p.address = fmt.Sprintf("[2001:db8:1:2:%x::1]:99", i)
			last = p.get("/" + query("user_code", guessCode(i))).Code
		}
		if last != 429 {
			t.Errorf("the eleventh guess: %d", last)
		}
	})
}

// X-Forwarded-For counts only if a trusted proxy wrote it.
func TestClientAddr(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tt := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"192.0.2.1:1", nil, "192.0.2.1"},
		{"192.0.2.1:1", []string{"198.51.100.1"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"203.0.113.5, 198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"203.0.113.5", "198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"10.0.0.1:1", []string{"198.51.100.1, nonsense"}, "10.0.0.1"},
		{"10.0.0.1:1", nil, "10.0.0.1"},
		{"[::ffff:10.0.0.1]:1", []string{"2001:db8::1"}, "2001:db8::1"},
		{"[fd00::1]:1", []string{"::ffff:192.0.2.9"}, "192.0.2.9"},
		{"@", []string{"192.0.2.9"}, "invalid IP"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Header = tt.peer, http.Header{"X-Forwarded-For": tt.forwarded}
		if got := gateway.ClientAddr(r, proxies...).String(); got != tt.want {
			t.Errorf("%s %q: %s, want %s", tt.peer, tt.forwarded, got, tt.want)
		}
	}
}

// A stranger does not get more guesses by naming addresses.
func TestForwardedByStranger(t *testing.T) {
	for _, tt := range []struct {
		trusted []netip.Prefix
		last    int
	}{
		{nil, 429},
		{[]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, 422},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(c *gateway.Config) { c.TrustedProxies = tt.trusted })
			last := 0
			for i := range 11 {
				p := w.newPhone()
				p.header.Set("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i))
				last = p.get("/" + query("user_code", guessCode(i))).Code
			}
			if last != tt.last {
				t.Errorf("the eleventh guess with %v: %d, want %d", tt.trusted, last, tt.last)
			}
			if n := strings.Count(w.log.String(), "X-Forwarded-For is ignored"); (n == 1) != (tt.trusted == nil) {
				t.Errorf("logged %d times with %v:\n%s", n, tt.trusted, w.log)
			}
		})
	}
}

func TestSlowDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.newBox()
		wantCode(t, "first", b.poll(), "authorization_pending")
		writes := w.store.writes
		wantCode(t, "at once", b.poll(), "slow_down")
		wantCode(t, "after the old interval", b.pollAfter(), "slow_down")
		time.Sleep(15 * time.Second)
		wantCode(t, "after the new interval", b.poll(), "authorization_pending")
		for range 100 {
			time.Sleep(15 * time.Second)
			b.poll()
		}
		if w.store.writes != writes {
			t.Errorf("%d polls wrote to the store", w.store.writes-writes)
		}
	})
}

// A client has no more pending codes than it may; codes that are settled do not
// count.
func TestPendingBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *gateway.Config) { c.Clients[0].MaxPending = 2 })
		ask := func() answer { return w.post("/device/code", "client_id", "pickerd") }
		b := w.newBox()
		ask()
		a := ask()
		wantCode(t, "the third", a, "temporarily_unavailable")
		if a.status != 429 || a.header.Get("Retry-After") == "" {
			t.Errorf("%d %v", a.status, a.header)
		}
		if a := w.post("/device/code", "client_id", "hotel", "client_secret", boxSecret); a.status != 200 {
			t.Errorf("another client: %v", a.body)
		}
		w.newPhone().signIn(b)
		if a := ask(); a.status != 200 {
			t.Errorf("after one was approved: %v", a.body)
		}
		time.Sleep(20 * time.Minute)
		if a := ask(); a.status != 200 {
			t.Errorf("after they expired: %v", a.body)
		}
	})
}

// One address does not ask, refresh or load without end.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for path, pairs := range map[string][]string{
			"/device/code": {"client_id", "pickerd"},
			"/token":       {"client_id", "pickerd", "grant_type", "refresh_token", "refresh_token", "x"},
			"/revoke":      {"client_id", "pickerd", "token", "x"},
		} {
			refused := 0
			for range 1500 {
				if a := w.post(path, pairs...); a.status == 429 {
					refused++
					wantCode(t, path, a, "temporarily_unavailable")
				}
			}
			if refused == 0 {
				t.Errorf("%s: never refused", path)
			}
		}
		p := w.newPhone()
		codes := 0
		for range 300 {
			codes = p.get("/").Code
		}
		if codes != 429 {
			t.Errorf("pages: %d", codes)
		}
	})
}

// What the limits remember is bounded, and what was used last is not forgotten.
func TestRecent(t *testing.T) {
	const bound = 1000
	length, forgotten := gateway.FillRecent(bound, 10*bound)
	if length > bound || forgotten {
		t.Errorf("%d of %d values are kept; the one in use was forgotten: %t", length, bound, forgotten)
	}
}

// A code can be confirmed only so often.
func TestConfirmBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		f := url.Values{"c": {strings.TrimPrefix(b.link(), "/?c=")}, "answer": {"yes"}}
		for range 20 {
			if rec := p.post("/confirm", f); rec.Code != 200 {
				t.Fatalf("%d %s", rec.Code, rec.Body)
			}
		}
		wantPage(t, "the 21st", p.post("/confirm", f), 429, "phone.busy.title")
	})
}

func TestOversized(t *testing.T) {
	w := newWorld(t)
	a := w.post("/device/code", "client_id", "pickerd", "state", strings.Repeat("x", 20<<10))
	if a.status != 413 || a.code() != "invalid_request" {
		t.Errorf("a long form: %d %v", a.status, a.body)
	}
	p := w.newPhone()
	if rec := p.get("/callback?state=" + strings.Repeat("x", 20<<10)); rec.Code != 431 {
		t.Errorf("a long query: %d", rec.Code)
	}
	p.header.Set("X-Long", strings.Repeat("x", 20<<10))
	if rec := p.get("/"); rec.Code != 431 {
		t.Errorf("a long header: %d", rec.Code)
	}
}

// A client that is slow on purpose loses its connection.
func TestSlowClients(t *testing.T) {
	for _, tt := range []struct {
		name, sent string
		within     time.Duration
	}{
		{"nothing", "", gateway.MaxHeaderTime},
		{"half a header", "POST /token HTTP/1.1\r\nHost: photos.test\r\nX-", gateway.MaxHeaderTime},
		{"half a form", "POST /token HTTP/1.1\r\nHost: photos.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n\r\nclient", gateway.MaxRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				l, ended := pipelisten.New(), make(chan struct{})
				srv := gateway.HTTPServer(w.gw)
				go func() { defer close(ended); _ = srv.Serve(l) }()
				near := l.Dial()
				if _, err := io.WriteString(near, tt.sent); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				_, _ = io.Copy(io.Discard, near) // until the server closes it
				if d := time.Since(start); d > tt.within+time.Second {
					t.Errorf("kept for %v", d)
				}
				near.Close()
				l.Close()
				srv.Close()
				<-ended
			})
		})
	}
}
