package servers

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	example "github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The person who approves.
const (
	userName = "test-user@localhost"
	password = "verysecure"
)

// A storage is the example's, with what the library leaves to whoever embeds it
// and the example leaves out: it spends device_codes, minds the interval, gives
// the device flow's refresh tokens to their client and tells an unknown client
// from a server in trouble. What is said over HTTP stays the library's.
type storage struct {
	*example.Storage
	interval time.Duration

	mu     sync.Mutex
	polled map[string]time.Time
	spent  map[*op.DeviceAuthorizationState]bool
}

func newStorage(interval time.Duration, clients map[string]*example.Client) *storage {
	return &storage{
		Storage:  example.NewStorageWithClients(users{}, clients),
		interval: interval,
		polled:   map[string]time.Time{},
		spent:    map[*op.DeviceAuthorizationState]bool{},
	}
}

// GetClientByClientID lets the screens use the device flow and refresh: the
// example's DeviceClient may not refresh, its NativeClient has no device flow.
func (s *storage) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := s.Storage.GetClientByClientID(ctx, id)
	switch {
	case err != nil:
		// Any other error becomes a server_error, which asks to try again.
		return nil, oidc.ErrInvalidClient().WithParent(err)
	case id == deviceID, id == publicID:
		return screen{c}, nil
	}
	return c, nil
}

type screen struct{ op.Client }

func (screen) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeDeviceCode, oidc.GrantTypeRefreshToken}
}

// GetDeviceAuthorizatonState is asked at each poll. The library makes slow_down
// of a deadline, its only way to that answer, and access_denied of every other
// error.
func (s *storage) GetDeviceAuthorizatonState(ctx context.Context, clientID, deviceCode string) (*op.DeviceAuthorizationState, error) {
	state, err := s.Storage.GetDeviceAuthorizatonState(ctx, clientID, deviceCode)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spent[state] {
		return nil, errors.New("the device_code has been used")
	}
	last := s.polled[deviceCode]
	s.polled[deviceCode] = time.Now()
	if early := time.Since(last) < s.interval; early && !state.Done && !state.Denied {
		return nil, context.DeadlineExceeded
	}
	return state, nil
}

// CreateAccessAndRefreshTokens makes tokens of a device's request and spends
// the code. The example forgets which client a device's refresh token is for,
// and then refuses it.
func (s *storage) CreateAccessAndRefreshTokens(ctx context.Context, req op.TokenRequest, current string) (string, string, time.Time, error) {
	if state, ok := req.(*op.DeviceAuthorizationState); ok {
		s.mu.Lock()
		s.spent[state] = true
		s.mu.Unlock()
		req = example.RefreshTokenRequestFromBusiness(&example.RefreshToken{
			ApplicationID: state.ClientID,
			UserID:        state.Subject,
			Audience:      state.GetAudience(),
			Scopes:        slices.Clone(state.Scopes),
			AuthTime:      time.Now(),
		})
	}
	return s.Storage.CreateAccessAndRefreshTokens(ctx, req, current)
}

// users is the one person. The example's device page takes the name for the id,
// its own users differ in the two.
type users struct{}

func (users) GetUserByID(id string) *example.User { return users{}.GetUserByUsername(id) }

func (users) GetUserByUsername(name string) *example.User {
	if name != userName {
		return nil
	}
	return &example.User{ID: userName, Username: userName, Password: password, FirstName: "Test", LastName: "User", Email: "test@example.org"}
}

func (users) ExampleClientID() string { return example.ServiceUserID }
