package mqtt

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"pickerd/device"
	"pickerd/display"
)

// packet is the beginning of a packet of MQTT: a type, and the length of what follows in
// digits of seven bits.
func packet(kind byte, length int, content ...byte) []byte {
	p := []byte{kind}
	for {
		digit := byte(length & 0x7f)
		if length >>= 7; length == 0 {
			return append(append(p, digit), content...)
		}
		p = append(p, digit|0x80)
	}
}

// chunks is a connection from which data comes in pieces.
type chunks struct {
	net.Conn
	data []byte
	size int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.size)], c.data)
	c.data = c.data[n:]
	return n, nil
}

// A packet that claims to be too large ends the connection at its header, wherever reads
// begin and end. What comes before is passed on unchanged.
func TestBoundedConn(t *testing.T) {
	small := append(packet(0xd0, 0), packet(0x30, 300, make([]byte, 300)...)...)
	largest := packet(0x30, maxPacketSize, make([]byte, maxPacketSize)...)
	for name, tt := range map[string]struct {
		data []byte
		want error
	}{
		"small":             {small, nil},
		"largest":           {append(largest, small...), nil},
		"too large":         {append(append([]byte{}, small...), packet(0x30, maxPacketSize+1)...), errTooLarge},
		"largest of MQTT":   {packet(0x30, 268_435_455), errTooLarge},
		"endless length":    {bytes.Repeat([]byte{0x80}, 10), errTooLarge},
		"nothing but zeros": {make([]byte, 100), nil},
	} {
		for _, size := range []int{1, 2, 7, 1 << 20} {
			got, err := io.ReadAll(&boundedConn{Conn: &chunks{data: tt.data, size: size}})
			if !errors.Is(err, tt.want) || tt.want == nil && !bytes.Equal(got, tt.data) {
				t.Errorf("%s, %d bytes a time: %d bytes, %v, want %v", name, size, len(got), err, tt.want)
			}
		}
	}
}

func FuzzBoundedConn(f *testing.F) {
	f.Add(packet(0x20, 3, 0, 0, 0), 1)
	f.Add(packet(0x30, maxPacketSize+1), 2)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		got, err := io.ReadAll(&boundedConn{Conn: &chunks{data: data, size: max(1, size)}})
		if !bytes.HasPrefix(data, got) || err == nil && len(got) != len(data) {
			t.Errorf("%d of %d bytes, %v", len(got), len(data), err)
		}
	})
}

// talkTo starts a bridge whose brokers all do the same, in the bubble of a test. tries
// counts its connections.
func talkTo(t *testing.T, serve func(net.Conn), change ...func(*Config)) (b *Bridge, tries *atomic.Int32, stop func()) {
	t.Helper()
	var board display.Board[device.Status]
	broker, err := url.Parse("mqtt://broker.test")
	if err != nil {
		t.Fatal(err)
	}
	tries = &atomic.Int32{}
	dial := func(context.Context, string, string) (net.Conn, error) {
		tries.Add(1)
		ours, theirs := net.Pipe()
		go serve(theirs)
		return ours, nil
	}
	cfg := Config{Broker: broker, Dial: dial, ID: "0123456789abcdef", Base: "b", Statuses: &board, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	b = New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	return b, tries, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != context.Canceled {
			t.Error(err)
		}
	}
}

// say is a broker that answers the same whatever it is told.
func say(answer []byte) func(net.Conn) {
	return func(c net.Conn) {
		go io.Copy(io.Discard, c)
		c.Write(answer)
	}
}

// take is a broker that takes a box in, and some messages. Then it says something, and
// takes nothing any more.
func take(messages int, then []byte) func(net.Conn) {
	return func(c net.Conn) {
		for left := messages; ; {
			p, err := packets.ReadPacket(c)
			if err != nil {
				return
			}
			switch p := p.Content.(type) {
			case *packets.Connect:
				c.Write(connack)
			case *packets.Subscribe:
				c.Write(packet(0x90, 4, byte(p.PacketID>>8), byte(p.PacketID), 0, 1))
			case *packets.Pingreq:
				c.Write(packet(0xd0, 0))
			case *packets.Publish:
				if left--; left >= 0 {
					c.Write(packet(0x40, 2, byte(p.PacketID>>8), byte(p.PacketID)))
				}
				if left == 0 {
					c.Write(then)
				}
			}
		}
	}
}

// connack takes a box in.
var connack = packet(0x20, 3, 0, 0, 0)

