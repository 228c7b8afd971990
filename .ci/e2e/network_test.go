package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/sys/unix"

	"pickerd/device"
	"pickerd/display/httpserve/testcert"
)

// A lan is a network of two machines: this one, and a network namespace.
type lan struct {
	t    *testing.T
	name string
	box  string // this machine's address on the network
}

var lans struct {
	sync.Mutex
	n int
}

// newLAN makes a network. It needs root.
func newLAN(t *testing.T) *lan {
	t.Helper()
	if os.Geteuid() != 0 && os.Getenv("CI") == "" {
		t.Skip("needs root, to make a network")
	}
	lans.Lock()
	lans.n++
	n := lans.n
	lans.Unlock()
	l := &lan{t, fmt.Sprintf("pickerd%d-%d", os.Getpid()%10000, n), fmt.Sprintf("10.213.%d.1", n)}
	here := fmt.Sprintf("pk%d-%d", os.Getpid()%10000, n)
	script := fmt.Sprintf(`set -e
ip netns add %[1]s
ip link add %[2]s type veth peer name eth0 netns %[1]s
ip address add %[3]s/24 dev %[2]s
ip link set %[2]s up
ip -n %[1]s address add 10.213.%[4]d.2/24 dev eth0
ip -n %[1]s link set eth0 up
ip -n %[1]s link set lo up`, l.name, here, l.box, n)
	t.Cleanup(func() { exec.Command("ip", "netns", "delete", l.name).Run() })
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return l
}

// dial connects from the other machine.
func (l *lan) dial(ctx context.Context, network, address string) (net.Conn, error) {
	type result struct {
		c   net.Conn
		err error
	}
	got := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // never unlocked, so the thread ends with the goroutine
		ns, err := os.Open("/run/netns/" + l.name)
		if err != nil {
			got <- result{nil, err}
			return
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			got <- result{nil, err}
			return
		}
		// The address is numeric: another thread would resolve a name.
		c, err := (&net.Dialer{Timeout: maxWait}).DialContext(ctx, network, address)
		got <- result{c, err}
	}()
	r := <-got
	return r.c, r.err
}

// client returns an HTTP client on the other machine. It follows no redirects.
func (l *lan) client(cfg *tls.Config) *http.Client {
	tr := &http.Transport{DialContext: l.dial, TLSClientConfig: cfg, ForceAttemptHTTP2: cfg != nil}
	l.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: maxWait, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// forward returns an address on this machine that is forwarded to the box from the
// other machine, for a browser, which cannot run there.
func (l *lan) forward(to string) string {
	l.t.Helper()
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { at.Close() })
	go func() {
		for {
			near, err := at.Accept()
			if err != nil {
				return
			}
			go func() {
				defer near.Close()
				far, err := l.dial(context.Background(), "tcp", to)
				if err != nil {
					return
				}
				defer far.Close()
				go func() { io.Copy(far, near); far.Close() }()
				io.Copy(near, far)
			}()
		}
	}()
	return at.Addr().String()
}

