package picker

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// A PickingSession lets one person pick photos and videos once.
//
// https://developers.google.com/photos/picker/reference/rest/v1/sessions
type PickingSession struct {
	ID            string         `json:"id"`
	PickerURI     string         `json:"pickerUri"`
	PollingConfig *PollingConfig `json:"pollingConfig"` // absent once the person is done
	ExpireTime    Time           `json:"expireTime"`
	MediaItemsSet bool           `json:"mediaItemsSet"`
}

// A PollingConfig says how often and how long to poll. It keeps the durations
// as sent: if one cannot be parsed, the session can still be deleted.
type PollingConfig struct {
	PollInterval string `json:"pollInterval"`
	TimeoutIn    string `json:"timeoutIn"`
}

// The default and the bounds of PollingConfig.Interval.
const (
	DefaultPollInterval = 5 * time.Second
	MinPollInterval     = time.Second
	MaxPollInterval     = time.Minute
)

// Interval returns how long to wait before the next poll, within
// MinPollInterval and MaxPollInterval. It is DefaultPollInterval if the server
// did not say, and also if the error, ErrBadDuration, is not nil.
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

// Timeout returns for how much longer to poll; zero means to stop. ok is false
// if the server did not say or if the error, ErrBadDuration, is not nil.
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

// ErrBadDuration means a duration that cannot be parsed.
var ErrBadDuration = errors.New("not a duration such as 3.5s")

// parseDuration parses the JSON form of google.protobuf.Duration: seconds with
// up to nine decimals, followed by "s".
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || s[len(s)-1] != 's' {
		return 0, fmt.Errorf("%q: %w", printable(s), ErrBadDuration)
	}
	return d, nil
}

// A Time is a time in RFC 3339 format. One that cannot be parsed is the zero
// time instead of an error: it only tells how long deleting a session makes
// sense, and without the session's id nothing could be deleted.
type Time struct{ time.Time }

// maxYear is the last one of RFC 3339.
const maxYear = 9999

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(b []byte) error {
	s, err := strconv.Unquote(string(b))
	if err != nil {
		return nil
	}
	if t.Time, _ = time.Parse(time.RFC3339, s); t.UTC().Year() > maxYear {
		t.Time = time.Time{} // it could not be written as JSON
	}
	return nil
}

// Errors of PickingSession.Check.
var (
	ErrNoSessionID  = errors.New("session has no id")
	ErrNoPickerURI  = errors.New("session has no pickerUri")
	ErrBadPickerURI = errors.New("pickerUri is not an http(s) address")
)

// Check returns an error if a session cannot be shown to a person. A session
// with an id must be deleted even then.
func (s *PickingSession) Check() error {
	switch {
	case s.ID == "":
		return ErrNoSessionID
	case s.PickerURI == "":
		return ErrNoPickerURI
	}
	if u, err := url.Parse(s.PickerURI); err != nil || !isWeb(u) {
		return ErrBadPickerURI
	}
	return nil
}

func isWeb(u *url.URL) bool { return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") }

// CreateSession creates a picking session. requestID is a UUIDv4 for this pick
// only; with it, the call can be repeated safely after a crash. maxItems is the
// most that the person may pick; 0 means the API's limit of 2000.
//
// The person opens PickerURI. The caller polls with GetSession, lists
// MediaItems once MediaItemsSet is true, and deletes the session.
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

// GetSession returns the current state of a session.
//
// https://developers.google.com/photos/picker/reference/rest/v1/sessions/get
func (c *Client) GetSession(ctx context.Context, id string) (*PickingSession, error) {
	return call[PickingSession](ctx, c, "sessions.get", "GET", "/v1/sessions/"+url.PathEscape(id), nil)
}

// DeleteSession deletes a session. If it does not exist, the error is an *Error
// with code NotFound.
//
// https://developers.google.com/photos/picker/reference/rest/v1/sessions/delete
func (c *Client) DeleteSession(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, "sessions.delete", "DELETE", "/v1/sessions/"+url.PathEscape(id), nil)
	return err
}
