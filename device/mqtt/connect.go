package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"pickerd/device"
)

const (
	// keepAlive is how often the connection is checked, in seconds.
	keepAlive = 60
	// connectWait bounds the time until a broker has taken a box in. One that restarts takes
	// the boxes in side by side: if they gave up soon, it would have worked in vain for all.
	connectWait = time.Minute
	// publishWait bounds the time until the broker has a message.
	publishWait = 30 * time.Second
	// goodbye bounds the time for the last message.
	goodbye = time.Second
	// willDelay is how long a box may be gone before the broker publishes so.
	willDelay = 15 * time.Second
	// steady is how long a connection must last for the pause to begin anew. The first try
	// after any comes at any time within spread: when a broker restarts, it loses all
	// boxes at once, and takes in a few hundred a second.
	steady = time.Minute
	spread = 30 * time.Second
	// maxInFlight bounds the messages that the broker sends before the first of them is
	// taken. The client reserves room for them.
	maxInFlight = maxCommands
)

// Payloads of the topic availability.
const (
	online  = "online"
	offline = "offline"
)

// rest returns the pause after the nth try in a row, which has led to a connection that
// has lasted for a while or to none, and the number of the next try.
func rest(n int, lasted time.Duration) (next int, pause time.Duration) {
	if lasted > steady {
		n = 0
	}
	pause = Backoff(n)
	if lasted > 0 {
		pause = max(pause, rand.N(spread))
	}
	return n + 1, pause
}

// A connection is a link to a broker by paho's client, which serves one connection. Its
// package autopaho, which makes them anew, would bring WebSockets along.
type connection struct {
	b        *Bridge
	cancel   context.CancelFunc
	ended    chan struct{}
	sessions tls.ClientSessionCache // for a cheaper handshake, unless the broker has restarted

	mu     sync.Mutex
	client *paho.Client // nil without a connection
	drop   func(error)  // ends the connection for a reason
	how    Parting
}

var errAway = errors.New("no connection")

// errSilent means that the broker has not taken the box in within connectWait, and
// errUnanswered that it has not said for publishWait that it has a message.
var (
	errSilent     = errors.New("the broker does not answer")
	errUnanswered = errors.New("the broker does not acknowledge messages")
)

// connect begins to connect, and goes on until the link is closed.
func connect(ctx context.Context, b *Bridge) link {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // close says goodbye first
	c := &connection{b: b, cancel: cancel, ended: make(chan struct{}), sessions: tls.NewLRUClientSessionCache(1)}
	go func() {
		defer close(c.ended)
		c.keep(ctx)
	}()
	return c
}

// keep connects again and again.
func (c *connection) keep(ctx context.Context) {
	for n := 0; ctx.Err() == nil; {
		up, err := c.serve(ctx)
		if ctx.Err() != nil {
			return
		}
		var pause time.Duration
		n, pause = rest(n, up)
		c.b.tell(device.BrokerStatus{Error: err.Error()})
		c.b.cfg.Log.Warn("broker not connected", "broker", c.b.cfg.Broker.Host, "err", err, "again_in", pause.Round(time.Second))
		Pause(ctx, pause)
	}
}

// serve connects, and waits until the connection ends. up is how long it has lasted.
func (c *connection) serve(ctx context.Context) (up time.Duration, err error) {
	hello, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	defer func() {
		if up == 0 && ctx.Err() == nil && (errors.Is(err, context.DeadlineExceeded) || hello.Err() == context.DeadlineExceeded) {
			err = errSilent
		}
	}()
	conn, err := c.dial(hello)
	if err != nil {
		return 0, err
	}
	failure := make(chan error, 1)
	fail := func(err error) {
		select {
		case failure <- err:
		default:
		}
		cancel() // the client waits for answers also when none can come
	}
	client := paho.NewClient(paho.ClientConfig{
		ClientID: c.b.cfg.ID,
		Conn:     &packetConn{Conn: &boundedConn{Conn: conn}},
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			c.b.received(message{topic: p.Packet.Topic, payload: p.Packet.Payload, retain: p.Packet.Retain})
			return true, nil
		}},
		PacketTimeout:      connectWait,
		AuthHandler:        NoAuth{},
		OnClientError:      fail,
		OnServerDisconnect: func(d *paho.Disconnect) { fail(Disconnection(d.ReasonCode)) },
	})
	ack, err := client.Connect(hello, c.b.hello())
	if err != nil {
		conn.Close()
		if ack != nil && ack.ReasonCode != 0 {
			return 0, Refusal(ack.ReasonCode)
		}
		return 0, err
	}
	defer c.disconnect(client, conn)
	if err := c.greet(hello, client); err != nil {
		select {
		case why := <-failure:
			return 0, why
		default:
			return 0, err
		}
	}
	c.set(client, func(err error) {
		fail(err)
		conn.Close()
	})
	began := time.Now()
	c.b.connected()
	select {
	case err = <-failure: // the client says it for each connection that is lost
	case <-ctx.Done():
		err = ctx.Err()
	}
	c.b.lost()
	c.set(nil, nil)
	return time.Since(began), err
}

