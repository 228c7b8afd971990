package web

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pickerd/display"
	"pickerd/display/words"
)

// A visit is a request as it comes from somewhere.
type visit struct {
	method, path string
	from, host   string
	header       [2]string
	cookie       string
	form         url.Values
}

const (
	lanPhone  = "192.168.1.50:5000"
	lanBox    = "192.168.1.20:8420"
	boxItself = "127.0.0.1:5000"
	testKey   = "abcd-efgh-ijkl-mnop"
)

func (v visit) request() *http.Request {
	r := httptest.NewRequest(v.method, v.path, strings.NewReader(v.form.Encode()))
	r.RemoteAddr, r.Host = v.from, v.host
	if v.form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.header[0] != "" {
		r.Header.Set(v.header[0], v.header[1])
	}
	if v.cookie != "" {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: v.cookie})
	}
	at, err := net.ResolveTCPAddr("tcp", lanBox)
	if err != nil {
		panic(err)
	}
	if strings.HasPrefix(v.from, "127.") {
		at.IP = net.IPv4(127, 0, 0, 1)
	}
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(at)))
}

func testGuard(t *testing.T, key string) *Guard {
	t.Helper()
	w, err := words.For("en")
	if err != nil {
		t.Fatal(err)
	}
	var pages display.Board[display.Page]
	pages.Set(display.Page{Device: "Lobby", Style: display.Style{Words: w}})
	return NewGuard(GuardConfig{Pages: &pages, Key: key, Names: []string{"box", "box.local"}, Log: slog.New(slog.DiscardHandler)})
}

func (g *Guard) answer(v visit) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	g.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "THE PHOTOS") })).ServeHTTP(w, v.request())
	return w
}

// Who sees the page, and who does not.
func TestGuard(t *testing.T) {
	g := testGuard(t, testKey)
	for name, tt := range map[string]struct {
		visit
		want int
	}{
		"the box's own browser":                  {visit{method: "GET", path: "/", from: boxItself, host: "127.0.0.1:8420"}, 200},
		"by its name":                            {visit{method: "GET", path: "/", from: boxItself, host: "localhost:8420"}, 200},
		"by IPv6":                                {visit{method: "GET", path: "/", from: "[::1]:5000", host: "[::1]:8420"}, 200},
		"at its address on the network":          {visit{method: "GET", path: "/", from: "192.168.1.20:5000", host: lanBox}, 200},
		"a name that leads to loopback":          {visit{method: "GET", path: "/", from: boxItself, host: "evil.example:8420"}, 421},
		"a name that leads to the box":           {visit{method: "GET", path: "/", from: lanPhone, host: "evil.example"}, 421},
		"a program on the box that names nobody": {visit{method: "GET", path: "/healthz", from: boxItself, host: ""}, 200},
		"no name at all":                         {visit{method: "GET", path: "/", from: lanPhone, host: ""}, 421},
		"loopback's name from elsewhere":         {visit{method: "GET", path: "/", from: lanPhone, host: "localhost:8420"}, 421},
		"another machine's address":              {visit{method: "GET", path: "/", from: boxItself, host: "192.168.1.77:8420"}, 421},
		"loopback's address from elsewhere":      {visit{method: "GET", path: "/", from: lanPhone, host: "127.0.0.1:8420"}, 421},
		"a stranger":                             {visit{method: "GET", path: "/", from: lanPhone, host: lanBox}, 401},
		"a stranger by the box's name":           {visit{method: "GET", path: "/", from: lanPhone, host: "BOX.local.:8420"}, 401},
		"a stranger who wants a still":           {visit{method: "GET", path: "/still/1", from: lanPhone, host: lanBox}, 401},
		"a stranger who wants a photo":           {visit{method: "GET", path: "/media/1", from: lanPhone, host: lanBox}, 401},
		"events":                                 {visit{method: "GET", path: "/events", from: lanPhone, host: lanBox}, 401},
		"the code":                               {visit{method: "GET", path: "/qr.svg", from: lanPhone, host: lanBox}, 401},
		"metrics":                                {visit{method: "GET", path: "/metrics", from: lanPhone, host: lanBox}, 401},
		"health":                                 {visit{method: "GET", path: "/healthz", from: lanPhone, host: lanBox}, 401},
		"a wish":                                 {visit{method: "POST", path: "/forget", from: lanPhone, host: lanBox}, 401},
		"a made-up cookie":                       {visit{method: "GET", path: "/", from: lanPhone, host: lanBox, cookie: testKey}, 401},
		"the cookie":                             {visit{method: "GET", path: "/", from: lanPhone, host: lanBox, cookie: g.cookie}, 200},
		"the cookie of another key":              {visit{method: "GET", path: "/", from: lanPhone, host: lanBox, cookie: testGuard(t, "another-key-1").cookie}, 401},
		"the cookie at another name":             {visit{method: "GET", path: "/", from: lanPhone, host: "evil.example", cookie: g.cookie}, 421},
		"a program that knows the key":           {visit{method: "GET", path: "/metrics", from: lanPhone, host: lanBox, header: [2]string{"Authorization", "Bearer " + testKey}}, 200},
		"a program that does not":                {visit{method: "GET", path: "/metrics", from: lanPhone, host: lanBox, header: [2]string{"Authorization", "Bearer no"}}, 401},
		"who claims to come from the box":        {visit{method: "GET", path: "/", from: lanPhone, host: lanBox, header: [2]string{"X-Forwarded-For", "127.0.0.1"}}, 401},
		"the style sheet of the sign-in page":    {visit{method: "GET", path: "/pickerd.css", from: lanPhone, host: lanBox}, 200},
		"a page that signs somebody else in":     {visit{method: "POST", path: "/signin", from: lanPhone, host: lanBox, form: url.Values{"key": {testKey}}, header: [2]string{"Sec-Fetch-Site", "cross-site"}}, 403},
		"the same in an older browser":           {visit{method: "POST", path: "/signin", from: lanPhone, host: lanBox, form: url.Values{"key": {testKey}}, header: [2]string{"Origin", "http://evil.example"}}, 403},
		"somebody who posts to the style sheet":  {visit{method: "POST", path: "/pickerd.css", from: lanPhone, host: lanBox}, 401},
	} {
		w := g.answer(tt.visit)
		if w.Code != tt.want {
			t.Errorf("%s: %d, not %d", name, w.Code, tt.want)
		}
		if seen := strings.Contains(w.Body.String(), "THE PHOTOS"); seen != (tt.want == 200) {
			t.Errorf("%s: sees the photos: %v", name, seen)
		}
		if h := w.Header(); tt.want != 200 && (!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Access-Control-Allow-Origin") != "" || h.Get("Cache-Control") != "no-store") {
			t.Errorf("%s: headers %v", name, h)
		}
	}
}

