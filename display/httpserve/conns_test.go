package httpserve_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display/httpserve"
	"pickerd/display/httpserve/pipelisten"
)

var testLimits = httpserve.ConnLimits{Local: 4, Others: 12, Unknown: 8, PerHost: 4, Idle: 5 * time.Second}

// A crowd is the clients of a server on a Conns.
type crowd struct {
	t *testing.T
	l *pipelisten.Listener
}

// serveCrowd serves in a bubble while f runs. A request with the header Key is
// authorized; one for /slow takes a minute.
func serveCrowd(t *testing.T, f func(c crowd)) {
	synctest.Test(t, func(t *testing.T) {
		l, ended := pipelisten.New(), make(chan struct{})
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Key") != "" {
				httpserve.Authorized(r)
			}
			if r.URL.Path == "/slow" {
				time.Sleep(time.Minute)
			}
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "hello %s", body)
		})}
		httpserve.Watch(srv)
		srv.Protocols = new(http.Protocols)
		srv.Protocols.SetHTTP1(true)
		srv.Protocols.SetUnencryptedHTTP2(true)
		go func() { defer close(ended); srv.Serve(httpserve.NewConns(l, testLimits)) }()
		f(crowd{t, l})
		srv.Close()
		l.Close()
		<-ended
		time.Sleep(time.Second) // the server waits for the client of a refused body
	})
}

// A client is one connection.
type client struct {
	net.Conn
	r *bufio.Reader
}

func (c crowd) dial(from string) *client {
	c.t.Helper()
	synctest.Wait()
	conn := c.l.DialFrom(netip.AddrPortFrom(netip.MustParseAddr(from), 5000))
	c.t.Cleanup(func() { conn.Close() })
	synctest.Wait()
	return &client{conn, bufio.NewReader(conn)}
}

// get sends a request with lines of a header, and returns the status, 0 if the
// connection is closed.
func (c *client) get(path string, header ...string) int {
	return c.send("GET "+path+" HTTP/1.1\r\nHost: box\r\n"+strings.Join(append(header, "\r\n"), "\r\n"), "")
}

func (c *client) send(text, body string) int {
	if _, err := io.WriteString(c, strings.TrimSuffix(text, "\r\n\r\n")+"\r\n\r\n"+body); err != nil {
		return 0
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0
	}
	return resp.StatusCode
}

// isOpen reports whether the server has left a silent connection open.
func (c *client) isOpen() bool {
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	defer c.SetReadDeadline(time.Time{})
	_, err := c.Read(make([]byte, 1))
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

// Silent connections keep out neither this machine nor other hosts.
func TestSilentConns(t *testing.T) {
	for name, address := range map[string]func(i int) string{
		"one address":    func(int) string { return "192.0.2.50" },
		"one network":    func(i int) string { return fmt.Sprintf("2001:db8:0:1::%x", i+1) },
		"many addresses": func(i int) string { return fmt.Sprintf("192.0.2.%d", i%200+50) },
		"many networks":  func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i%200+1) },
	} {
		t.Run(name, func(t *testing.T) {
			serveCrowd(t, func(c crowd) {
				phone := c.dial("192.0.2.7")
				if status := phone.get("/"); status != 200 {
					t.Fatalf("a phone: %d", status)
				}
				screen := c.dial("192.0.2.8")
				if status := screen.get("/", "Key: k"); status != 200 {
					t.Fatalf("a screen: %d", status)
				}
				open := 0
				var silent []*client
				for i := range 1200 {
					silent = append(silent, c.dial(address(i)))
				}
				for _, s := range silent {
					if s.isOpen() {
						open++
					}
				}
				if open > testLimits.Unknown {
					t.Errorf("%d silent connections are open", open)
				}
				for _, from := range []string{"127.0.0.1", "::1", pipelisten.LocalAddr.Addr().String(), "192.0.2.9", "2001:db8:0:1::ffff"} {
					if status := c.dial(from).get("/"); status != 200 {
						t.Errorf("from %s: %d", from, status)
					}
				}
				if status := screen.get("/"); status != 200 {
					t.Errorf("the screen: %d", status)
				}
				time.Sleep(testLimits.Idle + time.Millisecond)
				for i, s := range silent {
					if s.isOpen() {
						t.Fatalf("silent connection %d is open after %v", i, testLimits.Idle)
					}
				}
				if !screen.isOpen() {
					t.Error("the screen was closed")
				}
			})
		})
	}
}

