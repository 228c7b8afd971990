package phone

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/display/words"
)

type fakeDevice struct {
	visit    device.Visit
	visitErr error
	err      error
	answer   url.Values
	wait     chan struct{}

	remote            device.Remote
	to, wish, account string
}

func (f *fakeDevice) Visit(link string) (device.Visit, error) {
	if link != "good" {
		return device.Visit{}, device.ErrLinkUnknown
	}
	return f.visit, f.visitErr
}

func (f *fakeDevice) Redirected(_ context.Context, answer url.Values) (string, error) {
	if f.wait != nil {
		<-f.wait
	}
	f.answer = answer
	return "https://photos.test/picker/1", f.err
}

func (f *fakeDevice) Remote(key string) (device.Remote, error) {
	if key != "good" {
		return device.Remote{}, device.ErrRemoteGone
	}
	return f.remote, nil
}

func (f *fakeDevice) Control(_ context.Context, key, wish, account string) (string, error) {
	if key != "good" {
		return "", device.ErrRemoteGone
	}
	f.wish, f.account = wish, account
	return f.to, f.err
}

func ask(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func newHandler(d Device) http.Handler {
	return Handler(d, words.English(), slog.New(slog.DiscardHandler))
}

func TestRelayed(t *testing.T) {
	d := &fakeDevice{visit: device.Visit{Name: "Living room", AuthURL: "https://accounts.test/auth?x=1"}}
	h := newHandler(d)
	if w := ask(h, "GET", "/pair/good", ""); w.Code != 303 || w.Header().Get("Location") != d.visit.AuthURL {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	w := ask(h, "GET", "/pair/callback?code=c&state=s", "")
	if w.Code != 303 || w.Header().Get("Location") != "https://photos.test/picker/1" || d.answer.Get("code") != "c" || d.answer.Get("state") != "s" {
		t.Errorf("%d %v %v", w.Code, w.Header(), d.answer)
	}
	for key, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "",
		// form-action is left out, or the answer to a form could lead nowhere else.
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
	} {
		if got := w.Header().Get(key); got != want {
			t.Errorf("%s: %q", key, got)
		}
	}
	// An address can't be pasted where none is asked for.
	if w := ask(h, "POST", "/pair/good", "address="+url.QueryEscape("http://127.0.0.1/?code=c&state=s")); w.Code != 422 {
		t.Errorf("%d", w.Code)
	}
}

func TestPasted(t *testing.T) {
	d := &fakeDevice{visit: device.Visit{Name: "<b>Kitchen</b>", Paste: true, AuthURL: "https://accounts.test/auth?a=1&b=2"}}
	h := newHandler(d)
	w := ask(h, "GET", "/pair/good", "")
	body := w.Body.String()
	if w.Code != 200 || !strings.Contains(body, "https://accounts.test/auth?a=1&amp;b=2") || strings.Contains(body, "<b>Kitchen") || !strings.Contains(body, "copy all of this") {
		t.Errorf("%d %s", w.Code, body)
	}
	if w := ask(h, "POST", "/pair/good", "address=hello"); w.Code != 422 || !strings.Contains(w.Body.String(), "That is not the address") || d.answer != nil {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = ask(h, "POST", "/pair/good", "address="+url.QueryEscape(" http://127.0.0.1/?state=s&code=4/0Ab&scope=x\n"))
	if w.Code != 303 || d.answer.Get("code") != "4/0Ab" || d.answer.Get("state") != "s" || d.answer.Has("scope") {
		t.Errorf("%d %v", w.Code, d.answer)
	}
	d.err = device.ErrLinkUnknown
	if w := ask(h, "POST", "/pair/good", "address="+url.QueryEscape("http://127.0.0.1/?state=old&code=c")); w.Code != 422 || !strings.Contains(w.Body.String(), "an older one") {
		t.Errorf("an address from another time: %d %s", w.Code, w.Body)
	}
	d.err, d.answer = nil, nil
	if w := ask(h, "POST", "/pair/good", "x="+strings.Repeat("x", 2*maxBody)+"&address="+url.QueryEscape("http://127.0.0.1/?state=s&code=c")); w.Code != 422 || d.answer != nil {
		t.Errorf("a huge form: %d %v", w.Code, d.answer)
	}
}

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		text   string
	}{
		{device.ErrLinkUnknown, 404, "not from this screen"},
		{device.ErrLinkLate, 410, "too long"},
		{device.ErrLinkUsed, 409, "another phone"},
		{device.ErrNoAnswer, 400, "no answer from Google"},
		{device.ErrNotThrough, 200, "Look at your screen"},
		{device.ErrStopping, 503, "starting again"},
		{&device.Problem{Code: "denied", Message: "Access was declined.", Remedy: "Scan again."}, 200, "Access was declined."},
		{errors.New("s3cr3t detail"), 500, "Something went wrong"},
	} {
		w := ask(newHandler(&fakeDevice{err: tt.err}), "GET", "/pair/callback?code=c&state=s", "")
		if body := w.Body.String(); w.Code != tt.status || !strings.Contains(body, tt.text) || strings.Contains(body, "s3cr3t") {
			t.Errorf("%v: %d %s", tt.err, w.Code, body)
		}
	}
	if w := ask(newHandler(&fakeDevice{}), "GET", "/pair/bad", ""); w.Code != 404 {
		t.Errorf("a link that is not: %d", w.Code)
	}
	for _, path := range []string{"/", "/events", "/pair/", "/media/x", "/pair/good/x"} {
		if w := ask(newHandler(&fakeDevice{}), "GET", path, ""); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Run("one address", func(t *testing.T) {
		h := newHandler(&fakeDevice{})
		refused := 0
		for range 100 {
			if w := ask(h, "GET", "/pair/callback?code=guess&state=guess", ""); w.Code == 429 {
				if refused++; w.Header().Get("Retry-After") == "" {
					t.Error("it is not said when to come again")
				}
			}
		}
		if refused < 100-burst-10 {
			t.Errorf("%d of 100 were refused", refused)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		l := newLimits()
		var leave []func()
		enter := func(remote string) bool {
			out, ok := l.enter(remote)
			if ok {
				leave = append(leave, out)
			}
			return ok
		}
		for i := range perHost {
			if !enter(fmt.Sprintf("192.168.1.99:%d", i)) {
				t.Fatalf("one address: only %d at once", i)
			}
		}
		if enter("192.168.1.99:1") {
			t.Error("one address holds too many")
		}
		for i := range atOnce - perHost {
			if !enter(fmt.Sprintf("192.168.1.%d:1", i)) {
				t.Fatalf("only %d at once", i)
			}
		}
		if enter("192.168.1.200:1") {
			t.Error("too many at once")
		}
		for _, out := range leave {
			out()
		}
		for i := range 10 * manyHosts {
			out, ok := l.enter(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256))
			if !ok {
				t.Fatal("nobody is let in any more")
			}
			out()
		}
		if len(l.hosts) > manyHosts || l.atOnce != 0 {
			t.Errorf("%d addresses are remembered, %d requests", len(l.hosts), l.atOnce)
		}
	})
	t.Run("from the page itself, without TLS", func(t *testing.T) {
		d := &fakeDevice{visit: device.Visit{Paste: true}}
		r := httptest.NewRequest("POST", "http://box.local:8420/pair/good", strings.NewReader("address=http%3A%2F%2F127.0.0.1%2F%3Fcode%3Dc%26state%3Ds"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://box.local:8420")
		w := httptest.NewRecorder()
		newHandler(d).ServeHTTP(w, r)
		if w.Code != 303 || d.answer == nil {
			t.Errorf("%d", w.Code)
		}
	})
	t.Run("from another page", func(t *testing.T) {
		for path, body := range map[string]string{
			"/pair/good":   "address=http%3A%2F%2F127.0.0.1%2F%3Fcode%3Dc%26state%3Ds",
			"/remote/good": "wish=next",
		} {
			d := &fakeDevice{visit: device.Visit{Paste: true}}
			r := httptest.NewRequest("POST", path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			w := httptest.NewRecorder()
			newHandler(d).ServeHTTP(w, r)
			if w.Code != 403 || d.answer != nil || d.wish != "" {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
	})
}

// pipes is a network of one connection, on which time is the bubble's.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }
func (p pipes) Close() error   { return nil }

// Who sends a form, or reads a page, slowly on purpose has some patience and no
// more: they hold one of few places.
func TestPatience(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		next http.HandlerFunc
	}{
		"sending": {"POST /pair/good HTTP/1.1\r\nHost: box\r\nContent-Length: 99\r\n\r\naddr", func(_ http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body) }},
		"reading": {"GET /pair/good HTTP/1.1\r\nHost: box\r\n\r\n", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1<<20)) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, done, ended := make(pipes), make(chan struct{}), make(chan struct{})
				srv := &http.Server{Handler: bounded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { defer close(done); tt.next(w, r) }), newLimits())}
				go func() { defer close(ended); srv.Serve(l) }()
				near, far := net.Pipe()
				l <- far
				if _, err := io.WriteString(near, tt.text); err != nil {
					t.Fatal(err)
				}
				select {
				case <-done:
				case <-time.After(patience + time.Second):
					t.Errorf("still there after %v", patience)
				}
				near.Close()
				close(l)
				srv.Close()
				<-ended
			})
		})
	}
}