// A box goes on through brokers that answer nonsense, too much or nothing, and leaves no
// goroutine and no connection of theirs behind.
func TestBadBrokers(t *testing.T) {
	for name, answer := range map[string][]byte{
		"nonsense":           []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"zeros":              make([]byte, 1000),
		"refused":            packet(0x20, 3, 0, 0x87, 0),
		"half a packet":      {0x20, 3, 0},
		"too large":          packet(0x30, maxPacketSize+1),
		"taken in, nonsense": slices.Concat(connack, bytes.Repeat([]byte{0xff}, 100)),
		"taken in, silent":   connack,
		"silent":             {},
		"disconnected":       slices.Concat(connack, packet(0xe0, 2, 0x8b, 0)),
		"names a method":     packet(0x20, 7, 0, 0, 4, 0x15, 0, 1, 'x'),
		"asks for a method":  slices.Concat(packet(0xf0, 6, 0x18, 4, 0x15, 0, 1, 'x'), connack, packet(0xf0, 6, 0x18, 4, 0x15, 0, 1, 'x')),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, tries, stop := talkTo(t, say(answer))
				time.Sleep(20 * time.Minute)
				if n := tries.Load(); n < 5 || n > 40 {
					t.Errorf("%d tries in 20 minutes", n)
				}
				before := runtime.NumGoroutine()
				time.Sleep(time.Hour)
				synctest.Wait()
				if n := runtime.NumGoroutine(); n > before+10 {
					t.Errorf("%d goroutines, %d an hour before", n, before)
				}
				if s := b.Broker().Get(); s.Address != "broker.test:1883" || s.Since.IsZero() == (s.Error == "") || strings.Contains(s.Error, "deadline") {
					t.Errorf("told %+v", s)
				}
				stop()
			})
		})
	}
}

// It is told why a broker ended the connection, and one that takes no more messages is
// left.
func TestLeavingBrokers(t *testing.T) {
	for want, serve := range map[string]func(net.Conn){
		"another client has connected with the same ID":   take(1, packet(0xe0, 2, 0x8e, 0)),
		"the broker ends the connection with reason 0x97": take(2, packet(0xe0, 2, 0x97, 0)),
		"the broker ends the connection with reason 0x87": say(slices.Concat(connack, packet(0xe0, 2, 0x87, 0))), // as some do that forbid a topic
		errUnanswered.Error():                             take(1, nil),
	} {
		t.Run(want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, tries, stop := talkTo(t, serve)
				var errs []string
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				for s := range b.Broker().Watch(ctx) {
					if s.Error != "" {
						errs = append(errs, s.Error)
					}
				}
				if n := int(tries.Load()); len(errs) < 3 || n < len(errs) || n > len(errs)+1 || slices.ContainsFunc(errs, func(s string) bool { return s != want }) {
					t.Errorf("%d tries: %q", n, errs)
				}
				stop()
			})
		})
	}
}

// Certificates are read for each connection: a box goes on when they have been mended.
func TestCertificates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		missing := errors.New("missing")
		var reads atomic.Int32
		b, tries, stop := talkTo(t, say(nil), func(c *Config) {
			c.Broker.Scheme = "mqtts"
			c.TLS = func() (*tls.Config, error) {
				if reads.Add(1) <= 3 {
					return nil, missing
				}
				return &tls.Config{}, nil
			}
		})
		defer stop()
		time.Sleep(time.Second / 2)
		if s := b.Broker().Get(); s.Error != missing.Error() || tries.Load() > 0 {
			t.Errorf("%+v, %d tries to connect", s, tries.Load())
		}
		time.Sleep(time.Minute)
		if reads.Load() != 4 || tries.Load() != 1 {
			t.Errorf("read %d times, %d tries to connect", reads.Load(), tries.Load())
		}
	})
}

// Whatever a broker answers, the box lives.
func FuzzBroker(f *testing.F) {
	for _, answer := range [][]byte{
		connack,
		slices.Concat(connack, packet(0x90, 4, 0, 1, 0, 1), packet(0x40, 4, 0, 2, 0, 0), packet(0x30, 8, 0, 3, 'b', '/', 'c', 0, '{', '}'), packet(0xd0, 0), packet(0xe0, 2, 0x8b, 0)),
		slices.Concat(connack, packet(0x32, 12, 0, 9, 'b', '/', 'c', 'o', 'm', 'm', 'a', 'n', 'd', 0, 1, 0), packet(0x50, 4, 0, 1, 0, 0), packet(0x62, 4, 0, 1, 0, 0), packet(0x70, 4, 0, 1, 0, 0), packet(0xb0, 4, 0, 1, 0, 0)),
		packet(0x20, 7, 0, 0, 4, 0x15, 0, 1, 'x'),
		packet(0xf0, 6, 0x18, 4, 0x15, 0, 1, 'x'),
	} {
		f.Add(answer)
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		synctest.Test(t, func(t *testing.T) {
			_, _, stop := talkTo(t, say(answer))
			time.Sleep(3 * time.Minute)
			stop()
		})
	})
}
