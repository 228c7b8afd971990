package oauthtest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pickerd/oauthdevice/oauthtest"
)

// TestIntercept checks that every request gets the page of a portal or a proxy.
func TestIntercept(t *testing.T) {
	s := oauthtest.New(oauthtest.Options{Intercept: http.StatusProxyAuthRequired})
	for _, path := range []string{"/device/code", "/token", "/revoke", "/nothing"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
		if w.Code != http.StatusProxyAuthRequired || !strings.HasPrefix(w.Body.String(), "<!DOCTYPE html>") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
