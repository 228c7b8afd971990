package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"pickerd/display"
	"pickerd/display/web"
)

// fakeDisplays let in the browser with the key "in".
type fakeDisplays struct {
	removed context.Context
	page    string // that the QR code leads to
	err     error
	left    int // requests that have been answered
	links   int // that were used
}

func (f *fakeDisplays) Enter(key string, _ netip.Addr) (context.Context, func(), bool) {
	return f.removed, func() { f.left++ }, key == "in"
}

func (f *fakeDisplays) Wait(key string, from netip.Addr, page string) (display.Waiting, error) {
	f.page = page
	if key != "waits" {
		key = "new"
	}
	return display.Waiting{Key: key, Code: "BCDF", Picture: "<svg/>", Until: time.Now().Add(time.Minute)}, f.err
}

func (f *fakeDisplays) UseLink(token string, _ netip.Addr) (string, error) {
	f.links++
	if token != "good" {
		return "", display.ErrLinkGone
	}
	return "in", f.err
}

// A guard is a guard of a page that says "THE PHOTOS".
type guard struct {
	*fakeDisplays
	handler http.Handler
}

// lobby is the page of a screen in English.
func lobby() *display.Board[display.Page] {
	board := new(display.Board[display.Page])
	board.Set(display.Page{Device: "Lobby"})
	return board
}

func newGuard(change func(*web.GuardConfig)) *guard {
	g := &guard{fakeDisplays: &fakeDisplays{removed: context.Background()}}
	cfg := web.GuardConfig{Pages: lobby(), Key: "abcd-efgh-ijkl-mnop", Displays: g.fakeDisplays, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	g.handler = web.NewGuard(cfg).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "THE PHOTOS") }))
	return g
}

// A request comes from another machine unless it is here.
type request struct {
	route, cookie, body string
	here                bool
	header              [2]string
}

func (q request) http() *http.Request {
	method, path, _ := strings.Cut(q.route, " ")
	r := httptest.NewRequest(method, path, strings.NewReader(q.body))
	at := &net.TCPAddr{IP: net.IPv4(192, 168, 1, 20), Port: 8420}
	r.Host, r.RemoteAddr = at.String(), "192.168.1.50:5000"
	if q.here {
		r.RemoteAddr = "192.168.1.20:5000"
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if q.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "pickerd", Value: q.cookie})
	}
	if q.header[0] != "" {
		r.Header.Set(q.header[0], q.header[1])
	}
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(at)))
}

func (g *guard) ask(q request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, q.http())
	return w
}

