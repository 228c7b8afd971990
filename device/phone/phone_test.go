package phone

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/httpserve"
	"pickerd/display/httpserve/pipelisten"
	"pickerd/display/words"
)

type fakeDevice struct {
	visit    device.Visit
	visitErr error
	err      error
	answer   url.Values
	wait     chan struct{}

	remote device.Remote
	to     string
	wish   display.Wish

	fakeHandset
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

func (f *fakeDevice) Control(_ context.Context, key string, w display.Wish) (string, error) {
	if key != "good" {
		return "", device.ErrRemoteGone
	}
	f.wish = w
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

func askFrom(h http.Handler, from, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.RemoteAddr = from
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func newHandler(d *fakeDevice) http.Handler {
	return Handler(d, d, words.English, slog.New(slog.DiscardHandler))
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
	if w := ask(h, "POST", "/pair/good", "address=hello"); w.Code != 422 || !strings.Contains(w.Body.String(), "That is not the right address") || d.answer != nil {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = ask(h, "POST", "/pair/good", "address="+url.QueryEscape(" http://127.0.0.1/?state=s&code=4/0Ab&scope=x\n"))
	if w.Code != 303 || d.answer.Get("code") != "4/0Ab" || d.answer.Get("state") != "s" || d.answer.Has("scope") {
		t.Errorf("%d %v", w.Code, d.answer)
	}
	d.err = device.ErrLinkUnknown
	if w := ask(h, "POST", "/pair/good", "address="+url.QueryEscape("http://127.0.0.1/?state=old&code=c")); w.Code != 422 || !strings.Contains(w.Body.String(), "an earlier attempt") {
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
		{device.ErrLinkLate, 410, "has expired"},
		{device.ErrLinkUsed, 409, "Another phone"},
		{device.ErrNoAnswer, 400, "No answer from Google"},
		{device.ErrNotThrough, 200, "Look at the screen"},
		{device.ErrStopping, 503, "is restarting"},
		{&device.Problem{Code: "denied"}, 200, words.English().Say("notice.denied.message")},
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

// A phone reads its own language, or else the screen's.
func TestLanguages(t *testing.T) {
	fr, err := words.For("fr")
	if err != nil {
		t.Fatal(err)
	}
	paste := device.Visit{Name: "Living room", Paste: true, AuthURL: "https://accounts.test/auth"}
	remote := device.Remote{Name: "Living room", Now: "Photo 1 sur 3", Buttons: []device.Button{
		{Wish: display.Wish{Verb: display.Previous}, Key: "remote.previous"}, {Wish: display.Wish{Verb: display.Next}, Key: "remote.next"},
		{Wish: display.Wish{Verb: display.Pause}, Key: "remote.go_on"},
		{Wish: display.Wish{Verb: display.Pick, Account: "a"}, Key: "page.person", Number: 1}, {Wish: display.Wish{Verb: display.Pick, Account: "b"}, Name: "ben@example.org"},
		{Wish: display.Wish{Verb: display.Pick, Account: device.NewAccount}, Key: "page.somebody_else"},
		{Wish: display.Wish{Verb: display.Cancel}, Key: "page.stop"}, {Wish: display.Wish{Verb: display.AskForget}, Key: "page.finish"}}}
	full := &device.Problem{Code: "disk_full"}
	for _, code := range append(words.Languages(), "") {
		w, language := fr, "ko"
		if code != "" {
			language = code + ", fr;q=0.1"
			if w, err = words.For(code); err != nil {
				t.Fatal(err)
			}
		}
		dir := map[bool]string{true: "rtl", false: "ltr"}[w.RightToLeft]
		for name, tt := range map[string]struct {
			device             *fakeDevice
			method, path, body string
			says               []string
		}{
			"paste":         {&fakeDevice{visit: paste}, "GET", "/pair/good", "", []string{"page.pair_title", "phone.sign_in", "phone.copy_error", "phone.picture_copy", "phone.paste_text", "phone.go_on", "phone.once"}},
			"wrong address": {&fakeDevice{visit: paste}, "POST", "/pair/good", "address=x", []string{"phone.not_address"}},
			"old address":   {&fakeDevice{visit: paste, err: device.ErrLinkUnknown}, "POST", "/pair/good", "address=" + url.QueryEscape("http://127.0.0.1/?state=s&code=c"), []string{"phone.old_address"}},
			"unknown link":  {&fakeDevice{}, "GET", "/pair/bad", "", []string{"phone.link_unknown.title", "phone.link_unknown.text"}},
			"late":          {&fakeDevice{err: device.ErrLinkLate}, "GET", "/pair/callback?code=c", "", []string{"phone.link_late.title"}},
			"look":          {&fakeDevice{err: device.ErrNotThrough}, "GET", "/pair/callback?code=c", "", []string{"remote.look", "remote.look_text"}},
			"problem":       {&fakeDevice{err: full}, "GET", "/pair/callback?code=c", "", []string{"notice.disk_full.message", "notice.disk_full.remedy"}},
			"failed":        {&fakeDevice{err: errors.New("s3cr3t")}, "GET", "/pair/callback?code=c", "", []string{"phone.failed.title", "phone.failed.text"}},
			"remote":        {&fakeDevice{remote: remote}, "GET", "/remote/good", "", []string{"remote.previous", "remote.go_on", "page.who", "page.person", "page.somebody_else", "page.stop", "page.finish", "remote.hint", "remote.put_away"}},
			"closed remote": {&fakeDevice{}, "POST", "/remote/good", "wish=away", []string{"remote.put_away_text"}},
			"gone remote":   {&fakeDevice{}, "GET", "/remote/bad", "", []string{"remote.gone", "remote.gone_text"}},
		} {
			r := httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Accept-Language", language)
			rec := httptest.NewRecorder()
			Handler(tt.device, tt.device, func() *words.Words { return fr }, slog.New(slog.DiscardHandler)).ServeHTTP(rec, r)
			body := html.UnescapeString(rec.Body.String())
			if want := `<html lang="` + w.Code + `" dir="` + dir + `">`; !strings.Contains(body, want) {
				t.Errorf("%s, %q: no %s", name, language, want)
			}
			for _, key := range tt.says {
				if text := w.Say(key, "name", "Living room", "n", 1); !strings.Contains(body, text) || text == key {
					t.Errorf("%s, %q: no %s, %q: %s", name, language, key, text, body)
				}
			}
			if strings.Contains(body, "{") || rec.Header().Get("Vary") != "Accept-Language" {
				t.Errorf("%s, %q: %v %s", name, language, rec.Header(), body)
			}
		}
	}
}

// A browser with the address of pickerd authorize is answered in its language.
func TestSay(t *testing.T) {
	for language, want := range map[string]string{"": "Signing in failed", "de-CH": "Die Anmeldung ist fehlgeschlagen"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", language)
		w := httptest.NewRecorder()
		Say(w, r, 200, "phone.cli_failed")
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q: %s", language, w.Body)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Run("one host", func(t *testing.T) {
		for _, path := range []string{"/pair/guess", "/pair/callback?code=guess&state=guess", "/remote/guess"} {
			d := &fakeDevice{visit: device.Visit{AuthURL: "https://accounts.test/"}}
			if strings.Contains(path, "callback") {
				d.err = device.ErrLinkUnknown
			}
			h := newHandler(d)
			refused := 0
			for i := range 100 {
				w := askFrom(h, fmt.Sprintf("[2001:db8:1:2::%x]:5000", i+1), path)
				if w.Code != 429 {
					continue
				}
				if refused++; w.Header().Get("Retry-After") == "" {
					t.Error("it is not said when to come again")
				}
			}
			if refused < 100-guessBurst-10 {
				t.Errorf("%s: %d of 100 were refused", path, refused)
			}
			// A phone in the same network that knows the link is let in.
			for range 3 * guessBurst {
				if w := askFrom(h, "[2001:db8:1:2::ffff]:5000", "/pair/good"); w.Code != 303 {
					t.Fatalf("the right link: %d", w.Code)
				}
				if w := askFrom(h, "[2001:db8:1:2::ffff]:5000", "/remote/good"); w.Code != 200 {
					t.Fatalf("the right remote: %d", w.Code)
				}
			}
		}
	})
	t.Run("many at once", func(t *testing.T) {
		l := NewLimits()
		var leave []func()
		enter := func(remote string) bool {
			out, ok := l.enter(httpserve.ParseAddr(remote))
			if ok {
				leave = append(leave, out)
			}
			return ok
		}
		for i := range maxRequestsPerHost {
			if !enter(fmt.Sprintf("192.168.1.99:%d", i)) {
				t.Fatalf("one address: only %d at once", i)
			}
		}
		if enter("192.168.1.99:1") {
			t.Error("one address holds too many")
		}
		for i := range maxRequests - maxRequestsPerHost {
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
		for i := range 10 * maxHosts {
			out, ok := l.enter(httpserve.ParseAddr(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)))
			if !ok {
				t.Fatal("nobody is let in any more")
			}
			out()
		}
		if l.hosts.Len() > maxHosts || l.requests != 0 {
			t.Errorf("%d addresses are remembered, %d requests", l.hosts.Len(), l.requests)
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
			if w.Code != 403 || d.answer != nil || d.wish.Verb != "" {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
	})
}

// Who sends a form, or reads a page, slowly on purpose has some maxAnswerTime and no
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
				l, done, ended := pipelisten.New(), make(chan struct{}), make(chan struct{})
				h := &handler{lang: words.English, limits: NewLimits()}
				srv := &http.Server{Handler: h.bounded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { defer close(done); tt.next(w, r) }))}
				go func() { defer close(ended); srv.Serve(l) }()
				near := l.Dial()
				if _, err := io.WriteString(near, tt.text); err != nil {
					t.Fatal(err)
				}
				select {
				case <-done:
				case <-time.After(maxAnswerTime + time.Second):
					t.Errorf("still there after %v", maxAnswerTime)
				}
				near.Close()
				l.Close()
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

// The relay page has every text that its script shows, in every language.
func TestRelayPageTexts(t *testing.T) {
	page := string(RelayPage())
	m := regexp.MustCompile(`(?s)<script type="application/json" id="texts">(.*?)</script>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("no texts")
	}
	var texts map[string]map[string]string
	if err := json.Unmarshal([]byte(m[1]), &texts); err != nil {
		t.Fatal(err)
	}
	if len(texts) != len(words.Languages()) || texts["ar"]["dir"] != "rtl" || texts["en"]["dir"] != "ltr" {
		t.Errorf("%v", texts)
	}
	script := page[strings.LastIndex(page, "<script>"):]
	keys := []string{"go_on.title", "go_on.text", "declined.title", "declined.text", "refused.title", "refused.text", "button", "back", "dir"}
	for _, use := range regexp.MustCompile(`(?:say\("\w+", |texts\.)"?(\w+)`).FindAllStringSubmatch(script, -1) {
		if use[1] != "key" && use[1] != "answered" {
			keys = append(keys, use[1])
		}
	}
	for _, use := range regexp.MustCompile(`explain\("(\w+)"\)`).FindAllStringSubmatch(script, -1) {
		keys = append(keys, use[1]+".title", use[1]+".text")
	}
	if len(keys) < 18 {
		t.Errorf("only %v", keys)
	}
	for code, all := range texts {
		for _, k := range keys {
			if all[k] == "" || strings.Contains(strings.NewReplacer("{name}", "", "{host}", "").Replace(all[k]), "{") {
				t.Errorf("%s: %s is %q", code, k, all[k])
			}
		}
		w, err := words.For(code)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(`<p lang=%q dir=%q>%s</p>`, code, all["dir"], w.Say("relay.no_script")); !strings.Contains(page, want) {
			t.Errorf("without JavaScript there is no %s", want)
		}
	}
	if strings.Contains(page, "{{") {
		t.Error("a placeholder is left")
	}
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
