package film

import (
	"context"
	"net"
	"time"

	"pickerd/display/photo/outside"
)

var ReadAnswer = readAnswer

// Message returns an order as the service receives it.
func (o Order) Message() outside.Message {
	return outside.Message{Text: o.append(nil), Files: nil}
}

// Unconnected returns a film without a service, whose answers come from frames.
func Unconnected(frames chan Answer) *Film {
	return &Film{conn: new(net.UnixConn), frames: frames, ended: make(chan struct{})}
}

// Wait waits for the next frame.
func (f *Film) Wait(ctx context.Context, limit time.Duration) error {
	_, err := f.wait(ctx, limit)
	return err
}