// A connection counts as idle until its request has arrived, body included, and after
// the answer.
func TestIdleConns(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: box\r\nContent-Length: 10"
	for name, text := range map[string]string{
		"nothing":      "",
		"a header":     "GET / HTTP/1.1\r\nHost: ",
		"a body":       head + "\r\n\r\n12345",
		"a GET's body": "GET / HTTP/1.1\r\nHost: box\r\nContent-Length: 10\r\n\r\n1",
		"chunks":       "POST / HTTP/1.1\r\nHost: box\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			serveCrowd(t, func(c crowd) {
				s := c.dial("192.0.2.50")
				if _, err := io.WriteString(s, text); err != nil {
					t.Fatal(err)
				}
				if time.Sleep(testLimits.Idle - 2*time.Millisecond); !s.isOpen() {
					t.Error("closed early")
				}
				time.Sleep(2 * time.Millisecond)
				s.SetReadDeadline(time.Now().Add(time.Hour))
				began := time.Now()
				if _, err := io.Copy(io.Discard, s); err != nil || time.Since(began) > 0 {
					t.Errorf("open for %v longer: %v", time.Since(began), err)
				}
			})
		})
	}
	t.Run("between requests", func(t *testing.T) {
		serveCrowd(t, func(c crowd) {
			s := c.dial("192.0.2.50")
			for range 3 {
				if status := s.send(head, "0123456789"); status != 200 {
					t.Errorf("%d", status)
				}
				time.Sleep(testLimits.Idle - time.Millisecond)
			}
			if time.Sleep(2 * time.Millisecond); s.isOpen() {
				t.Error("still open")
			}
		})
	})
	t.Run("while answered", func(t *testing.T) {
		serveCrowd(t, func(c crowd) {
			if status := c.dial("192.0.2.50").get("/slow"); status != 200 {
				t.Errorf("%d", status)
			}
		})
	})
	t.Run("this machine", func(t *testing.T) {
		serveCrowd(t, func(c crowd) {
			s := c.dial("127.0.0.1")
			if time.Sleep(time.Minute); s.get("/") != 200 {
				t.Error("closed")
			}
		})
	})
}

// A request that is being answered is not cut off for a new connection, which is
// refused where all are.
func TestBusyConns(t *testing.T) {
	serveCrowd(t, func(c crowd) {
		answers := make(chan int)
		for range testLimits.PerHost {
			s := c.dial("192.0.2.50")
			go func() { answers <- s.get("/slow") }()
		}
		synctest.Wait()
		if status := c.dial("192.0.2.50").get("/"); status != 0 {
			t.Errorf("one too many: %d", status)
		}
		if status := c.dial("192.0.2.51").get("/"); status != 200 {
			t.Errorf("another host: %d", status)
		}
		for range testLimits.PerHost {
			if status := <-answers; status != 200 {
				t.Errorf("%d", status)
			}
		}
	})
}

// Hosts whose connections are all busy, such as those that read an answer slowly, keep
// no other one out.
func TestBusyHosts(t *testing.T) {
	serveCrowd(t, func(c crowd) {
		answers := make(chan int)
		for i := range testLimits.Unknown {
			s := c.dial([]string{"192.0.2.50", "192.0.2.51"}[i%2])
			go func() { answers <- s.get("/slow") }()
		}
		synctest.Wait()
		newcomer := c.dial("192.0.2.52")
		for range 3 { // the first one takes the place of a busy connection
			if status := newcomer.get("/"); status != 200 {
				t.Errorf("another host: %d", status)
			}
		}
		served := 0
		for range testLimits.Unknown {
			if <-answers == 200 {
				served++
			}
		}
		if want := testLimits.Unknown - 1; served != want {
			t.Errorf("%d slow ones were served, want %d", served, want)
		}
	})
}

