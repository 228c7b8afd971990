package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"pickerd/cmd/command"
	"pickerd/device/mqtt"
)

const (
	// connectWait bounds the time until the broker has accepted a connection.
	connectWait = 15 * time.Second
	// answerWait bounds the time until the broker has answered a request. The answer comes
	// behind all that the broker has sent before it.
	answerWait = time.Minute
	// maxPayload bounds a message in bytes, as boxes do. maxPacket has room for its topic.
	maxPayload = 64 << 10
	maxPacket  = maxPayload + 1024
	// maxInFlight is how many messages the broker sends before the first is acknowledged.
	// Mosquitto sends as many retained messages as that, and drops those beyond its
	// max_queued_messages.
	maxInFlight = math.MaxUint16
)

// An access says how a broker is reached.
type access struct{ url, user, password, ca, cert, key, base string }

// A message is published or received.
type message struct {
	topic   string
	payload []byte
	retain  bool
	expiry  time.Duration // how long the broker keeps it for a box that is away; 0 for ever
}

// A link is a connection to a broker.
type link interface {
	id() string // of the client
	subscribe(ctx context.Context, topic string) error
	publish(ctx context.Context, m message) error
	received() <-chan message
	// lost receives the reason when the connection has ended.
	lost() <-chan error
	close()
}

// A broker is a link by paho's client.
type broker struct {
	client   *paho.Client
	name     string
	messages chan message
	failure  chan error
	alive    context.Context         // until the connection ends for a cause
	end      context.CancelCauseFunc // of alive
	closing  chan struct{}           // closed when nobody reads any more
}

// check returns the broker's address. Errors are those of the command line.
func (a access) check() (*url.URL, error) {
	if a.url == "" {
		return nil, &command.UsageError{Msg: "no broker is given", Hint: "--broker mqtts://broker.example, or PICKERD_FLEET_BROKER"}
	}
	u, err := url.Parse(a.url)
	if err != nil || u.Scheme != "mqtt" && u.Scheme != "mqtts" || u.Hostname() == "" {
		return nil, &command.UsageError{Msg: "the broker's address is not valid", Hint: "write mqtts://broker.example, or mqtt: for one without TLS"}
	}
	if u.User != nil {
		return nil, &command.UsageError{Msg: "the broker's address has a user", Hint: "use --user and PICKERD_FLEET_PASSWORD"}
	}
	if (a.cert == "") != (a.key == "") {
		return nil, &command.UsageError{Msg: "a client certificate needs both --cert and --key"}
	}
	if strings.ContainsAny(a.base, "+#") {
		return nil, &command.UsageError{Msg: fmt.Sprintf("--base %q is not the beginning of topics", a.base)}
	}
	return u, nil
}

// dial connects to the broker.
func dial(ctx context.Context, a access) (link, error) {
	u, err := a.check()
	if err != nil {
		return nil, err
	}
	c, err := mqtt.TLS(a.ca, a.cert, a.key)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	conn, err := open(ctx, u, c)
	if err != nil {
		return nil, unreachable(u, err)
	}
	b := newBroker(conn)
	size, inFlight := uint32(maxPacket), uint16(maxInFlight)
	ack, err := b.client.Connect(ctx, &paho.Connect{
		ClientID:     b.name,
		CleanStart:   true,
		KeepAlive:    30,
		Username:     a.user,
		UsernameFlag: a.user != "",
		Password:     []byte(a.password),
		PasswordFlag: a.password != "",
		Properties:   &paho.ConnectProperties{MaximumPacketSize: &size, ReceiveMaximum: &inFlight},
	})
	if err != nil {
		conn.Close()
		if ack != nil && ack.ReasonCode != 0 {
			err = mqtt.Refusal(ack.ReasonCode)
		}
		return nil, unreachable(u, err)
	}
	return b, nil
}

// newBroker returns a broker at the end of a network connection.
func newBroker(conn net.Conn) *broker {
	b := &broker{name: "pickerd-fleet-" + rand.Text()[:10], messages: make(chan message, 1024), failure: make(chan error, 1), closing: make(chan struct{})}
	b.alive, b.end = context.WithCancelCause(context.Background())
	b.client = paho.NewClient(paho.ClientConfig{
		ClientID:          b.name,
		Conn:              packets.NewThreadSafeConn(conn),
		PacketTimeout:     answerWait,
		AuthHandler:       mqtt.NoAuth{},
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){b.take},
		OnClientError:     b.ended,
		OnServerDisconnect: func(d *paho.Disconnect) {
			b.ended(mqtt.Disconnection(d.ReasonCode))
		},
	})
	return b
}

func unreachable(u *url.URL, err error) error {
	return command.Hint(fmt.Errorf("broker %s: %w", u.Host, err), "check --broker, --user, "+envPrefix+"PASSWORD, --ca and the broker's access rules", command.Unreachable)
}

// open opens the network connection, with c for mqtts.
func open(ctx context.Context, u *url.URL, c *tls.Config) (net.Conn, error) {
	if u.Scheme == "mqtt" {
		return new(net.Dialer).DialContext(ctx, "tcp", mqtt.Address(u))
	}
	return (&tls.Dialer{Config: c}).DialContext(ctx, "tcp", mqtt.Address(u))
}

// take passes a message on.
func (b *broker) take(p paho.PublishReceived) (bool, error) {
	select {
	case b.messages <- message{topic: p.Packet.Topic, payload: p.Packet.Payload, retain: p.Packet.Retain}:
	case <-b.closing: // the client waits for this function before it is done
	}
	return true, nil
}

func (b *broker) ended(err error) {
	select {
	case b.failure <- err:
	default:
	}
	b.end(err)
}

// call makes a call of paho's client, which waits for an answer also when the connection
// has ended and none can come.
func (b *broker) call(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(b.alive, cancel)()
	err := f(ctx)
	if why := context.Cause(b.alive); err != nil && why != nil {
		return fmt.Errorf("connection lost: %w", why)
	}
	return err
}

func (b *broker) id() string               { return b.name }
func (b *broker) received() <-chan message { return b.messages }
func (b *broker) lost() <-chan error       { return b.failure }

func (b *broker) close() {
	close(b.closing)
	_ = b.client.Disconnect(&paho.Disconnect{}) // the broker may have gone
	<-b.client.Done()
}

func (b *broker) subscribe(ctx context.Context, topic string) error {
	err := b.call(ctx, func(ctx context.Context) error {
		_, err := b.client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}})
		return err
	})
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", topic, err)
	}
	return nil
}

func (b *broker) publish(ctx context.Context, m message) error {
	p := &paho.Publish{Topic: m.topic, Payload: m.payload, QoS: 1, Retain: m.retain}
	if m.expiry > 0 {
		seconds := uint32(math.Ceil(m.expiry.Seconds()))
		p.Properties = &paho.PublishProperties{MessageExpiry: &seconds}
	}
	err := b.call(ctx, func(ctx context.Context) error {
		_, err := b.client.Publish(ctx, p)
		return err
	})
	if err != nil {
		return fmt.Errorf("publish to %s: %w", m.topic, err)
	}
	return nil
}
