package oauthdevice_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
)

// metadataOf returns complete metadata of an issuer with one member replaced. A
// nil value removes the member.
func metadataOf(issuer, member string, value any) string {
	m := map[string]any{
		"issuer": issuer, "device_authorization_endpoint": issuer + "/device/code", "token_endpoint": issuer + "/token",
		"revocation_endpoint": issuer + "/revoke", "received_endpoint": issuer + "/received", "continue_endpoint": issuer + "/continue",
		"grant_types_supported": []string{"urn:ietf:params:oauth:grant-type:device_code"},
	}
	if m[member] = value; value == nil {
		delete(m, member)
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func TestDiscover(t *testing.T) {
	for issuer, at := range map[string]string{
		"https://g.test":         "https://g.test/.well-known/oauth-authorization-server",
		"https://g.test/":        "https://g.test/.well-known/oauth-authorization-server",
		"https://g.test/a/b":     "https://g.test/.well-known/oauth-authorization-server/a/b",
		"http://127.0.0.1:84/x/": "http://127.0.0.1:84/.well-known/oauth-authorization-server/x",
	} {
		var asked []string
		hc := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.Method+" "+r.URL.String())
			return respond(200, metadataOf(issuer, "", ""))(r)
		})}
		m, err := oauthdevice.Discover(t.Context(), hc, issuer)
		if err != nil {
			t.Errorf("%s: %v", issuer, err)
			continue
		}
		want := oauthdevice.Metadata{Issuer: issuer, DeviceAuthURL: issuer + "/device/code", TokenURL: issuer + "/token",
			RevokeURL: issuer + "/revoke", ReceivedURL: issuer + "/received", ContinueURL: issuer + "/continue"}
		if *m != want || len(asked) != 1 || asked[0] != "GET "+at {
			t.Errorf("%s: %+v after %v", issuer, m, asked)
		}
	}
}

// Metadata of another issuer, or with an endpoint elsewhere, is refused for good.
func TestBadMetadata(t *testing.T) {
	const issuer = "https://g.test"
	for name, tt := range map[string]struct {
		member string
		value  any
		says   string
	}{
		"another issuer":           {"issuer", "https://evil.test", `"https://evil.test"`},
		"issuer with a slash":      {"issuer", issuer + "/", issuer + "/"},
		"issuer in capitals":       {"issuer", "https://G.test", "issuer"},
		"issuer of control bytes":  {"issuer", "https://g.test\x1b[2J\n", "issuer"},
		"no issuer":                {"issuer", nil, "issuer"},
		"token elsewhere":          {"token_endpoint", "https://evil.test/token", "token_endpoint is not"},
		"token at a subdomain":     {"token_endpoint", "https://x.g.test/token", "token_endpoint is not"},
		"token in clear text":      {"token_endpoint", "http://g.test/token", "token_endpoint is not"},
		"token in clear, port 443": {"token_endpoint", "http://g.test:443/token", "token_endpoint is not"},
		"token at another port":    {"token_endpoint", "https://g.test:8443/token", "token_endpoint is not"},
		"token with a user":        {"token_endpoint", "https://g.test@evil.test/token", "token_endpoint is not"},
		"token with g's user":      {"token_endpoint", "https://u:p@g.test/token", "token_endpoint is not"},
		"token without a host":     {"token_endpoint", "/token", "token_endpoint is not"},
		"no token endpoint":        {"token_endpoint", nil, "no token_endpoint"},
		"no device endpoint":       {"device_authorization_endpoint", "", "no device_authorization_endpoint"},
		"device elsewhere":         {"device_authorization_endpoint", "https://evil.test/", "device_authorization_endpoint is not"},
		"revocation elsewhere":     {"revocation_endpoint", "https://evil.test/", "revocation_endpoint is not"},
		"received elsewhere":       {"received_endpoint", "https://evil.test/", "received_endpoint is not"},
		"continue elsewhere":       {"continue_endpoint", "https://evil.test/", "continue_endpoint is not"},
		"endpoint of a number":     {"token_endpoint", 7, "JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			hc := &http.Client{Transport: respond(200, metadataOf(issuer, tt.member, tt.value))}
			m, err := oauthdevice.Discover(t.Context(), hc, issuer)
			checkError(t, err)
			e, _ := errors.AsType[*oauthdevice.Error](err)
			if m != nil || !errors.Is(err, oauthdevice.ErrMetadata) || e.Temporary() || !strings.Contains(err.Error(), tt.says) || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("%+v, %v; want %q", m, err, tt.says)
			}
		})
	}
	// A default port is the same as none.
	if _, err := oauthdevice.ParseMetadata([]byte(metadataOf(issuer, "token_endpoint", "https://g.test:443/token")), issuer); err != nil {
		t.Error(err)
	}
	if m, err := oauthdevice.ParseMetadata([]byte(metadataOf(issuer, "continue_endpoint", nil)), issuer); err != nil || m.ContinueURL != "" {
		t.Errorf("without our endpoint: %+v, %v", m, err)
	}
}

