package main

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"

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
