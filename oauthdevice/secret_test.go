package oauthdevice_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
)

// A server may echo the secrets of a request.
func TestSecrets(t *testing.T) {
	s := oauthtest.New(oauthtest.Options{})
	c := newClient(s)
	const deviceCode = "dc-" + oauthtest.Mark
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(400)
		json.NewEncoder(w).Encode(map[string]string{"error": "x" + r.FormValue("device_code"),
			"error_description": r.FormValue("device_code") + "\x1b[31m" + r.FormValue("client_secret")})
	}
	s.Fail(oauthtest.OpPoll, echo)
	_, err := c.Poll(t.Context(), deviceCode)
	if err == nil || strings.Contains(err.Error(), oauthtest.Mark) || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("got %v", err)
	}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "secret", oauthdevice.Secret(oauthtest.Mark), "token", oauthdevice.Token{Access: oauthtest.Mark})
	fmt.Fprintf(&b, "%v %+v %#v %s", oauthdevice.Secret(oauthtest.Mark), oauthdevice.Token{Refresh: oauthtest.Mark}, oauthdevice.Token{Refresh: oauthtest.Mark}, c.Secret)
	if strings.Contains(b.String(), oauthtest.Mark) {
		t.Error(b.String())
	}
}