func TestParsePasted(t *testing.T) {
	for text, code := range map[string]string{
		"http://127.0.0.1/?code=4/0AX&state=s":                              "4/0AX",
		"http://127.0.0.1/?state=s&code=4%2F0AX&scope=https://x.test/a":     "4/0AX",
		"127.0.0.1/?code=c&state=s":                                         "c",
		"http://localhost:8080/?state=s&code=c#":                            "c",
		"here it is: http://127.0.0.1/?code=c&state=s thanks":               "c",
		"http://127.0.0.1/?code=c&state=s\r\n":                              "c",
		"?code=c&state=s":                                                   "c",
		"code=c&state=s":                                                    "c",
		"view-source:http://127.0.0.1/?code=c&state=s":                      "c",
		"https://accounts.test/auth?client_id=i&state=s&response_type=code": "",
		"http://127.0.0.1/":                                                 "",
		"http://127.0.0.1/?code=c":                                          "",
		"":                                                                  "",
		"https://example.org/?code=c;state=s":                               "",
	} {
		got, ok := parsePasted(text)
		if ok != (code != "") || got.Get("code") != code {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
	if got, ok := parsePasted("http://127.0.0.1/?error=access_denied&state=s"); !ok || got.Get("error") != "access_denied" {
		t.Errorf("%v, %v", got, ok)
	}
}

func FuzzParsePasted(f *testing.F) {
	f.Add("http://127.0.0.1/?code=4/0AX&state=s")
	f.Add("127.0.0.1?%zz")
	f.Add("localhost#?code=1&state=2")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parsePasted(text)
		if ok && (got.Get("state") == "" || len(got) > 3) {
			t.Errorf("%q: %v", text, got)
		}
	})
}

// The relay page runs only what is written in it.
func TestRelayPagePolicy(t *testing.T) {
	page := string(RelayPage())
	for _, tag := range []string{"script", "style"} {
		m := regexp.MustCompile(`(?s)<` + tag + `>(.*?)</` + tag + `>`).FindStringSubmatch(page)
		if m == nil {
			t.Fatalf("no %s", tag)
		}
		sum := sha256.Sum256([]byte(m[1]))
		if want := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(page, tag+"-src "+want) {
			t.Errorf("the page's policy does not allow its %s: want %s", tag, want)
		}
	}
	if regexp.MustCompile(`(?i)(src|href)=|localStorage|sessionStorage|cookie|unsafe`).MatchString(page) {
		t.Error("the page loads or keeps something")
	}
}