// onNetwork starts a box with its page on a network, at the address returned.
func onNetwork(t *testing.T, env ...string) (*lan, *google, *box, string) {
	t.Helper()
	l, g := newLAN(t), newGoogle(t)
	b := configured(t, g, t.TempDir())
	_, port, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(b.screen, "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	at := net.JoinHostPort(l.box, port)
	b.env = append([]string{"PICKERD_HTTP_LISTEN=0.0.0.0:" + port, "PICKERD_HTTP_NAMES=lobby.example"}, env...)
	b.start()
	return l, g, b, at
}

func (b *box) key() string {
	b.t.Helper()
	return b.untilStatus("a key", func(s *device.Status) bool { return s.DisplayKey != "" }).DisplayKey
}

func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// TestNetworkDisplay checks that the page needs the key from another machine and
// none on the box.
func TestNetworkDisplay(t *testing.T) {
	t.Parallel()
	l, _, b, at := onNetwork(t)
	b.until("a code is offered", func() bool { s := b.status(); return s != nil && s.Pairing != nil })
	code := b.status().Pairing.UserCode
	stranger := l.client(nil)
	for _, path := range []string{"", "qr.svg", "events", "screen.json", "metrics", "healthz", "media/1", "pickerd.js"} {
		if status, text := get(t, stranger, "http://"+at+"/"+path); status != 401 || strings.Contains(text, code) {
			t.Errorf("/%s without the key: %d: %s", path, status, text)
		}
	}
	if status, _ := get(t, http.DefaultClient, b.screen); status != 200 {
		t.Errorf("on the box: %d, want 200", status)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", b.screen, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	if resp, err := http.DefaultClient.Do(req); err != nil || resp.StatusCode != 421 {
		t.Errorf("with a foreign Host: %v %v, want 421", resp, err)
	}
	resp, err := stranger.PostForm("http://"+at+"/signin", url.Values{"key": {b.key()}})
	if err != nil || resp.StatusCode != 303 || len(resp.Cookies()) != 1 {
		t.Fatalf("signing in: %v %v", resp, err)
	}

	// Two tabs at once: one at the box, one on the other machine.
	br := newBrowser(t)
	near := br.open(t, 1280, 720, b.screen)
	far := br.open(t, 1280, 720, "http://lobby.example:"+port(t, l.forward(at))+"/")
	far.until(`!!document.querySelector("#key")`)
	far.save("signin")
	far.checkAccessibility("the sign-in page")
	far.tapOn("#signin summary")
	far.do("type the key", chromedp.SendKeys(chromedp.ID("key"), strings.ToUpper(b.key())))
	far.tap("goon")
	for _, tb := range map[string]*tab{"near": near, "far": far} {
		tb.until(fmt.Sprintf(`document.querySelector("#code")?.textContent.includes(%q)`, code))
	}
	// After a restart the key is the same and signed-in screens reconnect.
	key := b.key()
	b.stop()
	b.start()
	if again := b.key(); again != key {
		t.Errorf("key %s after a restart, want %s", again, key)
	}
	far.until(`document.querySelector("#offline").hidden && !!document.querySelector("#code").textContent`)
	b.stop()
}

func port(t *testing.T, address string) string {
	t.Helper()
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestNetworkLoad checks that neither a thousand screens nor slow clients keep the
// box's own browser out.
func TestNetworkLoad(t *testing.T) {
	t.Parallel()
	l, _, b, at := onNetwork(t)
	key := b.key()
	var mu sync.Mutex
	counts := map[int]int{}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	screen := func() bool { // reports whether it was answered
		req, err := http.NewRequestWithContext(ctx, "GET", "http://"+at+"/events", nil)
		if err != nil {
			return true
		}
		req.Header.Set("Authorization", "Bearer "+key)
		c := l.client(nil)
		c.Timeout = 0 // a stream stays open
		resp, err := c.Do(req)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		mu.Lock()
		counts[resp.StatusCode]++
		mu.Unlock()
		if resp.StatusCode == 200 {
			<-ctx.Done()
		}
		return true
	}
	for range 1000 {
		wg.Go(func() {
			// A screen tries again, as a browser does: so many connections at once
			// from one host may be closed before their requests arrive.
			for ctx.Err() == nil && !screen() {
			}
		})
	}
	b.until("all requests are answered", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return counts[200] == 256 && counts[200]+counts[503] == 1000
	})
	if status, _ := get(t, http.DefaultClient, b.screen+"healthz"); status != 200 {
		t.Errorf("GET /healthz under load: %d, want 200", status)
	}
	cancel()
	wg.Wait()
	// Clients that never finish a request header.
	for range 200 {
		c, err := l.dial(t.Context(), "tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: "); err != nil {
			t.Fatal(err)
		}
	}
	if status, _ := get(t, http.DefaultClient, b.screen); status != 200 {
		t.Errorf("on the box beside slow clients: %d, want 200", status)
	}
	b.stop()
}

// TestTLS checks that a certificate makes other machines use TLS but not the box's
// own browser, and that a renewed one is loaded without a restart.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots := writeCertificate(t, cert, key)
	l, _, b, at := onNetwork(t, "PICKERD_HTTP_CERT_FILE="+cert, "PICKERD_HTTP_KEY_FILE="+key)
	cfg := &tls.Config{RootCAs: roots, ServerName: "lobby.example"}
	c := l.client(cfg)
	resp, err := c.PostForm("https://"+at+"/signin", url.Values{"key": {b.key()}})
	if err != nil || resp.StatusCode != 303 || len(resp.Cookies()) != 1 || !resp.Cookies()[0].Secure || resp.ProtoMajor != 2 {
		t.Fatalf("%+v %v", resp, err)
	}
	if resp, err := l.client(nil).Get("http://" + at + "/"); err == nil && resp.StatusCode != 400 {
		t.Errorf("without TLS: %v", resp.Status)
	}
	if status, _ := get(t, http.DefaultClient, b.screen); status != 200 {
		t.Errorf("on the box: %d, want 200", status)
	}
	again := writeCertificate(t, cert, key)
	next := l.client(&tls.Config{RootCAs: again, ServerName: "lobby.example"})
	b.until("the new certificate is served", func() bool {
		resp, err := next.Get("https://" + at + "/")
		return err == nil && resp.StatusCode == 401
	})
	b.stop()
}

// writeCertificate writes a self-signed certificate for lobby.example and addresses. It
// returns a pool that trusts it.
func writeCertificate(t *testing.T, certFile, keyFile string, addresses ...string) *x509.CertPool {
	t.Helper()
	cert, key, err := testcert.New(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), append(addresses, "lobby.example")...)
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{keyFile: key, certFile: cert} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

// TestStrangers checks that silent connections and guesses from the network keep out
// neither the box's own browser nor a program that knows the key.
func TestStrangers(t *testing.T) {
	t.Parallel()
	l, _, b, at := onNetwork(t)
	key := b.key()
	for range 1200 {
		c, err := l.dial(t.Context(), "tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if status, _ := get(t, http.DefaultClient, b.screen); status != 200 {
		t.Errorf("the box's own browser: %d, want 200", status)
	}
	c := l.client(nil)
	if status, _ := get(t, c, "http://"+at+"/remote/x"); status != 410 {
		t.Errorf("a phone with an old link: %d, want 410", status)
	}
	ask := func(key string) int {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+at+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	b.until("wrong keys are limited", func() bool { return ask("wrong") == 429 })
	if status := ask(key); status != 200 {
		t.Errorf("the right key after wrong ones: %d, want 200", status)
	}
	b.stop()
}
