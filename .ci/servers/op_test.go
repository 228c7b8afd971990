// Package servers tests pickerd's OAuth client against authorization servers written
// by others.
package servers

import (
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	example "github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the server logs each request there
	os.Exit(m.Run())
}

// The clients registered at the server.
const (
	deviceID     = "screen" // confidential, device flow
	deviceSecret = "screen:s3cr3t/ü"
	publicID     = "screen-public" // without a secret, device flow
	webID        = "web"           // confidential, authorization code
	webSecret    = "web-s3cr3t"
	nativeID     = "native" // without a secret, authorization code with PKCE
	callbackPath = "/callback"
)

// settings are the settings of the server.
type settings struct {
	lifetime time.Duration // of codes; 0 means 5 min
	interval time.Duration // between polls; 0 means 1 s
	// successor mounts the server's newer front end, which has its own parser of
	// requests and calls the same provider.
	successor bool
}

// A provider is zitadel's OpenID provider with one user.
type provider struct {
	URL string
	// Redirect is the redirect_uri of webID and nativeID. The provider
	// answers 404 there: a test reads the address.
	Redirect string
}

// startOP starts a provider for the duration of the test.
func startOP(t *testing.T, set settings) *provider {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	issuer := "http://" + srv.Listener.Addr().String()
	p := &provider{URL: issuer, Redirect: issuer + callbackPath}
	srv.Config.Handler = provide(t, issuer, p.Redirect, set)
	srv.Start()
	t.Cleanup(srv.Close)
	return p
}

// provide returns the handler of a provider. redirect is the redirect_uri of webID and
// nativeID.
func provide(t *testing.T, issuer, redirect string, set settings) http.Handler {
	t.Helper()
	if set.lifetime == 0 {
		set.lifetime = 5 * time.Minute
	}
	if set.interval == 0 {
		set.interval = time.Second
	}
	store := newStorage(set.interval, map[string]*example.Client{
		deviceID: example.DeviceClient(deviceID, deviceSecret),
		publicID: example.NativeClient(publicID),
		webID:    example.WebClient(webID, webSecret, redirect),
		nativeID: example.NativeClient(nativeID, redirect),
	})
	mux := http.NewServeMux()
	// The example serves the pages for people. Its provider has a fixed lifetime
	// and interval of codes, so a second provider with the same storage serves the
	// devices.
	pages := exampleop.SetupServer(issuer, store, nil, false)
	mux.Handle("/device", pages)
	mux.Handle("/device/", pages)
	mux.Handle("/login/", pages)
	mux.Handle("/", newOP(t, issuer, store, set))
	return mux
}

func newOP(t *testing.T, issuer string, store op.Storage, set settings) http.Handler {
	t.Helper()
	o, err := op.NewProvider(&op.Config{
		CryptoKey:             sha256.Sum256([]byte(t.Name())),
		CodeMethodS256:        true,
		AuthMethodPost:        true,
		GrantTypeRefreshToken: true,
		DeviceAuthorization: op.DeviceAuthorizationConfig{
			Lifetime:     set.lifetime,
			PollInterval: set.interval,
			UserFormPath: "/device",
			UserCode:     op.UserCodeBase20,
		},
	}, store, op.StaticIssuer(issuer), op.WithAllowInsecure(),
		op.WithCustomAuthEndpoint(op.NewEndpoint("auth"))) // to which the example's login redirects
	if err != nil {
		t.Fatal(err)
	}
	if set.successor {
		return op.RegisterLegacyServer(op.NewLegacyServer(o, o.Endpoints()), op.AuthorizeCallbackHandler(o))
	}
	return o
}
