package engine

import (
	"pickerd/oauthdevice"
	"testing"
)

// Refusals are told by their code, not by their text.
func TestIsMethodRefusal(t *testing.T) {
	for code, want := range map[string]bool{oauthdevice.InvalidScope: true, oauthdevice.InvalidClient: true,
		oauthdevice.UnauthorizedClient: true, oauthdevice.AccessDenied: false, oauthdevice.InvalidGrant: false, "": false} {
		if _, got := isMethodRefusal(&oauthdevice.Error{Op: "poll", Code: code}); got != want {
			t.Errorf("%q: %v", code, got)
		}
	}
}
