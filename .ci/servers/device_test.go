package servers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest/conformance"
)

// TestZitadel runs the conformance suite against github.com/zitadel/oidc.
func TestZitadel(t *testing.T) {
	for _, tt := range []struct {
		name   string
		set    settings
		public bool
	}{
		{"Confidential", settings{}, false},
		{"Public", settings{}, true},
		{"Successor", settings{successor: true}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, func(t *testing.T) *conformance.Subject { return subject(t, tt.set, tt.public) })
		})
	}
}

func subject(t *testing.T, set settings, public bool) *conformance.Subject {
	tr := newTranscript(t)
	return &conformance.Subject{
		Client:    screenClient(tr, startOP(t, set), public),
		Interval:  time.Second,
		Rotates:   true,
		SlowsDown: true,
		Approve: func(t *testing.T, a *oauthdevice.Authorization) {
			decide(newBrowser(t, tr.of("phone")), a, "Allow", "allowed")
		},
		Deny: func(t *testing.T, a *oauthdevice.Authorization) {
			decide(newBrowser(t, tr.of("phone")), a, "Deny", "denied")
		},
		ShortLived: func(t *testing.T) *oauthdevice.Client {
			brief := set
			brief.lifetime = 2 * time.Second
			return screenClient(tr, startOP(t, brief), public)
		},
	}
}

// screenClient returns pickerd's client for the device flow of this server.
func screenClient(tr *transcript, p *provider, public bool) *oauthdevice.Client {
	c := &oauthdevice.Client{
		ID: deviceID, Secret: deviceSecret, BasicAuth: true,
		Scopes:        []string{"openid", "profile", "offline_access"}, // the last for a refresh token
		DeviceAuthURL: p.URL + "/device_authorization",
		TokenURL:      p.URL + "/oauth/token",
		RevokeURL:     p.URL + "/revoke",
		HTTP:          &http.Client{Transport: tr.of("screen")},
	}
	if public {
		c.ID, c.Secret, c.BasicAuth = publicID, "", false
	}
	return c
}

// decide acts for a person who scanned the QR code: it signs in and taps a button.
func decide(b *browser, a *oauthdevice.Authorization, button, outcome string) {
	b.t.Helper()
	b.signIn(a.QRURI())
	b.tap(button)
	if !strings.Contains(b.Page, outcome) {
		b.t.Fatalf("after %s the phone shows:\n%s", button, b.Page)
	}
}
