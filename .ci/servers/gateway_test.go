package servers

import (
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display/words"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/gateway/boltstore"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/oauthdevice/oauthtest/conformance"
)

// The hosts of the tests of the gateway.
const (
	gatewayIssuer  = "https://photos.test"
	providerIssuer = "https://provider.test"
)

// hosts is a network of servers in this process, by host.
type hosts map[string]http.Handler

// RoundTrip implements http.RoundTripper.
func (h hosts) RoundTrip(req *http.Request) (*http.Response, error) {
	server := h[req.URL.Scheme+"://"+req.URL.Host]
	if server == nil {
		return nil, oauthtest.ErrConnection
	}
	return oauthtest.InProcess(server).RoundTrip(req)
}

// TestGateway runs the conformance suite against the gateway in front of
// github.com/zitadel/oidc, which signs people in by the authorization code flow.
func TestGateway(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  settings
	}{{"Provider", settings{}}, {"Successor", settings{successor: true}}} {
		t.Run(tt.name, func(t *testing.T) {
			for _, test := range conformance.Tests() {
				t.Run(test.Name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { test.Run(t, gatewaySubject(t, tt.set)) })
				})
			}
		})
	}
}

// gatewaySubject returns a gateway and a box that knows its issuer only.
func gatewaySubject(t *testing.T, set settings) *conformance.Subject {
	t.Helper()
	network, tr := hosts{}, newTranscript(t)
	network[providerIssuer] = provide(t, providerIssuer, gatewayIssuer+"/callback", set)
	store, err := boltstore.Open(filepath.Join(t.TempDir(), "gateway.db"), boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	scopes := []string{"openid", "profile", "offline_access"} // the last for a refresh token
	network[gatewayIssuer], err = gateway.New(gateway.Config{
		Issuer: gatewayIssuer,
		Upstream: gateway.Upstream{
			Client: oauthdevice.Client{
				ID: webID, Secret: webSecret, BasicAuth: true, Scopes: scopes,
				AuthURL: providerIssuer + "/auth", TokenURL: providerIssuer + "/oauth/token", RevokeURL: providerIssuer + "/revoke",
				HTTP: &http.Client{Transport: tr.over(network, "gateway")},
			},
			Issuer: providerIssuer,
		},
		Clients:          []gateway.ClientConfig{{ID: "pickerd"}},
		ContinuePrefixes: []string{"https://photos.google.com/"},
		Store:            store,
		Texts:            func(accept string) gateway.Text { return words.Accepted(accept, words.English()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	hc := &http.Client{Transport: tr.over(network, "screen")}
	server, err := oauthdevice.Discover(t.Context(), hc, gatewayIssuer)
	if err != nil {
		t.Fatal(err)
	}
	c := &oauthdevice.Client{ID: "pickerd", Scopes: scopes, HTTP: hc,
		DeviceAuthURL: server.DeviceAuthURL, TokenURL: server.TokenURL, RevokeURL: server.RevokeURL}
	return &conformance.Subject{
		Client:     c,
		Interval:   5 * time.Second,
		Rotates:    true,
		SlowsDown:  true,
		OpaqueLink: true,
		Approve: func(t *testing.T, a *oauthdevice.Authorization) {
			b := newBrowser(t, tr.over(network, "phone"))
			b.signIn(confirm(b, a))
			if b.At.String() != gatewayIssuer+"/wait" {
				t.Fatalf("after signing in the phone is at %s:\n%s", b.At.Path, b.Page)
			}
		},
		Deny: func(t *testing.T, a *oauthdevice.Authorization) {
			b := newBrowser(t, tr.over(network, "phone"))
			b.open(refusal(t, confirm(b, a))) // the provider's pages have no button for it
		},
		Received: func(t *testing.T, a *oauthdevice.Authorization) {
			if err := c.Received(t.Context(), server.ReceivedURL, a.DeviceCode); err != nil {
				t.Fatal(err)
			}
		},
		RefusedScope: func(*testing.T) *oauthdevice.Client {
			wide := *c
			wide.Scopes = []string{"email"}
			return &wide
		},
	}
}

// confirm scans the QR code and says that the code is on the screen. It returns the
// address of the page to sign in at.
func confirm(b *browser, a *oauthdevice.Authorization) string {
	b.t.Helper()
	b.open(a.QRURI())
	b.submit(map[string]string{"answer": "yes"})
	return b.next()
}

// refusal returns the address to which a server redirects a person who refuses.
func refusal(t *testing.T, authURL string) string {
	t.Helper()
	u, err := url.Parse(authURL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	return q.Get("redirect_uri") + "?" + url.Values{"error": {"access_denied"}, "state": {q.Get("state")}}.Encode()
}
