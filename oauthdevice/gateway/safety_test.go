package gateway_test

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/oauthtest"
)

// An attacker says yes to the code of a screen and sends the consent page to
// somebody else: nothing is exchanged, and the state is used up.
func TestOtherBrowser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, attacker := w.newBox(), w.newPhone()
		callback := w.consent(attacker.scan(b.link()))
		wantPage(t, "the victim", w.newPhone().get(callback), 403, "gateway.other_browser.title")
		wantPage(t, "the attacker afterwards", attacker.get(callback), 409, "phone.link_used.title")
		if n := w.calls(oauthtest.OpExchange); n != 0 {
			t.Errorf("%d exchanges", n)
		}
		wantCode(t, "the box", b.poll(), "authorization_pending")
		// A victim who is in the middle of a sign-in has a cookie, but another.
		victim := w.newPhone()
		other := w.newBox()
		victim.scan(other.link())
		wantPage(t, "a victim with a cookie", victim.get(w.consent(attacker.scan(b.link()))), 403, "gateway.other_browser.title")
		// Nor does the page that waits serve others.
		attacker.signIn(b)
		b.continueAt(pickerURI)
		victim.cookies["__Host-pickerd"] = attacker.cookies["__Host-pickerd"][:64] + victim.cookies["__Host-pickerd"][64:]
		wantPage(t, "a cookie for another code", victim.get("/wait"), 403, "gateway.other_browser.title")
	})
}

func TestCallbackReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		callback := w.consent(p.scan(b.link()))
		if rec := p.get(callback); rec.Code != 303 {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		wantPage(t, "again", p.get(callback), 409, "phone.link_used.title")
		if n := w.calls(oauthtest.OpExchange); n != 1 {
			t.Errorf("%d exchanges", n)
		}
		if a := b.poll(); a.status != 200 {
			t.Errorf("the box: %v", a.body)
		}
	})
}

// Authorization responses that were put together from two (RFC 9700 §4.4, §4.5).
func TestMixUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		part := func(callback string) url.Values {
			q, err := url.ParseQuery(strings.TrimPrefix(callback, "/callback?"))
			if err != nil {
				t.Fatal(err)
			}
			return q
		}
		attacker := w.newPhone()
		foreign := part(w.consent(attacker.scan(w.newBox().link())))
		mine := part(w.consent(p.scan(b.link())))
		mine.Set("code", foreign.Get("code"))
		wantPage(t, "a code of another sign-in", p.get("/callback?"+mine.Encode()), 502, "relay.refused.title")
		mine = part(w.consent(p.scan(b.link())))
		mine.Set("state", foreign.Get("state"))
		wantPage(t, "a state of another sign-in", p.get("/callback?"+mine.Encode()), 403, "gateway.other_browser.title")
		exchanges := w.calls(oauthtest.OpExchange)
		mine = part(w.consent(p.scan(b.link())))
		mine.Set("iss", "https://attacker.test")
		wantPage(t, "another issuer", p.get("/callback?"+mine.Encode()), 502, "relay.refused.title")
		mine = part(w.consent(p.scan(b.link())))
		mine.Add("code", "another")
		wantPage(t, "two codes", p.get("/callback?"+mine.Encode()), 400, "phone.failed.title")
		if n := w.calls(oauthtest.OpExchange); n != exchanges {
			t.Errorf("%d exchanges", n-exchanges)
		}
		wantCode(t, "the box", b.poll(), "authorization_pending")
		mine = part(w.consent(p.scan(b.link())))
		mine.Set("iss", upIssuer)
		if rec := p.get("/callback?" + mine.Encode()); rec.Code != 303 {
			t.Errorf("the right issuer: %d %s", rec.Code, rec.Body)
		}
	})
}

// A server that is known to send iss must send it (RFC 9207 §2.4).
func TestIssuerRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *gateway.Config) { c.Upstream.IssuerRequired = true })
		b, p := w.newBox(), w.newPhone()
		wantPage(t, "without iss", p.get(w.consent(p.scan(b.link()))), 502, "relay.refused.title")
		if rec := p.get(w.consent(p.scan(b.link())) + "&iss=" + url.QueryEscape(upIssuer)); rec.Code != 303 {
			t.Errorf("with iss: %d %s", rec.Code, rec.Body)
		}
	})
}

