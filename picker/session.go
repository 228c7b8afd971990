package picker

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// A PickingSession is one pick by one person.
//
// https://developers.google.com/photos/picker/reference/rest/v1/sessions
type PickingSession struct {
	ID            string         `json:"id"`
	PickerURI     string         `json:"pickerUri"`
	PollingConfig *PollingConfig `json:"pollingConfig"` // absent once the pick is done
	ExpireTime    Time           `json:"expireTime"`
	MediaItemsSet bool           `json:"mediaItemsSet"`
}

// A PollingConfig says how to poll. The durations stay as sent, so that a bad
// one doesn't cost the session's id.
type PollingConfig struct {
	PollInterval string `json:"pollInterval"`
	TimeoutIn    string `json:"timeoutIn"`
}

// Bounds and fallback for the poll interval.
const (
	DefaultPollInterval = 5 * time.Second
	MinPollInterval     = time.Second
	MaxPollInterval     = time.Minute
)

// Interval returns how long to wait before the next poll. With an error it
// still returns a usable value.
func (p *PollingConfig) Interval() (time.Duration, error) {
	if p == nil || p.PollInterval == "" {
		return DefaultPollInterval, nil
	}
	d, err := parseDuration(p.PollInterval)
	if err != nil {
		return DefaultPollInterval, fmt.Errorf("pollInterval: %w", err)
	}
	return min(max(d, MinPollInterval), MaxPollInterval), nil
}

// Timeout returns how long polling may go on from now; ok is false when the
// server didn't say. Zero means to stop.
func (p *PollingConfig) Timeout() (d time.Duration, ok bool, err error) {
	if p == nil || p.TimeoutIn == "" {
		return 0, false, nil
	}
	d, err = parseDuration(p.TimeoutIn)
	if err != nil {
		return 0, false, fmt.Errorf("timeoutIn: %w", err)
	}
	return d, true, nil
}

// ErrBadDuration is wrapped by errors about durations.
var ErrBadDuration = errors.New("not a duration such as 3.5s")

// parseDuration reads google.protobuf.Duration's JSON form: seconds with up to
// nine decimals and an s.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || s[len(s)-1] != 's' {
		return 0, fmt.Errorf("%q: %w", printable(s), ErrBadDuration)
	}
	return d, nil
}

// Time is an RFC 3339 time. What can't be read is the zero time: it only bounds
// how long a session is worth deleting, and must not cost the session's id.
type Time struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(b []byte) error {
	s, err := strconv.Unquote(string(b))
	if err != nil {
		return nil
	}
	t.Time, _ = time.Parse(time.RFC3339, s)
	return nil
}

// Errors of PickingSession.Check.
var (
	ErrNoSessionID  = errors.New("the session has no id")
	ErrNoPickerURI  = errors.New("the session has no pickerUri")
	ErrBadPickerURI = errors.New("the pickerUri is not an http(s) address")
)

// Check reports whether a session can be put before a person. A session with
// an id must be deleted even if it can't.
func (s *PickingSession) Check() error {
	switch {
	case s.ID == "":
		return ErrNoSessionID
	case s.PickerURI == "":
		return ErrNoPickerURI
	}
	u, err := url.Parse(s.PickerURI)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return ErrBadPickerURI
	}
	return nil
}

// CreateSession makes a picking session. requestID is a UUIDv4 that is used for
// this pick only; it makes repeating the call after a crash harmless. maxItems
// of 0 means the API's own limit of 2000.
//
// https://developers.google.com/photos/picker/reference/rest/v1/sessions/create
func (c *Client) CreateSession(ctx context.Context, requestID string, maxItems int) (*PickingSession, error) {
	type pickingConfig struct {
		MaxItemCount int64 `json:"maxItemCount,string,omitempty"`
	}
	in := struct {
		PickingConfig *pickingConfig `json:"pickingConfig,omitempty"`
	}{}
	if maxItems > 0 {
		in.PickingConfig = &pickingConfig{int64(maxItems)}
	}
	s, err := call[PickingSession](ctx, c, "sessions.create", "POST",
		"/v1/sessions?requestId="+url.QueryEscape(requestID), in)
	if err != nil {
		return nil, err
	}
	if s.ID == "" {
		return nil, &Error{Op: "sessions.create", HTTPStatus: 200, Err: ErrNoSessionID}
	}
	return s, nil
}

// GetSession reports how far the person is.
//
// https://developers.google.com/photos/picker/reference/rest/v1/sessions/get
func (c *Client) GetSession(ctx context.Context, id string) (*PickingSession, error) {
	return call[PickingSession](ctx, c, "sessions.get", "GET", "/v1/sessions/"+url.PathEscape(id), nil)
}

// DeleteSession ends a session. Deleting one that is gone is an *Error with
// code NotFound.
//
// https://developers.google.com/photos/picker/reference/rest/v1/sessions/delete
func (c *Client) DeleteSession(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, "sessions.delete", "DELETE", "/v1/sessions/"+url.PathEscape(id), nil)
	return err
}
