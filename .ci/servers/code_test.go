package servers

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"testing"
)

// TestSignIn goes as far as the authorization code (RFC 6749 §4.1.2) with both
// clients of that flow, so that the way there is known to be open.
func TestSignIn(t *testing.T) {
	for _, id := range []string{webID, nativeID} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			p := startOP(t, settings{})
			b := newBrowser(t, newTranscript(t).of("phone"))
			verifier := rand.Text() + rand.Text()
			challenge := sha256.Sum256([]byte(verifier))
			b.signIn(p.URL + "/auth?" + url.Values{
				"response_type": {"code"}, "client_id": {id}, "redirect_uri": {p.Redirect},
				"scope": {"openid offline_access"}, "state": {"s"},
				"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
			}.Encode())
			q := b.at.Query()
			if b.at.Path != callbackPath || q.Get("code") == "" || q.Get("state") != "s" {
				t.Errorf("the browser ended at %s with %q", b.at.Path, q)
			}
		})
	}
}
