package oauthtest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pickerd/oauthdevice/oauthtest"
)

// allowedPage returns the page on the phone after an approval.
func allowedPage(t *testing.T, opt oauthtest.Options) string {
	t.Helper()
	s := oauthtest.New(opt)
	_, user := wire{t, s}.code()
	r := httptest.NewRequest(http.MethodPost, "/device", strings.NewReader("decision=allow&user_code="+user))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), "Connected") {
		t.Fatalf("not allowed: %s", w.Body)
	}
	return w.Body.String()
}

func TestContinueURL(t *testing.T) {
	for _, to := range []string{"http://box.test/continue/", "https://box.test/continue/"} {
		if page := allowedPage(t, oauthtest.Options{ContinueURL: to}); !strings.Contains(page, `content="1; url=`+to+`"`) {
			t.Errorf("%s: no redirect: %s", to, page)
		}
	}
	for _, to := range []string{"", "javascript:alert(1)//", "JavaScript:alert(1)//", " javascript:alert(1)//", "data:text/html,", "//box.test/"} {
		if page := allowedPage(t, oauthtest.Options{ContinueURL: to}); strings.Contains(page, "http-equiv") || strings.Contains(strings.ToLower(page), "javascript:") {
			t.Errorf("%q: redirected: %s", to, page)
		}
	}
}