// Authorized connections fill the whole budget of other machines, and no more. This
// machine has its own.
func TestAuthorizedConns(t *testing.T) {
	serveCrowd(t, func(c crowd) {
		var screens []*client
		for range testLimits.Others {
			s := c.dial("192.0.2.8")
			if status := s.get("/", "Key: k"); status != 200 {
				t.Fatalf("screen %d: %d", len(screens), status)
			}
			screens = append(screens, s)
		}
		if status := c.dial("192.0.2.9").get("/"); status != 0 {
			t.Errorf("one too many: %d", status)
		}
		for i := range 2 * testLimits.Local {
			if status := c.dial("127.0.0.1").get("/"); status != 200 {
				t.Errorf("connection %d from this machine: %d", i, status)
			}
		}
		screens[0].Close()
		synctest.Wait()
		if status := c.dial("192.0.2.9").get("/"); status != 200 {
			t.Errorf("after one has gone: %d", status)
		}
	})
}

// A large body is refused on an unknown connection only.
func TestUnknownBody(t *testing.T) {
	serveCrowd(t, func(c crowd) {
		for _, tt := range []struct {
			from, header string
			bytes, want  int
		}{
			{"192.0.2.50", "", 32 << 10, 200},
			{"192.0.2.50", "", 33 << 10, 413},
			{"127.0.0.1", "", 64 << 10, 200},
		} {
			s := c.dial(tt.from)
			head := fmt.Sprintf("POST / HTTP/1.1\r\nHost: box\r\nContent-Length: %d\r\n\r\n", tt.bytes)
			go s.Write(append([]byte(head), bytes.Repeat([]byte("x"), tt.bytes)...))
			resp, err := http.ReadResponse(s.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			n, _ := io.Copy(io.Discard, resp.Body)
			if resp.StatusCode != tt.want || tt.want == 200 && int(n) < tt.bytes {
				t.Errorf("%d bytes from %s: %d, %d bytes", tt.bytes, tt.from, resp.StatusCode, n)
			}
			s.Close()
		}
	})
}

// noBody is a body that does not come until it is closed.
type noBody struct {
	ctx    context.Context
	cancel context.CancelFunc
}

func (b noBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, io.EOF
}

func (b noBody) Close() error {
	b.cancel()
	return nil
}

// The requests of one HTTP/2 connection can't hold many bodies in memory.
func TestUnknownBodies(t *testing.T) {
	serveCrowd(t, func(c crowd) {
		tr := &http.Transport{Protocols: new(http.Protocols), DialContext: func(context.Context, string, string) (net.Conn, error) {
			return c.l.DialFrom(netip.MustParseAddrPort("192.0.2.50:5000")), nil
		}}
		tr.Protocols.SetUnencryptedHTTP2(true)
		defer tr.CloseIdleConnections()
		first, err := http.NewRequestWithContext(c.t.Context(), "GET", "http://box/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := tr.RoundTrip(first) // the others use its connection
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		const requests = 10
		answers := make(chan int, requests)
		for range requests {
			go func() {
				ctx, cancel := context.WithCancel(c.t.Context())
				req, err := http.NewRequest("POST", "http://box/", noBody{ctx, cancel})
				if err != nil {
					t.Error(err)
				}
				resp, err := tr.RoundTrip(req)
				if err != nil {
					answers <- 0
					return
				}
				resp.Body.Close()
				answers <- resp.StatusCode
			}()
		}
		counts := map[int]int{}
		for range requests {
			counts[<-answers]++
		}
		if counts[429] != requests-2 || counts[0] != 2 {
			t.Errorf("answers: %v", counts)
		}
	})
}

// Strangers who speak no TLS do not fill the log. A panic is logged.
func TestErrorLog(t *testing.T) {
	var b bytes.Buffer
	log.SetOutput(&b)
	defer log.SetOutput(os.Stderr)
	var srv http.Server
	httpserve.Watch(&srv)
	srv.ErrorLog.Printf("http: TLS handshake error from %s: %v", "192.0.2.50:5000", io.EOF)
	srv.ErrorLog.Printf("http: panic serving %s", "192.0.2.50:5000")
	if text := b.String(); strings.Contains(text, "handshake") || !strings.Contains(text, "panic") {
		t.Errorf("logged: %s", text)
	}
}
