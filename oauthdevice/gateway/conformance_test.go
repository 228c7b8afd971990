package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/oauthdevice/oauthtest/conformance"
)

func secretOf(s string) oauthdevice.Secret { return oauthdevice.Secret(s) }

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// The gateway passes the tests that device authorization servers pass, in front of
// a server that refuses the scope to devices.
func TestConformance(t *testing.T) {
	for _, client := range []struct {
		name, id string
		secret   oauthdevice.Secret
		basic    bool
	}{
		{"public", "pickerd", "", false},
		{"secret", "hotel", boxSecret, false},
		{"basic", "hotel", boxSecret, true},
	} {
		t.Run(client.name, func(t *testing.T) {
			for _, test := range conformance.Tests() {
				t.Run(test.Name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t)
						c := &oauthdevice.Client{
							ID: client.id, Secret: client.secret, BasicAuth: client.basic, Scopes: []string{oauthtest.PickerScope},
							DeviceAuthURL: issuer + "/device/code", TokenURL: issuer + "/token", RevokeURL: issuer + "/revoke",
							HTTP: &http.Client{Transport: oauthtest.InProcess(w.gw)},
						}
						test.Run(t, w.subject(c))
					})
				})
			}
		})
	}
}

func (w *world) subject(c *oauthdevice.Client) *conformance.Subject {
	return &conformance.Subject{
		Client:     c,
		Interval:   5 * time.Second,
		SlowsDown:  true,
		OpaqueLink: true,
		Approve: func(t *testing.T, a *oauthdevice.Authorization) {
			p := w.newPhone()
			if rec := p.get(w.consent(p.scan(strings.TrimPrefix(a.QRURI(), issuer)))); rec.Code != 303 {
				t.Fatalf("%d %s", rec.Code, rec.Body)
			}
		},
		Deny: func(t *testing.T, a *oauthdevice.Authorization) {
			p := w.newPhone()
			to, err := w.google.Decline(p.scan(strings.TrimPrefix(a.QRURI(), issuer)))
			if err != nil {
				t.Fatal(err)
			}
			p.get(strings.TrimPrefix(to, issuer))
		},
		Received: func(t *testing.T, a *oauthdevice.Authorization) {
			got := w.post("/received", "client_id", c.ID, "client_secret", string(c.Secret), "device_code", string(a.DeviceCode))
			if got.status != 200 {
				t.Fatalf("%v", got.body)
			}
		},
		RefusedScope: func(*testing.T) *oauthdevice.Client {
			wide := *c
			wide.Scopes = []string{"https://www.googleapis.com/auth/drive"}
			return &wide
		},
	}
}