// What is no metadata is an error that says whether to try again.
func TestNoMetadata(t *testing.T) {
	for name, tt := range map[string]struct {
		transport http.RoundTripper
		issuer    string
		temporary bool
		is        error
	}{
		"none":      {respond(404, "404 page not found"), "https://g.test", false, oauthdevice.ErrMetadata},
		"null":      {respond(200, "null"), "https://g.test", false, oauthdevice.ErrMetadata},
		"a list":    {respond(200, "[]"), "https://g.test", false, oauthdevice.ErrMetadata},
		"a portal":  {respond(200, "<html>"), "https://g.test", true, oauthdevice.ErrNotOAuth},
		"an outage": {respond(503, `{"error":"temporarily_unavailable"}`), "https://g.test", true, oauthdevice.ErrNotOAuth},
		"10 MB":     {respond(200, strings.Repeat(" ", 10<<20)), "https://g.test", true, nil},
		"no issuer": {respond(200, "{}"), "", false, oauthdevice.ErrMetadata},
		"a file":    {respond(200, "{}"), "file:///etc/passwd", false, oauthdevice.ErrMetadata},
		"no answer": {roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }), "https://g.test", true, io.ErrUnexpectedEOF},
	} {
		_, err := oauthdevice.Discover(t.Context(), &http.Client{Transport: tt.transport}, tt.issuer)
		checkError(t, err)
		e, _ := errors.AsType[*oauthdevice.Error](err)
		if e == nil || e.Op != oauthdevice.OpMetadata || e.Temporary() != tt.temporary || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A redirect is not followed, and a silent server does not hold the caller up.
func TestDiscoverBounds(t *testing.T) {
	hops := 0
	hc := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		hops++
		return &http.Response{StatusCode: 302, Header: http.Header{"Location": {"https://g.test/other"}}, Body: http.NoBody, Request: r}, nil
	})}
	if _, err := oauthdevice.Discover(t.Context(), hc, "https://g.test"); err == nil || hops != 1 {
		t.Errorf("%d requests, %v", hops, err)
	}
	synctest.Test(t, func(t *testing.T) {
		hc := &http.Client{Transport: oauthtest.InProcess(http.HandlerFunc(oauthtest.Hang))}
		if _, err := oauthdevice.Discover(t.Context(), hc, "https://g.test"); err == nil {
			t.Error("no error from a silent server")
		}
	})
}

func FuzzParseMetadata(f *testing.F) {
	f.Add(metadataOf("https://g.test", "", ""), "https://g.test")
	f.Add(metadataOf("https://g.test", "token_endpoint", "https://g.test@evil.test/"), "https://g.test")
	f.Add(metadataOf("https://[::1]:84/x", "", ""), "https://[::1]:84/x")
	f.Add(`{"issuer":"https://g.test","Issuer":"https://evil.test"}`, "https://g.test")
	f.Add("null", "")
	for _, v := range []string{"null", "7", "true", `"x"`, "[]", "{}"} {
		f.Add(strings.Replace(metadataOf("https://g.test", "token_endpoint", "VALUE"), `"VALUE"`, v, 1), "https://g.test")
	}
	f.Fuzz(func(t *testing.T, data, issuer string) {
		m, err := oauthdevice.ParseMetadata([]byte(data), issuer)
		checkError(t, err)
		if err != nil {
			return
		}
		home, err := url.Parse(issuer)
		if err != nil {
			t.Fatalf("accepted the issuer %q: %v", issuer, err)
		}
		for _, at := range []string{m.DeviceAuthURL, m.TokenURL, m.RevokeURL, m.ContinueURL, m.ReceivedURL} {
			u, err := url.Parse(at)
			if at != "" && (err != nil || u.Scheme != home.Scheme || !strings.EqualFold(u.Hostname(), home.Hostname()) || u.User != nil) {
				t.Errorf("issuer %q: accepted the endpoint %q", issuer, at)
			}
		}
		if m.Issuer != issuer || m.TokenURL == "" || m.DeviceAuthURL == "" {
			t.Errorf("accepted %+v for %q", m, issuer)
		}
	})
}
