// Package servers runs pickerd's OAuth client against authorization servers
// that others wrote.
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

// The clients that the server knows.
const (
	deviceID     = "screen" // confidential, device flow
	deviceSecret = "screen:s3cr3t/ü"
	publicID     = "screen-public" // without a secret, device flow
	webID        = "web"           // confidential, authorization code
	webSecret    = "web-s3cr3t"
	nativeID     = "native" // without a secret, authorization code with PKCE
	callbackPath = "/callback"
)

// settings say what a test wants of the server.
type settings struct {
	lifetime time.Duration // of codes; 0 means 5 min
	interval time.Duration // between polls; 0 means 1 s
	// successor mounts the server's newer front end, which parses requests by
	// code of its own and calls the same provider.
	successor bool
}

// A provider is zitadel's OpenID provider with one user, at an address of its
// own.
type provider struct {
	URL string
	// Redirect is the redirect_uri of webID and nativeID. Nothing answers there
	// but the provider's 404: stop the browser before it, or read the address.
	Redirect string
}

// startOP starts a provider, until the test ends.
func startOP(t *testing.T, set settings) *provider {
	t.Helper()
	if set.lifetime == 0 {
		set.lifetime = 5 * time.Minute
	}
	if set.interval == 0 {
		set.interval = time.Second
	}
	srv := httptest.NewUnstartedServer(nil)
	issuer := "http://" + srv.Listener.Addr().String()
	p := &provider{URL: issuer, Redirect: issuer + callbackPath}
	store := newStorage(set.interval, map[string]*example.Client{
		deviceID: example.DeviceClient(deviceID, deviceSecret),
		publicID: example.NativeClient(publicID),
		webID:    example.WebClient(webID, webSecret, p.Redirect),
		nativeID: example.NativeClient(nativeID, p.Redirect),
	})
	mux := http.NewServeMux()
	// The example brings the pages that a person sees. Its provider fixes the
	// codes' lifetime and interval, so another answers the devices, from the
	// same storage.
	pages := exampleop.SetupServer(issuer, store, nil, false)
	mux.Handle("/device", pages)
	mux.Handle("/device/", pages)
	mux.Handle("/login/", pages)
	mux.Handle("/", newOP(t, issuer, store, set))
	srv.Config.Handler = mux
	srv.Start()
	t.Cleanup(srv.Close)
	return p
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
		op.WithCustomAuthEndpoint(op.NewEndpoint("auth"))) // where the example's login sends the browser back to
	if err != nil {
		t.Fatal(err)
	}
	if set.successor {
		return op.RegisterLegacyServer(op.NewLegacyServer(o, o.Endpoints()), op.AuthorizeCallbackHandler(o))
	}
	return o
}
