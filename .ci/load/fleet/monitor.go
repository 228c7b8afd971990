package fleet

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// connectWait bounds the time until the broker has let the monitor in.
const connectWait = 30 * time.Second

// watch connects the operator's client, which is told which boxes are there and what
// they reply.
func (f *Fleet) watch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	conn, err := f.connect(ctx)
	if err != nil {
		return err
	}
	client := paho.NewClient(paho.ClientConfig{Conn: packets.NewThreadSafeConn(conn), PacketTimeout: connectWait,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			f.received(p.Packet)
			return true, nil
		}}})
	// Answers to its pings would be late while this process computes.
	if _, err := client.Connect(ctx, &paho.Connect{ClientID: "monitor-" + rand.Text(), CleanStart: true, KeepAlive: 600,
		Username: f.cfg.User, UsernameFlag: f.cfg.User != "", Password: f.cfg.Password, PasswordFlag: len(f.cfg.Password) > 0}); err != nil {
		conn.Close()
		return fmt.Errorf("the monitor: %w", err)
	}
	f.client = client
	for _, topic := range []string{"availability", "reply"} {
		if _, err := client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "pickerd/+/" + topic, QoS: 1}}}); err != nil {
			return fmt.Errorf("the monitor: %w", err)
		}
	}
	return nil
}

// unwatch closes the monitor's connection.
func (f *Fleet) unwatch() {
	if f.client == nil {
		return
	}
	_ = f.client.Disconnect(&paho.Disconnect{}) // the broker may have gone
	<-f.client.Done()
	f.client = nil
}

// connect opens a connection that is not metered.
func (f *Fleet) connect(ctx context.Context) (net.Conn, error) {
	host, secure := f.cfg.Broker.Host, f.cfg.Broker.Scheme == "mqtts"
	if f.cfg.Broker.Port() == "" {
		host = net.JoinHostPort(host, map[bool]string{false: "1883", true: "8883"}[secure])
	}
	if secure {
		return (&tls.Dialer{Config: f.cfg.TLS}).DialContext(ctx, "tcp", host)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", host)
}

// received takes what a box says. What the broker has kept may be old.
func (f *Fleet) received(p *paho.Publish) {
	id, topic, _ := strings.Cut(strings.TrimPrefix(p.Topic, "pickerd/"), "/")
	box, known := f.index[id]
	switch {
	case !known || p.Retain:
	case topic == "availability" && string(p.Payload) == "online":
		f.online.Load().mark(box)
	case topic == "reply":
		var r struct {
			ID      string
			OK      bool
			Problem json.RawMessage
		}
		asked := f.replied.Load()
		err := json.Unmarshal(p.Payload, &r)
		switch {
		case asked == nil || err == nil && r.ID != "" && r.ID != asked.name: // to an earlier command, which a broker that was killed sends again
		case err != nil || !r.OK:
			asked.fail(fmt.Errorf("box %d replies %s", box, p.Payload))
		case r.ID == asked.name:
			asked.mark(box)
		}
	}
}

// publish publishes a message by the operator's client.
func (f *Fleet) publish(ctx context.Context, topic string, payload []byte, retain bool) error {
	_, err := f.client.Publish(ctx, &paho.Publish{Topic: topic, Payload: payload, QoS: 1, Retain: retain})
	return err
}