// What browsers get that are let in, that wait, and that are strangers.
func TestDisplays(t *testing.T) {
	fails := errors.New("disk")
	for name, tt := range map[string]struct {
		request
		err    error
		status int
		part   string // of the answer
		cookie string // that it sets
	}{
		"a stranger's page":         {request{route: "GET /"}, nil, 401, `src="/waiting.js"`, ""},
		"a stranger's photo":        {request{route: "GET /media/a"}, nil, 401, "key is missing", ""},
		"the page of a display":     {request{route: "GET /", cookie: "in"}, nil, 200, "THE PHOTOS", "in"},
		"the photo of a display":    {request{route: "GET /media/a", cookie: "in"}, nil, 200, "THE PHOTOS", ""},
		"a font":                    {request{route: "GET /fonts/a.ttf"}, nil, 200, "THE PHOTOS", ""},
		"the script":                {request{route: "GET /waiting.js"}, nil, 200, "THE PHOTOS", ""},
		"its requests":              {request{route: "GET /ask.js"}, nil, 200, "THE PHOTOS", ""},
		"an icon without a cookie":  {request{route: "GET /icon.png"}, nil, 200, "THE PHOTOS", ""},
		"the name of the box":       {request{route: "GET /manifest.webmanifest"}, nil, 401, "", ""},
		"a stranger asks":           {request{route: "POST /waiting"}, nil, 200, `{"code":"BCDF","left":60,"picture":"\u003csvg/\u003e"}`, "new"},
		"who waits asks":            {request{route: "POST /waiting", cookie: "waits"}, nil, 200, `"code":"BCDF"`, ""},
		"a display asks":            {request{route: "POST /waiting", cookie: "in"}, nil, 200, `{"allowed":true}`, ""},
		"the box's own browser":     {request{route: "POST /waiting", here: true}, nil, 200, `{"allowed":true}`, ""},
		"another site asks":         {request{route: "POST /waiting", header: [2]string{"Sec-Fetch-Site", "cross-site"}}, nil, 403, "", ""},
		"the same in an old one":    {request{route: "POST /waiting", header: [2]string{"Origin", "http://evil.example"}}, nil, 403, "", ""},
		"an address that is taken":  {request{route: "POST /waiting"}, display.ErrAddressTaken, 409, "", ""},
		"too many":                  {request{route: "POST /waiting"}, display.ErrManyWaiting, 503, "", ""},
		"no picture":                {request{route: "POST /waiting"}, fails, 500, "", ""},
		"nobody only looks":         {request{route: "GET /waiting"}, nil, 401, "", ""},
		"help":                      {request{route: "GET /allow?code=bcdf"}, nil, 200, "pickerd displays allow BCDF", ""},
		"help for nothing":          {request{route: "GET /allow?code=%3Cscript%3E"}, nil, 200, "hold OK", ""},
		"help in another language":  {request{route: "GET /allow", header: [2]string{"Accept-Language", "de"}}, nil, 200, "Fernbedienung", ""},
		"a link is looked at":       {request{route: "GET /link"}, nil, 200, `src="/link.js"`, ""},
		"a link is used":            {request{route: "POST /link", body: "token=good"}, nil, 200, `{"allowed":true}`, "in"},
		"a link that is gone":       {request{route: "POST /link", body: "token=bad"}, nil, 410, "", ""},
		"a link, and a bad disk":    {request{route: "POST /link", body: "token=good"}, fails, 503, "", ""},
		"a link in the address":     {request{route: "POST /link?token=good"}, nil, 410, "", ""},
		"another site uses a link":  {request{route: "POST /link", body: "token=good", header: [2]string{"Sec-Fetch-Site", "cross-site"}}, nil, 403, "", ""},
		"a display looks at a link": {request{route: "GET /link", cookie: "in"}, nil, 303, "", ""},
		"a display uses a link":     {request{route: "POST /link", cookie: "in", body: "token=good"}, nil, 200, `{"allowed":true}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuard(nil)
			g.err = tt.err
			w := g.ask(tt.request)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.part) {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
			set := ""
			if c := w.Result().Cookies(); len(c) == 1 {
				set = c[0].Value
				if !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || c[0].Path != "/" || c[0].MaxAge < 300*24*3600 || c[0].Partitioned {
					t.Errorf("cookie %+v", c[0])
				}
			}
			if set != tt.cookie {
				t.Errorf("it sets the cookie %q, want %q", set, tt.cookie)
			}
			if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.HasSuffix(csp, "; frame-ancestors 'none'") || w.Header().Get("X-Frame-Options") != "DENY" {
				t.Errorf("headers %v", w.Header())
			}
			if tt.request.cookie == "in" && g.left != 1 {
				t.Errorf("a display has left %d times", g.left)
			}
			if used := g.links == 1; used != (tt.route == "POST /link" && tt.request.cookie == "" && tt.status != 403 || tt.route == "POST /link?token=good") {
				t.Errorf("links used: %d", g.links)
			}
			if strings.Contains(w.Body.String(), "<script>") {
				t.Errorf("it repeats a script: %s", w.Body)
			}
		})
	}
	g := newGuard(nil)
	if g.ask(request{route: "POST /waiting"}); g.page != "http://192.168.1.20:8420/allow?code=" {
		t.Errorf("the code leads to %s", g.page)
	}
	g = newGuard(func(cfg *web.GuardConfig) { cfg.Displays = nil })
	if w := g.ask(request{route: "POST /waiting"}); w.Code != 401 {
		t.Errorf("where no displays are let in: %d", w.Code)
	}
}

// The stream of a display ends when it is removed, and no more is written to it.
func TestRemovedDisplay(t *testing.T) {
	g := newGuard(nil)
	removed, remove := context.WithCancel(context.Background())
	g.removed = removed
	var late error
	cfg := web.GuardConfig{Pages: lobby(), Displays: g.fakeDisplays, Log: slog.New(slog.DiscardHandler)}
	w := httptest.NewRecorder()
	web.NewGuard(cfg).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "before")
		remove()
		<-r.Context().Done()
		_, late = io.WriteString(w, "after")
	})).ServeHTTP(w, request{route: "GET /events", cookie: "in"}.http())
	if w.Body.String() != "before" || late == nil || g.left != 1 {
		t.Errorf("%q, %v, left %d times", w.Body, late, g.left)
	}
}

// Only the named origins may frame the page, with a cookie that works there.
func TestFraming(t *testing.T) {
	framing := web.Framing{"https://home.example", "https://*.dash.example:8123"}
	g := newGuard(func(cfg *web.GuardConfig) { cfg.Framing, cfg.Secure = framing, true })
	for _, route := range []string{"GET /", "GET /media/a", "POST /waiting", "GET /link", "GET /allow"} {
		w := g.ask(request{route: route})
		if csp := w.Header().Get("Content-Security-Policy"); !strings.HasSuffix(csp, "; frame-ancestors https://home.example https://*.dash.example:8123") || w.Header().Get("X-Frame-Options") != "" {
			t.Errorf("%s: %q, %q", route, csp, w.Header().Get("X-Frame-Options"))
		}
	}
	w := g.ask(request{route: "POST /signin", body: url.Values{"key": {"abcd-efgh-ijkl-mnop"}}.Encode()})
	if c := w.Result().Cookies(); len(c) != 1 || c[0].SameSite != http.SameSiteNoneMode || !c[0].Secure || !c[0].Partitioned {
		t.Errorf("cookies %v", c)
	}
}

// FuzzAllowPage checks that nothing of an address gets into the page but a code.
func FuzzAllowPage(f *testing.F) {
	for _, s := range []string{"BCDF", "bc df", "<b>", `"`, "\x00", "BCDF&code=x"} {
		f.Add(s)
	}
	g := newGuard(nil)
	plain := g.ask(request{route: "GET /allow"}).Body.String()
	f.Fuzz(func(t *testing.T, code string) {
		w := g.ask(request{route: "GET /allow?" + url.Values{"code": {code}}.Encode()})
		text := w.Body.String()
		if known := display.WaitCode(code); w.Code != 200 || known == "" && text != plain || known != "" && strings.Count(text, known) != 2 {
			t.Errorf("%q: %d %s", code, w.Code, text)
		}
	})
}
