package main

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// A connection ends also if nobody reads what the broker sends.
func TestCloseUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		b := newBroker(ours)
		go io.Copy(io.Discard, theirs)
		go func() {
			theirs.Write([]byte{0x20, 3, 0, 0, 0}) // CONNACK
			for {
				p := packets.NewControlPacket(packets.PUBLISH)
				p.Content.(*packets.Publish).Topic = "pickerd/0a/event"
				if _, err := p.WriteTo(theirs); err != nil {
					return
				}
			}
		}()
		if _, err := b.client.Connect(context.Background(), &paho.Connect{ClientID: b.name, CleanStart: true, KeepAlive: 30}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(b.messages) != cap(b.messages) {
			t.Fatalf("%d messages wait", len(b.messages))
		}
		b.close()
		theirs.Close()
	})
}

// Nobody waits for an answer of a connection that has ended, and is told why it has. A
// broker that names an authentication method harms nobody.
func TestEndedWhileAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		b := newBroker(ours)
		go io.Copy(io.Discard, theirs)
		go func() {
			theirs.Write([]byte{0x20, 7, 0, 0, 4, 0x15, 0, 1, 'x'}) // CONNACK
			time.Sleep(time.Second)
			theirs.Write([]byte{0xe0, 2, 0x8e, 0}) // DISCONNECT: session taken over
		}()
		if _, err := b.client.Connect(t.Context(), &paho.Connect{ClientID: b.name, CleanStart: true, KeepAlive: 30}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for _, ask := range []func() error{
			func() error { return b.subscribe(t.Context(), "a") },
			func() error { return b.publish(t.Context(), message{topic: "a"}) },
		} {
			if err := ask(); err == nil || !strings.Contains(err.Error(), "connection lost: another client") {
				t.Errorf("%v", err)
			}
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("told after %v", took)
		}
		b.close()
		theirs.Close()
	})
}
