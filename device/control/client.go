package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"pickerd/device"
)

// ErrUnreachable means that no daemon listens on the socket.
var ErrUnreachable = errors.New("no pickerd is running there")

// A Client talks to the daemon behind a control socket.
type Client struct {
	socket string
	http   *http.Client
}

// NewClient returns a Client for the socket at path.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return &Client{path, &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// Status returns what the daemon is doing.
func (c *Client) Status(ctx context.Context) (*device.Status, error) {
	return call[device.Status](ctx, c, http.MethodGet, "/v1/status")
}

// Pick asks for a new pick. A *Problem with status 409 means that one is under way.
func (c *Client) Pick(ctx context.Context) (*device.Status, error) {
	return call[device.Status](ctx, c, http.MethodPost, "/v1/picks")
}

// Cancel ends the pick under way. A *Problem with status 404 means that there is none.
func (c *Client) Cancel(ctx context.Context) (*device.Status, error) {
	return call[device.Status](ctx, c, http.MethodDelete, "/v1/picks/current")
}

// Unpair forgets the person on this box, with everywhere at the server too. The
// status says how many sessions are still to be deleted.
func (c *Client) Unpair(ctx context.Context, everywhere bool) (*device.Status, error) {
	path := "/v1/account"
	if everywhere {
		path += "?everywhere=true"
	}
	return call[device.Status](ctx, c, http.MethodDelete, path)
}

// Sessions returns the picking sessions that are not known to be deleted.
func (c *Client) Sessions(ctx context.Context) ([]device.Session, error) {
	list, err := call[sessionList](ctx, c, http.MethodGet, "/v1/sessions")
	if err != nil {
		return nil, err
	}
	return list.Sessions, nil
}

// Items returns the photos and videos that are here.
func (c *Client) Items(ctx context.Context) ([]device.Item, error) {
	list, err := call[itemList](ctx, c, http.MethodGet, "/v1/items")
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Error makes a Problem an error.
func (p *Problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

const maxAnswer = 16 << 20 // two thousand items have about 1 MB

func call[T any](ctx context.Context, c *Client, method, path string) (*T, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://pickerd"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, c.socket, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the daemon's answer: %w", err)
	}
	if resp.StatusCode >= 400 {
		p := &Problem{Status: resp.StatusCode, Title: resp.Status}
		if err := json.Unmarshal(data, p); err != nil {
			return nil, fmt.Errorf("the daemon answers HTTP %d", resp.StatusCode)
		}
		return nil, p
	}
	out := new(T)
	if err := json.Unmarshal(data, out); err != nil {
		return nil, fmt.Errorf("the daemon's answer can't be read: %w", err)
	}
	return out, nil
}
