package servers

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"pickerd/oauthdevice"
)

// redirectingClient returns pickerd's client for the pairing methods relay (a Web
// client with a secret) and paste (a client without).
func redirectingClient(tr *transcript, p *provider, id string) *oauthdevice.Client {
	c := &oauthdevice.Client{
		ID: id, Scopes: []string{"openid", "email", "offline_access"},
		AuthURL: p.URL + "/auth", TokenURL: p.URL + "/oauth/token", RevokeURL: p.URL + "/revoke", UserinfoURL: p.URL + "/userinfo",
		HTTP: &http.Client{Transport: tr.of("screen")},
	}
	if id == webID {
		c.Secret, c.BasicAuth = webSecret, true
	}
	return c
}

func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	if e, ok := errors.AsType[*oauthdevice.Error](err); !ok || e.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// TestCodeFlow runs the authorization code flow with PKCE, from the consent page to
// revocation.
func TestCodeFlow(t *testing.T) {
	for _, id := range []string{webID, nativeID} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			tr, ctx := newTranscript(t), t.Context()
			p := startOP(t, settings{})
			c := redirectingClient(tr, p, id)
			verifier := oauthdevice.NewVerifier()
			allow := func() oauthdevice.Secret {
				b := newBrowser(t, tr.of("phone"))
				b.signIn(c.AuthCodeURL(p.Redirect, "st&te", verifier))
				q := b.At.Query()
				if b.At.Path != callbackPath || q.Get("code") == "" || q.Get("state") != "st&te" {
					t.Fatalf("the browser ended at %s with %q", b.At.Path, q)
				}
				return oauthdevice.Secret(q.Get("code"))
			}
			_, err := c.Exchange(ctx, allow(), p.Redirect, oauthdevice.NewVerifier())
			wantCode(t, "another verifier", err, oauthdevice.InvalidGrant)
			_, err = c.Exchange(ctx, allow(), p.Redirect+"/else", verifier)
			wantCode(t, "another redirect_uri", err, oauthdevice.InvalidGrant)

			code := allow()
			tok, err := c.Exchange(ctx, code, p.Redirect, verifier)
			if err != nil {
				t.Fatal(err)
			}
			if tok.Access == "" || tok.Refresh == "" {
				t.Fatalf("%v", tok)
			}
			if account, err := c.Account(ctx, tok.Access); err != nil || !strings.Contains(account, "@") {
				t.Errorf("account %q, %v", account, err)
			}
			_, err = c.Exchange(ctx, code, p.Redirect, verifier)
			wantCode(t, "a code used twice", err, oauthdevice.InvalidGrant)
			second, err := c.Refresh(ctx, tok.Refresh)
			if err != nil || second.Refresh == tok.Refresh {
				t.Fatalf("refresh: %v", err)
			}
			_, err = c.Refresh(ctx, tok.Refresh)
			wantCode(t, "the rotated refresh token", err, oauthdevice.InvalidGrant)
			if err := c.Revoke(ctx, second.Refresh); err != nil {
				t.Error(err)
			}
			_, err = c.Refresh(ctx, second.Refresh)
			wantCode(t, "after revocation", err, oauthdevice.InvalidGrant)
		})
	}
}
