package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"

	"pickerd/device"
)

// ErrUnreachable means that no daemon listens on the socket.
var ErrUnreachable = errors.New("no pickerd is running there")

// ErrForbidden means that this user may not use the socket.
var ErrForbidden = errors.New("only root and the group pickerd may ask the daemon")

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
	return call[device.Status](ctx, c, http.MethodGet, "/v1/status", nil)
}

// Pick starts a pick for an account by its ID, or for device.NewAccount. With "" it is
// for the only account, or the screen asks if there are several. The photos are for a
// collection by its ID or name, which may be new; "" is the default one. A *Problem with
// status 409 means that a pick is under way, 404 that there is no such account.
func (c *Client) Pick(ctx context.Context, account, collection string) (*device.Status, error) {
	return call[device.Status](ctx, c, http.MethodPost, "/v1/picks"+query("account", account), pickBody(collection))
}

// Cancel ends the pick under way. A *Problem with status 404 means that there is none.
func (c *Client) Cancel(ctx context.Context) (*device.Status, error) {
	return call[device.Status](ctx, c, http.MethodDelete, "/v1/picks/current", nil)
}

// Unpair forgets an account on this box by its ID, or all accounts with "". With
// everywhere it revokes the permission at the server too. The status says how many
// sessions are still to be deleted.
func (c *Client) Unpair(ctx context.Context, account string, everywhere bool) (*device.Status, error) {
	value := ""
	if everywhere {
		value = "true"
	}
	return call[device.Status](ctx, c, http.MethodDelete, "/v1/account"+query("account", account, "everywhere", value), nil)
}

// Reset orders that the box be erased. It returns before that is done.
func (c *Client) Reset(ctx context.Context) (*device.Status, error) {
	return call[device.Status](ctx, c, http.MethodPost, "/v1/reset", nil)
}

// Hide hides an item from the slideshow, or shows it again. A *Problem with status
// 404 means that there is no item with that ID.
func (c *Client) Hide(ctx context.Context, id string, hidden bool) error {
	_, err := call[device.Status](ctx, c, http.MethodPatch, "/v1/items/"+url.PathEscape(id), fmt.Appendf(nil, `{"hidden":%t}`, hidden))
	return err
}

// Remove deletes an item from the box. A *Problem with status 404 means that there is
// no item with that ID.
func (c *Client) Remove(ctx context.Context, id string) error {
	_, err := call[device.Status](ctx, c, http.MethodDelete, "/v1/items/"+url.PathEscape(id), nil)
	return err
}

// query encodes pairs of names and values, without empty values.
func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// Import pairs the box with a token file sealed for it. tried is false if the server
// could not be reached to try the token. A *Problem with status 409 means that an
// account is paired already, 422 that the token was refused.
func (c *Client) Import(ctx context.Context, sealed []byte) (tried bool, err error) {
	_, status, err := callStatus[device.Status](ctx, c, http.MethodPost, "/v1/account", sealed)
	return status == http.StatusOK, err
}

// Sessions returns the picking sessions that are not confirmed as deleted.
func (c *Client) Sessions(ctx context.Context) ([]device.Session, error) {
	list, err := call[sessionList](ctx, c, http.MethodGet, "/v1/sessions", nil)
	if err != nil {
		return nil, err
	}
	return list.Sessions, nil
}

// Items returns the photos and videos on the box.
func (c *Client) Items(ctx context.Context) ([]device.Item, error) { return c.ItemsIn(ctx, "") }

// ItemsIn returns the photos and videos in a collection by its ID or name, or with ""
// all. A *Problem with status 404 means that there is no such collection.
func (c *Client) ItemsIn(ctx context.Context, collection string) ([]device.Item, error) {
	list, err := call[itemList](ctx, c, http.MethodGet, "/v1/items"+query("collection", collection), nil)
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

const maxAnswer = 16 << 20 // two thousand items have about 1 MB

func call[T any](ctx context.Context, c *Client, method, path string, body []byte) (*T, error) {
	v, _, err := callStatus[T](ctx, c, method, path, body)
	return v, err
}

func callStatus[T any](ctx context.Context, c *Client, method, path string, body []byte) (v *T, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://pickerd"+path, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		if errors.Is(err, fs.ErrPermission) {
			return nil, 0, fmt.Errorf("%w: %s", ErrForbidden, c.socket)
		}
		return nil, 0, fmt.Errorf("%w: %s: %w", ErrUnreachable, c.socket, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, 0, fmt.Errorf("read the daemon's answer: %w", err)
	}
	if resp.StatusCode >= 400 {
		p := &Problem{Status: resp.StatusCode, Title: resp.Status}
		if err := json.Unmarshal(data, p); err != nil {
			return nil, 0, fmt.Errorf("the daemon answers HTTP %d", resp.StatusCode)
		}
		return nil, resp.StatusCode, p
	}
	v = new(T)
	if resp.StatusCode == http.StatusNoContent {
		return v, resp.StatusCode, nil
	}
	if err := json.Unmarshal(data, v); err != nil {
		return nil, 0, fmt.Errorf("the daemon's answer can't be read: %w", err)
	}
	return v, resp.StatusCode, nil
}
