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

// The user who approves.
const (
	userName = "test-user@localhost"
	password = "verysecure"
)

// A storage extends the example's storage by what the library leaves to its caller:
// a device_code is valid once, the polling interval is enforced, refresh tokens of
// the device flow belong to their client, and an unknown client is no server error.
// The library alone decides what is sent over HTTP.
type storage struct {
	*example.Storage
	interval time.Duration

	mu     sync.Mutex
	polled map[string]time.Time
	used   map[*op.DeviceAuthorizationState]bool
}

func newStorage(interval time.Duration, clients map[string]*example.Client) *storage {
	return &storage{
		Storage:  example.NewStorageWithClients(users{}, clients),
		interval: interval,
		polled:   map[string]time.Time{},
		used:     map[*op.DeviceAuthorizationState]bool{},
	}
}

// GetClientByClientID allows the screens the device flow and refreshing. The
// example's DeviceClient may not refresh, and its NativeClient has no device flow.
func (s *storage) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := s.Storage.GetClientByClientID(ctx, id)
	switch {
	case err != nil:
		// Any other error becomes a server_error, after which a client retries.
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

// GetDeviceAuthorizatonState is called at each poll. The library turns a deadline
// into slow_down, and every other error into access_denied.
func (s *storage) GetDeviceAuthorizatonState(ctx context.Context, clientID, deviceCode string) (*op.DeviceAuthorizationState, error) {
	state, err := s.Storage.GetDeviceAuthorizatonState(ctx, clientID, deviceCode)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[state] {
		return nil, errors.New("the device_code has been used")
	}
	last := s.polled[deviceCode]
	s.polled[deviceCode] = time.Now()
	if early := time.Since(last) < s.interval; early && !state.Done && !state.Denied {
		return nil, context.DeadlineExceeded
	}
	return state, nil
}

// CreateAccessAndRefreshTokens issues tokens and invalidates the device_code. The
// example does not store the client of a device's refresh token and then refuses it.
func (s *storage) CreateAccessAndRefreshTokens(ctx context.Context, req op.TokenRequest, current string) (string, string, time.Time, error) {
	if state, ok := req.(*op.DeviceAuthorizationState); ok {
		s.mu.Lock()
		s.used[state] = true
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

// users has one user, whose name is the ID as well: the example's device page takes
// one for the other.
type users struct{}

func (users) GetUserByID(id string) *example.User { return users{}.GetUserByUsername(id) }

func (users) GetUserByUsername(name string) *example.User {
	if name != userName {
		return nil
	}
	return &example.User{ID: userName, Username: userName, Password: password, FirstName: "Test", LastName: "User", Email: "test@example.org"}
}

func (users) ExampleClientID() string { return example.ServiceUserID }
