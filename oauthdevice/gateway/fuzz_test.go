package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pickerd/oauthdevice/gateway"
)

// knownCodes are the error codes of RFC 6749 §5.2, RFC 8628 §3.5 and of outages.
const knownCodes = " invalid_request invalid_client invalid_grant unsupported_grant_type invalid_scope authorization_pending slow_down access_denied expired_token temporarily_unavailable "

// sendForm sends a body to an endpoint for boxes and checks that there is an answer
// by the RFCs.
func sendForm(t *testing.T, gw http.Handler, path, body string) {
	r := httptest.NewRequest("POST", issuer+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	gw.ServeHTTP(rec, r)
	var a struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
		t.Fatalf("%q: %d %s", body, rec.Code, rec.Body)
	}
	if (rec.Code == 200) != (a.Error == "") || a.Error != "" && !strings.Contains(knownCodes, " "+a.Error+" ") {
		t.Fatalf("%q: %d %s", body, rec.Code, rec.Body)
	}
}

// fuzzForms fuzzes an endpoint for boxes. The seeds get a real device_code.
func fuzzForms(f *testing.F, path string, seeds ...string) {
	w := newWorld(f)
	b, p := w.newBox(), w.newPhone()
	p.signIn(b)
	for _, seed := range seeds {
		f.Add(strings.ReplaceAll(seed, "DEVICE", b.device))
	}
	f.Fuzz(func(t *testing.T, body string) { sendForm(t, w.gw, path, body) })
}

func FuzzDeviceCode(f *testing.F) {
	fuzzForms(f, "/device/code", "client_id=pickerd", "client_id=pickerd&scope=openid+email", `client_id=pickerd&state={"displayName":"TV","requestId":"x"}`,
		"client_id=hotel&client_secret="+boxSecret, "client_id=a&client_id=b", "%", ";", "state=null&client_id=pickerd")
}

func FuzzToken(f *testing.F) {
	fuzzForms(f, "/token", "client_id=pickerd&grant_type="+url.QueryEscape(deviceGrant)+"&device_code=DEVICE", "client_id=pickerd&grant_type=refresh_token&refresh_token=x",
		"client_id=pickerd&grant_type=refresh_token&refresh_token=x&scope=a", "grant_type=", "client_id=pickerd&grant_type="+url.QueryEscape(deviceGrant)+"&device_code=%00")
}

func FuzzContinue(f *testing.F) {
	w := newWorld(f)
	b, p := w.newBox(), w.newPhone()
	p.signIn(b)
	for _, seed := range []string{pickerURI, "https://photos.google.com/picker/%2e%2e/", "https://photos.google.com/picker/../x", "javascript:x", `https://photos.google.com\@a.test/picker/`, "https://photos.google.com/picker/a\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		sendForm(t, w.gw, "/continue", url.Values{"client_id": {"pickerd"}, "device_code": {b.device}, "uri": {uri}}.Encode())
		body := p.get("/wait").Body.String()
		for _, m := range leads.FindAllStringSubmatch(body, -1) {
			if !strings.HasPrefix(m[1], "https://photos.google.com/picker/") || strings.Contains(m[1], "..") {
				t.Fatalf("%q leads to %s", uri, m[1])
			}
		}
	})
}

func FuzzCallback(f *testing.F) {
	w := newWorld(f)
	p := w.newPhone()
	u, err := url.Parse(p.scan(w.newBox().link()))
	if err != nil {
		f.Fatal(err)
	}
	state := u.Query().Get("state")
	for _, seed := range []string{"state=" + state + "&code=x", "state=" + state + "&error=access_denied", "state=x", "code=x", "state=" + state + "&iss=x", "%", "state=" + state + "&state=" + state} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, q string) { loadPage(t, w, "/callback", q) })
}

func FuzzRoot(f *testing.F) {
	w := newWorld(f)
	b := w.newBox()
	for _, seed := range []string{"", "c=" + strings.TrimPrefix(b.link(), "/?c="), "c=x", "user_code=" + b.userCode, "user_code=<script>", "user_code=ſſſſſſſſſ", "c=x&c=y", "%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, q string) { loadPage(t, w, "/", q) })
}

// loadPage loads a page and checks that it is one.
func loadPage(t *testing.T, w *world, path, q string) {
	r := httptest.NewRequest("GET", issuer+path, nil)
	r.URL.RawQuery = q
	rec := httptest.NewRecorder()
	w.gw.ServeHTTP(rec, r)
	body := rec.Body.String()
	if !strings.Contains(body, `<h1 id="title">`) || strings.Contains(strings.ToLower(body), "<script") || rec.Code >= 500 && rec.Code != 502 {
		t.Fatalf("%q: %d %s", q, rec.Code, body)
	}
}

func FuzzUserCode(f *testing.F) {
	for _, seed := range []string{"BCD-FGH-JKL", "bcdfghjkl", "bcd fgh jkl", "AEI-OUY-123", "", "BCD–FGH—JKL", "ſCDFGHJKL"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := gateway.ParseUserCode(typed)
		if !ok {
			return
		}
		if again, ok := gateway.ParseUserCode(code); !ok || again != code || len(code) != 11 {
			t.Errorf("%q: %q, then %q", typed, code, again)
		}
	})
}