// Every address is made from the issuer, whatever the request says.
func TestHostHeader(t *testing.T) {
	w := newWorld(t)
	p := w.newPhone()
	p.header.Set("X-Forwarded-Host", "attacker.test")
	p.header.Set("Forwarded", "host=attacker.test")
	if body := p.get(gateway.MetadataPath).Body.String(); strings.Contains(body, "attacker") {
		t.Error(body)
	}
	u, err := url.Parse(p.scan(w.newBox().link()))
	if err != nil || u.Query().Get("redirect_uri") != issuer+"/callback" || u.Query().Get("code_challenge_method") != "S256" ||
		u.Query().Get("access_type") != "offline" || u.Query().Get("prompt") != "consent" {
		t.Errorf("%v", u)
	}
}

// A page of another site can't say yes.
func TestCrossOrigin(t *testing.T) {
	for _, tt := range []struct {
		header, value string
		status        int
	}{
		{"Sec-Fetch-Site", "cross-site", 403},
		{"Sec-Fetch-Site", "same-site", 403},
		{"Sec-Fetch-Site", "none", 403},
		{"Sec-Fetch-Site", "same-origin", 200},
		{"Origin", "https://attacker.test", 403},
		{"Origin", "http://photos.test", 403},
		{"Origin", "null", 403},
		{"Origin", issuer, 200},
		{"X-Nothing", "x", 403},
	} {
		w := newWorld(t)
		p, b := w.newPhone(), w.newBox()
		p.header["Sec-Fetch-Site"] = nil
		p.header[tt.header] = []string{tt.value}
		rec := p.post("/confirm", url.Values{"c": {strings.TrimPrefix(b.link(), "/?c=")}, "answer": {"yes"}})
		if rec.Code != tt.status || (len(p.cookies) > 0) != (tt.status == 200) {
			t.Errorf("%s: %s: %d", tt.header, tt.value, rec.Code)
		}
	}
}

// A box can send a phone to Google Photos and nowhere else.
func TestContinue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		p.signIn(b)
		for _, uri := range []string{
			"",
			"http://photos.google.com/picker/abc",
			"https://photos.google.com/",
			"https://photos.google.com/picker",
			"https://photos.google.com/pickers/abc",
			"https://photos.google.com.attacker.test/picker/abc",
			"https://attacker.test/picker/abc",
			"https://attacker.test/https://photos.google.com/picker/abc",
			"https://photos.google.com@attacker.test/picker/abc",
			"https://user@photos.google.com/picker/abc",
			"https://photos.google.com:443/picker/abc",
			"https://photos.google.com:8443/picker/abc",
			"https://PHOTOS.google.com/picker/abc",
			"https://photos.google.com./picker/abc",
			"https://photos.google.com/picker/../../url?q=https://attacker.test",
			"https://photos.google.com/picker/%2e%2e/url",
			"https://photos.google.com/picker/..%2furl",
			"https://photos.google.com/picker//attacker.test",
			`https://photos.google.com/picker/\..\url`,
			`https://photos.google.com\@attacker.test/picker/abc`,
			"https:photos.google.com/picker/abc",
			"//photos.google.com/picker/abc",
			"/picker/abc",
			"javascript:alert(1)//https://photos.google.com/picker/",
			"data:text/html,https://photos.google.com/picker/",
			" https://photos.google.com/picker/abc",
			"https://photos.google.com/picker/abc\n",
			"https://photos.google.com/picker/a\tb",
			"https://photos.google.com/picker/abc#x",
			"https://photos.google.com/picker/é",
			"https://photos.google.com/picker/abc?x=\"><script>",
			"https://photos.google.com/picker/" + strings.Repeat("x", 3000),
		} {
			if a := b.continueAt(uri); a.code() != "invalid_request" {
				t.Errorf("%q: %d %v", uri, a.status, a.body)
			}
		}
		wantCode(t, "another client", w.post("/continue", "client_id", "hotel", "client_secret", boxSecret, "device_code", b.device, "uri", pickerURI), "invalid_grant")
		if a := b.poll(); a.status != 200 {
			t.Errorf("the answer was erased: %v", a.body)
		}
		if a := b.continueAt(pickerURI); a.status != 200 {
			t.Errorf("%v", a.body)
		}
	})
}

// The code of one box is that of its client.
func TestForeignClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		p.signIn(b)
		for _, path := range []string{"/token", "/received"} {
			a := w.post(path, "client_id", "hotel", "client_secret", boxSecret, "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", b.device)
			wantCode(t, path, a, "invalid_grant")
		}
		if a := b.pollAfter(); a.status != 200 {
			t.Errorf("%v", a.body)
		}
	})
}