// The key travels once, as people type it; then a cookie tells.
func TestSignIn(t *testing.T) {
	g := testGuard(t, testKey)
	page := g.answer(visit{method: "GET", path: "/", from: lanPhone, host: lanBox})
	if csp := page.Header().Get("Content-Security-Policy"); csp != waitPolicy+"; frame-ancestors 'none'" || !strict(strings.Replace(csp, "img-src data:", "img-src 'self'", 1)) {
		t.Errorf("the page's policy is %q", csp)
	}
	// An address is written into logs and kept by browsers.
	if w := g.answer(visit{method: "POST", path: "/signin?key=" + testKey, from: lanPhone, host: lanBox}); w.Code != http.StatusUnauthorized {
		t.Errorf("the key in the address: %d", w.Code)
	}
	if text := page.Body.String(); !strings.Contains(text, "To see Lobby, enter its display key") || !strings.Contains(text, `action="/signin"`) || strings.Contains(text, testKey) {
		t.Errorf("the page says %s", text)
	}
	w := g.answer(visit{method: "POST", path: "/signin", from: lanPhone, host: lanBox, form: url.Values{"key": {" ABCD efgh IJKL-mnop"}}})
	c := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(c) != 1 {
		t.Fatalf("%d %v", w.Code, c)
	}
	if !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || c[0].Path != "/" || strings.Contains(c[0].Value, "abcd") {
		t.Errorf("the cookie is %v", c[0])
	}
	if w := g.answer(visit{method: "GET", path: "/", from: "192.168.1.51:1", host: lanBox, cookie: c[0].Value}); w.Code != 200 {
		t.Errorf("with the cookie: %d", w.Code)
	}
	g.cfg.Secure = true
	w = g.answer(visit{method: "POST", path: "/signin", from: lanPhone, host: lanBox, form: url.Values{"key": {testKey}}})
	if c := w.Result().Cookies(); len(c) != 1 || !c[0].Secure {
		t.Errorf("with TLS the cookie is %v", c)
	}
}

// Without a key nobody comes in from elsewhere.
func TestNoKey(t *testing.T) {
	g := testGuard(t, "")
	for _, v := range []visit{
		{method: "GET", path: "/", from: lanPhone, host: lanBox, cookie: g.cookie},
		{method: "GET", path: "/", from: lanPhone, host: lanBox, header: [2]string{"Authorization", "Bearer "}},
	} {
		if w := g.answer(v); w.Code != 401 {
			t.Errorf("%v: %d", v, w.Code)
		}
	}
	if w := g.answer(visit{method: "POST", path: "/signin", from: lanPhone, host: lanBox, form: url.Values{"key": {""}}}); w.Code != http.StatusUnauthorized {
		t.Errorf("an empty key: %d", w.Code)
	}
}

// Beyond a bound screens are refused politely, and let in again when others go.
func TestManyScreens(t *testing.T) {
	r := newRig(t)
	var left []func()
	for range maxStreams {
		leave, ok := r.web.enter()
		if !ok {
			t.Fatal("refused too early")
		}
		left = append(left, leave)
	}
	if _, ok := r.web.enter(); ok {
		t.Fatal("there is no bound")
	}
	come := func() *httptest.ResponseRecorder {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // who is let in has gone again
		w := httptest.NewRecorder()
		r.web.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/events", nil))
		return w
	}
	if w := come(); w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "as many screens") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	left[0]()
	if w := come(); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if leave, ok := r.web.enter(); !ok {
		t.Error("refused although one has gone")
	} else {
		leave()
	}
}
