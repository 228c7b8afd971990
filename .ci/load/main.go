// Command load polls a gateway as many boxes do: one connection and one device_code
// for each. It reports the times of the answers, and the processor time and memory of
// itself and of the gateway.
//
// With http it stands in the place of a proxy, with https each box has a connection of
// its own to the gateway. Each box has an address in X-Forwarded-For. The
// gateway must have the generator's address in trusted_proxies, and max_pending above
// the number of boxes.
//
//	go run . --gateway http://127.0.0.1:8430 --boxes 10000 --pid $(pidof pickerd-gateway)
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"pickerd/.ci/load/usage"
)

// options are the flags.
type options struct {
	gateway  *url.URL
	client   string
	boxes    int
	interval time.Duration
	duration time.Duration
	pid      int
}

func main() {
	var o options
	var gateway string
	flag.StringVar(&gateway, "gateway", "http://127.0.0.1:8430", "`address` of the gateway; SSL_CERT_FILE names a file with its certificate")
	flag.StringVar(&o.client, "client", "pickerd", "client_id of the boxes")
	flag.IntVar(&o.boxes, "boxes", 10_000, "`number` of boxes")
	flag.DurationVar(&o.interval, "interval", 5*time.Second, "time between polls of a box")
	flag.DurationVar(&o.duration, "duration", time.Minute, "how long to measure, after every box has its code")
	flag.IntVar(&o.pid, "pid", 0, "process of the gateway, to read its memory and processor time")
	flag.Parse()
	var err error
	if o.gateway, err = url.Parse(gateway); err != nil || o.gateway.Scheme != "http" && o.gateway.Scheme != "https" || o.gateway.Host == "" {
		fmt.Fprintln(os.Stderr, "load: --gateway is not an http or https address")
		os.Exit(64)
	}
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// A box has a connection and a device_code.
type box struct {
	o      *options
	addr   string // in X-Forwarded-For
	conn   net.Conn
	in     *bufio.Reader
	device string
}

// maxAnswer bounds how long a box waits for an answer.
const maxAnswer = 10 * time.Second

// ask sends a form and returns the status and the members of the answer.
func (b *box) ask(path string, form url.Values) (int, map[string]any, error) {
	if b.conn == nil {
		host := b.o.gateway.Host
		if b.o.gateway.Port() == "" {
			host += ":" + b.o.gateway.Scheme // a port has that name
		}
		c, err := dial(b.o.gateway.Scheme, host)
		if err != nil {
			return 0, nil, err
		}
		b.conn, b.in = c, bufio.NewReaderSize(c, 4<<10)
	}
	if err := b.conn.SetDeadline(time.Now().Add(maxAnswer)); err != nil {
		return 0, nil, err
	}
	body := form.Encode()
	_, err := fmt.Fprintf(b.conn, "POST %s HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", path, b.o.gateway.Host, b.addr, len(body), body)
	if err != nil {
		return 0, nil, b.drop(err)
	}
	resp, err := http.ReadResponse(b.in, nil)
	if err != nil {
		return 0, nil, b.drop(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, b.drop(err)
	}
	var answer map[string]any
	err = json.Unmarshal(text, &answer)
	if resp.Close {
		_ = b.drop(nil)
	}
	return resp.StatusCode, answer, err
}

func dial(scheme, host string) (net.Conn, error) {
	d := &net.Dialer{Timeout: maxAnswer}
	if scheme == "https" {
		return tls.DialWithDialer(d, "tcp", host, nil)
	}
	return d.Dial("tcp", host)
}

// drop closes the connection. The next request opens another.
func (b *box) drop(err error) error {
	if b.conn != nil {
		b.conn.Close()
		b.conn = nil
	}
	return err
}

// pair asks for a code.
func (b *box) pair() error {
	status, answer, err := b.ask("/device/code", url.Values{"client_id": {b.o.client}, "scope": {"https://www.googleapis.com/auth/photospicker.mediaitems.readonly"}})
	if err != nil {
		return err
	}
	device, ok := answer["device_code"].(string)
	if !ok {
		return fmt.Errorf("device/code: %d %v", status, answer["error"])
	}
	b.device = device
	return nil
}

// A tally has the results of polls.
type tally struct {
	mu     sync.Mutex
	times  []time.Duration
	errors map[string]int
}

func (t *tally) add(took time.Duration, problem string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if problem != "" {
		t.errors[problem]++
		return
	}
	t.times = append(t.times, took)
}

// poll polls until ctx ends.
func (b *box) poll(ctx context.Context, t *tally) {
	wait := time.NewTimer(rand.N(b.o.interval)) // boxes are not in step
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		wait.Reset(b.o.interval)
		began := time.Now()
		_, answer, err := b.ask("/token", url.Values{"client_id": {b.o.client}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {b.device}})
		problem := ""
		switch code, _ := answer["error"].(string); {
		case err != nil:
			problem = "no answer"
			if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
				problem = "timeout"
			}
		case code != "authorization_pending":
			problem = code
		}
		t.add(time.Since(began), problem)
	}
}

func run(ctx context.Context, o options) error {
	boxes := make([]*box, o.boxes)
	began := time.Now()
	if err := pairAll(&o, boxes); err != nil {
		return err
	}
	took := time.Since(began)
	fmt.Printf("codes        %d in %v, %.0f a second\n", o.boxes, took.Round(time.Millisecond), float64(o.boxes)/took.Seconds())

	t := &tally{errors: map[string]int{}}
	ctx, cancel := context.WithTimeout(ctx, o.duration)
	defer cancel()
	own, theirs := usage.Of(os.Getpid()), usage.Of(o.pid)
	began = time.Now()
	var all sync.WaitGroup
	for _, b := range boxes {
		all.Go(func() { b.poll(ctx, t) })
	}
	all.Wait()
	took = time.Since(began)
	report(t, took)
	usage.Of(os.Getpid()).Print(os.Stdout, "generator", own, took)
	if o.pid != 0 {
		usage.Of(o.pid).Print(os.Stdout, "gateway", theirs, took)
	}
	for _, b := range boxes {
		_ = b.drop(nil)
	}
	return nil
}

// maxPairing is how many boxes ask for a code at a time.
const maxPairing = 64

// pairAll makes the boxes, and gets a code for each.
func pairAll(o *options, boxes []*box) error {
	next := make(chan int)
	failures := make(chan error, maxPairing)
	var all sync.WaitGroup
	for range maxPairing {
		all.Go(func() {
			for i := range next {
				boxes[i] = &box{o: o, addr: fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255)}
				if err := boxes[i].pair(); err != nil {
					select {
					case failures <- err:
					default:
					}
				}
			}
		})
	}
	for i := range boxes {
		next <- i
	}
	close(next)
	all.Wait()
	select {
	case err := <-failures:
		return err
	default:
		return nil
	}
}

func report(t *tally, took time.Duration) {
	slices.Sort(t.times)
	n := len(t.times)
	fmt.Printf("polls        %d in %v, %.0f a second\n", n, took.Round(time.Millisecond), float64(n)/took.Seconds())
	if n > 0 {
		fmt.Printf("times        p50 %v, p99 %v, longest %v\n", t.times[n/2], t.times[n*99/100], t.times[n-1])
	}
	fmt.Printf("errors       %v\n", t.errors)
}
