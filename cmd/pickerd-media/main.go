// Command pickerd-media decodes one photo, or plays one film, for pickerd. systemd starts
// it for each connection to pickerd-media.socket, in a sandbox without rights
// (pickerd-media@.service). It runs the tools that know the format: ffmpeg, jpegtran,
// libheif's or djxl.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"time"

	"pickerd/display/film"
	"pickerd/display/photo/outside"
)

const (
	// maxTime bounds the decoding of a file, and maxAnswer the answer after that. Together
	// they are less than RuntimeMaxSec= of the unit, so that the daemon gets an answer.
	maxTime   = 27 * time.Second
	maxAnswer = 2 * time.Second
	// maxHeap is a soft limit for the memory of this process. MemoryMax= of the unit is
	// for the tools too.
	maxHeap = 200 << 20
)

func main() {
	debug.SetMemoryLimit(maxHeap)
	if err := serve(os.Stdin, newTools("/usr/bin", os.TempDir()), maxTime); err != nil {
		fmt.Fprintln(os.Stderr, "pickerd-media:", err)
		os.Exit(1)
	}
}

// serve answers the request of the connection that stdin is, after at most limit and
// maxAnswer. It returns nil if the daemon left meanwhile.
func serve(stdin *os.File, t *tools, limit time.Duration) error {
	conn, err := net.FileConn(stdin)
	if err != nil {
		return fmt.Errorf("standard input is no socket: %w", err)
	}
	defer conn.Close()
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return errors.New("standard input is no unix socket")
	}
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	m, err := outside.ReceiveMessage(c)
	if err != nil {
		return err
	}
	defer m.Close()
	if film.IsOrder(m) {
		return t.serveFilm(c, m)
	}
	if film.IsProbe(m) {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		return t.abilities(ctx).Send(c)
	}
	req, err := m.Request()
	if err != nil {
		return err
	}
	return t.serveStill(c, req, limit)
}

// serveStill answers with a picture.
func (t *tools) serveStill(c *net.UnixConn, req outside.Request, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := c.SetDeadline(time.Now().Add(limit + maxAnswer)); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.Read(make([]byte, 1)) // returns when the daemon has left, or this function
		cancel()
	}()
	defer func() { c.Close(); <-ended }()
	m, err := t.decode(ctx, req)
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	if err == nil {
		return outside.Send(c, m)
	}
	return errors.Join(err, outside.Refuse(c, reason(err)))
}

// serveFilm plays a film.
func (t *tools) serveFilm(c *net.UnixConn, m outside.Message) error {
	o, err := film.ParseOrder(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxFilm)
	defer cancel()
	if err := c.SetDeadline(time.Time{}); err != nil {
		return err
	}
	err = t.playFilm(ctx, c, o)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil: // the film took too long
		return send(c, film.Answer{Word: film.WordEnd})
	case errors.Is(err, errLeft):
		return nil
	}
	return errors.Join(err, send(c, film.Answer{Word: film.WordFail, Value: uint32(reason(err))}))
}

// send sends an answer.
func send(c *net.UnixConn, a film.Answer) error {
	c.SetWriteDeadline(time.Now().Add(maxAnswer))
	_, err := c.Write(a.Append(nil))
	return err
}

// reason returns the reason that an error wraps.
func reason(err error) outside.Reason {
	why, ok := errors.AsType[outside.Reason](err)
	if !ok {
		why = outside.ToolFailed
	}
	return why
}