// disconnect ends a connection, if that has not happened yet.
func (c *connection) disconnect(client *paho.Client, conn net.Conn) {
	c.mu.Lock()
	how := c.how
	c.mu.Unlock()
	var last paho.Disconnect
	switch how {
	case Returning:
		conn.Close()
	case Gone:
		last.Properties = &paho.DisconnectProperties{SessionExpiryInterval: new(uint32)}
	}
	_ = conn.SetDeadline(time.Now().Add(goodbye)) // one that is closed has none
	client.Disconnect(&last)                      // ends its goroutines
	<-client.Done()
}

// hello returns the packet by which a box introduces itself.
func (b *Bridge) hello() *paho.Connect {
	user := b.cfg.Broker.User // methods of nil return nothing
	password, _ := user.Password()
	maxPacket, inFlight, expiry := uint32(maxPacketSize), uint16(maxInFlight), uint32(b.cfg.Expiry/time.Second)
	delay := uint32(willDelay / time.Second)
	return &paho.Connect{
		ClientID:       b.cfg.ID,
		KeepAlive:      keepAlive,
		Username:       user.Username(),
		UsernameFlag:   user.Username() != "",
		Password:       []byte(password),
		PasswordFlag:   password != "",
		WillMessage:    &paho.WillMessage{Topic: b.topic("availability"), Payload: []byte(offline), QoS: 1, Retain: true},
		WillProperties: &paho.WillProperties{WillDelayInterval: &delay},
		Properties:     &paho.ConnectProperties{SessionExpiryInterval: &expiry, MaximumPacketSize: &maxPacket, ReceiveMaximum: &inFlight},
	}
}

// dial opens the connection.
func (c *connection) dial(ctx context.Context) (net.Conn, error) {
	u, open := c.b.cfg.Broker, c.b.cfg.Dial
	if open == nil {
		open = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true}}).DialContext
	}
	if u.Scheme != "mqtts" {
		return open(ctx, "tcp", Address(u))
	}
	secure, err := c.b.cfg.TLS()
	if err != nil {
		return nil, err
	}
	conn, err := open(ctx, "tcp", Address(u))
	if err != nil {
		return nil, err
	}
	secure = secure.Clone()
	secure.ServerName, secure.ClientSessionCache = u.Hostname(), c.sessions
	s := tls.Client(conn, secure)
	if err := s.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// greet subscribes to the commands and says that the box is there.
func (c *connection) greet(ctx context.Context, client *paho.Client) error {
	topics := []string{c.b.topic("command")}
	if c.b.cfg.Operator != nil && c.b.cfg.SetGroup != nil {
		for _, g := range c.b.cfg.Groups {
			topics = append(topics, groupTopic(g))
		}
	}
	for _, topic := range topics {
		if _, err := client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1, RetainAsPublished: true}}}); err != nil {
			c.b.cfg.Log.Warn("not subscribed: check the broker's access rules", "topic", topic, "err", err)
		}
	}
	if err := publish(ctx, client, message{topic: c.b.topic("availability"), payload: []byte(online), retain: true}); err != nil {
		return fmt.Errorf("publish %s: %w", c.b.topic("availability"), err)
	}
	return nil
}

func (c *connection) set(client *paho.Client, drop func(error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.client, c.drop = client, drop
}

// publish implements link. A broker that does not answer is left: paho's client keeps
// each message that has no answer.
func (c *connection) publish(ctx context.Context, m message) error {
	c.mu.Lock()
	client, drop := c.client, c.drop
	c.mu.Unlock()
	if client == nil {
		return errAway
	}
	err := publish(ctx, client, m)
	if err == errUnanswered {
		drop(err)
	}
	return err
}

// publish returns errUnanswered after publishWait.
func publish(ctx context.Context, client *paho.Client, m message) error {
	wait, cancel := context.WithTimeout(ctx, publishWait)
	defer cancel()
	ack, err := client.Publish(wait, &paho.Publish{Topic: m.topic, Payload: m.payload, QoS: 1, Retain: m.retain})
	switch {
	case ack != nil && ack.ReasonCode >= 0x80:
		return &refusedError{ack.ReasonCode}
	case err != nil && wait.Err() != nil && ctx.Err() == nil:
		return errUnanswered
	}
	return err
}

// close implements link.
func (c *connection) close(last []message, how Parting) {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye*time.Duration(max(1, len(last))))
	defer cancel()
	for _, m := range last {
		if c.publish(ctx, m) != nil {
			break
		}
	}
	c.mu.Lock()
	c.how = how
	c.mu.Unlock()
	c.cancel()
	<-c.ended
}
